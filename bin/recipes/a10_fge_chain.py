"""Section A.10: the chain through the members of an FGE ensemble.

The figures of the paper have no numbers. The train loss is lower between the members than at them.
"""

from mc_tf.experiments import (
    Chain,
    Data,
    Grid,
    Network,
    Recipe,
    Surface,
    SurfaceFigures,
    Train,
    checkpoint,
    fge_training,
    member,
    members,
)
from mc_tf.training import TrainingOptions


def chain_of_members(network, training, fge_start, fge, grid, num_points):
    """A training run, FGE cycles from one of its epochs, the chain and plane of the members."""
    return (
        Train("sgd", network, training, score=True),
        Train("fge", checkpoint("sgd", fge_start), fge_training(training, **fge), score=True),
        Chain("chain", (members("fge"),), num_points=num_points, num_train=grid.num_train),
        Surface(
            "surfaces/members",
            "plane",
            {f"member {number}": member("fge", number) for number in (1, 3, 5)},
            mark_mean=True,
            grid=grid,
        ),
        SurfaceFigures("figures"),
    )


a10_fge_chain_cifar100_resnet164 = Recipe(
    "Section A.10, CIFAR-100: chain of FGE members, ResNet-164",
    chain_of_members,
    Data("cifar100"),
    cost="5 hours on one recent data-center GPU (an estimate)",
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    grid=Grid(seed=1),
    fge_start=125,
    fge={"epochs": 22, "cycle_epochs": 4, "max_learning_rate": 0.05, "min_learning_rate": 0.0005},
    num_points=61,
    smoke={"network": Network("preresnet8", weight_decay=0.0003)},
)

a10_fge_chain_mnist = Recipe(
    "Section A.10 in small, MNIST: chain of FGE members",
    chain_of_members,
    Data("mnist"),
    cost="7 minutes on two cores",
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    grid=Grid(num_train=10000, seed=1),
    fge_start=10,
    fge={"epochs": 10, "cycle_epochs": 2, "max_learning_rate": 0.1, "min_learning_rate": 0.0005},
    num_points=41,
)
