"""Detection by a score: areas under curves, and errors at a threshold, exact with equal scores."""

import numpy as np

from mc_tf.arguments import check_numbers
from mc_tf.typing import ArrayLike

__all__ = ["aupr", "auroc", "fpr_at_tpr"]


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Area under the curve of true against false positive rates.

    It is the probability that a positive example has a higher score than a negative one, where
    equal scores count half (Fawcett 2006, "An introduction to ROC analysis", section 7). 0.5 is
    chance, and it does not depend on the share of positive examples.

    Args:
        scores: array `(N,)`; higher scores indicate positive examples.
        positive: boolean array `(N,)`, or 0 and 1.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: if shapes differ, a score is NaN, or one kind of examples is missing.

    Example:
        >>> auroc([0.1, 0.4, 0.4, 0.8], [False, False, True, True])
        0.875
    """
    hits, alarms = _counts(scores, positive)
    twice = (np.diff(alarms) * (hits[1:] + hits[:-1])).sum()  # trapezoids
    return float(twice / (2 * hits[-1] * alarms[-1]))


def aupr(scores: ArrayLike, positive: ArrayLike) -> float:
    """Area under the curve of precision against recall, as average precision.

    With precision `P_n` and recall `R_n` at the `n`-th of all distinct thresholds, from the highest
    score on (Manning et al. 2008, "Introduction to Information Retrieval", section 8.4; it is
    scikit-learn's `average_precision_score`):

        AP = sum_n (R_n - R_(n-1)) P_n

    Chance is the share of positive examples, so values for other shares cannot be compared.

    Args:
        scores, positive: as for `auroc`.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: as `auroc`.

    Example:
        >>> round(aupr([0.1, 0.4, 0.4, 0.8], [False, False, True, True]), 4)
        0.8333
    """
    hits, alarms = _counts(scores, positive)
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float((np.diff(hits) * precision).sum() / hits[-1])


def fpr_at_tpr(scores: ArrayLike, positive: ArrayLike, tpr: float = 0.95) -> float:
    """False positive rate at the highest threshold with at least a given true positive rate.

    Liang et al. 2018 (arXiv 1706.02690, section 4.3). An example counts as positive if its score is
    at least the threshold.

    Args:
        scores, positive: as for `auroc`.
        tpr: true positive rate, from 0 to 1. Default 0.95.

    Returns:
        float in [0, 1]: the share of negative examples that count as positive.

    Raises:
        ValueError: as `auroc`, or if `tpr` is out of range.

    Example:
        >>> fpr_at_tpr([0.1, 0.4, 0.4, 0.8], [False, False, True, True])
        0.5
    """
    check_numbers(low=0, high=1, tpr=tpr)
    hits, alarms = _counts(scores, positive)
    return float(alarms[np.argmax(hits / hits[-1] >= tpr)] / alarms[-1])


def _counts(scores, positive):
    """Numbers of positive and negative examples above each distinct threshold, from none to all."""
    scores, positive = np.asarray(scores, "float64"), np.asarray(positive)
    if scores.ndim != 1 or scores.shape != positive.shape or np.isnan(scores).any():
        raise ValueError(
            "Expected scores of shape (N,), without NaN, and as many booleans. Received shapes "
            f"{scores.shape} and {positive.shape}"
        )
    if not np.isin(positive, (0, 1)).all() or len(np.unique(positive)) < 2:
        raise ValueError(
            "`positive` must be true and false, or 1 and 0, with at least one of each. Received: "
            f"{np.unique(positive)[:9].tolist()}"
        )
    order = np.argsort(-scores)
    last = np.flatnonzero(np.append(scores[order][1:] != scores[order][:-1], True))
    hits = np.cumsum(positive[order].astype("int64"))[last]
    return np.append(0, hits), np.append(0, last + 1 - hits)
