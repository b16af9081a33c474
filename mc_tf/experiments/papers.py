"""Networks of the papers with their trainings, as settings of recipes.

Rates, epochs and weight decay come from the reference implementation. A smoke run has a small
network of the same family, where there is one. `..._CURVES` are settings of recipes with curves.
"""

from mc_tf.experiments.recipes import Data
from mc_tf.experiments.steps.step import Network
from mc_tf.training import TrainingOptions


def row(make, settings, dataset, duration, **more):
    """Returns the arguments of a recipe of the paper, besides its title, from settings below.

    Args:
        make: function of settings that returns a tuple of steps, such as `two_networks`.
        settings: dict, such as `VGG16`.
        dataset: name of the data set. VGG-16 has its own normalization, as in the reference.
        duration: estimate, such as `"5 hours"`.
        **more: other arguments.
    """
    normalization = "vgg" if settings.get("network") == VGG16["network"] else None
    return {
        "make": make,
        "data": Data(dataset, normalization=normalization),
        "cost": f"{duration} on one recent data-center GPU (an estimate)",
        **settings,
        **more,
    }


VGG16 = {
    "network": Network("vgg16", weight_decay=0.0005),
    "training": TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    "smoke": {"network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)},
}
VGG16_CURVES = {
    **VGG16,
    "curve_training": TrainingOptions(epochs=600, learning_rate=0.015, seed=3),
}
CONV3FC3_CURVES = {**VGG16_CURVES, "network": Network("3conv3fc", weight_decay=0.0005)}

RESNET164 = {
    "network": Network("preresnet164", weight_decay=0.0003),
    "training": TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    "smoke": {"network": Network("preresnet8", weight_decay=0.0003)},
}
RESNET164_CURVES = {
    **RESNET164,
    "curve_training": TrainingOptions(epochs=200, learning_rate=0.03, seed=3),
}

WRN28X10 = {
    "network": Network("wrn28x10", weight_decay=0.0005),
    "training": TrainingOptions(epochs=200, learning_rate=0.1, seed=1),
    "smoke": {"network": Network("wrn10x1", weight_decay=0.0005)},
}
WRN28X10_CURVES = {**WRN28X10, "curve_training": RESNET164_CURVES["curve_training"]}

# Of Li et al. (2018), with pre-activation.
RESNET56 = {
    "network": Network("preresnet56", weight_decay=0.0005),
    "training": TrainingOptions(
        epochs=300, learning_rate=0.1, seed=1, schedule="step", decay_epochs=(150, 225, 275)
    ),
    "smoke": {"network": Network("preresnet8", weight_decay=0.0005)},
}

IMAGENET_SMOKE = {
    "network": Network("densenet161", options={"blocks": [1, 1]}, weight_decay=0.0001),
    "data": Data("imagenet2012", image_size=32),
}

# In small, on two cores.
MNIST_TRAINING = TrainingOptions(
    epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
)
MNIST_FC = {
    "data": Data("mnist"),
    "network": Network("fc", weight_decay=0.0005),
    "training": MNIST_TRAINING,
}

# Of Table 2, which gives neither rates nor epochs. We chose ours so that the train loss of the
# endpoints is near the paper's.
MNIST_FC_CURVES = {
    "data": Data("mnist"),
    "network": Network("fc", weight_decay=2e-05),
    "training": TrainingOptions(epochs=30, learning_rate=0.05, seed=1),
    "curve_training": TrainingOptions(epochs=30, learning_rate=0.05),
}
