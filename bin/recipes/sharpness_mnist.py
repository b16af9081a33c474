"""Li et al. 2018, figures 2 and 3 in small, MNIST: networks with small and large batches.

No figure of the paper. Expected time: 3 minutes on two cores without an accelerator.
"""

from dataclasses import replace

from mc_tf.experiments import Data, Experiment, Grid, Network, Surface, SurfaceFigures, Train, last
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(epochs=10, learning_rate=0.05, batch_size=125, seed=1),
    grid=Grid(margin=0.5, num_train=5000, seed=1),
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("small", network, training, score=True),
        Train("large", network, replace(training, batch_size=6000), score=True),
        Train("small_free", replace(network, weight_decay=0.0), training, score=True),
        Train(
            "large_free",
            replace(network, weight_decay=0.0),
            replace(training, batch_size=6000),
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
    return Experiment(steps, title="MNIST, fully connected")
