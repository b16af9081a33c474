"""Li et al. 2018, section 6 in small, MNIST: eigenvalues of the Hessian around a network.

The map of |smallest / largest eigenvalue| in filter-normalised random directions, and the loss
there. No figure of the paper. Expected time: 40 minutes on two cores without an accelerator (18 s
a point, of which two were timed).
"""

from mc_tf.experiments import Data, Experiment, Grid, Network, Surface, SurfaceFigures, Train, last
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("3conv3fc", options={"width": 0.05}, weight_decay=0.0005),
    training=TrainingOptions(
        epochs=5, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    grid=Grid(
        shape=11, eigenvalues=True, eigenvalue_tolerance=0.02, num_train=500, num_test=1000, seed=1
    ),
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("network", network, training, score=True),
        Surface("surfaces/network", "random_plane", (last("network"),), grid=grid),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="MNIST, convolutional network")
