"""Averaging weights (arXiv 1803.05407), CIFAR-10: Shake-Shake 26 2x64d.

SGD for a whole budget, and averages in cycles for a quarter and a half of one after it. The
training is Shake-Shake's own (half a cosine) without Nesterov's momentum; the paper says that its
cycles are long and of small rates, which rates is not known to us, so that these are ours.
Expected time on one recent data-centre GPU: 100 hours (an estimate, not measured).
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

DATA = Data("cifar10")


def experiment(
    network=Network("shakeshake26x64", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=1800, learning_rate=0.2, seed=1, schedule="cosine_cycle", cycle_epochs=1800
    ),
    methods=("ind", "swa"),
    budgets=1,
    swa_epochs=(450, 900),
    swa={"learning_rate": 0.01, "cycle_epochs": 50, "min_learning_rate": 0.0001},
    pretraining=1800,
):
    """Ensembles and averages of equal budgets."""
    steps = equal_budgets(network, training, methods=methods, budgets=budgets)
    averaging = swa_training(training, max(swa_epochs), **swa)
    steps += weight_averages(
        network,
        training,
        averaging,
        swa_epochs,
        pretraining=pretraining,
        methods=methods,
        trained=steps,
    )
    return Experiment(steps, title="CIFAR-10, Shake-Shake 26 2x64d")


TARGETS = {
    "ind-1": {"test_error": {"mean": 3.07}},
    "swa-1.25": {"test_error": {"mean": 2.84}},
    "swa-1.5": {"test_error": {"mean": 2.88}},
}

SMOKE = {"network": Network("shakeshake8x8", weight_decay=0.0001)}
