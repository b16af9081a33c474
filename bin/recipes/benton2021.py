"""Simplexes of networks (arXiv 2102.13042): connected modes (SPRO), and ensembles (ESPRO)."""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.experiments.papers import MNIST_FC, MNIST_TRAINING, VGG16, row
from mc_tf.training import TrainingOptions

_VERTEX = TrainingOptions(epochs=10, learning_rate=0.01, seed=10)


def connected_modes(
    network,
    training,
    vertex_training,
    num_vertices,
    volume_weight,
    num_modes=4,
    num_samples=50,
    positions_per_batch=1,
):
    """Independent trainings, and connectors between them, added one after the other."""
    modes = [
        ex.Train(f"mode-{k}", network, replace(training, seed=training.seed + k))
        for k in range(num_modes)
    ]
    simplex = ex.AddVertices(
        "complex",
        vertex_training,
        tuple(ex.last(mode.name) for mode in modes),
        num_vertices,
        volume_weight,
        num_samples=num_samples,
        positions_per_batch=positions_per_batch,
        label="complex",
    )
    return (*modes, simplex, ex.Figure("simplex", "simplex", {"": simplex.name}))


# With the weight decay of Table 2: a larger one holds the networks between the modes back.
spro_mnist = ex.Recipe(
    "SPRO, MNIST: four independent networks and their connectors",
    connected_modes,
    ex.Data("mnist"),
    cost="20 minutes on two cores",
    network=ex.Network("fc", weight_decay=2e-05),
    training=replace(MNIST_TRAINING, epochs=10),
    vertex_training=replace(MNIST_TRAINING, epochs=20, seed=10),
    num_vertices=3,
    volume_weight=0.001,
    smoke={"network": ex.Network("fc", {"units": [16]}, weight_decay=0.0005)},
)

# The volume of the paper collapses after about ten connectors.
spro_cifar10_vgg16 = ex.Recipe(
    "SPRO, CIFAR-10, VGG-16: four independent networks and their connectors",
    **row(connected_modes, VGG16, "cifar10", "20 hours"),
    vertex_training=replace(_VERTEX, epochs=25),
    num_vertices=10,
    volume_weight=0.1,
    positions_per_batch=5,
)

# From one network: how the volume grows with the vertices.
simplex_digits = ex.Recipe(
    "Digits: a simplex that grows from one network",
    connected_modes,
    ex.Data("digits"),
    cost="5 minutes on two cores",
    network=ex.Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=64, seed=1),
    vertex_training=TrainingOptions(epochs=10, learning_rate=0.02, batch_size=64, seed=10),
    num_modes=1,
    num_vertices=10,
    num_samples=20,
    volume_weight=1.0,
    smoke={"network": ex.Network("fc", {"units": [16]}, weight_decay=0.0005)},
)

# Each method trains for the same number of epochs; of a budget, ESPRO leaves 6 of 15 epochs to the
# vertices.
espro_mnist = ex.Recipe(
    "ESPRO, MNIST: ensembles of equal cost",
    ex.equal_budgets,
    cost="40 minutes on two cores",
    **MNIST_FC | {"training": replace(MNIST_TRAINING, epochs=15, learning_rate=0.1)},
    methods=("ind", "sse", "fge", "espro"),
    sse_cycles=5,
    fge_starts=(9,),
    fge={"epochs": 6, "cycle_epochs": 2, "max_learning_rate": 0.1, "min_learning_rate": 0.0005},
    espro={
        "epochs": 9,
        "training": replace(MNIST_TRAINING, epochs=2),
        "num_vertices": 3,
        "num_samples": 10,
        "volume_weight": 1.0,
        "label": "espro",
        "evaluate_each": False,
    },
    smoke={"budgets": 2, "network": ex.Network("fc", {"units": [16]}, weight_decay=0.0005)},
)

_FGE = {"epochs": 8, "cycle_epochs": 2, "max_learning_rate": 0.05, "min_learning_rate": 0.0005}
_TRAINING = TrainingOptions(epochs=40, learning_rate=0.05, seed=1)
espro_digits = ex.Recipe(
    "ESPRO, digits: ensembles of equal cost",
    ex.equal_budgets,
    ex.Data("digits"),
    cost="15 minutes on two cores",
    network=ex.Network("convnet", weight_decay=0.0005),
    training=_TRAINING,
    methods=("ind", "sse", "fge", "espro"),
    repetitions=3,
    sse_cycles=4,
    fge_starts=(32,),
    fge=_FGE,
    espro={
        "epochs": 28,
        "training": replace(_TRAINING, epochs=4, learning_rate=0.02),
        "num_vertices": 3,
        "num_samples": 10,
        "volume_weight": 1.0,
        "label": "espro",
        "evaluate_each": False,
    },
    smoke={
        "budgets": 2,
        "repetitions": 1,
        "network": ex.Network("fc", {"units": [16]}, weight_decay=0.0005),
    },
)

# Table 1 of the paper: three simplexes of one network and three vertices each.
espro_cifar10_vgg16 = ex.Recipe(
    "ESPRO, CIFAR-10, VGG-16: ensembles of equal cost",
    **row(ex.equal_budgets, VGG16, "cifar10", "15 hours"),
    methods=("ind", "espro"),
    espro={
        "epochs": 170,
        "training": _VERTEX,
        "num_vertices": 3,
        "num_samples": 25,
        "volume_weight": 1e-6,
        "positions_per_batch": 5,
        "label": "espro",
        "evaluate_each": False,
    },
    targets={"ind-3": 6.2, "espro-3": 5.7},
)
