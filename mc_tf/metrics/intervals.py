"""Predictive distributions of a regression: coverage of intervals, and the CRPS."""

import math
import statistics

import numpy as np

from mc_tf.arguments import check_numbers
from mc_tf.typing import ArrayLike

__all__ = [
    "by_example",
    "ensemble_crps",
    "gaussian_crps",
    "interval_coverage",
    "normal_parts",
    "same_size",
]


def interval_coverage(
    mean: ArrayLike,
    variance: ArrayLike,
    targets: ArrayLike,
    level: float = 0.95,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of targets in the central intervals of normal distributions.

    A target is covered if `|target - mean| <= z sqrt(variance)`, where `z` is the quantile of the
    standard normal distribution at `(1 + level) / 2`: 1.96 for 95 %. It is near `level` if the
    distributions are calibrated (Gneiting, Balabdaoui and Raftery 2007, "Probabilistic forecasts,
    calibration and sharpness").

    Args:
        mean, variance: arrays of one shape; for an ensemble, mean and variance over its members,
            plus the variance of the noise if it is known.
        targets: array of the same size.
        level: probability of the interval, between 0 and 1. Default 0.95.
        sample_weight: weights `(N,)` of the examples. Default: equal weights.

    Returns:
        float in [0, 1]; a variance of 0 counts as float32's resolution.

    Raises:
        ValueError: if shapes do not match, a value is NaN or infinite, a variance is negative, or
            `level` is out of range.

    Example:
        >>> interval_coverage([0.0, 0.0], [1.0, 1.0], [1.9, 2.0])
        0.5
    """
    check_numbers(low=0, high=1, level=level)
    difference, deviation = normal_parts(mean, variance, targets)
    z = statistics.NormalDist().inv_cdf((1 + level) / 2) if level < 1 else math.inf
    return _average(np.abs(difference) <= z * deviation, sample_weight)


def gaussian_crps(
    mean: ArrayLike, variance: ArrayLike, targets: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean continuous ranked probability score of normal distributions.

    Gneiting and Raftery 2007 ("Strictly proper scoring rules, prediction, and estimation",
    equation 21), with the sign for which smaller is better, `z = (target - mean) / sigma`, and the
    standard normal density `phi` and distribution `Phi`:

        CRPS = sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))

    Args:
        mean, variance, targets, sample_weight: as for `interval_coverage`.

    Returns:
        float, not negative, in the unit of the targets.

    Raises:
        ValueError: as `interval_coverage`.

    Example:
        >>> round(gaussian_crps([0.0], [1.0], [0.0]), 4)  # sqrt(2 / pi) - 1 / sqrt(pi)
        0.2337
    """
    from scipy.special import erf

    difference, deviation = normal_parts(mean, variance, targets)
    z = difference / deviation
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    each = z * erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi)
    return _average(deviation * each, sample_weight)


def ensemble_crps(
    members: ArrayLike, targets: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean continuous ranked probability score of the members' values, without a normal law.

    Gneiting and Raftery 2007 (equation 20), with the sign for which smaller is better, for the
    distribution that has probability `1 / M` at the value of each member:

        CRPS = 1 / M * sum_m |x_m - y| - 1 / (2 M ** 2) * sum_m sum_n |x_m - x_n|

    For one member this is the mean absolute error.

    Args:
        members: array `(M, N, ...)`, such as `Ensemble.member_predictions` returns.
        targets: array of the size of one member's values.
        sample_weight: weights `(N,)` of the examples. Default: equal weights.

    Returns:
        float, not negative, in the unit of the targets.

    Raises:
        ValueError: if sizes do not match, or a value is NaN or infinite.

    Example:
        >>> ensemble_crps([[[0.0]], [[2.0]]], [1.0])
        0.5
    """
    members = np.asarray(members, "float64")
    if members.ndim < 2 or not len(members):
        raise ValueError(
            "`members` must be values of shape (members, N, ...), of at least one member. Received "
            f"shape: {members.shape}"
        )
    away = [np.abs(np.subtract(*same_size(member, targets))) for member in members]
    # Sorted, the pair differences need no loop over pairs.
    count = len(members)
    factors = 2 * np.arange(1, count + 1) - count - 1
    spread = np.tensordot(factors, np.sort(members, axis=0), 1) / count**2
    return _average(np.mean(away, axis=0) - spread, sample_weight)


def normal_parts(mean, variance, targets):
    """Checks normal distributions; arguments as for `interval_coverage`.

    Returns:
        `(difference, deviation)`: float64 arrays of the shape of `mean`, target minus mean, and the
        standard deviation, which is positive.

    Raises:
        ValueError: if shapes do not match, a value is NaN or infinite, or a variance is negative.
    """
    mean, targets = same_size(mean, targets)
    variance, _ = same_size(variance, targets)
    if variance.min() < 0:
        raise ValueError(f"A variance must not be negative. Received: from {variance.min()}")
    deviation = np.sqrt(np.maximum(variance.reshape(mean.shape), np.finfo("float32").eps))
    return targets - mean, deviation


def by_example(each):
    """Averages an array `(N, ...)` over all axes but the first."""
    return each.reshape(len(each), -1).mean(1)


def same_size(values, targets):
    """Returns values and targets as finite float64 arrays of the shape of the values.

    Raises:
        ValueError: if they have different numbers of elements, or one is NaN or infinite.
    """
    values, targets = np.asarray(values, "float64"), np.asarray(targets, "float64")
    if values.size != targets.size or not values.size:
        raise ValueError(
            "Values and targets must have the same number of elements, at least one. Received "
            f"shapes {values.shape} and {targets.shape}"
        )
    if not (np.isfinite(values).all() and np.isfinite(targets).all()):
        raise ValueError(
            "Values and targets must be finite, but some are NaN or infinite. Leave those examples "
            "out."
        )
    return values, targets.reshape(values.shape)


def _average(each, sample_weight):
    each = by_example(each)
    if sample_weight is not None and np.shape(sample_weight) != each.shape:
        raise ValueError(
            f"Expected sample weights of shape {each.shape}, one for each example. Received "
            f"shape: {np.shape(sample_weight)}"
        )
    return float(np.average(each, weights=sample_weight))
