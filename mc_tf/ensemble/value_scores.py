"""Scores of regressions, in numpy."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from mc_tf.ensemble.compiled_losses import keras_loss
from mc_tf.metrics.intervals import (
    by_example,
    gaussian_crps,
    interval_coverage,
    normal_parts,
    same_size,
)
from mc_tf.typing import ArrayLike

__all__ = [
    "Moments",
    "gaussian_negative_log_likelihood",
    "is_plain",
    "mean_squared_error",
    "score_values",
]


def mean_squared_error(values: ArrayLike, targets: ArrayLike) -> float:
    """Mean squared error of a regression.

    Args:
        values, targets: arrays of one shape, or `(N, 1)` and `(N,)`.

    Returns:
        float.

    Raises:
        ValueError: if they have different numbers of elements, or one is NaN or infinite.
    """
    values, targets = same_size(values, targets)
    return float(np.mean((values - targets) ** 2))


def gaussian_negative_log_likelihood(
    mean: ArrayLike, variance: ArrayLike, targets: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean negative log-likelihood of targets under normal distributions, in nats.

    Args:
        mean, variance: arrays of one shape; for an ensemble, mean and variance over its members.
        targets: array of the same size.
        sample_weight: weights `(N,)` that multiply the examples before averaging, as in Keras
            losses. Default: none.

    Returns:
        float; a variance of 0 counts as float32's resolution.

    Raises:
        ValueError: if shapes do not match, a value is NaN or infinite, or a variance is negative.
    """
    difference, deviation = normal_parts(mean, variance, targets)
    each = 0.5 * (np.log(2 * np.pi * deviation**2) + (difference / deviation) ** 2)
    return float(np.mean(by_example(each) * (1 if sample_weight is None else sample_weight)))


def score_values(
    values: ArrayLike,
    targets: ArrayLike,
    sample_weight: ArrayLike | None = None,
    loss: keras.losses.Loss | Callable[..., Any] | None = None,
) -> dict[str, float]:
    """Computes all scores of a regression.

    Args:
        values, targets: arrays `(N, D)`, as for `mean_squared_error`.
        sample_weight: weights `(N,)` of the examples. Default: equal weights.
        loss: `keras.losses.Loss` of the values, or a function. Default: the mean squared error.

    Returns:
        dict of floats: `loss`, `mean_squared_error` and `mean_absolute_error`. With sample weights
        the loss is the mean of the weighted losses over the examples and the others are divided by
        the sum of the weights, as in Keras.

    Raises:
        ValueError: as `mean_squared_error`.
    """
    values, targets = same_size(values, targets)
    squared = by_example((values - targets) ** 2)
    if is_plain(loss, values.shape):
        mean = np.mean(squared if sample_weight is None else squared * sample_weight)
    else:
        columns = (len(values), -1)
        mean = keras_loss(loss, targets.reshape(columns), values.reshape(columns), sample_weight)
    absolute = by_example(np.abs(values - targets))
    return {
        "loss": float(mean),
        "mean_squared_error": float(np.average(squared, weights=sample_weight)),
        "mean_absolute_error": float(np.average(absolute, weights=sample_weight)),
    }


def is_plain(loss, shape):
    """Whether a loss is the mean squared error over all values.

    Args:
        loss: `keras.losses.Loss`, function, or None for the mean squared error.
        shape: shape of the values. Without a second axis Keras treats them all as one example.
    """
    if loss is None:
        return True
    plain = type(loss) is keras.losses.MeanSquaredError and len(shape) > 1
    return plain and loss.reduction in ("sum_over_batch_size", "mean")


class Moments:
    """Running mean and variance of the members' predictions (Welford's algorithm)."""

    def __init__(self):
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, values):
        """Adds one member's values, a float64 array."""
        self._count += 1
        difference = values - self._mean
        self._mean = self._mean + difference / self._count
        self._squares = self._squares + difference * (values - self._mean)

    @property
    def variance(self):
        """Variance over the members so far, a float64 array."""
        return self._squares / self._count

    def scores(self, targets):
        """Scores of the normal distributions by name, for `Targets`; NaN for one member."""
        scores = {
            "negative_log_likelihood": gaussian_negative_log_likelihood,
            "interval_coverage": interval_coverage,
            "crps": gaussian_crps,
        }
        if self._count < 2:  # which has no variance
            return dict.fromkeys(scores, np.nan)
        arguments = self._mean, self.variance, targets.labels
        weights = {"sample_weight": targets.sample_weight}
        return {name: score(*arguments, **weights) for name, score in scores.items()}
