"""Pre-activation residual networks for CIFAR, of any depth."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import batch_norm_relu, conv, conv3x3, image_input, logits, scaled
from mc_tf.models.zoo.registry import register
from mc_tf.models.zoo.residual import add_projected

_DEEPEST_BASIC = 56
_EXPANSION = 4


@register(
    "preresnet<depth>",
    examples=("preresnet20", "preresnet110", "preresnet164"),
)
def preresnet(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    depth: int = 20,
    skip_connections: bool = True,
    width: float = 1,
) -> keras.Model:
    """Pre-activation ResNet (He et al. 2016, Identity Mappings in Deep Residual Networks).

    A 3 × 3 convolution, three stages of `n` blocks with 16, 32 and 64 channels (stride
    2 at the start of the second and third), BN, ReLU, global average pooling, logits.
    A depth `6 n + 2` of at most 56 (8, 14, 20, ... 56) has basic blocks of two 3 × 3
    convolutions; any other depth `9 n + 2` (110, 164, ...) has bottleneck blocks of
    1 × 1, 3 × 3 and 1 × 1 convolutions, the last four times as wide. Convolutions have
    no biases; where a block changes the shape, a 1 × 1 convolution of its input is the
    shortcut.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 4 × 4 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: Number of weighted layers, as above. Defaults to 20.
        skip_connections: Whether a block adds its input to its output. Without them (as in Li et
            al. 2018, Visualizing the Loss Landscape of Neural Nets) there are no shortcut
            convolutions. Defaults to `True`.
        width: Factor of the channels of the three stages (the `k` of Li et al.'s WRN-56-k).
            Defaults to 1.

    Returns:
        A `keras.Model`; for ten / a hundred classes at `(32, 32, 3)`, depth 110 has
        1,146,842 / 1,169,972 trainable weights and depth 164 has 1,703,258 / 1,726,388.

    Raises:
        ValueError: If no such network has the depth, `width` leaves no channels, or the images are
            too small.

    Example:
    >>> preresnet(10, (32, 32, 3), depth=20).output_shape
    (None, 10)
    """
    kind = _block_kind(depth)
    if kind is None:
        below = next((d for d in range(depth - 1, 0, -1) if _block_kind(d)), None)
        above = next(d for d in range(max(depth, 0) + 1, max(depth, 0) + 99) if _block_kind(d))
        nearest = f"{below} and {above}" if below else str(above)
        raise ValueError(
            f"depth must be 6 n + 2 up to {_DEEPEST_BASIC} (basic blocks) or 9 n + 2 "
            f"(bottlenecks). Received: depth={depth}. Nearest: {nearest}."
        )
    block, layers_per_block = kind
    inputs = image_input(input_shape, "preresnet", smallest=4)
    x = conv3x3(inputs, 16, weight_decay, use_bias=False)
    for stage, filters in enumerate((16, 32, 64)):
        for index in range((depth - 2) // (3 * layers_per_block)):
            strides = 2 if stage > 0 and index == 0 else 1
            y = block(x, scaled(filters, width), strides, weight_decay)
            if skip_connections:
                y = add_projected(x, y, weight_decay, strides, use_bias=False)
            x = y
    x = batch_norm_relu(x, weight_decay)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, logits(x, num_classes, weight_decay), name=f"preresnet{depth}")


def _basic(x, filters, strides, weight_decay):
    y = batch_norm_relu(x, weight_decay)
    y = conv3x3(y, filters, weight_decay, strides, use_bias=False)
    y = batch_norm_relu(y, weight_decay)
    return conv3x3(y, filters, weight_decay, use_bias=False)


def _bottleneck(x, filters, strides, weight_decay):
    y = batch_norm_relu(x, weight_decay)
    y = conv(filters, 1, weight_decay, use_bias=False)(y)
    y = batch_norm_relu(y, weight_decay)
    y = conv3x3(y, filters, weight_decay, strides, use_bias=False)
    y = batch_norm_relu(y, weight_decay)
    return conv(_EXPANSION * filters, 1, weight_decay, use_bias=False)(y)


def _block_kind(depth):
    """Block function and its number of layers, or `None` if no network has this depth."""
    if 6 < depth <= _DEEPEST_BASIC and (depth - 2) % 6 == 0:
        return _basic, 2
    if depth > 9 and (depth - 2) % 9 == 0:
        return _bottleneck, 3
    return None
