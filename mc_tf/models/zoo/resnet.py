"""The original residual networks for CIFAR, of any depth."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm, batch_norm_relu, conv3x3, image_input, logits
from mc_tf.models.zoo.registry import register
from mc_tf.models.zoo.residual import add_zero_padded, blocks_in_stage


@register("resnet<depth>", examples=("resnet20", "resnet158"))
def resnet(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    depth: int = 20,
    skips: bool = True,
) -> keras.Model:
    """ResNet (He et al. 2016, Deep Residual Learning for Image Recognition) for CIFAR.

    A 3 × 3 convolution, three stages of `n` basic blocks with 16, 32 and 64 channels (stride 2 at
    the start of the second and third), global average pooling, logits. A block has two 3 × 3
    convolutions, each followed by BN, and a ReLU after the addition. The shortcuts have no weights:
    where the shape changes they take every second pixel and fill the additional channels with
    zeros. Convolutions have no biases.

    Mode connectivity's "ResNet-158" is depth 158 = 6 × 26 + 2 here. Its authors published
    no network of that depth, so this is our reading: bottleneck blocks have depths
    9 n + 2, which 158 is not.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 4 × 4 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: Number of weighted layers without BN, `6 n + 2`. Defaults to 20.
        skips: Whether blocks have shortcuts. Li et al. 2018 (Visualizing the Loss Landscape of
            Neural Nets) compare both. Defaults to `True`.

    Returns:
        A `keras.Model`; for ten classes at `(32, 32, 3)`, the depths 20, 56, 110 and 158
        have 269,722, 853,018, 1,727,962 and 2,505,690 trainable weights.

    Raises:
        ValueError: If no such network has the depth, or the images are too small.

    Example:
    >>> resnet(10, (32, 32, 3), depth=20).output_shape
    (None, 10)
    """
    blocks = blocks_in_stage(depth, 6, 2, "resnet")
    inputs = image_input(input_shape, "resnet", smallest=4)
    x = conv3x3(inputs, 16, weight_decay, use_bias=False)
    x = batch_norm_relu(x, weight_decay)
    for stage, filters in enumerate((16, 32, 64)):
        for index in range(blocks):
            strides = 2 if stage > 0 and index == 0 else 1
            x = _block(x, filters, strides, weight_decay, skips)
    x = keras.layers.GlobalAveragePooling2D()(x)
    name = f"resnet{depth}" if skips else f"resnet{depth}_without_skips"
    return keras.Model(inputs, logits(x, num_classes, weight_decay), name=name)


def _block(x, filters, strides, weight_decay, skips):
    y = conv3x3(x, filters, weight_decay, strides, use_bias=False)
    y = batch_norm_relu(y, weight_decay)
    y = conv3x3(y, filters, weight_decay, use_bias=False)
    y = batch_norm(weight_decay)(y)
    if skips:
        if strides > 1:
            # A pool of one pixel, so this only subsamples.
            x = keras.layers.AveragePooling2D(1, strides=strides)(x)
        y = add_zero_padded(x, y)
    return keras.layers.ReLU()(y)
