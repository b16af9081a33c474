"""Averaging weights (arXiv 1803.05407): SGD, and averages at 1, 1.25 and 1.5 budgets."""

from mc_tf.experiments import Data, Network, Recipe, equal_budgets
from mc_tf.experiments.papers import IMAGENET_SMOKE, RESNET164, VGG16, WRN28X10, row
from mc_tf.training import TrainingOptions

_SGD_AND_SWA = {"methods": ("ind", "swa"), "budgets": 1}
_VGG16 = {
    **VGG16,
    **_SGD_AND_SWA,
    "swa_epochs": (200, 250, 300),
    "swa": {"learning_rate": 0.01, "start": 161},
}
_RESNET164 = {**RESNET164, **_SGD_AND_SWA, "swa_epochs": (150, 188, 225)}
_WRN28X10 = {
    **WRN28X10,
    **_SGD_AND_SWA,
    "swa_epochs": (200, 250, 300),
    "swa": {"learning_rate": 0.05, "start": 161},
}

swa_cifar10_vgg16 = Recipe(
    "Averaging weights, CIFAR-10: VGG-16",
    **row(equal_budgets, _VGG16, "cifar10", "2 hours"),
    targets={"ind-1": 6.75, "swa-1": 6.41, "swa-1.25": 6.3, "swa-1.5": 6.36},
)

swa_cifar10_resnet164 = Recipe(
    "Averaging weights, CIFAR-10: ResNet-164",
    **row(equal_budgets, _RESNET164, "cifar10", "12 hours"),
    swa={"learning_rate": 0.01, "start": 126},
    targets={"ind-1": 4.72, "swa-1": 4.44, "swa-1.25": 4.23, "swa-1.5": 4.17},
)

swa_cifar10_wrn28x10 = Recipe(
    "Averaging weights, CIFAR-10: WRN-28-10",
    **row(equal_budgets, _WRN28X10, "cifar10", "30 hours"),
    targets={"ind-1": 3.82, "swa-1": 3.55, "swa-1.25": 3.36, "swa-1.5": 3.21},
)

# SGD for a whole budget, then averages in cycles for a quarter and a half of a budget. The training
# is as for Shake-Shake (half a cosine), but without Nesterov momentum. The paper says only that its
# cycles are long and have small rates; length and rates are ours.
swa_cifar10_shakeshake26x64 = Recipe(
    "Averaging weights, CIFAR-10: Shake-Shake 26 2x64d",
    **row(equal_budgets, _SGD_AND_SWA, "cifar10", "100 hours"),
    network=Network("shakeshake26x64", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=1800, learning_rate=0.2, seed=1, schedule="cosine_cycle", cycle_epochs=1800
    ),
    swa_epochs=(450, 900),
    swa={"learning_rate": 0.01, "cycle_epochs": 50, "min_learning_rate": 0.0001},
    pretraining=1800,
    targets={"ind-1": 3.07, "swa-1.25": 2.84, "swa-1.5": 2.88},
    smoke={"network": Network("shakeshake8x8", weight_decay=0.0001)},
)

swa_cifar100_vgg16 = Recipe(
    "Averaging weights, CIFAR-100: VGG-16",
    **row(equal_budgets, _VGG16, "cifar100", "2 hours"),
    targets={"ind-1": 27.45, "swa-1": 26.09, "swa-1.25": 25.83, "swa-1.5": 25.73},
)

swa_cifar100_resnet164 = Recipe(
    "Averaging weights, CIFAR-100: ResNet-164",
    **row(equal_budgets, _RESNET164, "cifar100", "12 hours"),
    swa={"learning_rate": 0.05, "start": 126},
    targets={"ind-1": 21.51, "swa-1": 20.23, "swa-1.25": 19.82, "swa-1.5": 19.65},
)

