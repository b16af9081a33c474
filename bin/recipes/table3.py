"""Table 3, Penn Treebank: curves between LSTMs.

The configurations are from the TensorFlow tutorial. Its loss is a sum over the steps of a window,
and ours is the mean per word. Therefore rates are multiplied by the number of steps, and norms are
divided by it. The paper does not specify the training of the curve; the settings are ours.
"""

from dataclasses import replace

from mc_tf.experiments import Data, Network, Recipe, two_networks
from mc_tf.training import TrainingOptions


def _settings(name, curve_epochs, **training):
    # The perplexities of the table.
    one = TrainingOptions(batch_size=20, seed=1, schedule="exponential", momentum=0.0, **training)
    return {
        "network": Network(name),
        "training": one,
        "curve_training": replace(one, epochs=curve_epochs, schedule="piecewise_linear"),
        "curves": ("segment", "bezier"),
        "num_points": 25,
        "smoke": {"network": Network(name, options={"units": 8})},
    }


def _perplexities(train, validation, test):
    return {
        "train_perplexity": train,
        "validation_perplexity": validation,
        "test_perplexity": test,
    }


table3_ptb_lstm_large = Recipe(
    "Table 3, Penn Treebank: LSTM of 2 x 1500 units",
    two_networks,
    Data("ptb", num_steps=35),
    cost="5 hours on one recent data-center GPU (an estimate)",
    **_settings(
        "lstm_large",
        curve_epochs=30,
        epochs=55,
        learning_rate=35.0,
        decay_epochs=(14,),
        decay_factor=0.869565,
        clip_norm=0.285714,
    ),
    targets={
        "single": _perplexities((37.5, 39.2), (82.7, 83.1), (78.7, 78.9)),
        "segment": _perplexities((37.5, 596.3), (82.7, 682.1), (78.7, 615.7)),
        "bezier": _perplexities((29.8, 39.2), (82.7, 88.7), (78.7, 84.0)),
    },
)

ptb_lstm_medium = Recipe(
    "Table 3 in small, Penn Treebank: LSTM of 2 x 650 units",
    two_networks,
    Data("ptb", num_steps=35),
    cost="2 hours on one recent data-center GPU (an estimate)",
    **_settings(
        "lstm_medium",
        curve_epochs=20,
        epochs=39,
        learning_rate=35.0,
        decay_epochs=(6,),
        decay_factor=0.8,
        clip_norm=0.142857,
    ),
)

ptb_lstm_small = Recipe(
    "Table 3 in small, Penn Treebank: LSTM of 2 x 200 units",
    two_networks,
    Data("ptb", num_steps=20),
    cost="2 hours on two cores with jit_compile=true, steps_per_execution=5 (--set=training....)",
    **_settings(
        "lstm_small",
        curve_epochs=6,
        epochs=13,
        learning_rate=20.0,
        decay_epochs=(4,),
        decay_factor=0.5,
        clip_norm=0.25,
    ),
    num_train=100000,
)
