"""Table 2, CIFAR-10: ResNet-158.

The settings are the reference implementation's, as for Table 1. The paper does not say how the
endpoints of Table 2 were trained: its train losses are several times lower than those that the
reference's README reports for these settings, its test errors higher than those of Table 1.
Expected time on one recent data-centre GPU: 14 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("resnet158", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    curve_training=TrainingOptions(epochs=200, learning_rate=0.03),
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
    return Experiment(steps, title="CIFAR-10, ResNet-158")


TARGETS = {
    "single": {
        "train_loss": {"min": 0.015, "max": 0.015},
        "train_error": {"min": 0.02, "max": 0.02},
        "test_error": {"min": 5.56, "max": 5.74},
    },
    "segment": {
        "train_loss": {"min": 0.013, "int": 0.551, "mean": 0.551, "max": 2.613},
        "train_error": {"min": 0.0, "int": 16.37, "max": 81.41},
        "test_error": {"min": 5.57, "int": 20.79, "max": 80.0},
    },
    "bezier": {
        "length_ratio": 2.13,
        "train_loss": {"min": 0.013, "int": 0.017, "mean": 0.018, "max": 0.022},
        "train_error": {"min": 0.0, "int": 0.02, "max": 0.07},
        "test_error": {"min": 5.48, "int": 5.82, "max": 6.24},
    },
    "polychain": {
        "length_ratio": 3.48,
        "train_loss": {"min": 0.013, "int": 0.017, "mean": 0.017, "max": 0.047},
        "train_error": {"min": 0.0, "int": 0.05, "max": 0.139},
        "test_error": {"min": 5.48, "int": 5.88, "max": 7.35},
    },
}

SMOKE = {"network": Network("resnet8", weight_decay=0.0003)}
