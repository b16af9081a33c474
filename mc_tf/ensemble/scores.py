"""Scores of class probabilities and disagreement of predictions, in numpy."""

import numpy as np

from mc_tf.metrics.calibration import adaptive_calibration_error, confidence_bins
from mc_tf.metrics.class_arrays import checked, is_right, normalized, predicted_classes
from mc_tf.metrics.selective import area_under_risk_coverage
from mc_tf.typing import ArrayLike

__all__ = [
    "accuracy",
    "brier_score",
    "disagreement",
    "disagreement_matrix",
    "expected_calibration_error",
    "negative_log_likelihood",
    "score",
]

_SMALLEST = np.finfo("float64").tiny  # replaces a probability of 0 in logarithms


def accuracy(
    probabilities: ArrayLike, labels: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Share of examples whose most probable class is the label.

    Args:
        probabilities: array `(N, C)`; `(N, 1)` is the probability of class 1 of two.
        labels: integer array `(N,)`, from 0 to `C - 1`; or soft labels `(N, C)`, which sum to 1 and
            count as their most probable class.
        sample_weight: weights `(N,)` of the examples, not negative, as in Keras'
            `weighted_metrics`. Default: equal weights.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: if a shape or a label is invalid.

    Example:
        >>> accuracy([[0.9, 0.1], [0.6, 0.4]], [0, 1])
        0.5
    """
    probabilities, labels, weights = checked(probabilities, labels, sample_weight)
    return float(np.average(is_right(probabilities, labels), weights=weights))


def negative_log_likelihood(
    probabilities: ArrayLike, labels: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean of `-log p(label)`: the cross-entropy loss, in nats.

    Args:
        probabilities, labels: as for `accuracy`; for soft labels, `-sum(label * log p)`.
        sample_weight: weights `(N,)` that multiply the losses before averaging, as in Keras (a
            metric is divided by the sum of the weights).

    Returns:
        float; a label of probability 0 counts as the smallest normal number of float64.

    Example:
        >>> round(negative_log_likelihood([[0.5, 0.5]], [1]), 4)
        0.6931
    """
    probabilities, labels, weights = checked(probabilities, labels, sample_weight)
    if labels.ndim == 2:
        losses = -(labels * np.log(np.maximum(probabilities, _SMALLEST))).sum(-1)
    else:
        losses = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], _SMALLEST))
    return float(np.mean(losses if weights is None else losses * weights))


def brier_score(
    probabilities: ArrayLike, labels: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean squared distance between the probabilities and the one-hot label.

    Args:
        probabilities, labels, sample_weight: as for `accuracy`.

    Returns:
        float from 0 to 2: summed over classes, as in Brier's definition.

    Example:
        >>> brier_score([[0.5, 0.5]], [1])
        0.5
    """
    probabilities, labels, weights = checked(probabilities, labels, sample_weight)
    if labels.ndim == 2:
        distances = ((probabilities - labels) ** 2).sum(-1)
    else:
        chosen = probabilities[np.arange(len(labels)), labels]
        distances = (probabilities**2).sum(-1) - 2 * chosen + 1
    return float(np.average(distances, weights=weights))


def expected_calibration_error(
    probabilities: ArrayLike,
    labels: ArrayLike,
    num_bins: int = 15,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Expected calibration error: mean gap of confidence and accuracy (Guo et al., 2017).

    The confidence of a prediction is its largest probability. Predictions are grouped in bins of
    equal width. The absolute differences between mean confidence and accuracy are averaged over the
    bins, weighted by their share of examples.

    Args:
        probabilities, labels: as for `accuracy`.
        num_bins: number of bins. Default 15.
        sample_weight: as for `accuracy`.

    Returns:
        float in [0, 1].

    Example:
        >>> round(expected_calibration_error([[0.9, 0.1], [0.9, 0.1]], [0, 1]), 4)
        0.4
    """
    if num_bins < 1:
        raise ValueError(f"`num_bins` must be at least 1. Received: num_bins={num_bins}")
    probabilities, labels, weights = checked(probabilities, labels, sample_weight)
    confidence = probabilities.max(-1)
    gaps = is_right(probabilities, labels) - confidence
    bins = confidence_bins(confidence, num_bins)
    weighted = gaps if weights is None else gaps * weights
    total = len(gaps) if weights is None else weights.sum()
    return float(np.abs(np.bincount(bins, weights=weighted, minlength=num_bins)).sum() / total)


def disagreement(first: ArrayLike, second: ArrayLike) -> float:
    """Share of examples for which two networks predict different classes.

    Args:
        first, second: probabilities `(N, C)`; `(N, 1)` is the probability of class 1 of two.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> disagreement([[0.9, 0.1], [0.6, 0.4]], [[0.8, 0.2], [0.4, 0.6]])
        0.5
    """
    first, second = normalized(np.asarray(first)), normalized(np.asarray(second))
    if first.shape != second.shape:
        raise ValueError(
            f"Two predictions must have the same shape. Received shapes {first.shape} and "
            f"{second.shape}"
        )
    return float(np.mean(predicted_classes(first) != predicted_classes(second)))


def disagreement_matrix(
    predictions: ArrayLike, sample_weight: ArrayLike | None = None
) -> np.ndarray:
    """`disagreement` of all pairs of members.

    Args:
        predictions: probabilities `(M, N, C)`, or classes as an integer array `(M, N)`.
        sample_weight: weights `(N,)` of the examples. Default: equal weights.

    Returns:
        float64 array `(M, M)`, symmetric, with zeros on the diagonal.

    Example:
        >>> disagreement_matrix(np.array([[0, 1, 1, 1], [0, 1, 2, 1]]))
        array([[0.  , 0.25],
               [0.25, 0.  ]])
    """
    predictions = np.asarray(predictions)
    if predictions.ndim != 2:
        predictions = predicted_classes(normalized(predictions))
    return np.array(
        [[np.average(a != b, weights=sample_weight) for b in predictions] for a in predictions]
    )


def score(
    probabilities: ArrayLike, labels: ArrayLike, sample_weight: ArrayLike | None = None
) -> dict[str, float]:
    """Computes all scores of a classifier.

    Labels that do not exclude each other are separate two-class problems: pass
    `probabilities.reshape(-1, 1)` and `labels.reshape(-1)`.

    Args:
        probabilities, labels, sample_weight: as for `accuracy`.

    Returns:
        dict of floats: `error` (percent), `accuracy`, `loss` (negative log-likelihood), `brier`,
        `calibration_error`, `adaptive_calibration_error` and `area_under_risk_coverage`. With
        sample weights the loss is the mean of the weighted losses over the examples and the others
        are divided by the sum of the weights, as in Keras.

    Example:
        >>> score([[0.75, 0.25], [0.5, 0.5]], [0, 1])["error"]
        50.0
    """
    arguments = {"labels": labels, "sample_weight": sample_weight}
    right = accuracy(probabilities, **arguments)
    return {
        "error": 100.0 * (1.0 - right),
        "accuracy": right,
        "loss": negative_log_likelihood(probabilities, **arguments),
        "brier": brier_score(probabilities, **arguments),
        "calibration_error": expected_calibration_error(probabilities, **arguments),
        "adaptive_calibration_error": adaptive_calibration_error(probabilities, **arguments),
        "area_under_risk_coverage": area_under_risk_coverage(probabilities, **arguments),
    }
