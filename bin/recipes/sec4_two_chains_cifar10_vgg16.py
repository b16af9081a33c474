"""Section 4, CIFAR-10: curves are not unique, two chains between the same VGG-16 networks.

The bends of two polygonal chains that differ in their seed are 29.6 apart, the endpoints 50.
Expected time on one recent data-centre GPU: 5 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("cifar10", normalization="vgg")


def experiment(
    network=Network("vgg16", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=600, learning_rate=0.015),
    curves=("polychain",),
    curve_seeds=(3, 4),
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
    return Experiment(steps, title="CIFAR-10, VGG-16: two chains")


TARGETS = {"endpoints": {"distance": 50.0}, "bends of polychain": {"distance": 29.6}}

SMOKE = {"network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)}
