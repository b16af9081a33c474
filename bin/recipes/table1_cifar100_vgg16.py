"""Table 1, CIFAR-100: VGG-16.

Independent networks, snapshot ensembles and fast geometric ensembling at 1, 2 and 3 budgets.
Expected time on one recent data-centre GPU: 5 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, equal_budgets, fge_training, sse_training
from mc_tf.training import TrainingOptions

DATA = Data("cifar100", normalization="vgg")


def experiment(
    network=Network("vgg16", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    methods=("ind", "sse", "fge"),
    budgets=3,
    sse_cycles=5,
    fge_starts=(120, 156),
    fge={"epochs": 22, "cycle_epochs": 2, "max_learning_rate": 0.01, "min_learning_rate": 0.0005},
):
    """Ensembles and averages of equal budgets."""
    steps = equal_budgets(
        network,
        training,
        methods=methods,
        budgets=budgets,
        sse=sse_training(training, sse_cycles),
        fge=fge_training(training, **fge),
        fge_starts=fge_starts,
    )
    return Experiment(steps, title="CIFAR-100, VGG-16")


TARGETS = {
    "ind-1": {"test_error": {"mean": 27.4}},
    "ind-2": {"test_error": {"mean": 25.28}},
    "ind-3": {"test_error": {"mean": 24.45}},
    "sse-1": {"test_error": {"mean": 26.4}},
    "sse-2": {"test_error": {"mean": 25.16}},
    "sse-3": {"test_error": {"mean": 24.69}},
    "fge-1": {"test_error": {"mean": 25.7}},
    "fge-2": {"test_error": {"mean": 24.11}},
    "fge-3": {"test_error": {"mean": 23.54}},
}

SMOKE = {"budgets": 2, "network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)}
