"""Table 2, CIFAR-10: 3conv3fc, a plain convolutional network.

The paper gives neither epochs nor rates for this network; these are those of VGG-16. Expected time
on one recent data-centre GPU: 3 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("3conv3fc", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=600, learning_rate=0.015),
    curves=("segment", "bezier", "polychain"),
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
    return Experiment(steps, title="CIFAR-10, 3conv3fc")


TARGETS = {
    "single": {
        "train_loss": {"min": 0.05, "max": 0.05},
        "train_error": {"min": 0.06, "max": 0.06},
        "test_error": {"min": 12.3, "max": 12.36},
    },
    "segment": {
        "train_loss": {"min": 0.05, "int": 1.124, "mean": 1.124, "max": 2.416},
        "train_error": {"min": 0.06, "int": 35.69, "max": 88.24},
        "test_error": {"min": 12.28, "int": 43.3, "max": 88.27},
    },
    "bezier": {
        "length_ratio": 1.3,
        "train_loss": {"min": 0.034, "int": 0.038, "mean": 0.037, "max": 0.05},
        "train_error": {"min": 0.05, "int": 0.1, "max": 0.2},
        "test_error": {"min": 12.06, "int": 12.7, "max": 13.66},
    },
    "polychain": {
        "length_ratio": 1.67,
        "train_loss": {"min": 0.04, "int": 0.044, "mean": 0.044, "max": 0.05},
        "train_error": {"min": 0.06, "int": 0.15, "max": 0.31},
        "test_error": {"min": 12.17, "int": 12.68, "max": 13.31},
    },
}

SMOKE = {"network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)}
