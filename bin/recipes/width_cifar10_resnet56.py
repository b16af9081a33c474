"""Li et al. 2018, figure 6, CIFAR-10: WRN-56-k for four widths, with and without skip connections.

Planes in filter-normalised random directions, flatter for wide networks and for those with skip
connections. Ours are pre-activation networks. Expected time on one recent data-centre GPU: 10 days
(an estimate, not measured).
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
        Train("skips_1", network, training, score=True),
        Train("skips_2", replace(network, options={"width": 2}), training, score=True),
        Train("skips_4", replace(network, options={"width": 4}), training, score=True),
        Train("skips_8", replace(network, options={"width": 8}), training, score=True),
        Train(
            "plain_1", replace(network, options={"skip_connections": False}), training, score=True
        ),
        Train(
            "plain_2",
            replace(network, options={"skip_connections": False, "width": 2}),
            training,
            score=True,
        ),
        Train(
            "plain_4",
            replace(network, options={"skip_connections": False, "width": 4}),
            training,
            score=True,
        ),
        Train(
            "plain_8",
            replace(network, options={"skip_connections": False, "width": 8}),
            training,
            score=True,
        ),
        Surface("surfaces/skips_1", "random_plane", (last("skips_1"),), grid=grid),
        Surface("surfaces/skips_2", "random_plane", (last("skips_2"),), grid=grid),
        Surface("surfaces/skips_4", "random_plane", (last("skips_4"),), grid=grid),
        Surface("surfaces/skips_8", "random_plane", (last("skips_8"),), grid=grid),
        Surface("surfaces/plain_1", "random_plane", (last("plain_1"),), grid=grid),
        Surface("surfaces/plain_2", "random_plane", (last("plain_2"),), grid=grid),
        Surface("surfaces/plain_4", "random_plane", (last("plain_4"),), grid=grid),
        Surface("surfaces/plain_8", "random_plane", (last("plain_8"),), grid=grid),
        SurfaceFigures("figures", maximum=max_loss),
    )
    return Experiment(steps, title="CIFAR-10, WRN-56-k")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0005)}
