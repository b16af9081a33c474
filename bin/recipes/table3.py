"""Table 3, Penn Treebank: curves between LSTMs.

The configurations are from the TensorFlow tutorial. Its loss is a sum over the steps of a window,
and ours is the mean per word. Therefore rates are multiplied by the number of steps, and norms are
divided by it. The paper does not specify the training of the curve; the settings are ours.
"""

from mc_tf.experiments import Data, Network, Recipe, two_networks
from mc_tf.training import TrainingOptions

# The perplexities of the table.
table3_ptb_lstm_large = Recipe(
    "Table 3, Penn Treebank: LSTM of 2 x 1500 units",
    two_networks,
    Data("ptb", num_steps=35),
    cost="5 hours on one recent data-center GPU (an estimate)",
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
    num_points=25,
    targets={
        "single": {
            "train_perplexity": (37.5, 39.2),
            "validation_perplexity": (82.7, 83.1),
            "test_perplexity": (78.7, 78.9),
        },
        "segment": {
            "train_perplexity": (37.5, 596.3),
            "validation_perplexity": (82.7, 682.1),
            "test_perplexity": (78.7, 615.7),
        },
        "bezier": {
            "train_perplexity": (29.8, 39.2),
            "validation_perplexity": (82.7, 88.7),
            "test_perplexity": (78.7, 84.0),
        },
    },
    smoke={"network": Network("lstm_large", options={"units": 8})},
)

ptb_lstm_medium = Recipe(
    "Table 3 in small, Penn Treebank: LSTM of 2 x 650 units",
    two_networks,
    Data("ptb", num_steps=35),
    cost="2 hours on one recent data-center GPU (an estimate)",
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
    num_points=25,
    smoke={"network": Network("lstm_medium", options={"units": 8})},
)

ptb_lstm_small = Recipe(
    "Table 3 in small, Penn Treebank: LSTM of 2 x 200 units",
    two_networks,
    Data("ptb", num_steps=20),
    cost="2 hours on two cores with jit_compile=true, steps_per_execution=5 (--set=training....)",
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
    num_points=25,
    num_train=100000,
    smoke={"network": Network("lstm_small", options={"units": 8})},
)
