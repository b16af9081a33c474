"""Arrays of all types that Keras accepts: numpy, pandas, sparse, ragged, of any framework."""

import keras
import numpy as np
from keras import ops

__all__ = ["as_dense", "as_rows", "content", "is_array", "is_finite", "is_sparse"]


def is_array(leaf):
    """Whether Keras accepts an object as an array of examples.

    Args:
        leaf: any object.

    Returns:
        bool.
    """
    return hasattr(leaf, "shape") and (hasattr(leaf, "__array__") or hasattr(leaf, "dtype"))


def is_finite(values):
    """Whether all numbers of an array are finite.

    Args:
        values: array or variable of any dtype; other than floating-point values count as finite.

    Returns:
        bool.

    Example:
        >>> is_finite(np.ones(3)), is_finite(np.array([1.0, np.inf])), is_finite(np.array(["a"]))
        (True, False, True)
    """
    values = np.asarray(ops.convert_to_numpy(values) if hasattr(values, "assign") else values)
    if values.dtype.kind == "V":  # bfloat16 and similar types
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
    """Converts to an array that supports slices `[first:last]` of examples.

    A series becomes a column, as in Keras. Sparse matrices become scipy's, ragged tensors stay.

    Args:
        leaf: numpy array, pandas data frame or series, sparse matrix of scipy, TensorFlow or JAX,
            `tf.RaggedTensor`, or a tensor of TensorFlow, JAX or PyTorch.
        role: name of the data in messages.

    Returns:
        numpy array, `scipy.sparse.csr_matrix` or `tf.RaggedTensor`.

    Raises:
        ValueError: if it is not an array of examples, or has other values than numbers or text.
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
                f"`{role}` has a {type(leaf).__name__} where Keras expects an array: numpy, "
                "pandas, scipy.sparse or a tensor. Lists of numbers become one by "
                "`np.asarray(...)`; batches come from a `tf.data.Dataset` or a "
                "`keras.utils.PyDataset`."
            )
        leaf = np.asarray(leaf)
    if not leaf.ndim:
        raise ValueError(
            f"`{role}` has a single value ({leaf}) where an array of examples is expected."
        )
    if leaf.dtype.kind == "T":  # numpy's variable-length strings, which TensorFlow does not support
        leaf = leaf.astype(object)
    if leaf.dtype == object and not all(isinstance(v, (str, bytes)) for v in leaf.flat):
        kinds = sorted({type(v).__name__ for v in leaf.flat if not isinstance(v, (str, bytes))})
        raise ValueError(
            f"`{role}` has an array of Python objects ({', '.join(kinds)}), which no network "
            "accepts. Pass numbers (`array.astype('float32')`) or text only."
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
            "first, such as with `.cat.codes` or `keras.layers.StringLookup`; pass text alone."
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
    """Converts arguments or results of `as_rows` to dense numpy arrays.

    Args:
        leaf: array of any type.

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
    """Returns the content of an array: equal for equal values of any array type.

    Args:
        leaf: array of any kind.

    Returns:
        `(header, values)`, both bytes: dtype and shape, and the values. `str`, bytes and string
        tensors are equivalent.
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
