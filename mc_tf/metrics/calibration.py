"""Calibration: whether predicted probabilities are shares of right predictions."""

import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.metrics.class_arrays import checked, is_right
from mc_tf.typing import ArrayLike

__all__ = ["adaptive_calibration_error", "confidence_bins", "reliability"]


def adaptive_calibration_error(
    probabilities: ArrayLike,
    labels: ArrayLike,
    num_bins: int = 15,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Calibration error of all class probabilities, in ranges of equal size.

    Nixon et al. 2019 (arXiv 1904.01685, section 3.2):

        ACE = 1 / (K R) * sum_k sum_r |acc(r, k) - conf(r, k)|

    The examples are sorted by the probability of class `k` and divided into `R` ranges of equal
    size. `conf` is the mean probability of the class in a range, `acc` the share of examples of
    this class. Each class counts equally, so rare classes count as much as frequent ones, and the
    small probabilities of classes that are not predicted count, too.

    At the border of two ranges an example belongs to both in parts. Examples with equal
    probabilities are spread evenly, so the result does not depend on the order of the examples.

    Args:
        probabilities: array `(N, C)`; `(N, 1)` is the probability of class 1 of two.
        labels: integer array `(N,)`, from 0 to `C - 1`; or one-hot or soft labels `(N, C)`.
        num_bins: number of ranges `R`. Default 15.
        sample_weight: weights `(N,)`: ranges have equal sums of weights, and means are weighted.
            Default: equal weights.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: if a shape, a label or `num_bins` is invalid.

    Example:
        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]]
        >>> round(adaptive_calibration_error(p, [0, 0, 1, 1], num_bins=2), 4)
        0.2
    """
    check_counts(num_bins=num_bins)
    probabilities, labels, weights = checked(probabilities, labels, sample_weight)
    borders = np.linspace(0, 1, num_bins + 1)
    errors = []
    for k, column in enumerate(probabilities.T):
        if weights is None and labels.ndim == 1:
            at_borders = _gaps(np.sort(column), np.sort(column[labels == k]), borders)
        else:
            of_class = labels[:, k] if labels.ndim == 2 else labels == k
            at_borders = _weighted_gaps(column, of_class, weights, borders)
        errors.append(np.abs(np.diff(at_borders)).sum())
    return float(np.mean(errors))


def _gaps(values, hits, borders):
    """Examples of a class minus their expected number, up to each border, as shares of all.

    Sorting values is many times faster than sorting indices.

    Args:
        values: probabilities of the class, sorted.
        hits: probabilities of the class for its own examples, sorted.
        borders: increasing numbers from 0 to 1.
    """
    places = borders * len(values)
    whole = np.minimum(places.astype(int), len(values) - 1)
    at = values[whole]
    expected = np.append(0, np.cumsum(values))[whole] + (places - whole) * at
    first, last = (np.searchsorted(values, at, side) for side in ("left", "right"))
    before, after = (np.searchsorted(hits, at, side) for side in ("left", "right"))
    sums = before + (after - before) * (places - first) / (last - first)
    return (sums - expected) / len(values)


def _weighted_gaps(column, of_class, weights, borders):
    """The same for examples with weights and soft labels."""
    weights = np.ones(len(column)) if weights is None else weights
    order = np.argsort(column)
    ends = np.append(np.diff(column[order]) != 0, True)  # of equal probabilities
    size = np.cumsum(weights[order])[ends]
    gap = np.cumsum(((of_class - column) * weights)[order])[ends]
    return np.interp(borders * size[-1], np.append(0, size), np.append(0, gap)) / size[-1]


def reliability(
    probabilities: ArrayLike,
    labels: ArrayLike,
    num_bins: int = 15,
    sample_weight: ArrayLike | None = None,
) -> dict[str, np.ndarray]:
    """Confidence and accuracy by confidence: the numbers of a reliability diagram.

    Guo et al. 2017 (arXiv 1706.04599, equations 2 and 3): predictions are grouped by their largest
    probability into bins of equal width, open below and closed above. The mean of
    `|accuracy - confidence|`, weighted by `share`, is the `expected_calibration_error`.

    Args:
        probabilities, labels, sample_weight: as for `adaptive_calibration_error`; soft labels count
            as their most probable class.
        num_bins: number of bins. Default 15.

    Returns:
        dict of float64 arrays `(num_bins,)`: the mean `confidence` and the `accuracy` of the
        predictions in each bin, NaN in an empty bin, and their `share` of all predictions.

    Raises:
        ValueError: if a shape, a label or `num_bins` is invalid.

    Example:
        >>> bins = reliability([[0.9, 0.1], [0.8, 0.2]], [0, 1], num_bins=2)
        >>> bins["confidence"].round(4), bins["accuracy"]
        (array([ nan, 0.85]), array([nan, 0.5]))
    """
    check_counts(num_bins=num_bins)
    probabilities, labels, weights = checked(probabilities, labels, sample_weight)
    weights = np.ones(len(labels)) if weights is None else weights
    confidence = probabilities.max(-1)
    bins = confidence_bins(confidence, num_bins)
    size, sure, right = (
        np.bincount(bins, each * weights, num_bins)
        for each in (np.ones(len(labels)), confidence, is_right(probabilities, labels))
    )
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin
        return {"confidence": sure / size, "accuracy": right / size, "share": size / size.sum()}


def confidence_bins(confidence, num_bins):
    """Returns the index of the bin of each confidence: open below, closed above; 0 is in the first.

    Args:
        confidence: array of numbers in [0, 1].
        num_bins: number of bins of equal width.
    """
    return np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
