"""Table 3, Penn Treebank: LSTM of 2 x 1500 units (whose perplexities are the table's).

The TensorFlow tutorial's configuration. Its loss is summed over the steps, ours is the mean a
word: so the rate is 35 times 1 and the norm a 35th of the tutorial's. The paper does not say how
long and how the curve is trained; that is ours. Expected time on one recent data-centre GPU: 5
hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("ptb", num_steps=35)


def experiment(
    network=Network("lstm_large"),
    training=TrainingOptions(
        epochs=55,
        learning_rate=35.0,
        batch_size=20,
        seed=1,
        schedule="exponential",
        decay_epochs=(14,),
        decay_factor=0.869565,
        momentum=0.0,
        clip_norm=0.285714,
    ),
    curve_training=TrainingOptions(
        epochs=30,
        learning_rate=35.0,
        batch_size=20,
        decay_epochs=(14,),
        decay_factor=0.869565,
        momentum=0.0,
        clip_norm=0.285714,
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
    return Experiment(steps, title="Penn Treebank, lstm, large")


TARGETS = {
    "single": {
        "train_perplexity": {"min": 37.5, "max": 39.2},
        "validation_perplexity": {"min": 82.7, "max": 83.1},
        "test_perplexity": {"min": 78.7, "max": 78.9},
    },
    "segment": {
        "train_perplexity": {"min": 37.5, "max": 596.3},
        "validation_perplexity": {"min": 82.7, "max": 682.1},
        "test_perplexity": {"min": 78.7, "max": 615.7},
    },
    "bezier": {
        "train_perplexity": {"min": 29.8, "max": 39.2},
        "validation_perplexity": {"min": 82.7, "max": 88.7},
        "test_perplexity": {"min": 78.7, "max": 84.0},
    },
}

SMOKE = {"network": Network("lstm_large", options={"units": 8})}
