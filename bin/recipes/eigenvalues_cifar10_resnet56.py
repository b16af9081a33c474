"""Li et al. 2018, section 6, CIFAR-10: eigenvalues of the Hessian around ResNet-56.

Maps of |smallest / largest eigenvalue| in filter-normalised random directions: near 0 the loss is
convex there. The figures have no numbers. Ours are pre-activation networks. Expected time on one
recent data-centre GPU: 3 days (an estimate, not measured).
"""

from dataclasses import replace

from mc_tf.experiments import Data, Experiment, Grid, Network, Surface, SurfaceFigures, Train, last
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("preresnet56", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=300, learning_rate=0.1, seed=1, schedule="step", decay_epochs=(150, 225, 275)
    ),
    grid=Grid(eigenvalues=True, eigenvalue_tolerance=0.02, num_train=5000, seed=1),
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("skips", network, training, score=True),
        Train("plain", replace(network, options={"skip_connections": False}), training, score=True),
        Surface("surfaces/skips", "random_plane", (last("skips"),), grid=grid),
        Surface("surfaces/plain", "random_plane", (last("plain"),), grid=grid),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="CIFAR-10, ResNet-56")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0005)}
