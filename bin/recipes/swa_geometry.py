"""Averaging weights (arXiv 1803.05407), figures 1 to 5, without numbers: where SWA lies.

The plane of three averaged networks with their mean; the plane of SGD, SWA and the network at the
start of averaging; random rays from SGD and SWA; the line through both, extended beyond both ends.
"""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.experiments.papers import MNIST_FC, RESNET164, row


def where_swa_lies(network, training, start, swa, shown, grid, chain_points=None):
    """SGD, averages from one of its epochs on, surfaces through both, and optionally a chain."""
    averaging = replace(ex.swa_training(training, **swa), snapshots=True)
    begin = ex.checkpoint("sgd", start)
    sgd, averaged = {"SGD": ex.last("sgd")}, {"SWA": ex.average("swa")}
    of_members = {f"member {number}": ex.member("swa", number) for number in shown}
    of_averages = {f"SGD after {start} epochs": begin, **sgd, **averaged}
    chain = []
    if chain_points:
        evaluated = {"num_points": chain_points, "num_train": grid.num_train}
        chain.append(ex.Chain("chain", (ex.members("swa"),), **evaluated))

    def surface(name, kind, networks, **more):
        return ex.Surface(f"surfaces/{name}", kind, networks, grid=grid, **more)

    return (
        ex.Train("sgd", network, training, score=True),
        ex.Train("swa", begin, averaging, score=True),
        *chain,
        surface("members", "plane", of_members, marks=averaged, mark_mean=True),
        surface("averages", "plane", of_averages),
        surface("line", "line", {**sgd, **averaged}),
        surface("rays_sgd", "rays", sgd),
        surface("rays_swa", "rays", averaged),
        ex.SurfaceFigures("figures"),
    )


swa_geometry_cifar100_resnet164 = ex.Recipe(
    "Where SWA lies, CIFAR-100: ResNet-164",
    **row(where_swa_lies, RESNET164, "cifar100", "12 hours"),
    grid=ex.Grid(line_points=31, margin=0.5, ray_length=30.0, seed=1),
    start=125,
    swa={"epochs": 25, "cycle_epochs": 1, "learning_rate": 0.05, "min_learning_rate": 0.05},
    shown=(1, 12, 24),
)

swa_geometry_mnist = ex.Recipe(
    "Where SWA lies, in small, MNIST: fully connected",
    where_swa_lies,
    cost="10 minutes on two cores",
    **MNIST_FC,
    grid=ex.Grid(line_points=21, margin=0.5, num_train=5000, num_test=10000, seed=1),
    start=10,
    swa={"epochs": 10, "cycle_epochs": 1, "learning_rate": 0.1, "min_learning_rate": 0.1},
    shown=(1, 5, 10),
    chain_points=37,
)
