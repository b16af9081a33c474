"""Precision for building and running networks."""

import contextlib

import keras

__all__ = [
    "automatic_bfloat16",
    "check_exact_products",
    "computes_in_bfloat16",
    "precision",
]

_BFLOAT16 = "auto_mixed_precision_onednn_bfloat16"


@contextlib.contextmanager
def precision(name):
    """Context in which Keras builds layers with a dtype policy.

    Args:
        name: such as `"mixed_bfloat16"`.

    Example:
        >>> with precision("mixed_bfloat16"):
        ...     layer = keras.layers.Dense(1)
        >>> layer.compute_dtype, keras.config.dtype_policy().name
        ('bfloat16', 'float32')
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def automatic_bfloat16():
    """Context in which TensorFlow computes convolutions and matrix products in bfloat16 on a CPU.

    TensorFlow's automatic mixed precision rewrites each graph at run time. Networks, weights and
    files stay in float32, so any network, curve or ensemble can run with or without it. Worth it on
    processors with bfloat16 instructions (AVX512_BF16, AMX); it has no effect on GPUs, with XLA, or
    in eager execution.

    Raises:
        ValueError: on other backends than TensorFlow.

    Example:
        >>> with automatic_bfloat16():  # doctest: +SKIP
        ...     model.fit(train, epochs=10)
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Automatic bfloat16 needs the TensorFlow backend; the backend is "
            f"{keras.backend.backend()}. Build networks with mixed_bfloat16 there."
        )
    import tensorflow as tf

    before = computes_in_bfloat16()
    tf.config.optimizer.set_experimental_options({_BFLOAT16: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_BFLOAT16: before})


def computes_in_bfloat16():
    """Whether this is within `automatic_bfloat16`: a bool."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.config.optimizer.get_experimental_options().get(_BFLOAT16, False)


def check_exact_products(what):
    """Rejects computations that need more than bfloat16.

    Args:
        what: text, such as `"Eigenvalues of the Hessian"`.

    Raises:
        ValueError: within `automatic_bfloat16`.
    """
    if computes_in_bfloat16():
        raise ValueError(f"{what} need float32: leave out `automatic_bfloat16` (--auto_bfloat16).")
