"""Table 1, CIFAR-10: ResNet-164.

Independent networks, snapshot ensembles and fast geometric ensembling at 1, 2 and 3 budgets.
Expected time on one recent data-centre GPU: 25 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, equal_budgets, fge_training, sse_training
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    methods=("ind", "sse", "fge"),
    budgets=3,
    sse_cycles=4,
    fge_starts=(125,),
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
    return Experiment(steps, title="CIFAR-10, ResNet-164")


TARGETS = {
    "ind-1": {"test_error": {"mean": 4.72}},
    "ind-2": {"test_error": {"mean": 4.1}},
    "ind-3": {"test_error": {"mean": 3.77}},
    "sse-1": {"test_error": {"mean": 4.66}},
    "sse-2": {"test_error": {"mean": 4.37}},
    "sse-3": {"test_error": {"mean": 4.3}},
    "fge-1": {"test_error": {"mean": 4.54}},
    "fge-2": {"test_error": {"mean": 4.21}},
    "fge-3": {"test_error": {"mean": 3.98}},
}

SMOKE = {"budgets": 2, "network": Network("preresnet8", weight_decay=0.0003)}
