"""Shared parts of residual networks: depths and shortcuts."""

import keras

from mc_tf.models.zoo.blocks import conv


def blocks_in_stage(depth, step, first, network):
    """Number of blocks `n` in each stage of a network of depth `step * n + first`.

    Args:
        depth: Number of weighted layers.
        step: Number of layers added by one more block in every stage.
        first: Number of layers outside the blocks.
        network: Name of the network, for the message.

    Returns:
        Integer, at least 1.

    Raises:
        ValueError: If no such network has that depth.

    Example:
    >>> blocks_in_stage(158, 6, 2, "resnet")
    26
    """
    blocks, rest = divmod(depth - first, step)
    if blocks < 1 or rest:
        nearest = [str(step * n + first) for n in (blocks, max(blocks, 0) + 1) if n >= 1]
        raise ValueError(
            f"{network} expects a depth of {step} n + {first}. Received: depth={depth}. "
            f"Nearest: {' and '.join(nearest)}."
        )
    return blocks


def add_projected(x, y, weight_decay=0.0, strides=1, **options):
    """Adds `x` to `y`, through a 1 × 1 convolution of `x` if their shapes differ.

    Args:
        x: Keras tensor, the input of the block.
        y: Keras tensor, the output of its layers.
        weight_decay: Weight decay of the convolution. Defaults to 0.
        strides: Strides of the block. Defaults to 1.
        **options: Other arguments of `mc_tf.models.zoo.blocks.conv`.

    Returns:
        Keras tensor of the shape of `y`.
    """
    if x.shape[1:] != y.shape[1:]:
        x = conv(y.shape[-1], 1, weight_decay, strides, padding="valid", **options)(x)
    return keras.layers.add([x, y])


def add_zero_padded(x, y):
    """Adds `x` to the first channels of `y`, which may have more.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        y: Keras tensor `(batch, height, width, channels)`, with at least the channels of `x`.

    Returns:
        Keras tensor of the shape of `y`.
    """
    extra = y.shape[-1] - x.shape[-1]
    if extra:
        # Keras pads rows and columns only; with `data_format="channels_first"` it treats the
        # channels as columns.
        padding = ((0, 0), (0, extra))
        x = keras.layers.ZeroPadding2D(padding, data_format="channels_first")(x)
    return keras.layers.add([x, y])
