"""CIFAR-10: PreResNet-20, a small version of the ResNet rows of Table 2 for two cores.

No row of the paper. Expected time: 1.5 hours on two cores without an accelerator that have
AVX512_BF16, with --auto_bfloat16 (an epoch took 55 to 70 s alone, a position of the evaluation 5
s); 2.5 hours without it.
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("cifar10")


def experiment(
    network=Network("preresnet20", weight_decay=0.0003),
    training=TrainingOptions(epochs=24, learning_rate=0.1, seed=1),
    curve_training=TrainingOptions(epochs=16, learning_rate=0.1),
    curves=("segment", "bezier", "polychain"),
    curve_seeds=(3,),
    num_points=25,
    num_train=5000,
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
    return Experiment(steps, title="CIFAR-10, PreResNet-20")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0003)}
