"""Li et al. 2018, figures 2 and 3 in kind, CIFAR-10: ResNet-56 with small and large batches.

The line between both, and filter-normalised lines from each, without and with weight decay (VGG-9
there; the figures have no numbers). Expected time on one recent data-centre GPU: 40 hours (an
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
    grid=Grid(margin=0.5, num_train=10000, seed=1),
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("small", network, training, score=True),
        Train("large", network, replace(training, batch_size=8192), score=True),
        Train("small_free", replace(network, weight_decay=0.0), training, score=True),
        Train(
            "large_free",
            replace(network, weight_decay=0.0),
            replace(training, batch_size=8192),
            score=True,
        ),
        Surface(
            "surfaces/with_weight_decay",
            "line",
            {"Small batches": last("small"), "Large batches": last("large")},
            grid=grid,
        ),
        Surface(
            "surfaces/without_weight_decay",
            "line",
            {"Small batches": last("small_free"), "Large batches": last("large_free")},
            grid=grid,
        ),
        Surface(
            "surfaces/small_line",
            "random_line",
            {"Small batches with weight decay": last("small")},
            grid=grid,
        ),
        Surface(
            "surfaces/large_line",
            "random_line",
            {"Large batches with weight decay": last("large")},
            grid=grid,
        ),
        Surface(
            "surfaces/small_free_line",
            "random_line",
            {"Small batches": last("small_free")},
            grid=grid,
        ),
        Surface(
            "surfaces/large_free_line",
            "random_line",
            {"Large batches": last("large_free")},
            grid=grid,
        ),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="CIFAR-10, ResNet-56")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0005)}
