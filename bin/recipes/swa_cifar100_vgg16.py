"""Averaging weights (arXiv 1803.05407), CIFAR-100: VGG-16.

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

DATA = Data("cifar100", normalization="vgg")


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
    return Experiment(steps, title="CIFAR-100, VGG-16")


TARGETS = {
    "ind-1": {"test_error": {"mean": 27.45}},
    "swa-1": {"test_error": {"mean": 26.09}},
    "swa-1.25": {"test_error": {"mean": 25.83}},
    "swa-1.5": {"test_error": {"mean": 25.73}},
}

SMOKE = {"network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)}
