"""Batch normalization in one operation, where Keras uses several."""

import contextlib
from collections.abc import Iterator

import keras

from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import layers_within

__all__ = ["fused_batch_norm", "fused_calls", "is_plain"]


@contextlib.contextmanager
def fused_batch_norm(model: keras.Model) -> Iterator[int]:
    """Context in which batch normalization is faster on TensorFlow without XLA.

    Keras normalizes in several operations, each of which reads all values; XLA fuses them. Without
    XLA, which is slower on a CPU for other reasons, TensorFlow's operation does the same in two
    passes, fused with the following activation (benchmarks/step.py measures it). Outputs, gradients
    and moving averages are equal to Keras up to rounding.

    Curves, surfaces, ensembles and the programs of this project use it automatically; put `fit` of
    your own network into this context. It takes effect when the training function is traced, in the
    first `fit` after `compile`. Nothing changes on JAX, under `jit_compile=True` (Keras' `"auto"`
    on a GPU), for inputs other than float32 images, for `renorm`, `synchronized`, masks or an
    epsilon below 1e-5, and for subclasses with their own `call`.

    Args:
        model: a built Keras model. Its configuration and files do not change.

    Yields:
        Number of fused layers.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((2, 1, 1)), keras.layers.BatchNormalization()])
        >>> model.compile("sgd", "mse")
        >>> x = np.array([1.0, 3.0], "float32").reshape(1, 2, 1, 1)
        >>> with fused_batch_norm(model):
        ...     history = model.fit(x, x, verbose=0)
        >>> round(float(model.layers[0].moving_mean[0]), 3)  # 0.99 * 0 + 0.01 * 2
        0.02
    """
    wanted = not getattr(model, "jit_compile", False)
    with fused_calls(model) if wanted else contextlib.nullcontext(0) as count:
        yield count


@contextlib.contextmanager
def fused_calls(layer):
    """Like `fused_batch_norm` for calls of a layer, whatever its compile settings.

    Args:
        layer: a built Keras layer or model.

    Yields:
        The number of layers that are fused.
    """
    norms = []
    if keras.backend.backend() == "tensorflow":
        norms = [part for part in layers_within(layer) if is_plain(part)]
    try:
        for norm in norms:
            # Bypasses Keras' `__setattr__`, so that it is not tracked.
            vars(norm)["call"] = _fused_call(norm)
        yield len(norms)
    finally:
        for norm in norms:
            vars(norm).pop("call", None)


def is_plain(layer):
    """Whether a layer is a Keras batch normalization that can be fused.

    Args:
        layer: a Keras layer.

    Returns:
        bool.
    """
    call = getattr(getattr(layer, "call", None), "__func__", None)
    return call is keras.layers.BatchNormalization.call


def _fused_call(layer):
    run = layer.call

    def call(inputs, training=None, mask=None):
        by_batch = bool(training and layer.trainable)
        fused = backend.fused_batch_norm(layer, inputs, by_batch) if mask is None else None
        if fused is None:
            return run(inputs, training=training, mask=mask)
        outputs, *statistics = fused
        if by_batch:
            for average, value in zip((layer.moving_mean, layer.moving_variance), statistics):
                average.assign(average * layer.momentum + value * (1.0 - layer.momentum))
        return outputs

    return call
