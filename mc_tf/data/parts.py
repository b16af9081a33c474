"""The part of each training batch that one of several processes makes."""

import inspect

import tensorflow as tf

__all__ = ["bounds_of", "parts_of_epoch"]


def parts_of_epoch(data, part, batch_size, seed, epoch, first_step):
    """Returns one of several equal parts of each training batch of an epoch.

    If the data set's `epoch_batches` has an argument `part`, it makes only this part. Otherwise it
    makes whole batches, from which the part is taken.

    Args:
        data: data set.
        part: `(i, n)`, the `i`-th of `n` parts, `i` from 0; `(0, 1)` for whole batches.
        batch_size, seed, epoch, first_step: as for `Dataset.epoch_batches`.

    Returns:
        `tf.data.Dataset` of `(x, y)`, with as many elements as there are batches.
    """
    given = batch_size, seed, epoch, first_step
    if part == (0, 1):
        return data.epoch_batches(*given)
    if "part" in inspect.signature(data.epoch_batches).parameters:
        return data.epoch_batches(*given, part=part)

    def taken(*batch):
        size = tf.shape(tf.nest.flatten(batch)[0])[0]
        own = slice(*bounds_of(part, 0, size))
        return tf.nest.map_structure(lambda leaf: leaf[own], batch)

    return data.epoch_batches(*given).map(taken, tf.data.AUTOTUNE)


def bounds_of(part, start, end):
    """Returns where a part of the examples from `start` to `end` starts and ends.

    Example:
        >>> [bounds_of((i, 2), 10, 17) for i in range(2)]
        [(10, 13), (13, 17)]
    """
    index, count = part
    size = end - start
    return start + size * index // count, start + size * (index + 1) // count
