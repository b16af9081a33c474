"""Digits: a small network with batch normalisation on the embedded data.

The README's demonstration. No row of the paper. Takes about three minutes on two cores.
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("digits")


def experiment(
    network=Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=64, seed=1, save_every=10),
    curve_training=TrainingOptions(epochs=50, learning_rate=0.05, batch_size=64, save_every=10),
    curves=("segment", "bezier", "polychain"),
    curve_seeds=(3,),
    num_points=61,
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
    return Experiment(steps, title="Digits: two networks joined by a curve")
