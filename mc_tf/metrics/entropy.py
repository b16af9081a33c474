"""Entropy of predictions, and the part of it that the disagreement of members causes."""

import numpy as np

from mc_tf.metrics.class_arrays import class_probabilities, normalized
from mc_tf.typing import ArrayLike

__all__ = ["mutual_information", "predictive_entropy"]

_SMALLEST = np.finfo("float64").tiny  # replaces a probability of 0 in logarithms


def predictive_entropy(probabilities: ArrayLike) -> np.ndarray:
    """Entropy of each prediction, in nats: from 0 (certain) to `log C`.

        H(p) = -sum_c p_c log p_c

    Of the averaged prediction of an ensemble, this is its whole uncertainty.

    Args:
        probabilities: array `(..., C)`; `(..., 1)` is the probability of class 1 of two.

    Returns:
        float64 array `(...)`.

    Raises:
        ValueError: if probabilities do not sum to 1.

    Example:
        >>> predictive_entropy([[0.5, 0.5], [1.0, 0.0]]).round(4)
        array([0.6931, 0.    ])
    """
    probabilities = class_probabilities(normalized(np.asarray(probabilities)))
    # Adding 0 makes a minus zero positive.
    return 0.0 - (probabilities * np.log(np.maximum(probabilities, _SMALLEST))).sum(-1)


def mutual_information(members: ArrayLike) -> np.ndarray:
    """Information between each prediction and the choice of the member, in nats.

    Houlsby et al. 2011 (arXiv 1112.5745, equation 2); Depeweg et al. 2018 (arXiv 1710.07283,
    section 3) call it epistemic uncertainty:

        I = H(1 / M * sum_m p_m) - 1 / M * sum_m H(p_m)

    It is 0 if all members predict the same, however uncertain they are, and at most `log M`.

    Args:
        members: array `(M, ..., C)`, the class probabilities of each member, such as
            `Ensemble.member_predictions` returns; `(M, ..., 1)` are probabilities of class 1 of
            two.

    Returns:
        float64 array `(...)`, not negative.

    Raises:
        ValueError: if probabilities do not sum to 1, or there is no axis of members.

    Example:
        >>> certain = [[[1.0, 0.0]], [[0.0, 1.0]]]  # two members, one example
        >>> uncertain = [[[0.5, 0.5]], [[0.5, 0.5]]]
        >>> mutual_information(certain).round(4), mutual_information(uncertain)
        (array([0.6931]), array([0.]))
    """
    members = np.asarray(members)
    if members.ndim < 2 or not len(members):
        raise ValueError(
            "`members` must be probabilities of shape (members, ..., classes), of at least one "
            f"member. Received shape: {members.shape}"
        )
    own = predictive_entropy(members)  # which checks that they are probabilities
    together = predictive_entropy(members.mean(0, dtype="float64"))
    return np.maximum(together - own.mean(0), 0)  # rounding can make it negative
