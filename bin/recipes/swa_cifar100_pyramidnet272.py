"""Averaging weights (arXiv 1803.05407), CIFAR-100: PyramidNet-272 (bottleneck, alpha 200).

SGD for a whole budget, and averages in cycles for a quarter and a half of one after it. The
training is PyramidNet's own without Nesterov's momentum; the paper's cycle is not known to us, so
that its length and rates are ours. Expected time on one recent data-centre GPU: 150 hours (an
estimate, not measured).
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
    network=Network("pyramidnet272", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=300, learning_rate=0.5, seed=1, schedule="step", decay_epochs=(150, 225)
    ),
    methods=("ind", "swa"),
    budgets=1,
    swa_epochs=(75, 150),
    swa={"learning_rate": 0.05, "cycle_epochs": 5, "min_learning_rate": 0.001},
    pretraining=300,
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
    return Experiment(steps, title="CIFAR-100, PyramidNet-272")


TARGETS = {
    "ind-1": {"test_error": {"mean": 16.59}},
    "swa-1.25": {"test_error": {"mean": 16.07}},
    "swa-1.5": {"test_error": {"mean": 15.84}},
}

SMOKE = {"network": Network("pyramidnet11", options={"alpha": 12}, weight_decay=0.0001)}
