"""Pad, crop and flip as batched operations, and their random draws."""

import functools

import numpy as np
import tensorflow as tf

from mc_tf.typing import TensorLike


def crop_and_flip(
    images: np.ndarray | tf.Tensor, offsets: TensorLike, flips: TensorLike, padding: int = 4
) -> tf.Tensor:
    """Crops each zero-padded image at its own offset and mirrors some of them.

    The result equals `padded[i, r : r + height, c : c + width]` with `r, c = offsets[i]`, with
    reversed columns if `flips[i]` is true. With offsets drawn uniformly from `0 .. 2 * padding` and
    flips with probability 1/2, this is the augmentation of the paper's CIFAR experiments (section
    4).

    Args:
        images: Tensor `(batch, height, width, channels)`, any numeric dtype.
        offsets: Integer tensor `(batch, 2)`: row and column in the padded image of the
            crop's upper left corner, each in `0 .. 2 * padding`.
        flips: Boolean tensor `(batch,)`: whether to mirror the image left to right.
        padding: Zeros added on each side before cropping, in pixels. Defaults to 4.

    Returns:
        Tensor of the shape and dtype of `images`.

    Example:
    >>> image = tf.reshape(tf.range(4), (1, 2, 2, 1))
    >>> shifted = crop_and_flip(image, [[1, 0]], [False], padding=1)
    >>> shifted[0, :, :, 0].numpy().tolist()
    [[0, 0], [0, 2]]
    """
    offsets = tf.convert_to_tensor(offsets, "int32") - padding
    height, width, channels = images.shape[1:]
    batch = tf.shape(images)[0]
    first = tf.expand_dims(tf.range(batch), 1) * (height * width)

    # All padding pixels read one zero pixel after the batch, which is cheaper than padding.
    pixels = tf.concat(
        [tf.reshape(images, (-1, channels)), tf.zeros((1, channels), images.dtype)], 0
    )
    zero = batch * (height * width)
    rows = offsets[:, :1] + tf.range(height)
    rows = tf.where(_inside(rows, height), first + rows * width, zero)
    columns = tf.range(width)
    columns = tf.where(tf.expand_dims(flips, 1), columns[::-1], columns)
    columns = offsets[:, 1:] + columns
    columns = tf.where(_inside(columns, width), columns, zero)
    index = tf.minimum(rows[:, :, None] + columns[:, None, :], zero)
    return tf.gather(pixels, index)


def epoch_plan(num_examples, seed, epoch, padding, flip):
    """Draws the order of an epoch, and the crop and flip of each image.

    Args:
        num_examples: Number of images.
        seed: Integer.
        epoch: Number of the epoch: an int or an int64 tensor. All draws depend only on
            `(seed, epoch)`.
        padding: Zeros added on each side before cropping, in pixels.
        flip: Whether images are mirrored at random.

    Returns:
        Tensors in the order of the epoch: indices `(num_examples,)`, and `offsets` and `flips` for
        `crop_and_flip`.
    """
    seed = tf.stack([tf.constant(seed, "int64"), tf.cast(epoch, "int64")])
    seeds = tf.unstack(tf.random.split(seed, 3, alg="philox"))
    shuffle = tf.random.experimental.stateless_shuffle
    draw = functools.partial(tf.random.stateless_uniform, dtype="int32", alg="philox")
    order = shuffle(tf.range(num_examples), seeds[0], alg="philox")
    offsets = draw((num_examples, 2), seeds[1], minval=0, maxval=2 * padding + 1)
    flips = draw((num_examples,), seeds[2], minval=0, maxval=1 + int(flip))
    return order, offsets, flips > 0


def _inside(position, size):
    return (position >= 0) & (position < size)
