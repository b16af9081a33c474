"""Averaging weights (arXiv 1803.05407), CIFAR-10: VGG-16.

SGD, and stochastic weight averaging at 1, 1.25 and 1.5 budgets. Expected time on one recent data-
centre GPU: 2 hours (an estimate, not measured).
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

DATA = Data("cifar10", normalization="vgg")


def experiment(
    network=Network("vgg16", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    methods=("ind", "swa"),
    budgets=1,
    swa_epochs=(200, 250, 300),
    swa={"learning_rate": 0.01, "start": 161},
):
    """Ensembles and averages of equal budgets."""
    steps = equal_budgets(network, training, methods=methods, budgets=budgets)
    averaging = swa_training(training, max(swa_epochs), **swa)
    steps += weight_averages(
        network, training, averaging, swa_epochs, methods=methods, trained=steps
    )
    return Experiment(steps, title="CIFAR-10, VGG-16")


TARGETS = {
    "ind-1": {"test_error": {"mean": 6.75}},
    "swa-1": {"test_error": {"mean": 6.41}},
    "swa-1.25": {"test_error": {"mean": 6.3}},
    "swa-1.5": {"test_error": {"mean": 6.36}},
}

SMOKE = {"network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)}
