"""Table 1, CIFAR-10: WRN-28-10.

Independent networks, snapshot ensembles and fast geometric ensembling at 1, 2 and 3 budgets.
Expected time on one recent data-centre GPU: 60 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, equal_budgets, fge_training, sse_training
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("wrn28x10", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.1, seed=1),
    methods=("ind", "sse", "fge"),
    budgets=3,
    sse_cycles=5,
    fge_starts=(120, 156),
    fge={"epochs": 22, "cycle_epochs": 4, "max_learning_rate": 0.05, "min_learning_rate": 0.0005},
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
    return Experiment(steps, title="CIFAR-10, WRN-28-10")


TARGETS = {
    "ind-1": {"test_error": {"mean": 3.82}},
    "ind-2": {"test_error": {"mean": 3.4}},
    "ind-3": {"test_error": {"mean": 3.31}},
    "sse-1": {"test_error": {"mean": 3.73}},
    "sse-2": {"test_error": {"mean": 3.54}},
    "sse-3": {"test_error": {"mean": 3.55}},
    "fge-1": {"test_error": {"mean": 3.65}},
    "fge-2": {"test_error": {"mean": 3.38}},
    "fge-3": {"test_error": {"mean": 3.52}},
}

SMOKE = {"budgets": 2, "network": Network("wrn10x1", weight_decay=0.0005)}
