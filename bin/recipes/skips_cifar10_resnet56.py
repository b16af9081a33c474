"""Li et al. 2018, figure 1, CIFAR-10: ResNet-56 with and without skip connections.

Planes in filter-normalised random directions. The figure has no numbers but the networks' test
errors. Ours are pre-activation networks. Expected time on one recent data-centre GPU: 20 hours (an
estimate, not measured).
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
    grid=Grid(shape=51, num_train=10000, seed=1),
    max_loss=10.0,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("skips", network, training, score=True),
        Train("plain", replace(network, options={"skip_connections": False}), training, score=True),
        Surface("surfaces/skips", "random_plane", (last("skips"),), grid=grid),
        Surface("surfaces/plain", "random_plane", (last("plain"),), grid=grid),
        Surface("surfaces/skips_line", "random_line", (last("skips"),), grid=grid),
        Surface("surfaces/plain_line", "random_line", (last("plain"),), grid=grid),
        SurfaceFigures("figures", maximum=max_loss),
    )
    return Experiment(steps, title="CIFAR-10, ResNet-56")


TARGETS = {"skips": {"test_error": {"mean": 5.89}}, "plain": {"test_error": {"mean": 13.31}}}

SMOKE = {"network": Network("preresnet8", weight_decay=0.0005)}
