"""Greedy soups: averages to which only networks are added that do not make them worse."""

from collections.abc import Callable, Sequence

import numpy as np

from mc_tf.typing import TensorLike

__all__ = ["greedy"]


def greedy(
    members: Sequence[TensorLike] | np.ndarray,
    score: Callable[[np.ndarray, list[int]], float],
    higher_is_better: bool = False,
) -> tuple[np.ndarray, list[int]]:
    """Chooses the networks of an average: algorithm 1 of Wortsman et al. 2022.

    The soup begins as the best network. The others are tried from the best to the worst: each stays
    in the average if the average scores no worse with it than without it.

    Args:
        members: weights of the networks, `(M, P)`.
        score: function of weights `(P,)`, float64, and of the indices of the networks that they are
            the average of. It is called up to `2 M - 1` times.
        higher_is_better: whether a higher score is better. Default `False`.

    Returns:
        `(weights, kept)`: float64 array `(P,)`, and the indices of the networks in it, the best
        first.

    Example:
        >>> distance = lambda weights, kept: abs(weights.sum() - 4.0)
        >>> weights, kept = greedy([[9.0], [3.0], [6.0]], distance)
        >>> weights.tolist(), kept
        ([4.5], [1, 2])
    """

    def value(weights, indices):
        better = score(weights, indices) * (1 if higher_is_better else -1)
        return -np.inf if np.isnan(better) else better

    def read(m):
        return np.asarray(members[m]).astype("float64")

    values = [value(read(m), [m]) for m in range(len(members))]
    first, *others = sorted(range(len(values)), key=lambda m: -values[m])
    total, kept, best = read(first), [first], values[first]
    for m in others:
        weights = read(m)
        reached = value((total + weights) / (len(kept) + 1), [*kept, m])
        if reached >= best:
            total, kept, best = total + weights, [*kept, m], reached
    return total / len(kept), kept
