"""Selective prediction: the error of the predictions that are kept, by their share."""

import numpy as np

from mc_tf.metrics.class_arrays import checked, is_right
from mc_tf.typing import ArrayLike

__all__ = ["area_under_risk_coverage", "risk_coverage"]


def risk_coverage(
    probabilities: ArrayLike,
    labels: ArrayLike,
    uncertainty: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Error of the most certain predictions, for each share of predictions that are kept.

    El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017 (arXiv 1705.08500). The risk at coverage
    `c` is the share of wrong predictions among the share `c` of all predictions with the smallest
    uncertainty. Equally uncertain predictions have their mean error, as in a random order.

    Args:
        probabilities: array `(N, C)`; `(N, 1)` is the probability of class 1 of two.
        labels: integer array `(N,)`, from 0 to `C - 1`; or one-hot or soft labels `(N, C)`, which
            count as their most probable class.
        uncertainty: array `(N,)`, such as `predictive_entropy(probabilities)`. Default: the
            negative of the largest probability.
        sample_weight: weights `(N,)` of the examples; an example of weight 0 is left out. Default:
            equal weights.

    Returns:
        `(coverage, risk)`: float64 arrays `(N,)` in [0, 1], by increasing coverage.

    Raises:
        ValueError: if a shape or a label is invalid, or an uncertainty is NaN.

    Example:
        >>> p = [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.7, 0.3]]
        >>> coverage, risk = risk_coverage(p, [0, 0, 0, 1])
        >>> coverage, risk.round(4)
        (array([0.25, 0.5 , 0.75, 1.  ]), array([0.    , 0.    , 0.3333, 0.5   ]))
    """
    coverage, risk, _ = _curve(probabilities, labels, uncertainty, sample_weight)
    return coverage, risk


def area_under_risk_coverage(
    probabilities: ArrayLike,
    labels: ArrayLike,
    uncertainty: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Area under the risk-coverage curve (AURC): small if wrong predictions are uncertain ones.

    Geifman, Uziel and El-Yaniv 2019 (arXiv 1805.08206, section 3), with the risk `r` of
    `risk_coverage`:

        AURC = 1 / N * sum_i r(i / N), i = 1 ... N

    With sample weights, the mean is weighted. It depends on the error, too: compare networks of
    equal error, or look at the curve.

    Args:
        probabilities, labels, uncertainty, sample_weight: as for `risk_coverage`.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: as `risk_coverage`.

    Example:
        >>> p = [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.7, 0.3]]
        >>> round(area_under_risk_coverage(p, [0, 0, 0, 1]), 4)
        0.2083
    """
    _, risk, weights = _curve(probabilities, labels, uncertainty, sample_weight)
    return float(np.average(risk, weights=weights))


def _curve(probabilities, labels, uncertainty, sample_weight):
    probabilities, labels, weights = checked(probabilities, labels, sample_weight)
    wrong = ~is_right(probabilities, labels)
    if uncertainty is None:
        uncertainty = -probabilities.max(-1)
    uncertainty = np.asarray(uncertainty, "float64")
    if uncertainty.shape != labels.shape[:1] or np.isnan(uncertainty).any():
        raise ValueError(
            f"`uncertainty` must be numbers of shape {labels.shape[:1]}, without NaN. Received "
            f"shape: {uncertainty.shape}"
        )
    weights = np.ones(len(labels)) if weights is None else weights
    wrong, uncertainty, weights = (a[weights > 0] for a in (wrong, uncertainty, weights))
    _, equal = np.unique(uncertainty, return_inverse=True)  # groups, the most certain first
    risk = (np.bincount(equal, wrong * weights) / np.bincount(equal, weights))[equal]
    order = np.argsort(equal, kind="stable")
    weights = weights[order]
    kept = np.cumsum(weights)
    return kept / kept[-1], np.cumsum(risk[order] * weights) / kept, weights
