"""Digits: planes, lines, rays and a chain of a small network, tried on the embedded data.

No figure of the paper. Expected time: 5 minutes on two cores (an estimate, not measured).
"""

from dataclasses import replace

from mc_tf.experiments import (
    Chain,
    Connect,
    Data,
    Experiment,
    Film,
    Grid,
    Network,
    Surface,
    SurfaceFigures,
    Train,
    average,
    checkpoint,
    last,
    members,
)
from mc_tf.training import TrainingOptions

DATA = Data("digits")


def experiment(
    network=Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=20, learning_rate=0.05, batch_size=64, seed=1),
    curve_training=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=64, seed=3),
    grid=Grid(seed=1),
    num_points=61,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("a", network, training, score=True),
        Train("b", network, replace(training, seed=2), score=True),
        Train("c", network, replace(training, seed=3), score=True),
        Train(
            "swa",
            checkpoint("a", 10),
            replace(
                training,
                epochs=5,
                schedule="linear_cycle",
                cycle_epochs=1,
                learning_rate=0.05,
                min_learning_rate=0.05,
                snapshots=True,
                swa_start=0,
            ),
            score=True,
        ),
        Connect(
            "bezier",
            last("a"),
            last("b"),
            "bezier",
            replace(curve_training, keep_every=1),
            num_points=num_points,
            num_train=grid.num_train,
        ),
        Chain("chain", (members("swa"),), num_points=num_points, num_train=grid.num_train),
        Surface(
            "surfaces/optima",
            "plane",
            (
                last("a"),
                last("b"),
                last("c"),
            ),
            grid=grid,
        ),
        Surface("surfaces/bezier", "curve_plane", curve="bezier", grid=grid),
        Surface("surfaces/line", "line", {"a": last("a"), "SWA": average("swa")}, grid=grid),
        Surface("surfaces/rays", "rays", (average("swa"),), grid=grid),
        Surface("surfaces/random", "random_plane", (last("a"),), grid=grid),
        Film("film", "surfaces/bezier"),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="Digits")


SMOKE = {"network": Network("fc", weight_decay=0.0005)}
