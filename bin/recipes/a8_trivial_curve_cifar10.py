"""Section A.8, CIFAR-10: the trivial curve through zero weights, 3conv3fc.

The paper gives no numbers: the labels stay the same off the origin, and the train loss rises. Any
network of ReLU layers without normalisation will do; this one is the smallest of Table 2 on
CIFAR-10. Expected time on one recent data-centre GPU: 2 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("3conv3fc", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=600, learning_rate=0.015),
    curves=("segment", "trivial", "bezier"),
    curve_seeds=(3,),
    num_points=121,
    num_train=None,
):
    """Two networks and the curves between them."""
    steps = two_networks(
        network,
        training,
        curve_training,
        curves=curves,
        curve_seeds=curve_seeds,
        num_points=num_points,
        num_train=num_train,
    )
    return Experiment(steps, title="CIFAR-10: a trivial curve and a trained one")


SMOKE = {"network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)}
