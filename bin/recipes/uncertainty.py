"""What networks and ensembles of equal cost know of their own errors; see also digits.py."""

from dataclasses import replace

from mc_tf.experiments import Data, Network, Recipe, uncertainty_at_equal_cost
from mc_tf.experiments.papers import MNIST_FC, MNIST_TRAINING
from mc_tf.training import TrainingOptions

_FGE = {"cycle_epochs": 2, "min_learning_rate": 0.0005}
_ESPRO = {"num_vertices": 2, "num_samples": 4, "evaluate_each": False}
_FEW = {"repetitions": 1, "curve_points": 3}

# Rates as in mnist_ensembles; SWA's and the temperature are chosen on the validation part.
# Out of distribution: CIFAR-10, grey, at 28 x 28 pixels.
uncertainty_mnist = Recipe(
    "MNIST: what networks and ensembles know of their own errors",
    uncertainty_at_equal_cost,
    cost="30 minutes on one core (an estimate)",
    **MNIST_FC | {"training": replace(MNIST_TRAINING, epochs=6, learning_rate=0.1)},
    sse_cycles=3,
    fge_start=2,
    fge={**_FGE, "epochs": 4, "max_learning_rate": 0.1},
    swa={"learning_rate": 0.05, "start": 8},
    espro=_ESPRO | {"epochs": 4, "training": replace(MNIST_TRAINING, epochs=1, learning_rate=0.05)},
    curve_points=12,
    subspace={"dimensions": 5, "temperature": 10.0, "num_train": 5000},
    repetitions=3,
    outside="cifar10",
    num_corrupted=500,
    num_outside=2000,
    smoke={**_FEW, "network": Network("fc", options={"units": [8]}, weight_decay=0.0005)},
)

# Out of distribution: MNIST, in color.
uncertainty_cifar10 = Recipe(
    "CIFAR-10: what networks and ensembles know of their own errors",
    uncertainty_at_equal_cost,
    Data("cifar10"),
    cost="12 hours on two cores (an estimate)",
    network=Network("preresnet20", weight_decay=0.0003),
    training=TrainingOptions(epochs=24, learning_rate=0.1, seed=1),
    sse_cycles=4,
    fge_start=18,
    fge={**_FGE, "epochs": 6, "max_learning_rate": 0.05},
    swa={"learning_rate": 0.05, "start": 52},
    espro=_ESPRO | {"epochs": 16, "training": TrainingOptions(epochs=4, learning_rate=0.05)},
    curve_points=12,
    subspace={"dimensions": 5, "temperature": 10.0, "num_train": 2000},
    outside="mnist",
    num_corrupted=500,
    num_outside=2000,
    smoke={**_FEW, "network": Network("preresnet8", weight_decay=0.0003)},
)
