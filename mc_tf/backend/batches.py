"""Iterates over any data that `keras.Model.fit` accepts, batch by batch."""

import hashlib
import itertools
import math
import sys

import keras
import numpy as np

from mc_tf.backend import ops as backend
from mc_tf.backend.array_kinds import as_dense, as_rows, content, is_array, is_finite

__all__ = ["Batches", "KeptBatches", "data_fingerprint"]

_ENDS = 100  # examples at the start and end of arrays used for fingerprints
LIMIT_BYTES = 2**31  # maximum size of a data set cached in memory


class Batches:
    """A finite data set as batches `(x, y, sample_weight)`, for any number of passes.

    The constructor checks as much as possible without reading the data. Pass the name of the
    argument as `role`, and construct it before any work.

    Args:
        data: a `tf.data.Dataset` of batches, a `keras.utils.PyDataset`, another iterable of batches
            (not a list) that restarts for each pass, such as PyTorch's `DataLoader`; or arrays:
            `x`, `(x, y)` or `(x, y, sample_weight)`, each an array or a nested structure of arrays
            as `as_rows` accepts them: numpy, pandas, sparse, ragged, or tensors.
        batch_size: examples per batch, for arrays only. Default 500.
        num_batches: maximum number of batches. Default: all.
        role: name of the data in messages.

    Raises:
        ValueError: if the data is an iterator that can be read only once, an infinite data set
            without `num_batches`, empty, or not a data set. Some empty data sets are detected only
            in the first pass.
    """

    def __init__(self, data, batch_size=500, num_batches=None, role="data"):
        self.role = data.role if isinstance(data, KeptBatches) else role
        if num_batches is not None and num_batches < 1:
            raise ValueError(f"`num_batches` must be at least 1. Received: {num_batches}")
        self.of_arrays = _are_arrays(data)
        self._data = _checked_arrays(data, self.role) if self.of_arrays else data
        self._batch_size = batch_size
        self._num_batches = num_batches
        if not self.of_arrays:
            self._check_iterable()

    def _check_iterable(self):
        data, kind = self._data, type(self._data).__name__
        if hasattr(data, "__next__"):
            raise ValueError(
                f"`{self.role}` is an iterator or generator ({kind}), which can be read once only, "
                "but several passes are needed. Pass a `tf.data.Dataset`, a "
                "`keras.utils.PyDataset` or arrays."
            )
        if not hasattr(data, "__iter__") or isinstance(data, (str, bytes)):
            raise ValueError(
                f"`{self.role}` must be arrays, a `tf.data.Dataset`, a `keras.utils.PyDataset` or "
                f"another iterable of batches. Received: {data!r} (a {kind})"
            )
        size = num_batches_of(data)
        if size == 0:
            self.refuse_empty()
        if size == math.inf and self._num_batches is None:
            raise ValueError(
                f"`{self.role}` never ends: it is a repeated data set, or its number of batches is "
                "unknown. Pass a finite data set, without `.repeat()`, or `.take(...)` part of it."
            )

    @property
    def num_examples(self):
        """Number of examples of arrays; `None` for other data."""
        leaves = [leaf for leaf in keras.tree.flatten(self._data) if leaf is not None]
        return int(leaves[0].shape[0]) if self.of_arrays else None

    @property
    def has_text(self):
        """Whether there is text among arrays."""
        leaves = keras.tree.flatten(self._data) if self.of_arrays else []
        return any(getattr(getattr(leaf, "dtype", None), "kind", "f") in "OSU" for leaf in leaves)

    def refuse_empty(self):
        """Raises the error for empty data."""
        raise ValueError(f"`{self.role}` has no batch: it is empty.")

    def not_finite(self):
        """Finds NaN or infinite values in the data, to explain a result that is not finite.

        Returns:
            str with the problem and the remedy, or `None` if all numbers are finite.
        """
        for index, batch in enumerate(self):
            for what, part in zip(("inputs", "labels", "sample weights"), batch):
                for leaf in keras.tree.flatten(part):
                    if leaf is not None and not is_finite(_numbers(leaf)):
                        return (
                            f"`{self.role}` has NaN or infinite {what} in batch {index} (counted "
                            "from 0). Replace these values, or leave out their examples."
                        )
        return None

    def check_finite(self):
        """Rejects data with non-finite numbers: one pass, to explain a result.

        Raises:
            ValueError: naming the batch.
        """
        problem = self.not_finite()
        if problem:
            raise ValueError(f"The result is not finite: {problem}")

    def __iter__(self):
        empty = True
        for batch in itertools.islice(self.raw(), self._num_batches):
            empty = False
            yield _unpacked(batch)
        if empty:
            self.refuse_empty()

    def raw(self):
        """Returns an iterator over the batches in one pass, unconverted."""
        data = self._data
        if isinstance(data, keras.utils.PyDataset):
            size = num_batches_of(data)
            indices = itertools.count() if size == math.inf else range(size)
            return (data[index] for index in indices)
        if not self.of_arrays:
            return iter(data)
        size, step = self.num_examples, self._batch_size
        return (
            keras.tree.map_structure(
                lambda leaf, first=first: None if leaf is None else leaf[first : first + step], data
            )
            for first in range(0, size, step)
        )


