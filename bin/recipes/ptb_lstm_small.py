"""Penn Treebank: LSTM of 2 x 200 units, a small version of Table 3 for two cores.

The TensorFlow tutorial's configuration. Its loss is summed over the steps, ours is the mean a
word: so the rate is 20 times 1 and the norm a 20th of the tutorial's. The paper does not say how
long and how the curve is trained; that is ours. Expected time: 2 hours on two cores without an
accelerator, with --jit_compile=true --steps_per_execution=5.
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("ptb", num_steps=20)


def experiment(
    network=Network("lstm_small"),
    training=TrainingOptions(
        epochs=13,
        learning_rate=20.0,
        batch_size=20,
        seed=1,
        schedule="exponential",
        decay_epochs=(4,),
        decay_factor=0.5,
        momentum=0.0,
        clip_norm=0.25,
    ),
    curve_training=TrainingOptions(
        epochs=6,
        learning_rate=20.0,
        batch_size=20,
        decay_epochs=(4,),
        decay_factor=0.5,
        momentum=0.0,
        clip_norm=0.25,
    ),
    curves=("segment", "bezier"),
    curve_seeds=(3,),
    num_points=25,
    num_train=100000,
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
    return Experiment(steps, title="Penn Treebank, lstm, small")


SMOKE = {"network": Network("lstm_small", options={"units": 8})}
