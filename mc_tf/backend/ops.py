"""The few things that Keras does not unify between its backends."""

import contextlib
import functools

import keras
import numpy as np

from mc_tf.backend.array_kinds import as_rows, is_sparse

__all__ = [
    "compiled",
    "eagerly",
    "fused_batch_norm",
    "hessian_product",
    "read",
    "to_device",
    "traced",
]


def compiled(function):
    """Compiles a pure function of nested lists of tensors: `tf.function` or `jax.jit`.

    PyTorch runs it as it is, without keeping what gradients would need.

    Args:
        function: a function without side effects. Variables that it reads must be constant.

    Returns:
        The compiled function. It is traced again only for new shapes (a short last batch).
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        # TensorFlow counts the traces of all functions with one code together, and would warn where
        # several models have each their own; a partial function has no code.
        once = functools.partial(function)
        return tf.function(once, reduce_retracing=True, autograph=False)
    if name == "jax":
        import jax

        return jax.jit(function)
    if name == "torch":
        import torch

        return torch.no_grad()(function)
    return function


def traced(function, *arguments):
    """Runs the Python code of a pure function without computing anything, where that can be.

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
    """Turns one batch from a data pipeline into something that a compiled function accepts.

    Args:
        batch: nested structure of arrays or tensors of any kind, and of `None`.

    Returns:
        The same structure of backend tensors (TensorFlow, PyTorch) or numpy arrays (JAX). Sparse
        matrices become the backend's own where it has such.
    """
    name = keras.backend.backend()
    convert = {"tensorflow": _tensor, "jax": _array}.get(name, _dense_tensor)
    return keras.tree.map_structure(convert, batch)


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


def read(variable):
    """The present value of a variable as a tensor that later updates do not reach.

    `keras.ops.convert_to_tensor` gives the variable itself back on TensorFlow, so that it is read
    at its next use: too late, when a `StatelessScope` ends in between. PyTorch's optimizers write
    into a variable's memory, so there it is copied. It stays differentiable.

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


@contextlib.contextmanager
def eagerly():
    """Context in which operations on numbers give numbers, also while a function is compiled."""
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
    """Normalizes by one operation, where there is one.

    Keras computes moments and normalizes by several, which takes three times as long on TensorFlow
    without XLA; with it, and on JAX, the compiler joins them.

    Args:
        layer: built `keras.layers.BatchNormalization`.
        inputs: tensor `(N, ..., C)`.
        training: whether by the statistics of the batch or by the moving ones.

    Returns:
        `(outputs, mean, variance)` with the statistics that it went by; `None` if this is no case
        for it.
    """
    if (
        keras.backend.backend() != "tensorflow"
        or len(inputs.shape) != 4
        or layer.axis not in (-1, 3)
        or layer.synchronized
        or getattr(layer, "renorm", False)
        or layer.epsilon < 1e-5  # the operation takes this for it
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
    # It gives the unbiased variance; that of the batch is wanted, as of Keras' layer.
    size = tf.cast(tf.size(inputs), "float32") / channels
    return outputs, mean, variance * (tf.maximum(size - 1, 1) / size)


def hessian_product(function, point, direction):
    """The Hessian of a function times a vector, exactly: a derivative of the gradient.

    On TensorFlow the gradient's inner product with the direction is differentiated backwards
    (forward mode is emulated there), and on PyTorch likewise; on JAX the gradient is differentiated
    forwards.

    Args:
        function: differentiable function from a tensor `(P,)` to `(value, rest)`, a scalar and
            anything else that it computes.
        point: tensor `(P,)`, where to differentiate.
        direction: tensor `(P,)`.

    Returns:
        `(product, rest)`, a tensor `(P,)` and what the function returned.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(point)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(point)
                with _exact_moments(tf):
                    value, rest = function(point)
            gradient = inner.gradient(value, point, unconnected_gradients="zero")
        product = outer.gradient(
            gradient, point, output_gradients=direction, unconnected_gradients="zero"
        )
        return product, rest
    if keras.backend.backend() == "torch":
        return _torch_hessian_product(function, point, direction)
    import jax

    gradient = jax.grad(function, has_aux=True)
    _, product, rest = jax.jvp(gradient, (point,), (direction,), has_aux=True)
    return product, rest


def _torch_hessian_product(function, point, direction):
    import torch

    with torch.enable_grad():
        point = point.detach().requires_grad_()
        value, rest = function(point)
        product = value
        for factor in (None, direction):  # what does not depend on the point has no derivative
            if product.requires_grad:
                (product,) = torch.autograd.grad(
                    product, point, factor, create_graph=factor is None, allow_unused=True
                )
            else:
                product = None
            if product is None:
                product = torch.zeros_like(point)
                break
    detached = keras.tree.map_structure(lambda x: x.detach() if torch.is_tensor(x) else x, rest)
    return product.detach(), detached


@contextlib.contextmanager
def _exact_moments(tf):
    """Makes `tf.nn.moments`, which layer and group normalization use, right to second order.

    It stops the gradient of the variance with respect to the mean: that is zero, but its
    derivative is not, so that Hessians would silently be wrong.
    """

    def moments(x, axes, shift=None, keepdims=False, name=None):
        mean = tf.reduce_mean(x, axes, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axes, keepdims=keepdims)
        return tf.reshape(mean, tf.shape(variance)), variance

    given = tf.nn.moments
    tf.nn.moments = moments
    try:
        yield
    finally:
        tf.nn.moments = given
