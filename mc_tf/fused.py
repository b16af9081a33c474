"""Batch normalisation by one operation, where Keras makes several of it."""

import contextlib

import keras

from mc_tf import backend
from mc_tf.batch_norm import BatchStatistics

__all__ = ["fused_batch_norm"]


@contextlib.contextmanager
def fused_batch_norm(model):
    """Context in which batch normalisation is faster on TensorFlow without XLA.

    Keras makes several operations of a normalisation, each of which goes over all values; XLA joins
    them. Without XLA, which is slower on a CPU for other reasons, TensorFlow's own operation does
    the same in two passes, joined with the activation after it (benchmarks/step.py measures it).
    Outputs, gradients and moving averages are Keras', up to rounding.

    Curves and planes are trained and evaluated so without your doing, and so do this project's
    programs train; put your own network's `fit` into this context. It counts when the training
    function is traced, in the first `fit` after `compile`. Nothing changes on JAX, under
    `jit_compile=True` (Keras' `"auto"` is that where it can), for inputs other than float32 images,
    for `renorm`, `synchronized`, masks or an epsilon below 1e-5, and for subclasses with their own
    `call`.

    Args:
        model: a built Keras model or `CurveModel`. Its configuration and its files stay the same.

    Yields:
        The number of layers that are fused.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((2, 1, 1)), keras.layers.BatchNormalization()])
        >>> model.compile("sgd", "mse", jit_compile=False)
        >>> x = np.array([1.0, 3.0], "float32").reshape(1, 2, 1, 1)
        >>> with fused_batch_norm(model):
        ...     history = model.fit(x, x, verbose=0)
        >>> round(float(model.layers[0].moving_mean[0]), 3)  # 0.99 * 0 + 0.01 * 2
        0.02
    """
    layers = []
    if keras.backend.backend() == "tensorflow" and not getattr(model, "jit_compile", False):
        layers = [layer for layer, _, _ in BatchStatistics(model).layers if _is_plain(layer)]
    try:
        for layer in layers:
            # Past Keras' `__setattr__`, so that it is no part of what is tracked.
            vars(layer)["call"] = _fused_call(layer)
        yield len(layers)
    finally:
        for layer in layers:
            vars(layer).pop("call", None)


def _is_plain(layer):
    call = getattr(layer.call, "__func__", None)
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
