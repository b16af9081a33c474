"""One way to go through any data that `keras.Model.fit` takes, batch by batch."""

import hashlib
import itertools

import keras
import numpy as np

from mc_tf import backend

__all__ = ["Batches", "KeptBatches", "data_fingerprint"]

_ENDS = 100  # examples at the beginning and at the end of arrays that tell them apart
LIMIT_BYTES = 2**31  # of a data set, to be kept in memory


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

    @property
    def of_arrays(self):
        """Whether the data are arrays, of which batches are parts."""
        return _are_arrays(self._data)

    def __iter__(self):
        for batch in itertools.islice(self._raw(), self._num_batches):
            yield keras.utils.unpack_x_y_sample_weight(backend.to_device(batch))

    def _raw(self):
        data = self._data
        if isinstance(data, keras.utils.PyDataset):
            return (data[index] for index in range(data.num_batches))
        if _are_arrays(data):
            if isinstance(data, (tuple, list)) and not 1 <= len(data) <= 3:
                raise ValueError(
                    "Arrays are `x`, `(x, y)` or `(x, y, sample_weight)`. Received: a "
                    f"{type(data).__name__} of {len(data)}. (A list of batches is read as arrays, "
                    "as Keras does: give a `PyDataset` instead.)"
                )
            sizes = [len(leaf) for leaf in keras.tree.flatten(data)]
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


class KeptBatches:
    """A finite data set whose batches are read once and then kept, for many passes over them.

    What makes the batches (decoding, a `tf.data` pipeline) then costs nothing from the second pass
    on. A data set that is larger than the limit is read anew at each pass.

    Args:
        data, batch_size: as for `Batches`, which takes an object of this class as data.
        limit_bytes: how much is kept at most, in host memory. Default: `LIMIT_BYTES`, 2 GiB.

    Raises:
        ValueError: as `Batches`.
    """

    def __init__(self, data, batch_size=500, limit_bytes=None):
        self._batches = Batches(data, batch_size)
        self._left = LIMIT_BYTES if limit_bytes is None else limit_bytes
        self._kept = None

    def __iter__(self):
        if self._kept is not None:
            return iter(self._kept)
        return self._first_pass() if self._left > 0 else self._batches._raw()

    def _first_pass(self):
        kept, left = [], self._left
        refilled = not self._batches.of_arrays  # for each batch anew, perhaps
        for batch in self._batches._raw():
            if refilled:
                batch = keras.tree.map_structure(_copy, batch)
            left -= sum(_size(leaf) for leaf in keras.tree.flatten(batch))
            if left > 0:
                kept.append(batch)
            else:
                kept, self._left = [], 0  # too large
            yield batch
        if left > 0:
            self._kept = kept


def data_fingerprint(data):
    """What tells data sets apart without going through them.

    Args:
        data: data set as `Batches` takes it.

    Returns:
        str: of arrays a digest of their shapes, their ends, and all labels and weights; of other
        data the number of batches, as far as it says it.
    """
    if not _are_arrays(data):
        if isinstance(data, keras.utils.PyDataset):
            return f"{data.num_batches} batches"
        return f"{int(data.cardinality())} batches" if hasattr(data, "cardinality") else ""
    digest = hashlib.sha256()
    inputs = keras.tree.flatten(data[0] if isinstance(data, (tuple, list)) else data)
    for index, leaf in enumerate(keras.tree.flatten(data)):
        digest.update(f"{leaf.dtype}{tuple(leaf.shape)}".encode())
        whole = index >= len(inputs)
        for part in [leaf] if whole else [leaf[:_ENDS], leaf[-_ENDS:]]:
            digest.update(np.ascontiguousarray(np.asarray(part)).tobytes())
    return digest.hexdigest()[:32]


def _copy(leaf):
    return np.array(leaf) if isinstance(leaf, np.ndarray) else leaf


def _size(leaf):
    """Bytes of an array, as far as it is one."""
    itemsize = getattr(getattr(leaf, "dtype", None), "itemsize", None)
    if itemsize is None:  # a TensorFlow dtype
        itemsize = getattr(getattr(leaf, "dtype", None), "size", 0)
    return int(np.prod(getattr(leaf, "shape", ()), dtype="int64")) * itemsize


def _are_arrays(data):
    leaves = keras.tree.flatten(data)
    return bool(leaves) and all(hasattr(leaf, "shape") for leaf in leaves)


def _is_endless(data):
    cardinality = getattr(data, "cardinality", None)
    return cardinality is not None and int(cardinality()) == -1
