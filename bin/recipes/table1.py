"""Table 1: independent networks, snapshot ensembles and FGE at equal budgets."""

from dataclasses import replace

from mc_tf.experiments import Data, Network, Recipe, equal_budgets
from mc_tf.experiments.papers import (
    IMAGENET_SMOKE,
    MNIST_FC,
    MNIST_TRAINING,
    RESNET164,
    VGG16,
    WRN28X10,
    row,
)
from mc_tf.training import TrainingOptions


def _errors(**methods):
    """Published test errors, by budgets."""
    return {
        f"{method}-{budgets}": error
        for method, errors in methods.items()
        for budgets, error in enumerate(errors, start=1)
    }


def _two_budgets(settings):
    return settings | {"smoke": {"budgets": 2, **settings["smoke"]}}


_FGE = {"epochs": 22, "cycle_epochs": 4, "max_learning_rate": 0.05, "min_learning_rate": 0.0005}
_VGG16 = {
    **_two_budgets(VGG16),
    "sse_cycles": 5,
    "fge_starts": (120, 156),
    "fge": {**_FGE, "cycle_epochs": 2, "max_learning_rate": 0.01},
}
_RESNET164 = {**_two_budgets(RESNET164), "sse_cycles": 4, "fge_starts": (125,), "fge": _FGE}
_WRN28X10 = {**_two_budgets(WRN28X10), "sse_cycles": 5, "fge_starts": (120, 156), "fge": _FGE}

table1_cifar10_vgg16 = Recipe(
    "Table 1, CIFAR-10: VGG-16",
    **row(equal_budgets, _VGG16, "cifar10", "5 hours"),
    targets=_errors(ind=(6.75, 5.89, 5.9), sse=(6.57, 6.19, 5.95), fge=(6.48, 5.82, 5.66)),
)

table1_cifar10_resnet164 = Recipe(
    "Table 1, CIFAR-10: ResNet-164",
    **row(equal_budgets, _RESNET164, "cifar10", "25 hours"),
    targets=_errors(ind=(4.72, 4.1, 3.77), sse=(4.66, 4.37, 4.3), fge=(4.54, 4.21, 3.98)),
)

table1_cifar10_wrn28x10 = Recipe(
    "Table 1, CIFAR-10: WRN-28-10",
    **row(equal_budgets, _WRN28X10, "cifar10", "60 hours"),
    targets=_errors(ind=(3.82, 3.4, 3.31), sse=(3.73, 3.54, 3.55), fge=(3.65, 3.38, 3.52)),
)

table1_cifar100_vgg16 = Recipe(
    "Table 1, CIFAR-100: VGG-16",
    **row(equal_budgets, _VGG16, "cifar100", "5 hours"),
    targets=_errors(ind=(27.4, 25.28, 24.45), sse=(26.4, 25.16, 24.69), fge=(25.7, 24.11, 23.54)),
)

# Also figure 3 (learning rate, test error and distance by iteration; error of the ensembles against
# epochs), and how often two of the networks predict different classes (section 5.1).
table1_cifar100_resnet164 = Recipe(
    "Table 1, CIFAR-100: ResNet-164",
    **row(equal_budgets, _RESNET164, "cifar100", "25 hours", fge={**_FGE, "trajectory_every": 46}),
    targets={
        **_errors(ind=(21.5, 19.04, 18.59), sse=(20.9, 19.28, 18.91), fge=(20.2, 18.67, 18.21)),
        "ind": {"disagreement": 19.97},
        "fge": {"disagreement": 14.57, "distance_from_previous": 7.0},
        "sse": {"distance_from_previous": 40.0},
    },
)

table1_cifar100_wrn28x10 = Recipe(
    "Table 1, CIFAR-100: WRN-28-10",
    **row(equal_budgets, _WRN28X10, "cifar100", "60 hours"),
    targets=_errors(ind=(19.2, 17.48, 17.01), sse=(17.9, 17.3, 16.97), fge=(17.7, 16.95, 16.88)),
)

# Pass --set=network.initial_weights=FILE with weights of keras.applications.ResNet50 (the published
# numbers started from PyTorch's). Without it, the weights are random. There are five epochs. The
# network with the initial weights is a member.
fge_imagenet_resnet50 = Recipe(
    "Section 5.3, ImageNet: FGE of ResNet-50 from given weights",
    equal_budgets,
    Data("imagenet2012"),
    cost="6 hours on one recent data-center GPU (an estimate)",
    network=Network("imagenet_resnet50", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=30, learning_rate=0.05, batch_size=256, seed=1, precision="mixed_bfloat16"
    ),
    methods=("fge",),
    budgets=1,
    fge_starts=(0,),
    fge={"epochs": 5, "cycle_epochs": 2, "max_learning_rate": 0.001, "min_learning_rate": 1e-05},
    include_start=True,
    eval_batch_size=200,
    targets={"start": 23.87, "fge-1": 23.31},
    smoke=IMAGENET_SMOKE,
)

# Not a row of the paper. There are three repetitions with different seeds. Each method has the best
# of three settings on the validation part (see RESULTS.md).
mnist_ensembles = Recipe(
    "Table 1 and SWA in small, MNIST: fully connected",
    equal_budgets,
    cost="30 minutes on two cores",
    **MNIST_FC | {"training": replace(MNIST_TRAINING, learning_rate=0.1)},
    methods=("ind", "sse", "fge", "swa", "sgd"),
    repetitions=3,
    sse_cycles=5,
    fge_starts=(10,),
    fge={"epochs": 10, "cycle_epochs": 2, "max_learning_rate": 0.1, "min_learning_rate": 0.0005},
    swa_epochs=(20, 25, 30),
    swa={"learning_rate": 0.1, "start": 10},
    smoke={"budgets": 2, "repetitions": 1},
)
