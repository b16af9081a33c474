"""Wide residual networks for CIFAR, of any depth and width."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm_relu, conv3x3, image_input, logits, uniform
from mc_tf.models.zoo.registry import register
from mc_tf.models.zoo.residual import add_projected, blocks_in_stage


@register("wrn<depth>x<width>", examples=("wrn28x10",))
def wide_resnet(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    depth: int = 28,
    width: int = 10,
    dropout: float = 0.0,
) -> keras.Model:
    """WRN (Zagoruyko and Komodakis 2016, Wide Residual Networks).

    A 3 × 3 convolution of 16 channels, three stages of `n` blocks with `16 * width`, `32 * width`
    and `64 * width` channels, BN, ReLU, global average pooling, logits. A block is BN, ReLU, a 3 ×
    3 convolution, dropout, BN, ReLU and another 3 × 3 convolution; the latter has stride 2 in the
    first block of the second and third stage. Where a block changes the shape, a 1 × 1 convolution
    of its input is the shortcut. Convolutions have biases; kernels and biases are initialized
    uniformly in ± 1 / sqrt(inputs), as in the reference. All BN layers have momentum 0.9. The last
    BN of the reference has momentum 0.1, because it sets `momentum=0.9` in PyTorch's convention.
    Re-estimated statistics do not depend on it.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 4 × 4 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: Number of weighted layers without BN and shortcuts, `6 n + 4`. Defaults to 28.
        width: Factor of the channels in the stages. Defaults to 10.
        dropout: Rate of the dropout in the blocks. Defaults to 0.

    Returns:
        A `keras.Model`; for ten / a hundred classes at `(32, 32, 3)`, WRN-28-10 has
        36,489,290 / 36,546,980 trainable weights.

    Raises:
        ValueError: If no such network has the depth, `width` is less than 1, or the images
            are too small.

    Example:
    >>> wide_resnet(10, (32, 32, 3), depth=10, width=1).output_shape
    (None, 10)
    """
    blocks = blocks_in_stage(depth, 6, 4, "wrn")
    if width < 1:
        raise ValueError(f"wrn expects a width of 1 or more. Received: width={width}.")
    inputs = image_input(input_shape, "wrn", smallest=4)
    x = _conv3x3(inputs, 16, weight_decay)
    for stage, filters in enumerate((16 * width, 32 * width, 64 * width)):
        for index in range(blocks):
            strides = 2 if stage > 0 and index == 0 else 1
            x = _block(x, filters, strides, weight_decay, dropout)
    x = batch_norm_relu(x, weight_decay)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = logits(x, num_classes, weight_decay)
    return keras.Model(inputs, outputs, name=f"wrn{depth}x{width}")


def _block(x, filters, strides, weight_decay, dropout):
    y = batch_norm_relu(x, weight_decay)
    y = _conv3x3(y, filters, weight_decay)
    if dropout:
        y = keras.layers.Dropout(dropout)(y)
    y = batch_norm_relu(y, weight_decay)
    y = _conv3x3(y, filters, weight_decay, strides)
    return add_projected(x, y, weight_decay, strides, **_initial(x.shape[-1]))


def _conv3x3(x, filters, weight_decay, strides=1):
    return conv3x3(x, filters, weight_decay, strides, **_initial(9 * x.shape[-1]))


def _initial(inputs):
    return {"initializer": uniform(inputs), "bias_initializer": uniform(inputs)}
