"""Table 1, CIFAR-100: WRN-28-10.

Independent networks, snapshot ensembles and fast geometric ensembling at 1, 2 and 3 budgets.
Expected time on one recent data-centre GPU: 60 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, equal_budgets, fge_training, sse_training
from mc_tf.training import TrainingOptions

DATA = Data("cifar100")


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
    return Experiment(steps, title="CIFAR-100, WRN-28-10")


TARGETS = {
    "ind-1": {"test_error": {"mean": 19.2}},
    "ind-2": {"test_error": {"mean": 17.48}},
    "ind-3": {"test_error": {"mean": 17.01}},
    "sse-1": {"test_error": {"mean": 17.9}},
    "sse-2": {"test_error": {"mean": 17.3}},
    "sse-3": {"test_error": {"mean": 16.97}},
    "fge-1": {"test_error": {"mean": 17.7}},
    "fge-2": {"test_error": {"mean": 16.95}},
    "fge-3": {"test_error": {"mean": 16.88}},
}

SMOKE = {"budgets": 2, "network": Network("wrn10x1", weight_decay=0.0005)}
