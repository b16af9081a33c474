"""Loss planes (figure 1) of small networks, MNIST: optima, a Bezier curve, a chain, a film.

No figure of the paper. Expected time: 25 minutes on two cores without an accelerator.
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

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=2e-05),
    training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    curve_training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=3, steps_per_execution=40
    ),
    grid=Grid(shape=31, num_train=5000, num_test=10000, seed=1),
    num_points=31,
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
            replace(curve_training, keep_every=1),
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
        Film("film", "surfaces/bezier"),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="MNIST, fully connected")
