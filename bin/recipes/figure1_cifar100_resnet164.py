"""Figure 1, CIFAR-100: ResNet-164, planes through three optima, a Bezier curve and a chain.

The figure has no numbers. Expected time on one recent data-centre GPU: 30 hours (an estimate, not
measured).
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

DATA = Data("cifar100")


def experiment(
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    curve_training=TrainingOptions(epochs=200, learning_rate=0.03, seed=3),
    grid=Grid(seed=1),
    num_points=61,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("a", network, training, score=True),
        Train("b", network, replace(training, seed=2), score=True),
        Train("c", network, replace(training, seed=3), score=True),
        Connect(
            "bezier",
            last("a"),
            last("b"),
            "bezier",
            curve_training,
            num_points=num_points,
            num_train=grid.num_train,
        ),
        Connect(
            "polychain",
            last("a"),
            last("b"),
            "polychain",
            curve_training,
            num_points=num_points,
            num_train=grid.num_train,
        ),
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
        Surface("surfaces/polychain", "curve_plane", curve="polychain", grid=grid),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="CIFAR-100, ResNet-164")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0003)}
