"""Embedded digits: every kind of experiment in miniature, on any machine."""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.training import TrainingOptions


def planes(network, training, curve_training, grid, num_points=61):
    """Each kind of surface, a curve, its film, and a chain."""
    evaluated = {"num_points": num_points, "num_train": grid.num_train}
    swa = {"learning_rate": 0.05, "cycle_epochs": 1, "min_learning_rate": 0.05}
    averaging = replace(ex.swa_training(training, 5, **swa), snapshots=True)
    curve = replace(curve_training, keep_every=1)
    ends = {"a": ex.last("a"), "SWA": ex.average("swa")}
    return (
        ex.Train("a", network, training, score=True),
        ex.Train("b", network, replace(training, seed=2), score=True),
        ex.Train("c", network, replace(training, seed=3), score=True),
        ex.Train("swa", ex.checkpoint("a", 10), averaging, score=True),
        ex.Connect("bezier", ex.last("a"), ex.last("b"), "bezier", curve, **evaluated),
        ex.Chain("chain", (ex.members("swa"),), **evaluated),
        ex.Surface("surfaces/optima", "plane", tuple(map(ex.last, "abc")), grid=grid),
        ex.Surface("surfaces/bezier", "curve_plane", curve="bezier", grid=grid),
        ex.Surface("surfaces/line", "line", ends, grid=grid),
        ex.Surface("surfaces/rays", "rays", (ex.average("swa"),), grid=grid),
        ex.Surface("surfaces/random", "random_plane", (ex.last("a"),), grid=grid),
        ex.Film("film", "surfaces/bezier"),
        ex.SurfaceFigures("figures"),
    )


# The demonstration in README.
digits = ex.Recipe(
    "Digits: two networks joined by a curve",
    ex.two_networks,
    ex.Data("digits"),
    cost="3 minutes on two cores",
    network=ex.Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=64, seed=1, save_every=10),
    curve_training=TrainingOptions(epochs=50, learning_rate=0.05, batch_size=64, save_every=10),
)

_FGE = {"epochs": 8, "cycle_epochs": 2, "max_learning_rate": 0.05, "min_learning_rate": 0.0005}

digits_ensembles = ex.Recipe(
    "Digits: Table 1 and weight averaging in miniature",
    ex.equal_budgets,
    ex.Data("digits", use_test=False),
    cost="2 minutes on two cores",
    network=ex.Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=40, learning_rate=0.05, seed=1),
    methods=("ind", "sse", "fge", "swa", "sgd"),
    sse_cycles=4,
    fge_starts=(32,),
    fge=_FGE | {"trajectory_every": 4},
    swa_epochs=(40, 50, 60),
    swa={"learning_rate": 0.02, "start": 32},
    smoke={"budgets": 2, "network": ex.Network("fc", weight_decay=0.0005)},
)

# Each method trains for three budgets. In distribution: digits; out of it: MNIST at 8 x 8 pixels.
uncertainty_digits = ex.Recipe(
    "Digits: what networks and ensembles know of their own errors",
    ex.uncertainty_at_equal_cost,
    ex.Data("digits"),
    cost="15 minutes on two cores (an estimate)",
    network=ex.Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=40, learning_rate=0.05, seed=1),
    sse_cycles=4,
    fge_start=32,
    fge=_FGE,
    swa={"learning_rate": 0.02, "start": 96},
    espro={
        "epochs": 28,
        "training": TrainingOptions(epochs=6, learning_rate=0.02),
        "num_vertices": 2,
        "num_samples": 4,
        "evaluate_each": False,
    },
    curve_points=12,
    subspace={"dimensions": 5, "temperature": 10.0},
    repetitions=3,
    outside="mnist",
    num_corrupted=300,
    num_outside=2000,
    smoke={"repetitions": 1, "curve_points": 3, "network": ex.Network("fc", weight_decay=0.0005)},
)

digits_planes = ex.Recipe(
    "Digits: planes, lines, rays and a chain",
    planes,
    ex.Data("digits"),
    cost="5 minutes on two cores (an estimate)",
    network=ex.Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=20, learning_rate=0.05, batch_size=64, seed=1),
    curve_training=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=64, seed=3),
    grid=ex.Grid(seed=1),
    smoke={"network": ex.Network("fc", weight_decay=0.0005)},
)