class KeptBatches:
    """A finite data set whose batches are read once and cached, for many passes.

    Preprocessing (decoding, a `tf.data` pipeline) runs only in the first pass. A data set larger
    than the limit is read again in each pass.

    Args:
        data, batch_size, role: as for `Batches`, which accepts an object of this class as data.
        limit_bytes: maximum size of the cache in host memory. Default: `LIMIT_BYTES`, 2 GiB.

    Raises:
        ValueError: as `Batches`.
    """

    def __init__(self, data, batch_size=500, limit_bytes=None, role="data"):
        self.role = role
        self._batches = Batches(data, batch_size, role=role)
        self._left = LIMIT_BYTES if limit_bytes is None else limit_bytes
        self._kept = None
        self._begun = None

    def first(self):
        """Returns the first batch `(x, y, sample_weight)`. The next pass reuses it.

        Raises:
            ValueError: if the data is empty.
        """
        passing = iter(self)
        first = list(itertools.islice(passing, 1))
        if not first:
            self._batches.refuse_empty()
        self._begun = itertools.chain(first, passing)
        return _unpacked(first[0])

    def in_memory(self, most):
        """All batches as tensors in a list, or `None` for more than `most` and uncached ones."""
        if self._left <= 0:
            return None
        passing = iter(self)
        begun = list(itertools.islice(passing, most + 1))
        if len(begun) > most:
            self._begun = itertools.chain(begun, passing)
        return [_unpacked(batch) for batch in self._kept] if self._kept else None

    def __iter__(self):
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return begun
        if self._kept is not None:
            return iter(self._kept)
        return self._first_pass() if self._left > 0 else self._batches.raw()

    def _first_pass(self):
        kept, left = [], self._left
        refilled = not self._batches.of_arrays  # possibly reused for each batch
        for batch in self._batches.raw():
            if refilled:
                batch = keras.tree.map_structure(_copy, batch)
            left -= sum(_size(leaf) for leaf in keras.tree.flatten(batch))
            if left > 0:
                batch = backend.in_memory(batch)
                kept.append(batch)
            else:
                kept, self._left = [], 0  # too large
            yield batch
        if left > 0:
            self._kept = kept


