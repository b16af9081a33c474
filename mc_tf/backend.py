"""The few things that Keras does not unify between its backends."""

import keras
import numpy as np

__all__ = ["compiled", "read", "to_device", "use_xla"]


def use_xla():
    """Whether `jit_compile="auto"` should mean XLA here.

    On TensorFlow without a GPU Keras' `"auto"` turns XLA on, which made a curve's training step 1.4
    to 1.8 times slower than the plain graph (benchmarks/step.py --with_xla): there the answer is
    `False`. On JAX everything is compiled by XLA, and on a GPU Keras' own choice stands.

    Returns:
        `"auto"` (leave it to Keras) or `False`, to be given as `compile(jit_compile=...)`.
    """
    if keras.backend.backend() != "tensorflow":
        return "auto"
    import tensorflow as tf

    return "auto" if tf.config.list_physical_devices("GPU") else False


def compiled(function):
    """Compiles a pure function of nested lists of tensors: `tf.function` or `jax.jit`.

    Args:
        function: a function without side effects. Variables that it reads must be constant.

    Returns:
        The compiled function. It is traced again only for new shapes (a short last batch).
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        return tf.function(function, reduce_retracing=True, autograph=False)
    if name == "jax":
        import jax

        return jax.jit(function)
    return function


def to_device(batch):
    """Turns one batch from a data pipeline into something that a compiled function accepts.

    Args:
        batch: nested structure of arrays or tensors, `tf.data`'s included.

    Returns:
        The same structure of backend tensors (TensorFlow) or numpy arrays (JAX).
    """
    if keras.backend.backend() == "tensorflow":
        return keras.tree.map_structure(keras.ops.convert_to_tensor, batch)
    return keras.tree.map_structure(np.asarray, batch)


def read(variable):
    """The present value of a variable as a tensor that later updates do not reach.

    `keras.ops.convert_to_tensor` gives the variable itself back on TensorFlow, so that it is read
    at its next use: too late, when a `StatelessScope` ends in between.

    Args:
        variable: a `keras.Variable`.

    Returns:
        Backend tensor.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(variable.value)
    return variable.value
