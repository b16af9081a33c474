"""Operations that Keras does not unify between backends."""

import contextlib
import functools

import keras
import numpy as np

from mc_tf.backend.array_kinds import as_rows, is_sparse

__all__ = [
    "checked_size",
    "compiled",
    "compiled_each",
    "eagerly",
    "fused_batch_norm",
    "in_memory",
    "read",
    "split",
    "replica",
    "to_device",
    "traced",
]


def compiled(function):
    """Compiles a pure function of nested lists of tensors: `tf.function` or `jax.jit`.

    PyTorch runs it eagerly, without recording gradients.

    Args:
        function: a function without side effects. It must only read constant variables.

    Returns:
        The compiled function. It is traced again only for new shapes (a short last batch).
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        # TensorFlow counts traces per code object, and would warn if several models have their own
        # function with the same code; a partial function has no code.
        once = functools.partial(function)
        return tf.function(once, reduce_retracing=True, autograph=False)
    if name == "jax":
        import jax

        return jax.jit(function)
    if name == "torch":
        import torch

        return torch.no_grad()(function)
    return function


def compiled_each(function, devices=()):
    """Compiles a pure function for several lists of arguments, each on another device.

    Args:
        function: as for `compiled`.
        devices: names of devices of TensorFlow, in order. Default: the current device for all.

    Returns:
        The compiled function, of a list of tuples of arguments and of further arguments `rest`. It
        returns a list of `function(*arguments, *rest)`.
    """

    def each(lists, *rest):
        results = []
        for index, arguments in enumerate(lists):
            with on_device(devices[index]) if len(lists) > 1 and devices else nothing:
                results.append(function(*arguments, *rest))
        return results

    if devices:
        from tensorflow import device as on_device
    nothing = contextlib.nullcontext()
    return compiled(each)


def traced(function, *arguments):
    """Runs the Python code of a pure function without computation, if possible.

    Args:
        function: a function without side effects.
        *arguments: nested structures of tensors, as from `to_device`.
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        once = functools.partial(function)
        tf.function(once, autograph=False).get_concrete_function(*arguments)
    elif name == "jax":
        import jax

        jax.eval_shape(lambda *values: (function(*values), None)[1], *arguments)
    else:
        function(*arguments)


def to_device(batch):
    """Converts one batch of a data pipeline for a compiled function.

    Args:
        batch: nested structure of arrays or tensors of any kind, and of `None`.

    Returns:
        The same structure of backend tensors (TensorFlow, PyTorch) or numpy arrays (JAX). Sparse
        matrices become sparse tensors of the backend, if supported.
    """
    name = keras.backend.backend()
    convert = {"tensorflow": _tensor, "jax": _array}.get(name, _dense_tensor)
    return keras.tree.map_structure(convert, batch)


def in_memory(batch):
    """Converts one batch once for many passes: for TensorFlow, to tensors in the host's memory.

    Args:
        batch: as for `to_device`, which accepts the result.

    Returns:
        The same structure.
    """
    if keras.backend.backend() != "tensorflow":
        return batch
    import tensorflow as tf

    with tf.device("CPU:0"):
        return to_device(batch)


def _dense_tensor(leaf):
    return None if leaf is None else keras.ops.convert_to_tensor(_array(leaf))


def _tensor(leaf):
    if leaf is None:
        return None
    if not (keras.ops.is_tensor(leaf) or hasattr(leaf, "row_splits")):
        leaf = as_rows(leaf) if hasattr(leaf, "shape") else leaf
    if is_sparse(leaf):
        import tensorflow as tf

        leaf.sort_indices()
        parts = leaf.tocoo()
        return tf.SparseTensor(np.stack([parts.row, parts.col], 1), parts.data, parts.shape)
    return keras.ops.convert_to_tensor(leaf)


def _array(leaf):
    if leaf is None or isinstance(leaf, np.ndarray):
        return leaf
    leaf = as_rows(leaf) if hasattr(leaf, "shape") else np.asarray(leaf)
    if hasattr(leaf, "row_splits"):
        return leaf.to_tensor().numpy()
    if is_sparse(leaf) and keras.backend.backend() == "jax":
        from jax.experimental.sparse import BCOO

        return BCOO.from_scipy_sparse(leaf)
    return leaf.toarray() if is_sparse(leaf) else leaf


