"""Table 2, MNIST: fully connected network, 784-500-500-10.

The paper gives neither epochs nor rates for this network; these are ours, chosen so that the
endpoints' train loss is near the paper's. Expected time on one recent data-centre GPU: 5 minutes
(an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=2e-05),
    training=TrainingOptions(epochs=30, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=30, learning_rate=0.05),
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
    return Experiment(steps, title="MNIST, fully connected")


TARGETS = {
    "single": {
        "train_loss": {"min": 0.018, "max": 0.018},
        "train_error": {"min": 0.01, "max": 0.01},
        "test_error": {"min": 1.46, "max": 1.5},
    },
    "segment": {
        "train_loss": {"min": 0.018, "int": 0.252, "mean": 0.252, "max": 0.657},
        "train_error": {"min": 0.01, "int": 0.53, "max": 2.13},
        "test_error": {"min": 1.45, "int": 1.96, "max": 3.18},
    },
    "bezier": {
        "length_ratio": 1.58,
        "train_loss": {"min": 0.016, "int": 0.02, "mean": 0.02, "max": 0.024},
        "train_error": {"min": 0.01, "int": 0.02, "max": 0.04},
        "test_error": {"min": 1.46, "int": 1.52, "max": 1.56},
    },
    "polychain": {
        "length_ratio": 1.73,
        "train_loss": {"min": 0.013, "int": 0.022, "mean": 0.022, "max": 0.029},
        "train_error": {"min": 0.0, "int": 0.03, "max": 0.07},
        "test_error": {"min": 1.46, "int": 1.51, "max": 1.58},
    },
}
