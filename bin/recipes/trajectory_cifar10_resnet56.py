"""Li et al. 2018, figure 9 in kind, CIFAR-10: paths of training in their principal directions.

ResNet-56 with small and large batches (VGG-9 there); a network an epoch. The figure has no
numbers. Expected time on one recent data-centre GPU: 20 hours (an estimate, not measured).
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

DATA = Data("cifar10")


def experiment(
    network=Network("preresnet56", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=300, learning_rate=0.1, seed=1, schedule="step", decay_epochs=(150, 225, 275)
    ),
    grid=Grid(shape=31, margin=0.3, num_train=10000, seed=1),
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("small", network, replace(training, trajectory_every=391), score=True),
        Train("large", network, replace(training, batch_size=8192, trajectory_every=7), score=True),
        Surface("surfaces/small", "trajectory", (trajectory("small"),), grid=grid),
        Surface("surfaces/large", "trajectory", (trajectory("large"),), grid=grid),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="CIFAR-10, ResNet-56")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0005)}
