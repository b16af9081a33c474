"""Penn Treebank: LSTM of 2 x 650 units, a smaller version of Table 3.

The TensorFlow tutorial's configuration. Its loss is summed over the steps, ours is the mean a
word: so the rate is 35 times 1 and the norm a 35th of the tutorial's. The paper does not say how
long and how the curve is trained; that is ours. Expected time on one recent data-centre GPU: 2
hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("ptb", num_steps=35)


def experiment(
    network=Network("lstm_medium"),
    training=TrainingOptions(
        epochs=39,
        learning_rate=35.0,
        batch_size=20,
        seed=1,
        schedule="exponential",
        decay_epochs=(6,),
        decay_factor=0.8,
        momentum=0.0,
        clip_norm=0.142857,
    ),
    curve_training=TrainingOptions(
        epochs=20,
        learning_rate=35.0,
        batch_size=20,
        decay_epochs=(6,),
        decay_factor=0.8,
        momentum=0.0,
        clip_norm=0.142857,
    ),
    curves=("segment", "bezier"),
    curve_seeds=(3,),
    num_points=25,
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
    return Experiment(steps, title="Penn Treebank, lstm, medium")


SMOKE = {"network": Network("lstm_medium", options={"units": 8})}
