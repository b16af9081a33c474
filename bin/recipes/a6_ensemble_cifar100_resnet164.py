"""Section A.6 and figure 2 (right), CIFAR-100: ensembles of networks on a chain, ResNet-164.

The ensemble of 50 networks along the chain with equal weights, and with temperatures that grow
with the train loss; beside them that of the two endpoints. (Three independent networks of this
section have 21.01 %; those of Table 1, 18.59 %, are trained otherwise.) And the ensembles of the
chain's start with one network each along the segment, the chain and a segment in a random
direction. Expected time on one recent data-centre GPU: 9 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("cifar100")


def experiment(
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    curve_training=TrainingOptions(epochs=200, learning_rate=0.03),
    curves=("segment", "polychain"),
    curve_seeds=(3,),
    num_points=50,
    num_train=None,
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
    return Experiment(steps, title="CIFAR-100, ResNet-164: a chain and its ensemble")


TARGETS = {
    "single ensemble": {"test_error": {"mean": 22.0}},
    "polychain ensemble": {"test_error": {"mean": 21.03}},
    "polychain scaled ensemble": {"test_error": {"mean": 20.7}},
}

SMOKE = {"network": Network("convnet", weight_decay=0.0003)}
