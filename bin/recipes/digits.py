"""Embedded digits: every kind of experiment in miniature, on any machine."""

from dataclasses import replace

from mc_tf.experiments import (
    Chain,
    Connect,
    Data,
    Film,
    Grid,
    Network,
    Recipe,
    Surface,
    SurfaceFigures,
    Train,
    average,
    checkpoint,
    equal_budgets,
    last,
    members,
    swa_training,
    two_networks,
)
from mc_tf.training import TrainingOptions


def planes(network, training, curve_training, grid, num_points=61):
    """Each kind of surface, a curve, its film, and a chain."""
    evaluated = {"num_points": num_points, "num_train": grid.num_train}
    swa = {"learning_rate": 0.05, "cycle_epochs": 1, "min_learning_rate": 0.05}
    averaging = replace(swa_training(training, 5, **swa), snapshots=True)
    curve = replace(curve_training, keep_every=1)
    return (
        Train("a", network, training, score=True),
        Train("b", network, replace(training, seed=2), score=True),
        Train("c", network, replace(training, seed=3), score=True),
        Train("swa", checkpoint("a", 10), averaging, score=True),
        Connect("bezier", last("a"), last("b"), "bezier", curve, **evaluated),
        Chain("chain", (members("swa"),), **evaluated),
        Surface("surfaces/optima", "plane", (last("a"), last("b"), last("c")), grid=grid),
        Surface("surfaces/bezier", "curve_plane", curve="bezier", grid=grid),
        Surface("surfaces/line", "line", {"a": last("a"), "SWA": average("swa")}, grid=grid),
        Surface("surfaces/rays", "rays", (average("swa"),), grid=grid),
        Surface("surfaces/random", "random_plane", (last("a"),), grid=grid),
        Film("film", "surfaces/bezier"),
        SurfaceFigures("figures"),
    )


# The demonstration in README.
digits = Recipe(
    "Digits: two networks joined by a curve",
    two_networks,
    Data("digits"),
    cost="3 minutes on two cores",
    network=Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=64, seed=1, save_every=10),
    curve_training=TrainingOptions(epochs=50, learning_rate=0.05, batch_size=64, save_every=10),
)

digits_ensembles = Recipe(
    "Digits: Table 1 and weight averaging in miniature",
    equal_budgets,
    Data("digits", use_test=False),
    cost="2 minutes on two cores",
    network=Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=40, learning_rate=0.05, seed=1),
    methods=("ind", "sse", "fge", "swa", "sgd"),
    sse_cycles=4,
    fge_starts=(32,),
    fge={
        "epochs": 8,
        "cycle_epochs": 2,
        "max_learning_rate": 0.05,
        "min_learning_rate": 0.0005,
        "trajectory_every": 4,
    },
    swa_epochs=(40, 50, 60),
    swa={"learning_rate": 0.02, "start": 32},
    smoke={"budgets": 2, "network": Network("fc", weight_decay=0.0005)},
)

digits_planes = Recipe(
    "Digits: planes, lines, rays and a chain",
    planes,
    Data("digits"),
    cost="5 minutes on two cores (an estimate)",
    network=Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=20, learning_rate=0.05, batch_size=64, seed=1),
    curve_training=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=64, seed=3),
    grid=Grid(seed=1),
    smoke={"network": Network("fc", weight_decay=0.0005)},
)
