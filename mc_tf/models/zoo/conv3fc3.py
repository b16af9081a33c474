"""3conv3fc, the plain convolutional network of the paper's CIFAR-10 experiment."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import conv, dense, image_input, logits, scaled
from mc_tf.models.zoo.registry import register


@register("3conv3fc")
def conv3fc3(
    num_classes: int, input_shape: Sequence[int], weight_decay: float = 0.0, width: float = 1.0
) -> keras.Model:
    """Three 5 × 5 convolutions and three fully connected layers, no BN.

    Each convolution (32, 64, 128 channels, ReLU) is followed by a 3 × 3 max-pool of stride 2
    without padding; the hidden fully connected layers have `1000 * width` units. Paper Table 2;
    section A.7 varies the width (K there).

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 15 × 15 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        width: Factor of the fully connected widths. Defaults to 1.

    Returns:
        A `keras.Model`; 2,422,634 weights for ten classes at `(32, 32, 3)`, 2,512,724
        for a hundred.

    Raises:
        ValueError: If the images are too small or `width` leaves no units.

    Example:
    >>> conv3fc3(10, (32, 32, 3)).count_params()
    2422634
    """
    units = scaled(1000, width)
    inputs = x = image_input(input_shape, "3conv3fc", smallest=15)
    for filters in (32, 64, 128):
        x = conv(filters, 5, weight_decay, activation="relu")(x)
        x = keras.layers.MaxPooling2D(3, strides=2)(x)
    x = keras.layers.Flatten()(x)
    for _ in range(2):
        x = dense(x, units, weight_decay, activation="relu")
    return keras.Model(inputs, logits(x, num_classes, weight_decay), name="3conv3fc")
