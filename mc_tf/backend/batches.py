"""One way to go through any data that `keras.Model.fit` takes, batch by batch."""

import hashlib
import itertools
import math
import sys

import keras
import numpy as np

from mc_tf.backend import ops as backend
from mc_tf.backend.array_kinds import as_dense, as_rows, content, is_array, is_finite

__all__ = ["Batches", "KeptBatches", "data_fingerprint"]

_ENDS = 100  # examples at the beginning and at the end of arrays that tell them apart
LIMIT_BYTES = 2**31  # of a data set, to be kept in memory


class Batches:
    """A finite data set as batches `(x, y, sample_weight)`, as often as asked.

    What can be known without reading the data is checked when this is made: give the name of the
    argument as `role`, and make it before any work.

    Args:
        data: a `tf.data.Dataset` of batches, a `keras.utils.PyDataset`, another iterable of
            batches (not a list) that starts anew each time, such as PyTorch's `DataLoader`; or
            arrays: `x`, `(x, y)` or `(x, y, sample_weight)`, each an array or a nested structure
            of arrays as `as_rows` takes them: numpy, pandas, sparse, ragged, or tensors.
        batch_size: examples a batch, for arrays only. Default 500.
        num_batches: how many batches to use at most. Default: all.
        role: what to call the data in messages.

    Raises:
        ValueError: if the data is an iterator that can be read once only, an endless data set
            without `num_batches`, empty, or no data at all. Where that is not known before it is
            read, the first pass finds an empty data set.
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
                "but each pass reads it from its beginning. Give a `tf.data.Dataset`, a "
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
                f"`{self.role}` never ends: it is a data set that was repeated, or has no number "
                "of batches. Give a finite one, without `.repeat()`, or `.take(...)` part of it."
            )

    @property
    def num_examples(self):
        """How many examples arrays have; `None` of other data, where only a pass would tell."""
        leaves = [leaf for leaf in keras.tree.flatten(self._data) if leaf is not None]
        return int(leaves[0].shape[0]) if self.of_arrays else None

    @property
    def has_text(self):
        """Whether there is text among arrays."""
        leaves = keras.tree.flatten(self._data) if self.of_arrays else []
        return any(getattr(getattr(leaf, "dtype", None), "kind", "f") in "OSU" for leaf in leaves)

    def refuse_empty(self):
        """Raises the error for data without any batch."""
        raise ValueError(f"`{self.role}` has no batch: it is empty.")

    def not_finite(self):
        """Where the data has NaN or infinite numbers, for a result that is not finite.

        Returns:
            str, one sentence and what to do, or `None` if all numbers are finite.
        """
        for index, batch in enumerate(self):
            for what, part in zip(("inputs", "labels", "sample weights"), batch):
                for leaf in keras.tree.flatten(part):
                    if leaf is not None and not is_finite(_numbers(leaf)):
                        return (
                            f"`{self.role}` has NaN or infinite {what} in batch {index} (counted "
                            "from 0). Replace these numbers, or leave out their examples."
                        )
        return None

    def check_finite(self):
        """Refuses data whose numbers are not all finite: one pass, to explain a result.

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
        """One pass over the batches as the data has them: an iterator."""
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
    """A finite data set whose batches are read once and then kept, for many passes over them.

    What makes the batches (decoding, a `tf.data` pipeline) then costs nothing from the second pass
    on. A data set that is larger than the limit is read anew at each pass.

    Args:
        data, batch_size, role: as for `Batches`, which takes an object of this class as data.
        limit_bytes: how much is kept at most, in host memory. Default: `LIMIT_BYTES`, 2 GiB.

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
        """The first batch `(x, y, sample_weight)`. The next pass begins with it, read once.

        Raises:
            ValueError: if there is none.
        """
        passing = iter(self)
        first = list(itertools.islice(passing, 1))
        if not first:
            self._batches.refuse_empty()
        self._begun = itertools.chain(first, passing)
        return _unpacked(first[0])

    def __iter__(self):
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return begun
        if self._kept is not None:
            return iter(self._kept)
        return self._first_pass() if self._left > 0 else self._batches.raw()

    def _first_pass(self):
        kept, left = [], self._left
        refilled = not self._batches.of_arrays  # for each batch anew, perhaps
        for batch in self._batches.raw():
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
    """How many batches a data set says to have, without reading it.

    Args:
        data: data set as `Batches` takes it, not of arrays.

    Returns:
        int, `math.inf` for an endless one, or `None` where only a pass would tell.
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
    """The same arrays by `as_rows`, without `None` at the end."""
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
    """Bytes of an array, as far as it says."""
    leaf = getattr(leaf, "flat_values", getattr(leaf, "values", leaf))  # ragged, sparse, pandas
    leaf = leaf.data if hasattr(leaf, "tocsr") else leaf
    dtype = getattr(leaf, "dtype", None)
    itemsize = getattr(dtype, "itemsize", None) or getattr(dtype, "size", 0)  # TensorFlow's
    return int(np.prod(getattr(leaf, "shape", ()), dtype="int64")) * itemsize
