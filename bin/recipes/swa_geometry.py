"""Averaging weights (arXiv 1803.05407), figures 1 to 5, without numbers: where SWA lies.

The plane of three averaged networks with their mean; the plane of SGD, SWA and the network at the
start of averaging; random rays from SGD and SWA; the line through both, extended beyond both ends.
"""

from dataclasses import replace

from mc_tf.experiments import (
    Chain,
    Data,
    Grid,
    Network,
    Recipe,
    Surface,
    SurfaceFigures,
    Train,
    average,
    checkpoint,
    last,
    member,
    members,
    swa_training,
)
from mc_tf.training import TrainingOptions


def where_swa_lies(network, training, start, swa, shown, grid, chain_points=None):
    """SGD, averages from one of its epochs on, surfaces through both, and optionally a chain."""
    averaging = replace(swa_training(training, **swa), snapshots=True)
    both = {"SGD": last("sgd"), "SWA": average("swa")}
    steps = [
        Train("sgd", network, training, score=True),
        Train("swa", checkpoint("sgd", start), averaging, score=True),
    ]
    if chain_points:
        chain = {"num_points": chain_points, "num_train": grid.num_train}
        steps.append(Chain("chain", (members("swa"),), **chain))
    return (
        *steps,
        Surface(
            "surfaces/members",
            "plane",
            {f"member {number}": member("swa", number) for number in shown},
            marks={"SWA": average("swa")},
            mark_mean=True,
            grid=grid,
        ),
        Surface(
            "surfaces/averages",
            "plane",
            {f"SGD after {start} epochs": checkpoint("sgd", start), **both},
            grid=grid,
        ),
        Surface("surfaces/line", "line", both, grid=grid),
        Surface("surfaces/rays_sgd", "rays", {"SGD": last("sgd")}, grid=grid),
        Surface("surfaces/rays_swa", "rays", {"SWA": average("swa")}, grid=grid),
        SurfaceFigures("figures"),
    )


swa_geometry_cifar100_resnet164 = Recipe(
    "Where SWA lies, CIFAR-100: ResNet-164",
    where_swa_lies,
    Data("cifar100"),
    cost="12 hours on one recent data-center GPU (an estimate)",
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    grid=Grid(line_points=31, margin=0.5, ray_length=30.0, seed=1),
    start=125,
    swa={"epochs": 25, "cycle_epochs": 1, "learning_rate": 0.05, "min_learning_rate": 0.05},
    shown=(1, 12, 24),
    smoke={"network": Network("preresnet8", weight_decay=0.0003)},
)

swa_geometry_mnist = Recipe(
    "Where SWA lies, in small, MNIST: fully connected",
    where_swa_lies,
    Data("mnist"),
    cost="10 minutes on two cores",
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    grid=Grid(line_points=21, margin=0.5, num_train=5000, num_test=10000, seed=1),
    start=10,
    swa={"epochs": 10, "cycle_epochs": 1, "learning_rate": 0.1, "min_learning_rate": 0.1},
    shown=(1, 5, 10),
    chain_points=37,
)
