"""Section A.7 and figure 7, CIFAR-10: 3conv3fc with fully connected layers of 1000 K units.

The paper shows a figure without numbers: the worst train loss on a Bezier curve approaches that of
the endpoints, and the length ratio falls, as K grows. Rates and epochs as for VGG-16. Expected
time on one recent data-centre GPU: 8 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks_of_widths
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("3conv3fc", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=600, learning_rate=0.015),
    widths=(0.3, 0.5, 0.8, 1.0),
    curves=("bezier",),
    num_points=121,
    num_train=None,
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
    return Experiment(steps, title="CIFAR-10: width of the fully connected layers")


SMOKE = {"widths": (0.02, 0.04)}
