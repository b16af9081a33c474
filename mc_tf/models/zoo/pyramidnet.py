"""Pyramidal residual networks for CIFAR, of any depth and widening."""

import math
from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm, batch_norm_relu, conv, conv3x3, image_input, logits
from mc_tf.models.zoo.registry import register
from mc_tf.models.zoo.residual import add_zero_padded, blocks_in_stage

_EXPANSION = 4


@register("pyramidnet<depth>", examples=("pyramidnet272",))
def pyramidnet(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    depth: int = 272,
    alpha: float = 200,
) -> keras.Model:
    """PyramidNet with bottlenecks (Han et al. 2017, Deep Pyramidal Residual Networks).

    A 3 × 3 convolution of 16 channels and BN, three stages of `n` blocks (stride 2 at the start of
    the second and third), BN, ReLU, global average pooling, logits. Every block is wider than the
    one before: the `k`-th of all `N` has `c = 16 + alpha * k / N` channels, rounded. It is BN, a 1
    × 1 convolution to `c` channels, BN, ReLU, a 3 × 3 convolution, BN, ReLU, a 1 × 1 convolution to
    `4 * c` channels, BN. The shortcuts have no weights: 2 × 2 average pooling at stride 2, zeros in
    the additional channels. Convolutions have no biases.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 4 × 4 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: Number of weighted layers without BN, `9 n + 2`. Defaults to 272.
        alpha: Widening: additional channels of the last block, before the factor 4. Defaults to
            200.

    Returns:
        A `keras.Model`; for ten / a hundred classes at `(32, 32, 3)`, depth 272 with
        `alpha=200` has 26,210,842 / 26,288,692 trainable weights.

    Raises:
        ValueError: If no such network has the depth, `alpha` is negative, or the images
            are too small.

    Example:
    >>> pyramidnet(10, (32, 32, 3), depth=11, alpha=12).output_shape
    (None, 10)
    """
    blocks = blocks_in_stage(depth, 9, 2, "pyramidnet")
    if alpha < 0:
        raise ValueError(f"pyramidnet expects an alpha of 0 or more. Received: alpha={alpha}.")
    inputs = image_input(input_shape, "pyramidnet", smallest=4)
    x = conv3x3(inputs, 16, weight_decay, use_bias=False)
    x = batch_norm(weight_decay)(x)
    for index in range(3 * blocks):
        filters = math.floor(16 + alpha * (index + 1) / (3 * blocks) + 0.5)
        strides = 2 if index in (blocks, 2 * blocks) else 1
        x = _block(x, filters, strides, weight_decay)
    x = batch_norm_relu(x, weight_decay)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = logits(x, num_classes, weight_decay)
    return keras.Model(inputs, outputs, name=f"pyramidnet{depth}")


def _block(x, filters, strides, weight_decay):
    y = batch_norm(weight_decay)(x)
    y = conv(filters, 1, weight_decay, use_bias=False)(y)
    y = batch_norm_relu(y, weight_decay)
    y = conv3x3(y, filters, weight_decay, strides, use_bias=False)
    y = batch_norm_relu(y, weight_decay)
    y = conv(_EXPANSION * filters, 1, weight_decay, use_bias=False)(y)
    y = batch_norm(weight_decay)(y)
    if strides > 1:
        x = keras.layers.AveragePooling2D(2, strides=strides, padding="same")(x)
    return add_zero_padded(x, y)
