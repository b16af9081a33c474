"""The training batches of any data set as an infinite stream."""

import tensorflow as tf

from mc_tf.data.dataset import Dataset

__all__ = ["endless_batches"]


def endless_batches(
    data: Dataset, batch_size: int, seed: int = 0, start_step: int = 0
) -> tf.data.Dataset:
    """Chains the training batches of all epochs, each in its own order.

    Args:
        data: Data set with `steps_per_epoch(batch_size)` and
            `epoch_batches(batch_size, seed, epoch, first_step)`.
        batch_size: Examples per batch; for text: streams.
        seed: Integer. Defaults to 0.
        start_step: First batch to serve, counted from 0 over all epochs, so that a resumed run sees
            the same batches as an uninterrupted run. Defaults to 0.

    Returns:
        An infinite `tf.data.Dataset` of `(x, y)`: pass
        `steps_per_epoch=data.steps_per_epoch(batch_size)` to `fit`.

    Raises:
        ValueError: If `batch_size` is below 1 or `start_step` is negative.
    """
    if start_step < 0:
        raise ValueError(f"start_step must not be negative. Received: start_step={start_step}.")
    first_epoch, left_out = divmod(start_step, data.steps_per_epoch(batch_size))

    @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
    def epoch_batches(epoch):
        first_step = tf.where(epoch == first_epoch, tf.constant(left_out, "int64"), 0)
        return data.epoch_batches(batch_size, seed, epoch, first_step)

    batches = tf.data.Dataset.counter(first_epoch).flat_map(epoch_batches)
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return batches.apply(endless).prefetch(tf.data.AUTOTUNE)
