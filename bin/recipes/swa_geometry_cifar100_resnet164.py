"""Averaging weights (arXiv 1803.05407), figures 1 to 5, CIFAR-100: ResNet-164, where SWA lies.

The plane of three of the averaged networks with their mean; of SGD and SWA with the network where
averaging began; random rays from both; the line through both, beyond both ends. The figures have
no numbers. Expected time on one recent data-centre GPU: 12 hours (an estimate, not measured).
"""

from dataclasses import replace

from mc_tf.experiments import (
    Data,
    Experiment,
    Grid,
    Network,
    Surface,
    SurfaceFigures,
    Train,
    average,
    checkpoint,
    last,
    member,
)
from mc_tf.training import TrainingOptions

DATA = Data("cifar100")


def experiment(
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    grid=Grid(line_points=31, margin=0.5, ray_length=30.0, seed=1),
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("sgd", network, training, score=True),
        Train(
            "swa",
            checkpoint("sgd", 125),
            replace(
                training,
                epochs=25,
                schedule="linear_cycle",
                cycle_epochs=1,
                learning_rate=0.05,
                min_learning_rate=0.05,
                snapshots=True,
                swa_start=0,
            ),
            score=True,
        ),
        Surface(
            "surfaces/members",
            "plane",
            {
                "member 1": member("swa", 1),
                "member 12": member("swa", 12),
                "member 24": member("swa", 24),
            },
            marks={"SWA": average("swa")},
            mark_mean=True,
            grid=grid,
        ),
        Surface(
            "surfaces/averages",
            "plane",
            {
                "SGD after 125 epochs": checkpoint("sgd", 125),
                "SGD": last("sgd"),
                "SWA": average("swa"),
            },
            grid=grid,
        ),
        Surface("surfaces/line", "line", {"SGD": last("sgd"), "SWA": average("swa")}, grid=grid),
        Surface("surfaces/rays_sgd", "rays", {"SGD": last("sgd")}, grid=grid),
        Surface("surfaces/rays_swa", "rays", {"SWA": average("swa")}, grid=grid),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="CIFAR-100, ResNet-164")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0003)}
