"""The language models of the paper's Penn Treebank experiment."""

import keras

from mc_tf.models.zoo.blocks import l2
from mc_tf.models.zoo.registry import register
from mc_tf.typing import Shape


@register("lstm_small")
def lstm_small(
    num_classes: int,
    input_shape: Shape,
    weight_decay: float = 0.0,
    batch_size: int = 20,
    units: int = 200,
) -> keras.Model:
    """Two LSTM layers of 200 units, no dropout, initial weights uniform in ±0.1.

    See `lstm` for the arguments. The small configuration of the TensorFlow tutorial: 20 steps,
    13 epochs.

    Example:
    >>> lstm_small(10_000, (20,)).count_params()
    4651600
    """
    return lstm(num_classes, input_shape, weight_decay, batch_size, units, 0.0, 0.1, "lstm_small")


@register("lstm_medium")
def lstm_medium(
    num_classes: int,
    input_shape: Shape,
    weight_decay: float = 0.0,
    batch_size: int = 20,
    units: int = 650,
) -> keras.Model:
    """Two LSTM layers of 650 units, dropout 0.5, initial weights uniform in ±0.05.

    See `lstm` for the arguments. The medium configuration of the TensorFlow tutorial: 35 steps,
    39 epochs; 19,775,200 weights for 10,000 words.
    """
    return lstm(num_classes, input_shape, weight_decay, batch_size, units, 0.5, 0.05, "lstm_medium")


@register("lstm_large")
def lstm_large(
    num_classes: int,
    input_shape: Shape,
    weight_decay: float = 0.0,
    batch_size: int = 20,
    units: int = 1500,
) -> keras.Model:
    """Two LSTM layers of 1,500 units, dropout 0.65, initial weights uniform in ±0.04.

    See `lstm` for the arguments. The large configuration of the TensorFlow tutorial (35 steps, 55
    epochs), which matches the perplexities of the paper's Table 3; 66,022,000 weights for 10,000
    words.
    """
    return lstm(num_classes, input_shape, weight_decay, batch_size, units, 0.65, 0.04, "lstm_large")


def lstm(
    num_classes: int,
    input_shape: Shape,
    weight_decay: float,
    batch_size: int,
    units: int,
    dropout: float,
    scale: float,
    name: str,
) -> keras.Model:
    """Embedding, two stateful LSTM layers and logits of the next word (Zaremba et al. 2014).

    Dropout on the embedding and on the outputs of both layers, none on the recurrent connections.
    The state is carried over from batch to batch until it is reset.

    Args:
        num_classes: Number of words in the vocabulary.
        input_shape: `(num_steps,)`; windows of other lengths also work.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`; 0 in the paper's reference.
        batch_size: Fixed number of streams; each has its own state.
        units: Size of embedding and LSTM layers.
        dropout: Fraction of values dropped.
        scale: Initial weights are uniform in `-scale .. scale`; LSTM biases are zero.
        name: Name of the model.

    Returns:
        A `keras.Model` from word indices `(batch_size, steps)` to logits
        `(batch_size, steps, num_classes)`.

    Raises:
        ValueError: If `input_shape` is not `(num_steps,)`.
    """
    if len(tuple(input_shape)) != 1:
        raise ValueError(
            f"{name} reads text: input_shape must be (num_steps,). Received: "
            f"input_shape={tuple(input_shape)}. Choose a text, such as --dataset=ptb or pydoc."
        )
    decay = l2(weight_decay)

    def uniform():
        return keras.initializers.RandomUniform(-scale, scale)

    inputs = keras.Input(batch_shape=(batch_size, None), dtype="int32", name="inputs")
    x = keras.layers.Embedding(
        num_classes, units, embeddings_initializer=uniform(), embeddings_regularizer=decay
    )(inputs)
    for _ in range(2):
        x = _dropout(x, dropout)
        x = keras.layers.LSTM(
            units,
            return_sequences=True,
            stateful=True,
            unit_forget_bias=False,
            kernel_initializer=uniform(),
            recurrent_initializer=uniform(),
            kernel_regularizer=decay,
            recurrent_regularizer=decay,
            bias_regularizer=decay,
        )(x)
    outputs = keras.layers.Dense(
        num_classes,
        kernel_initializer=uniform(),
        bias_initializer=uniform(),
        kernel_regularizer=decay,
        bias_regularizer=decay,
        dtype="float32",
    )(_dropout(x, dropout))
    return keras.Model(inputs, outputs, name=name)


def _dropout(x, rate):
    return keras.layers.Dropout(rate)(x) if rate else x
