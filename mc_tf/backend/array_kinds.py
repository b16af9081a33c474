"""Arrays of every kind that Keras takes: numpy, pandas, sparse, ragged, of any framework."""

import keras
import numpy as np
from keras import ops

__all__ = ["as_dense", "as_rows", "content", "is_array", "is_finite", "is_sparse"]


def is_array(leaf):
    """Whether Keras takes an object as an array of examples.

    Args:
        leaf: any object.

    Returns:
        bool.
    """
    return hasattr(leaf, "shape") and (hasattr(leaf, "__array__") or hasattr(leaf, "dtype"))


def is_finite(values):
    """Whether an array has finite numbers only.

    Args:
        values: array or variable of any dtype; what is no floating-point number counts as finite.

    Returns:
        bool.

    Example:
        >>> is_finite(np.ones(3)), is_finite(np.array([1.0, np.inf])), is_finite(np.array(["a"]))
        (True, False, True)
    """
    values = np.asarray(ops.convert_to_numpy(values) if hasattr(values, "assign") else values)
    if values.dtype.kind == "V":  # bfloat16 and the like
        values = values.astype("float32")
    return values.dtype.kind not in "fc" or bool(np.isfinite(values).all())


def is_sparse(leaf):
    """Whether an object is a sparse array of scipy.

    Args:
        leaf: any object.

    Returns:
        bool.
    """
    return hasattr(leaf, "tocsr")


def as_rows(leaf, role="data"):
    """An array from which `[first:last]` takes examples.

    A series becomes a column, as in Keras. Sparse matrices become scipy's, ragged tensors stay.

    Args:
        leaf: numpy array, pandas data frame or series, sparse matrix of scipy, TensorFlow or JAX,
            `tf.RaggedTensor`, or a tensor of TensorFlow, JAX or PyTorch.
        role: what to call the data in messages.

    Returns:
        numpy array, `scipy.sparse.csr_matrix` or `tf.RaggedTensor`.

    Raises:
        ValueError: if it is no array of examples, or has other things than numbers or text.
    """
    if hasattr(leaf, "iloc"):
        leaf = _from_pandas(leaf, role)
    elif is_sparse(leaf):
        return leaf.tocsr()
    elif hasattr(leaf, "dense_shape") or hasattr(leaf, "todense"):
        return _from_sparse_tensor(leaf)
    elif hasattr(leaf, "row_splits"):
        return leaf
    elif hasattr(leaf, "detach"):
        leaf = leaf.detach().cpu().numpy()
    elif not isinstance(leaf, np.ndarray):
        if not is_array(leaf):
            raise ValueError(
                f"`{role}` has a {type(leaf).__name__} where Keras takes an array: numpy, pandas, "
                "scipy.sparse or a tensor. Lists of numbers become one by `np.asarray(...)`; "
                "batches come from a `tf.data.Dataset` or a `keras.utils.PyDataset`."
            )
        leaf = np.asarray(leaf)
    if not leaf.ndim:
        raise ValueError(
            f"`{role}` has a single value ({leaf}) where an array of examples is expected."
        )
    if leaf.dtype.kind == "T":  # numpy's strings of any length, which TensorFlow does not know
        leaf = leaf.astype(object)
    if leaf.dtype == object and not all(isinstance(v, (str, bytes)) for v in leaf.flat):
        kinds = sorted({type(v).__name__ for v in leaf.flat if not isinstance(v, (str, bytes))})
        raise ValueError(
            f"`{role}` has an array of Python objects ({', '.join(kinds)}), which no network "
            "takes. Give numbers (`array.astype('float32')`) or text alone."
        )
    return leaf


def _from_pandas(table, role):
    values = table.to_numpy()
    columns = dict(table.items()) if hasattr(table, "columns") else {table.name: table}
    others = {
        name: str(column.dtype)
        for name, column in columns.items()
        if getattr(column.dtype, "categories", column).dtype.kind not in "buif"
    }
    if values.dtype == object and not others:  # nullable columns
        values = table.to_numpy(dtype=keras.config.floatx(), na_value=np.nan)
    elif others and not all(isinstance(value, str) for value in values.flat):
        raise ValueError(
            f"`{role}` has pandas columns that are not numbers: {others}. Encode them as numbers "
            "first, such as by `.cat.codes` or `keras.layers.StringLookup`; give text alone."
        )
    return values if values.ndim > 1 else values[:, None]


def _from_sparse_tensor(leaf):
    import scipy.sparse

    if len(leaf.shape) != 2:
        return as_dense(leaf)
    values = leaf.values if hasattr(leaf, "dense_shape") else leaf.data
    rows, columns = np.asarray(leaf.indices).T
    shape = tuple(int(size) for size in leaf.shape)
    return scipy.sparse.csr_matrix((np.asarray(values), (rows, columns)), shape=shape)


def as_dense(leaf):
    """A numpy array of what `as_rows` takes or returns, zeros included.

    Args:
        leaf: array of any kind.

    Returns:
        numpy array.
    """
    if hasattr(leaf, "dense_shape"):
        import tensorflow as tf

        return tf.sparse.to_dense(tf.sparse.reorder(leaf)).numpy()
    if hasattr(leaf, "todense"):  # scipy's or JAX's
        return np.asarray(leaf.todense())
    if hasattr(leaf, "row_splits"):
        return leaf.to_tensor().numpy()
    return np.asarray(as_rows(leaf))


def content(leaf):
    """The content of an array: equal for equal values, whatever holds them.

    Args:
        leaf: array of any kind.

    Returns:
        `(header, values)`, both bytes: dtype and shape, and the numbers. Text is text, be it
        `str`, bytes or a tensor.
    """
    if hasattr(leaf, "row_splits"):  # rows of different lengths are not rows with zeros
        parts = [content(part) for part in (*leaf.nested_row_splits, leaf.flat_values)]
        return b"ragged", b"".join(b"".join(part) for part in parts)
    array = as_dense(leaf)
    if array.dtype.kind in "OSUT":
        words = [v if isinstance(v, bytes) else str(v).encode() for v in array.flat]
        values = b"".join(b"%d:%s" % (len(word), word) for word in words)
        return f"text{array.shape}".encode(), values
    return f"{array.dtype}{array.shape}".encode(), np.ascontiguousarray(array).tobytes()
