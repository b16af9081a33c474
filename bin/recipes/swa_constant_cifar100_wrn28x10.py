"""Averaging weights (arXiv 1803.05407), CIFAR-100: WRN-28-10 at a constant rate from scratch.

SGD at one rate from the beginning to the end, its weights averaged from epoch 140 on: the network
of the average beside the one that it is at. The paper shows it as a figure, without numbers.
Expected time on one recent data-centre GPU: 15 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, swa_training, weight_averages
from mc_tf.training import TrainingOptions

DATA = Data("cifar100")


def experiment(
    network=Network("wrn28x10", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.1, seed=1),
    methods=("swa",),
    swa_epochs=(145, 150, 160, 180, 200, 250, 300),
    swa={"learning_rate": 0.1, "start": 140},
):
    """Ensembles and averages of equal budgets."""
    averaging = swa_training(training, max(swa_epochs), **swa)
    steps = weight_averages(network, training, averaging, swa_epochs, methods=methods)
    return Experiment(steps, title="CIFAR-100, WRN-28-10")


SMOKE = {"network": Network("wrn10x1", weight_decay=0.0005)}
