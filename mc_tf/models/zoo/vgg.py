"""VGG-16 and VGG-19 for CIFAR, without and with batch normalization."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm_relu, conv, dense, image_input, logits
from mc_tf.models.zoo.registry import register

_FILTERS = (64, 128, 256, 512, 512)
_CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


@register("vgg<depth>", examples=("vgg16", "vgg19"))
def vgg(
    num_classes: int, input_shape: Sequence[int], weight_decay: float = 0.0, depth: int = 16
) -> keras.Model:
    """VGG (Simonyan and Zisserman 2015) for CIFAR, as in the paper, without BN.

    Five blocks of 3 × 3 convolutions with 64, 128, 256, 512 and 512 channels and ReLU,
    each followed by a 2 × 2 max-pool; then twice dropout 0.5 and a ReLU layer of 512
    units; logits.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 32 × 32 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: Number of weighted layers, 16 or 19. Defaults to 16.

    Returns:
        A `keras.Model`; for ten / a hundred classes at `(32, 32, 3)`, depth 16 has
        15,245,130 / 15,291,300 weights and depth 19 has 20,554,826 / 20,600,996.

    Raises:
        ValueError: If the depth is not supported or the images are too small.

    Example:
    >>> vgg(10, (32, 32, 3)).count_params()
    15245130
    """
    return _vgg(num_classes, input_shape, weight_decay, depth, _convolution, f"vgg{depth}")


@register("vgg<depth>bn", examples=("vgg16bn", "vgg19bn"))
def vgg_bn(
    num_classes: int, input_shape: Sequence[int], weight_decay: float = 0.0, depth: int = 16
) -> keras.Model:
    """The network of `vgg` with BN between each convolution and its ReLU.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 32 × 32 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: Number of weighted layers without BN, 16 or 19. Defaults to 16.

    Returns:
        A `keras.Model`; for ten / a hundred classes at `(32, 32, 3)`, depth 16 has
        15,253,578 / 15,299,748 trainable weights and depth 19 has 20,565,834 / 20,612,004.

    Raises:
        ValueError: If the depth is not supported or the images are too small.
    """
    return _vgg(num_classes, input_shape, weight_decay, depth, _convolution_bn, f"vgg{depth}bn")


def _vgg(num_classes, input_shape, weight_decay, depth, convolution, name):
    if depth not in _CONVOLUTIONS:
        raise ValueError(f"vgg expects a depth of 16 or 19. Received: depth={depth}.")
    inputs = x = image_input(input_shape, name, smallest=32)
    for filters, convolutions in zip(_FILTERS, _CONVOLUTIONS[depth], strict=True):
        for _ in range(convolutions):
            x = convolution(x, filters, weight_decay)
        x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    for _ in range(2):
        x = keras.layers.Dropout(0.5)(x)
        x = dense(x, 512, weight_decay, activation="relu")
    return keras.Model(inputs, logits(x, num_classes, weight_decay), name=name)


def _convolution(x, filters, weight_decay):
    return conv(filters, 3, weight_decay, activation="relu")(x)


def _convolution_bn(x, filters, weight_decay):
    return batch_norm_relu(conv(filters, 3, weight_decay)(x), weight_decay)
