"""Averaging weights (arXiv 1803.05407), CIFAR-100: ResNet-164.

SGD, and stochastic weight averaging at 1, 1.25 and 1.5 budgets. Expected time on one recent data-
centre GPU: 12 hours (an estimate, not measured).
"""

from mc_tf.experiments import (
    Data,
    Experiment,
    Network,
    equal_budgets,
    swa_training,
    weight_averages,
)
from mc_tf.training import TrainingOptions

DATA = Data("cifar100")


def experiment(
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    methods=("ind", "swa"),
    budgets=1,
    swa_epochs=(150, 188, 225),
    swa={"learning_rate": 0.05, "start": 126},
):
    """Ensembles and averages of equal budgets."""
    steps = equal_budgets(network, training, methods=methods, budgets=budgets)
    averaging = swa_training(training, max(swa_epochs), **swa)
    steps += weight_averages(
        network, training, averaging, swa_epochs, methods=methods, trained=steps
    )
    return Experiment(steps, title="CIFAR-100, ResNet-164")


TARGETS = {
    "ind-1": {"test_error": {"mean": 21.51}},
    "swa-1": {"test_error": {"mean": 20.23}},
    "swa-1.25": {"test_error": {"mean": 19.82}},
    "swa-1.5": {"test_error": {"mean": 19.65}},
}

SMOKE = {"network": Network("preresnet8", weight_decay=0.0003)}
