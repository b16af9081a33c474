"""A small convolutional network with BN, for the 8 × 8 digits."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm_relu, conv, image_input, logits, scaled
from mc_tf.models.zoo.registry import register


@register("convnet")
def convnet(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    width: float = 1.0,
    batch_norm: bool = True,
) -> keras.Model:
    """Three 3 × 3 convolutions with BN and ReLU, global average pooling, logits.

    Channels 32, 64 (stride 2), 64. Not from the paper: it trains on the digits to about 1 % test
    error in seconds and has BN, so it is suited to trying whole experiments.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        width: Factor of the channels. Defaults to 1.
        batch_norm: Whether there is BN; otherwise convolutions have biases. Defaults to `True`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: If `width` leaves no channels.

    Example:
    >>> convnet(10, (8, 8, 1)).output_shape
    (None, 10)
    """
    inputs = x = image_input(input_shape, "convnet")
    for filters, strides in ((32, 1), (64, 2), (64, 1)):
        activation = None if batch_norm else "relu"
        given = {"strides": strides, "activation": activation, "use_bias": not batch_norm}
        x = conv(scaled(filters, width), 3, weight_decay, **given)(x)
        if batch_norm:
            x = batch_norm_relu(x, weight_decay)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = logits(x, num_classes, weight_decay, as_reference=False)
    return keras.Model(inputs, outputs, name="convnet")
