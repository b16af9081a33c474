"""The blog's film, CIFAR-10: a curve between ResNet-20 without skip connections is trained.

A frame an epoch: the plane of the curve as it is then. (The blog says neither rates nor epochs;
these are ours, and the network is a pre-activation one.) Expected time on one recent data-centre
GPU: 10 hours (an estimate, not measured).
"""

from dataclasses import replace

from mc_tf.experiments import (
    Connect,
    Data,
    Experiment,
    Film,
    Grid,
    Network,
    Surface,
    SurfaceFigures,
    Train,
    last,
)
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("preresnet20", options={"skip_connections": False}, weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=60, learning_rate=0.01, seed=3),
    grid=Grid(shape=61, num_train=10000, seed=1),
    num_points=61,
    max_loss=10.0,
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
            replace(curve_training, keep_every=1),
            num_points=num_points,
            num_train=grid.num_train,
        ),
        Surface("surfaces/bezier", "curve_plane", curve="bezier", grid=grid),
        Film("film", "surfaces/bezier", shape=31, maximum=max_loss),
        SurfaceFigures("figures", maximum=max_loss),
    )
    return Experiment(steps, title="CIFAR-10, ResNet-20 without skip connections")


SMOKE = {"network": Network("preresnet8", options={"skip_connections": False}, weight_decay=0.0003)}
