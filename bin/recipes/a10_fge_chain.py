"""Section A.10: the chain through the members of an FGE ensemble.

The figures of the paper have no numbers. The train loss is lower between the members than at them.
"""

import mc_tf.experiments as ex
from mc_tf.experiments.papers import MNIST_FC, RESNET164, row


def chain_of_members(network, training, fge_start, fge, grid, num_points):
    """A training run, FGE cycles from one of its epochs, the chain and plane of the members."""
    cycles = ex.fge_training(training, **fge)
    shown = {f"member {number}": ex.member("fge", number) for number in (1, 3, 5)}
    return (
        ex.Train("sgd", network, training, score=True),
        ex.Train("fge", ex.checkpoint("sgd", fge_start), cycles, score=True),
        ex.Chain("chain", (ex.members("fge"),), num_points=num_points, num_train=grid.num_train),
        ex.Surface("surfaces/members", "plane", shown, mark_mean=True, grid=grid),
        ex.SurfaceFigures("figures"),
    )


a10_fge_chain_cifar100_resnet164 = ex.Recipe(
    "Section A.10, CIFAR-100: chain of FGE members, ResNet-164",
    **row(chain_of_members, RESNET164, "cifar100", "5 hours"),
    grid=ex.Grid(seed=1),
    fge_start=125,
    fge={"epochs": 22, "cycle_epochs": 4, "max_learning_rate": 0.05, "min_learning_rate": 0.0005},
    num_points=61,
)

a10_fge_chain_mnist = ex.Recipe(
    "Section A.10 in small, MNIST: chain of FGE members",
    chain_of_members,
    cost="7 minutes on two cores",
    **MNIST_FC,
    grid=ex.Grid(num_train=10000, seed=1),
    fge_start=10,
    fge={"epochs": 10, "cycle_epochs": 2, "max_learning_rate": 0.1, "min_learning_rate": 0.0005},
    num_points=41,
)
