"""Regression with one input (the paper's blog): a plane with a curve, and the functions along it.

The figure has no numbers; data and network are ours. Expected time: 1 minute on two cores.
"""

from dataclasses import replace

from mc_tf.experiments import (
    Connect,
    Data,
    Experiment,
    Grid,
    Network,
    Surface,
    SurfaceFigures,
    Train,
    last,
)
from mc_tf.training import TrainingOptions

DATA = Data("regression")


def experiment(
    network=Network("fc", options={"units": [50, 50, 50]}),
    training=TrainingOptions(
        epochs=400, learning_rate=0.03, batch_size=12, seed=1, steps_per_execution=5, save_every=100
    ),
    curve_training=TrainingOptions(
        epochs=400, learning_rate=0.03, batch_size=12, seed=3, steps_per_execution=5, save_every=100
    ),
    grid=Grid(shape=41, margin=0.3, seed=1),
    num_points=61,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("a", network, training, score=True),
        Train("b", network, replace(training, seed=2), score=True),
        Connect(
            "bezier",
            last("a"),
            last("b"),
            "bezier",
            curve_training,
            num_points=num_points,
            num_train=grid.num_train,
        ),
        Surface("surfaces/bezier", "curve_plane", curve="bezier", grid=grid),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="Regression with one input")
