"""A small convolutional network with BN, for the 8 × 8 digits."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm_relu, conv, image_input, logits
from mc_tf.models.zoo.registry import register


@register("convnet")
def convnet(num_classes: int, input_shape: Sequence[int], weight_decay: float = 0.0) -> keras.Model:
    """Three 3 × 3 convolutions with BN and ReLU, global average pooling, logits.

    Channels 32, 64 (stride 2), 64. Not from the paper: it trains on the digits to about 1 % test
    error in seconds and has BN, so it is suited to trying whole experiments.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.

    Returns:
        A `keras.Model`.

    Example:
    >>> convnet(10, (8, 8, 1)).output_shape
    (None, 10)
    """
    inputs = x = image_input(input_shape, "convnet")
    for filters, strides in ((32, 1), (64, 2), (64, 1)):
        x = conv(filters, 3, weight_decay, strides=strides, use_bias=False)(x)
        x = batch_norm_relu(x, weight_decay)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = logits(x, num_classes, weight_decay, as_reference=False)
    return keras.Model(inputs, outputs, name="convnet")
