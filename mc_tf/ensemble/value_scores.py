"""How good the values of a regression are: plain numpy."""

import numpy as np

__all__ = ["gaussian_negative_log_likelihood", "mean_squared_error", "score_values"]


def mean_squared_error(values, targets):
    """Mean squared error of a regression.

    Args:
        values, targets: arrays of one shape, or `(N, 1)` and `(N,)`.

    Returns:
        float.

    Raises:
        ValueError: if they have different numbers of elements.
    """
    values, targets = _same_size(values, targets)
    return float(np.mean((values - targets) ** 2))


def gaussian_negative_log_likelihood(mean, variance, targets):
    """Mean negative log-likelihood of targets under normal distributions, in nats.

    Args:
        mean, variance: arrays of one shape; of an ensemble: mean and variance over its members.
        targets: array of the same size.

    Returns:
        float; a variance of 0 counts as float32's resolution.
    """
    mean, targets = _same_size(mean, targets)
    variance, _ = _same_size(variance, targets)
    variance = np.maximum(variance, np.finfo("float32").eps)
    return float(np.mean(0.5 * (np.log(2 * np.pi * variance) + (mean - targets) ** 2 / variance)))


def score_values(values, targets):
    """All scores of a regression.

    Args:
        values, targets: as for `mean_squared_error`.

    Returns:
        dict of floats: `loss`, the mean squared error, and `mean_absolute_error`.
    """
    values, targets = _same_size(values, targets)
    return {
        "loss": mean_squared_error(values, targets),
        "mean_absolute_error": float(np.mean(np.abs(values - targets))),
    }


def _same_size(values, targets):
    values, targets = np.asarray(values, "float64"), np.asarray(targets, "float64")
    if values.size != targets.size or not values.size:
        raise ValueError(
            "Values and targets must have the same number of elements, at least one. Received "
            f"shapes {values.shape} and {targets.shape}"
        )
    return values, targets.reshape(values.shape)
