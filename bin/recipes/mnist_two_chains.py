"""Section 4 in small, MNIST: curves are not unique, two chains between the same networks.

For VGG-16 on CIFAR-10 the paper's bends are 29.6 apart, the endpoints 50, so 0.59 times as far.
Expected time: 8 minutes on two cores without an accelerator.
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=2e-05),
    training=TrainingOptions(epochs=30, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=30, learning_rate=0.05),
    curves=("polychain",),
    curve_seeds=(3, 4),
    num_points=31,
    num_train=20000,
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
    return Experiment(steps, title="MNIST, 784-500-500-10: two chains")
