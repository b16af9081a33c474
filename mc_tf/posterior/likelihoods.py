"""Losses as negative log-likelihoods: the probability of targets, given a network's outputs."""

import math
from typing import Any

import keras
from keras import ops

from mc_tf.ensemble.losses import known_name, read_loss
from mc_tf.typing import Config, Tensor

__all__ = ["GaussianLikelihood", "summed_loss"]

_SMALLEST = 1e-10  # variance
_CROSS_ENTROPIES = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)


@keras.saving.register_keras_serializable("mc_tf")
class GaussianLikelihood(keras.losses.Loss):
    """Negative log-likelihood of targets with Gaussian noise, also a loss for training.

    Args:
        noise: standard deviation of the noise, a positive number; the outputs `(N, D)` are means.
            `None` (default) for noise that the network predicts for each input: its outputs `(N, 2
            D)` are the means, then the variances, which its last activation must make positive.
        **kwargs: passed to `keras.losses.Loss`, such as `reduction`.

    Raises:
        ValueError: if the noise is not positive.

    Example:
        >>> likelihood = GaussianLikelihood(noise=2.0)
        >>> y, mean = ops.array([[1.0]]), ops.array([[3.0]])
        >>> round(float(likelihood(y, mean)), 4)  # log(2 sqrt(2 pi)) + 1 / 2
        2.1121
    """

    def __init__(self, noise: float | None = None, **kwargs: Any) -> None:
        super().__init__(**{"name": "gaussian_likelihood", **kwargs})
        if noise is not None and not (math.isfinite(noise) and noise > 0):
            raise ValueError(
                "`noise` must be a positive number, the standard deviation of the noise, or None "
                f"for outputs (mean, variance). Received: noise={noise!r}"
            )
        self.noise = noise

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Returns the negative log-likelihood of each example `(N,)`, summed over its targets."""
        mean, variance = y_pred, ops.full_like(y_pred, (self.noise or 0) ** 2)
        if self.noise is None:
            if y_pred.shape[-1] % 2:
                raise ValueError(
                    "A network that predicts its noise has an even number of outputs, the means "
                    f"and the variances. Received outputs of shape {tuple(y_pred.shape)}. For "
                    "known noise, pass GaussianLikelihood(noise=...)."
                )
            mean, variance = ops.split(y_pred, 2, axis=-1)
        targets = ops.reshape(ops.cast(y_true, mean.dtype), ops.shape(mean))
        variance = ops.maximum(variance, _SMALLEST)
        each = ops.log(2 * math.pi * variance) + ops.square(targets - mean) / variance
        return 0.5 * ops.sum(each, axis=-1)

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {**super().get_config(), "noise": self.noise}


@keras.saving.register_keras_serializable("mc_tf")
class SummedLoss(keras.losses.Loss):
    """The sum of a loss over all examples, minus their log-likelihood.

    Args:
        loss: `keras.losses.Loss` that is a negative log-likelihood.
    """

    def __init__(self, loss):
        super().__init__(name="negative_log_likelihood", reduction="sum")
        self._loss = loss
        self._of_labels = known_name(loss) == "binary_crossentropy"

    def call(self, y_true, y_pred):
        """Returns the loss of each example."""
        values = self._loss.call(y_true, y_pred)
        return values * y_pred.shape[-1] if self._of_labels else values  # Keras has their mean


def summed_loss(network, likelihood=None):
    """Returns a loss whose value is minus the log-likelihood of a batch.

    Args:
        network: Keras model.
        likelihood: `keras.losses.Loss`. Default: the compiled loss of the network.

    Returns:
        `keras.losses.Loss`.

    Raises:
        ValueError: if there is no loss, or it is not a likelihood.
    """
    reading = None if likelihood is not None else read_loss((network,))
    loss = likelihood if reading is None else reading.loss
    name = known_name(loss) if isinstance(loss, keras.losses.Loss) else type(loss).__name__
    if isinstance(loss, keras.losses.Loss) and name in (None, *_CROSS_ENTROPIES):
        return SummedLoss(loss)
    received = "a model without a compiled loss" if loss is None else name
    raise ValueError(
        "A posterior needs a likelihood: a cross-entropy of Keras, as compiled or as "
        "`likelihood=`; for a regression `mc_tf.posterior.GaussianLikelihood(noise=...)`; or a "
        f"`keras.losses.Loss` of your own. Received: {received}"
    )