swa_cifar100_wrn28x10 = Recipe(
    "Averaging weights, CIFAR-100: WRN-28-10",
    **row(equal_budgets, _WRN28X10, "cifar100", "30 hours"),
    targets={"ind-1": 19.18, "swa-1": 18.54, "swa-1.25": 18.09, "swa-1.5": 17.85},
)

# Bottleneck, alpha 200. SGD for a whole budget, then averages in cycles for a quarter and a half of
# a budget. The training is as for PyramidNet, but without Nesterov momentum. The length and rates
# of the cycle are ours, because we do not know the paper's.
swa_cifar100_pyramidnet272 = Recipe(
    "Averaging weights, CIFAR-100: PyramidNet-272",
    **row(equal_budgets, _SGD_AND_SWA, "cifar100", "150 hours"),
    network=Network("pyramidnet272", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=300, learning_rate=0.5, seed=1, schedule="step", decay_epochs=(150, 225)
    ),
    swa_epochs=(75, 150),
    swa={"learning_rate": 0.05, "cycle_epochs": 5, "min_learning_rate": 0.001},
    pretraining=300,
    targets={"ind-1": 16.59, "swa-1.25": 16.07, "swa-1.5": 15.84},
    smoke={"network": Network("pyramidnet11", options={"alpha": 12}, weight_decay=0.0001)},
)

# SGD at a constant rate, with weights averaged from epoch 140 on: the average and the network at
# that time. The paper shows this as a figure, without numbers.
swa_constant_cifar100_wrn28x10 = Recipe(
    "Averaging weights, CIFAR-100: WRN-28-10 at a constant rate",
    **row(equal_budgets, WRN28X10, "cifar100", "15 hours"),
    methods=("swa",),
    swa_epochs=(145, 150, 160, 180, 200, 250, 300),
    swa={"learning_rate": 0.1, "start": 140},
)

# On ImageNet, pass --set=network.initial_weights=FILE with weights of keras.applications (it has
# none for DenseNet-161; the published numbers started from PyTorch's). Without it, the weights are
# random. The averages are after five and ten epochs, here half a budget and one budget. We do not
# know the paper's rates: the cycle is the FGE cycle on ImageNet, in one epoch.
_IMAGENET = {
    "training": TrainingOptions(
        epochs=10, learning_rate=0.05, batch_size=256, seed=1, precision="mixed_bfloat16"
    ),
    "methods": ("swa",),
    "swa_epochs": (5, 10),
    "swa": {"learning_rate": 0.001, "cycle_epochs": 1, "min_learning_rate": 1e-05},
    "pretraining": 0,
    "eval_batch_size": 200,
    "smoke": IMAGENET_SMOKE,
}

swa_imagenet_resnet50 = Recipe(
    "Averaging weights, ImageNet: ResNet-50 from given weights",
    **row(equal_budgets, _IMAGENET, "imagenet2012", "10 hours"),
    network=Network("imagenet_resnet50", weight_decay=0.0001),
    targets={"start": 23.85, "swa-0.5": 23.17, "swa-1": 23.03},
)

swa_imagenet_resnet152 = Recipe(
    "Averaging weights, ImageNet: ResNet-152 from given weights",
    **row(equal_budgets, _IMAGENET, "imagenet2012", "24 hours"),
    network=Network("imagenet_resnet152", weight_decay=0.0001),
    targets={"start": 21.69, "swa-0.5": 21.18, "swa-1": 21.06},
)

_DENSENET = {
    "data": Data("imagenet2012", normalization="torch"),
    "smoke": {
        **IMAGENET_SMOKE,
        "data": Data("imagenet2012", normalization="torch", image_size=32),
    },
}

swa_imagenet_densenet161 = Recipe(
    "Averaging weights, ImageNet: DenseNet-161 from given weights",
    **row(equal_budgets, _IMAGENET | _DENSENET, "imagenet2012", "24 hours"),
    network=Network("densenet161", weight_decay=0.0001),
    targets={"start": 22.35, "swa-0.5": 21.74, "swa-1": 21.56},
)
