"""One way to go through any data that `keras.Model.fit` takes, batch by batch."""

import itertools

import keras
import numpy as np

from mc_tf import backend

__all__ = ["Batches"]


class Batches:
    """A finite data set as batches `(x, y, sample_weight)`, as often as asked.

    Args:
        data: a `tf.data.Dataset` of batches, a `keras.utils.PyDataset`, another iterable of
            batches (not a list) that starts anew each time, or arrays: `x`, `(x, y)` or
            `(x, y, sample_weight)`.
        batch_size: examples a batch, for arrays only. Default 500.
        num_batches: how many batches to use at most. Default: all.

    Raises:
        ValueError: if the data is an iterator that can be read once only, or an endless data set
            without `num_batches`.
    """

    def __init__(self, data, batch_size=500, num_batches=None):
        if hasattr(data, "__next__"):
            raise ValueError(
                "The data is read once for each pass, but an iterator or generator was received "
                f"({type(data).__name__}), which ends after the first. Give a `tf.data.Dataset`, "
                "a `keras.utils.PyDataset` or arrays."
            )
        if num_batches is not None and num_batches < 1:
            raise ValueError(f"`num_batches` must be at least 1. Received: {num_batches}")
        if num_batches is None and _is_endless(data):
            raise ValueError(
                "The data set never ends (it was repeated). Take a finite one, without "
                "`.repeat()`, or `.take(...)` part of it."
            )
        self._data = data
        self._batch_size = batch_size
        self._num_batches = num_batches

    def __iter__(self):
        for batch in itertools.islice(self._raw(), self._num_batches):
            yield keras.utils.unpack_x_y_sample_weight(backend.to_device(batch))

    def _raw(self):
        data = self._data
        if isinstance(data, keras.utils.PyDataset):
            return (data[index] for index in range(data.num_batches))
        leaves = keras.tree.flatten(data)
        if leaves and all(hasattr(leaf, "shape") for leaf in leaves):
            sizes = [len(leaf) for leaf in leaves]
            size = sizes[0]
            if len(set(sizes)) > 1:
                raise ValueError(
                    f"Arrays must have the same number of examples. Received: {sizes}. (A list "
                    "of batches is read as arrays, as Keras does: give a `PyDataset` instead.)"
                )
            return (
                keras.tree.map_structure(
                    lambda leaf, first=first: np.asarray(leaf[first : first + self._batch_size]),
                    data,
                )
                for first in range(0, size, self._batch_size)
            )
        return iter(data)


def _is_endless(data):
    cardinality = getattr(data, "cardinality", None)
    return cardinality is not None and int(cardinality()) == -1