def data_fingerprint(data):
    """Returns a fingerprint of a data set without reading all of it.

    Args:
        data: data set as `Batches` takes it.

    Returns:
        str: for arrays, a digest of shapes, first and last examples, and all labels and weights;
        for other data, the number of batches, if known.
    """
    if not _are_arrays(data):
        if isinstance(data, keras.utils.PyDataset):
            return f"{data.num_batches} batches"
        return f"{int(data.cardinality())} batches" if hasattr(data, "cardinality") else ""
    digest = hashlib.sha256()
    data = _checked_arrays(data, "data")
    inputs = keras.tree.flatten(data[0] if isinstance(data, (tuple, list)) else data)
    for index, leaf in enumerate(keras.tree.flatten(data)):
        if leaf is None:
            digest.update(b"None")
            continue
        whole = index >= len(inputs)
        header, _ = content(leaf[:0])
        digest.update(header.replace(b"(0,", b"(%d," % leaf.shape[0], 1))
        for part in [leaf] if whole else [leaf[:_ENDS], leaf[-_ENDS:]]:
            digest.update(content(part)[1])
    return digest.hexdigest()[:32]


def num_batches_of(data):
    """Returns the declared number of batches of a data set, without reading it.

    Args:
        data: data set as `Batches` accepts it, except arrays.

    Returns:
        int, `math.inf` for an infinite data set, or `None` if unknown.
    """
    if isinstance(data, keras.utils.PyDataset):
        try:
            size = data.num_batches
        except NotImplementedError:
            size = None
        return math.inf if size is None else size
    if hasattr(data, "cardinality"):
        size = int(data.cardinality())
        return {-1: math.inf, -2: None}.get(size, size)
    try:
        return {0: 0, sys.maxsize: math.inf}.get(len(data))  # others may count examples
    except TypeError:
        return None


def _are_arrays(data):
    return isinstance(data, (tuple, list, dict)) or is_array(data)


def _checked_arrays(data, role):
    """Converts arrays by `as_rows`, without trailing `None`."""
    if isinstance(data, (tuple, list)):
        while len(data) > 1 and data[-1] is None:
            data = data[:-1]
        if len(data) > 3:
            raise ValueError(
                f"`{role}`: arrays are `x`, `(x, y)` or `(x, y, sample_weight)`. Received: a "
                f"{type(data).__name__} of {len(data)}. (A list of batches is read as arrays, "
                "as Keras does: give a `PyDataset` instead.)"
            )
    inputs = data[:1] if isinstance(data, (tuple, list)) else data
    if not keras.tree.flatten(inputs):
        raise ValueError(f"`{role}` has no batch: it is an empty {type(data).__name__}.")
    if any(leaf is None for leaf in keras.tree.flatten(inputs)):
        raise ValueError(
            f"`{role}` has `None` for inputs. Give `x`, `(x, y)` or `(x, y, sample_weight)`."
        )
    data = keras.tree.map_structure(
        lambda leaf: None if leaf is None else as_rows(leaf, role), data
    )
    sizes = [int(leaf.shape[0]) for leaf in keras.tree.flatten(data) if leaf is not None]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"`{role}`: arrays must have the same number of examples. Received: {sizes}. (A list "
            "of batches is read as arrays, as Keras does: give a `PyDataset` instead.)"
        )
    if not sizes[0]:
        raise ValueError(f"`{role}` has no batch: its arrays have no examples.")
    return data


def _unpacked(batch):
    return keras.utils.unpack_x_y_sample_weight(backend.to_device(batch))


def _numbers(leaf):
    """An array with all numbers of a tensor, ragged and sparse ones included."""
    leaf = getattr(leaf, "flat_values", leaf)
    return as_dense(leaf) if hasattr(leaf, "dense_shape") or hasattr(leaf, "todense") else leaf


def _copy(leaf):
    return np.array(leaf) if isinstance(leaf, np.ndarray) else leaf


def _size(leaf):
    """Size of an array in bytes, if known."""
    leaf = getattr(leaf, "flat_values", getattr(leaf, "values", leaf))  # ragged, sparse, pandas
    leaf = leaf.data if hasattr(leaf, "tocsr") else leaf
    dtype = getattr(leaf, "dtype", None)
    itemsize = getattr(dtype, "itemsize", None) or getattr(dtype, "size", 0)  # TensorFlow's
    return int(np.prod(getattr(leaf, "shape", ()), dtype="int64")) * itemsize
