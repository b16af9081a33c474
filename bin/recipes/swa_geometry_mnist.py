"""Averaging weights (arXiv 1803.05407), its figures in small, MNIST: where SWA lies.

No figure of the paper. Expected time: 10 minutes on two cores without an accelerator.
"""

from dataclasses import replace

from mc_tf.experiments import (
    Chain,
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
    members,
)
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    grid=Grid(line_points=21, margin=0.5, num_train=5000, num_test=10000, seed=1),
    num_points=37,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("sgd", network, training, score=True),
        Train(
            "swa",
            checkpoint("sgd", 10),
            replace(
                training,
                epochs=10,
                schedule="linear_cycle",
                cycle_epochs=1,
                learning_rate=0.1,
                min_learning_rate=0.1,
                snapshots=True,
                swa_start=0,
            ),
            score=True,
        ),
        Chain("chain", (members("swa"),), num_points=num_points, num_train=grid.num_train),
        Surface(
            "surfaces/members",
            "plane",
            {
                "member 1": member("swa", 1),
                "member 5": member("swa", 5),
                "member 10": member("swa", 10),
            },
            marks={"SWA": average("swa")},
            mark_mean=True,
            grid=grid,
        ),
        Surface(
            "surfaces/averages",
            "plane",
            {
                "SGD after 10 epochs": checkpoint("sgd", 10),
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
    return Experiment(steps, title="MNIST, fully connected")
