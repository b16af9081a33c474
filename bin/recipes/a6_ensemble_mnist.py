"""Section A.6 and figures 2 (right) and 6 in small, MNIST: ensembles of networks on curves.

The ensemble of 50 networks along a chain and a Bezier curve with equal weights, and with
temperatures that grow with the train loss; beside them that of the two endpoints. And the
ensembles of the curve's start with one network each along it, and along a segment in a random
direction. No numbers of the paper. Expected time: 6 minutes on two cores without an accelerator.
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    curve_training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, steps_per_execution=40
    ),
    curves=("segment", "bezier", "polychain"),
    curve_seeds=(3,),
    num_points=50,
    num_train=10000,
    ensemble_points=50,
    pair_points=21,
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
        ensemble_points=ensemble_points,
        pair_points=pair_points,
    )
    return Experiment(steps, title="MNIST, fully connected")
