"""Table 1, CIFAR-100: ResNet-164.

Independent networks, snapshot ensembles and fast geometric ensembling at 1, 2 and 3 budgets, and
how often two of the networks predict different classes (section 5.1). With figure 3: learning
rate, test error and distance by iteration, and the error of the ensembles against epochs. Expected
time on one recent data-centre GPU: 25 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, equal_budgets, fge_training, sse_training
from mc_tf.training import TrainingOptions

DATA = Data("cifar100")


def experiment(
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    methods=("ind", "sse", "fge"),
    budgets=3,
    sse_cycles=4,
    fge_starts=(125,),
    fge={
        "epochs": 22,
        "cycle_epochs": 4,
        "max_learning_rate": 0.05,
        "min_learning_rate": 0.0005,
        "trajectory_every": 46,
    },
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
    return Experiment(steps, title="CIFAR-100, ResNet-164")


TARGETS = {
    "ind-1": {"test_error": {"mean": 21.5}},
    "ind-2": {"test_error": {"mean": 19.04}},
    "ind-3": {"test_error": {"mean": 18.59}},
    "sse-1": {"test_error": {"mean": 20.9}},
    "sse-2": {"test_error": {"mean": 19.28}},
    "sse-3": {"test_error": {"mean": 18.91}},
    "fge-1": {"test_error": {"mean": 20.2}},
    "fge-2": {"test_error": {"mean": 18.67}},
    "fge-3": {"test_error": {"mean": 18.21}},
    "ind": {"disagreement": {"mean": 19.97}},
    "fge": {"disagreement": {"mean": 14.57}, "distance_from_previous": {"mean": 7.0}},
    "sse": {"distance_from_previous": {"mean": 40.0}},
}

SMOKE = {"budgets": 2, "network": Network("preresnet8", weight_decay=0.0003)}
