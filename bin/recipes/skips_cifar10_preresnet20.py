"""Li et al. 2018, figure 1 in small, CIFAR-10: PreResNet-20 with and without skip connections.

No figure of the paper. Expected time: 45 minutes on two cores without an accelerator that have
bfloat16 (give --auto_bfloat16), 1.5 hours on others.
"""

from dataclasses import replace

from mc_tf.experiments import Data, Experiment, Grid, Network, Surface, SurfaceFigures, Train, last
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("preresnet20", weight_decay=0.0003),
    training=TrainingOptions(epochs=10, learning_rate=0.1, seed=1),
    grid=Grid(num_train=1000, num_test=1000, seed=1),
    max_loss=10.0,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("skips", network, training, score=True),
        Train("plain", replace(network, options={"skip_connections": False}), training, score=True),
        Surface("surfaces/skips", "random_plane", (last("skips"),), grid=grid),
        Surface("surfaces/plain", "random_plane", (last("plain"),), grid=grid),
        SurfaceFigures("figures", maximum=max_loss),
    )
    return Experiment(steps, title="CIFAR-10, PreResNet-20")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0003)}
