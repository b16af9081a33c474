"""Section A.7 in small, MNIST: fully connected networks with hidden layers of 500 K units.

For two cores; took 34 minutes. The paper varies 3conv3fc on CIFAR-10. See RESULTS.md.
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks_of_widths
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=2e-05),
    training=TrainingOptions(epochs=15, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=15, learning_rate=0.05),
    widths=(0.01, 0.02, 0.05, 0.1, 0.4, 1.0),
    curves=("segment", "bezier"),
    num_points=31,
    num_train=20000,
):
    """Two networks of each width and the curves between them."""
    steps = two_networks_of_widths(
        widths,
        network,
        training,
        curve_training,
        curves=curves,
        num_points=num_points,
        num_train=num_train,
    )
    return Experiment(steps, title="MNIST: width of the hidden layers")


SMOKE = {"widths": (0.02, 0.04)}