def split(flat, indices):
    """Splits a vector; the gradient is one concatenation.

    On TensorFlow, pieces share the memory of the vector where its alignment allows. `tf.split`
    copies, and the gradient of a slice is as long as the vector.

    Args:
        flat: tensor of shape `(P,)`.
        indices: increasing ints, where to split.

    Returns:
        List of tensors, one more than indices.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.ops.split(flat, indices)
    import tensorflow as tf

    @tf.custom_gradient
    def pieces(flat):
        parts = [flat[begin:end] for begin, end in zip([0, *indices], [*indices, None])]
        return parts, lambda *gradients: tf.concat(gradients, 0)

    return pieces(flat)


def read(variable):
    """Returns the current value of a variable as a tensor unaffected by later updates.

    On TensorFlow, `keras.ops.convert_to_tensor` returns the variable itself, which is read at its
    next use: too late if a `StatelessScope` ends in between. PyTorch's optimizers update variables
    in place, so they are copied there. The result is differentiable.

    Args:
        variable: a `keras.Variable`.

    Returns:
        Backend tensor.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(variable.value)
    value = variable.value
    return value.clone() if keras.backend.backend() == "torch" else value


def checked_size(tensor, low, message):
    """Returns the length of a tensor's first axis, also where only a running function knows it.

    Args:
        tensor: tensor `(N, ...)`.
        low: the smallest length allowed.
        message: what to say of others, one sentence.

    Returns:
        int, or a scalar tensor of TensorFlow.

    Raises:
        ValueError: if the axis is shorter; within a compiled function of TensorFlow,
            `tf.errors.InvalidArgumentError`.
    """
    size = keras.ops.shape(tensor)[0]
    if isinstance(size, int):
        if size < low:
            raise ValueError(f"{message} Received: {size} examples.")
        return size
    import tensorflow as tf

    with tf.control_dependencies([tf.debugging.assert_greater_equal(size, low, message)]):
        return tf.identity(size)


def replica():
    """Returns which replica of a `tf.distribute` strategy computes, and their number.

    Returns:
        `(index, count)`: an int or a tensor, counted from 0, and an int; `(0, 1)` on one device.
    """
    if keras.backend.backend() != "tensorflow":
        return 0, 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


@contextlib.contextmanager
def eagerly():
    """Context in which operations on numbers return numbers, even while compiling a function."""
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        with tf.init_scope():
            yield
    elif name == "jax":
        import jax

        with jax.ensure_compile_time_eval():
            yield
    else:
        yield


def fused_batch_norm(layer, inputs, training=True):
    """Normalizes with one operation, if the backend has one.

    Keras uses several operations, which take three times as long on TensorFlow without XLA; with
    XLA, and on JAX, the compiler fuses them.

    Args:
        layer: built `keras.layers.BatchNormalization`.
        inputs: tensor `(N, ..., C)`.
        training: whether to use batch statistics or moving statistics.

    Returns:
        `(outputs, mean, variance)` with the statistics used; `None` if the case is not supported.
    """
    if (
        keras.backend.backend() != "tensorflow"
        or len(inputs.shape) != 4
        or layer.axis not in (-1, 3)
        or layer.synchronized
        or getattr(layer, "renorm", False)
        or layer.epsilon < 1e-5  # the operation replaces smaller values
        or {layer.compute_dtype, keras.backend.standardize_dtype(inputs.dtype)} != {"float32"}
    ):
        return None
    import tensorflow as tf

    channels = inputs.shape[-1]
    scale = tf.convert_to_tensor(layer.gamma.value) if layer.scale else tf.ones((channels,))
    offset = tf.convert_to_tensor(layer.beta.value) if layer.center else tf.zeros((channels,))
    moving = [] if training else [read(v) for v in (layer.moving_mean, layer.moving_variance)]
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs, scale, offset, *moving, epsilon=layer.epsilon, is_training=training
    )
    if not training:
        return outputs, *moving
    # It returns the unbiased variance; Keras' layer uses the batch variance.
    size = tf.cast(tf.size(inputs), "float32") / channels
    return outputs, mean, variance * (tf.maximum(size - 1, 1) / size)
