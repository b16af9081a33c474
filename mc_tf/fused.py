"""Batch normalisation that trains by one operation, where Keras makes several of it."""

import contextlib

import keras
from keras import ops

from mc_tf import backend
from mc_tf.batch_norm import BatchStatistics

__all__ = ["fused_batch_norm"]


@contextlib.contextmanager
def fused_batch_norm(model):
    """Context in which a network with batch normalisation trains faster on TensorFlow without XLA.

    Keras makes several operations of a normalisation, each of which goes over all values; XLA joins
    them. Without XLA, which is slower on a CPU for other reasons, TensorFlow's own operation does
    the same in two passes: a step of PreResNet-20 takes three quarters of the time
    (benchmarks/step.py). Outputs, gradients and moving averages are Keras', up to rounding.

    `CurveModel.fit` and this project's programs do so themselves; wrap your own `fit` in it. It
    counts where the training function is made, the first `fit` after `compile`. Nothing changes
    on JAX, under `jit_compile=True` (Keras' `"auto"` is that, wherever it can), for other data than
    images in float32, for `renorm`, `synchronized` or masks, and for subclasses with their own
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
        fusible = training and mask is None and layer.trainable
        fused = backend.fused_batch_norm(layer, inputs) if fusible else None
        if fused is None:
            return run(inputs, training=training, mask=mask)
        outputs, *statistics = fused
        for average, value in zip((layer.moving_mean, layer.moving_variance), statistics):
            value = ops.stop_gradient(value)
            average.assign(average * layer.momentum + value * (1.0 - layer.momentum))
        return outputs

    return call
