"""Section A.8 in small, MNIST: the trivial curve through zero weights, fully connected.

Expected time: 12 minutes on two cores without an accelerator. See RESULTS.md.
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=2e-05),
    training=TrainingOptions(epochs=30, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=30, learning_rate=0.05),
    curves=("segment", "trivial", "bezier"),
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
    return Experiment(steps, title="MNIST: a trivial curve and a trained one")
