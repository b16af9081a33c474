"""Li et al. 2018, section 7 in small, MNIST: the path of training in its principal directions.

No figure of the paper. Expected time: 2 minutes on two cores without an accelerator.
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
    trajectory,
)
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(epochs=10, learning_rate=0.05, batch_size=125, seed=1),
    grid=Grid(margin=0.3, num_train=5000, num_test=5000, seed=1),
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("sgd", network, replace(training, trajectory_every=240), score=True),
        Surface("surfaces/path", "trajectory", (trajectory("sgd"),), grid=grid),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="MNIST, fully connected")
