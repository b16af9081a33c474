"""The fully connected network of the paper's MNIST experiment."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import dense, logits, scaled
from mc_tf.models.zoo.registry import register


@register("fc")
def fully_connected(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    units: Sequence[int] = (500, 500),
    width: float = 1.0,
) -> keras.Model:
    """Flatten, two ReLU layers of 500 units, logits (the paper's row for MNIST in Table 2, A.4).

    The paper gives no sizes, and the reference has no such network. Weights use Keras' default
    initializers.

    Args:
        num_classes: Number of logits.
        input_shape: Shape of one example, of any rank.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        units: Units of the hidden layers. Defaults to `(500, 500)`.
        width: Factor of the hidden units. Defaults to 1.

    Returns:
        A `keras.Model`; 648,010 weights for ten classes at `(28, 28, 1)`.

    Raises:
        ValueError: If a hidden layer has no units.

    Example:
    >>> fully_connected(10, (28, 28, 1)).count_params()
    648010
    """
    if any(count < 1 for count in units):
        raise ValueError(f"units must be positive. Received: units={tuple(units)}")
    inputs = keras.Input(tuple(input_shape), name="inputs")
    x = keras.layers.Flatten()(inputs)
    for count in units:
        x = dense(x, scaled(count, width), weight_decay, "relu", as_reference=False)
    outputs = logits(x, num_classes, weight_decay, as_reference=False)
    return keras.Model(inputs, outputs, name="fc")
