"""DenseNet-161 for ImageNet."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm_relu, conv, conv3x3, image_input, logits
from mc_tf.models.zoo.registry import register

_GROWTH = 48


@register("densenet161")
def densenet(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    blocks: Sequence[int] = (6, 12, 36, 24),
) -> keras.Model:
    """DenseNet (Huang et al. 2017, Densely Connected Convolutional Networks).

    A 7 × 7 convolution of 96 channels and stride 2, BN, ReLU, a 3 × 3 max-pool of stride 2; the
    blocks; BN, ReLU, global average pooling, logits. Each layer in a block is BN, ReLU, a 1 × 1
    convolution to 192 channels, BN, ReLU and a 3 × 3 convolution to 48 channels, which are
    concatenated to its input. Between blocks, BN, ReLU, a 1 × 1 convolution to half of the channels
    and 2 × 2 average pooling. Convolutions have no biases. The bias of the logits is initialized to
    zero.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 32 × 32 pixels, doubled for each block
            beyond four.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        blocks: Number of layers in each block. Defaults to DenseNet-161's.

    Returns:
        A `keras.Model`; DenseNet-161 has 28,681,000 trainable weights for a thousand
        classes and three channels.

    Raises:
        ValueError: If a block has no layers or the images are too small.

    Example:
    >>> densenet(10, (32, 32, 3), blocks=(1, 1)).output_shape
    (None, 10)
    """
    if not blocks or min(blocks) < 1:
        raise ValueError(
            "densenet161 expects blocks with one layer or more, such as (6, 12, 36, 24). Received: "
            f"blocks={blocks}."
        )
    inputs = x = image_input(input_shape, "densenet161", smallest=2 ** (len(blocks) + 1))
    x = keras.layers.ZeroPadding2D(3)(x)
    x = _conv(2 * _GROWTH, 7, weight_decay, strides=2, padding="valid")(x)
    x = batch_norm_relu(x, weight_decay)
    x = keras.layers.ZeroPadding2D(1)(x)
    x = keras.layers.MaxPooling2D(3, strides=2)(x)
    for index, layers in enumerate(blocks):
        if index > 0:
            x = _transition(x, weight_decay)
        for _ in range(layers):
            x = keras.layers.concatenate([x, _layer(x, weight_decay)])
    x = batch_norm_relu(x, weight_decay)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = logits(x, num_classes, weight_decay, zero_bias=True)
    return keras.Model(inputs, outputs, name="densenet161")


def _layer(x, weight_decay):
    y = batch_norm_relu(x, weight_decay)
    y = _conv(4 * _GROWTH, 1, weight_decay)(y)
    y = batch_norm_relu(y, weight_decay)
    return conv3x3(y, _GROWTH, weight_decay, use_bias=False, initializer=_initializer())


def _transition(x, weight_decay):
    y = batch_norm_relu(x, weight_decay)
    y = _conv(x.shape[-1] // 2, 1, weight_decay)(y)
    return keras.layers.AveragePooling2D(2)(y)


def _conv(filters, kernel_size, weight_decay, **options):
    return conv(
        filters, kernel_size, weight_decay, use_bias=False, initializer=_initializer(), **options
    )


def _initializer():
    """Normal of variance 2 / inputs, as in torchvision's DenseNet."""
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")
