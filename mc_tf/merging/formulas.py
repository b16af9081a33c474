"""Formulas that merge the weights of M networks, `(M, P)`, into the weights of one, `(P,)`.

Vectors are read one at a time: `members` can be a sequence that makes each when it is read. Results
are float64.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mc_tf.arguments import check_counts, check_numbers
from mc_tf.typing import TensorLike

__all__ = ["dare", "slerp", "task_arithmetic", "ties", "uniform"]


def uniform(
    members: Sequence[TensorLike] | np.ndarray, shares: Sequence[float] | None = None
) -> np.ndarray:
    """The average of the weights: a uniform soup (Wortsman et al. 2022).

    Args:
        members: weights of two or more networks, `(M, P)`.
        shares: share of each network, M numbers that sum to 1. Default: equal ones.

    Returns:
        float64 array `(P,)`.

    Raises:
        ValueError: if shapes or numbers do not fit.

    Example:
        >>> uniform([[0.0, 2.0], [4.0, 4.0]]).tolist()
        [2.0, 3.0]
    """
    shares = equal_shares(members) if shares is None else list(shares)
    check_numbers(**{f"shares[{m}]": share for m, share in enumerate(shares)})
    if len(shares) != _count(members, 2) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"`shares` must be {len(members)} numbers of sum 1. Received: {shares}")
    return sum(share * weights for share, weights in zip(shares, _rows(members)))


def equal_shares(members):
    """`1 / M` for each of the members."""
    return [1 / len(members)] * len(members)


def slerp(
    members: Sequence[TensorLike] | np.ndarray, base: TensorLike | None = None, t: float = 0.5
) -> np.ndarray:
    """Spherical interpolation of two networks (Shoemake 1985).

    `sin((1 - t) a) / sin(a) * first + sin(t a) / sin(a) * second`, with the angle `a` between the
    two weight vectors. It keeps their length, which an average shortens.

    Args:
        members: weights of two networks, `(2, P)`.
        base: origin of the vectors, `(P,)`, the network that both were fine-tuned from (Ramé et
            al. 2024). Default: zero.
        t: position in [0, 1], from the first to the second. Default 0.5.

    Returns:
        float64 array `(P,)`.

    Raises:
        ValueError: if shapes or numbers do not fit, there are not two networks, or the vectors
            point in opposite directions.

    Example:
        >>> slerp([[1.0, 0.0], [0.0, 1.0]], t=0.5).round(4).tolist()
        [0.7071, 0.7071]
    """
    check_numbers(low=0, high=1, t=t)
    if _count(members, 2) != 2:
        raise ValueError(f"`slerp` is between two networks. Received: {len(members)}")
    first, second = _rows(members, base)
    origin = 0.0 if base is None else np.asarray(base, "float64")
    first, second = first - origin, second - origin
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    cosine = np.clip(first @ second / lengths, -1, 1) if lengths else 1.0
    angle = np.arccos(cosine)
    if np.sin(angle) > 1e-6:
        one, two = np.sin((1 - t) * angle) / np.sin(angle), np.sin(t * angle) / np.sin(angle)
    elif cosine > 0:  # nearly one direction: the limit is the segment
        one, two = 1 - t, t
    else:
        raise ValueError(
            "The two weight vectors point in opposite directions, and no arc between them is the "
            "shortest. Pass another `base`, or use `uniform`."
        )
    return origin + one * first + two * second


def task_arithmetic(
    members: Sequence[TensorLike] | np.ndarray, base: TensorLike, scale: float = 0.4
) -> np.ndarray:
    """Adds the sum of the task vectors to a base (Ilharco et al. 2023).

    A task vector is what fine-tuning added to the weights: `base + scale * sum(members - base)`.

    Args:
        members: weights of one or more networks fine-tuned from the base, `(M, P)`.
        base: weights of the base, `(P,)`.
        scale: factor, best chosen on validation data. `1 / M` gives the average; a negative factor
            unlearns. Default 0.4, as Yadav et al. 2023 use without validation data.

    Returns:
        float64 array `(P,)`.

    Raises:
        ValueError: if shapes or numbers do not fit.

    Example:
        >>> task_arithmetic([[1.0, 2.0], [1.0, 0.0]], base=[1.0, 1.0], scale=0.5).tolist()
        [1.0, 1.0]
    """
    check_numbers(scale=scale)
    _count(members, 1)
    base = np.asarray(base, "float64")
    return base + scale * sum(weights - base for weights in _rows(members, base))


def ties(
    members: Sequence[TensorLike] | np.ndarray,
    base: TensorLike,
    density: float = 0.2,
    scale: float = 1.0,
) -> np.ndarray:
    """Merges task vectors without those that interfere: TIES (Yadav et al. 2023).

    Trim: of each task vector, `members - base`, the share `density` with the largest magnitudes
    stays, and the rest becomes 0. Elect: each weight takes the sign of the sum of its entries.
    Merge: the mean of the entries with that sign, times `scale`, is added to the base.

    Args:
        members: weights of one or more networks fine-tuned from the base, `(M, P)`.
        base: weights of the base, `(P,)`.
        density: share of each task vector to keep, above 0 and at most 1. Entries as large as the
            smallest one kept stay, too. Default 0.2.
        scale: factor of the merged task vector. Default 1.

    Returns:
        float64 array `(P,)`.

    Raises:
        ValueError: if shapes or numbers do not fit.

    Example:
        >>> ties([[5.0, 0.1], [3.0, -0.2], [-4.0, 0.0]], base=[0.0, 0.0], density=0.5).tolist()
        [4.0, 0.0]
    """
    check_numbers(low=0, high=1, density=density)
    check_numbers(scale=scale)
    if not density:
        raise ValueError("`density` must be above 0: nothing would be left of the task vectors.")
    _count(members, 1)
    base = np.asarray(base, "float64")

    def trimmed():
        for weights in _rows(members, base):
            vector = weights - base
            first = vector.size - int(np.ceil(round(density * vector.size, 6)))
            magnitudes = np.abs(vector)
            vector[magnitudes < np.partition(magnitudes, first)[first]] = 0.0
            yield vector

    elected = np.sign(sum(trimmed()))
    total, count = np.zeros_like(base), np.zeros(base.shape, "int64")
    for vector in trimmed():  # again, so that one is in memory at a time
        agrees = (np.sign(vector) == elected) & (vector != 0)
        total += np.where(agrees, vector, 0.0)
        count += agrees
    return base + scale * total / np.maximum(count, 1)


def dare(
    members: Sequence[TensorLike] | np.ndarray, base: TensorLike, drop: float = 0.5, seed: int = 0
) -> np.ndarray:
    """Thins out task vectors at random before they are merged: DARE (Yu et al. 2024).

    Each entry of `members - base` becomes 0 with probability `drop`; the others are divided by
    `1 - drop`. Merge the result by `task_arithmetic`, `ties` (with `density=1`) or `uniform`.

    Args:
        members: weights of one or more networks fine-tuned from the base, `(M, P)`.
        base: weights of the base, `(P,)`.
        drop: probability, at least 0 and below 1. Default 0.5.
        seed: of the entries that are dropped. Default 0.

    Returns:
        float64 array `(M, P)`.

    Raises:
        ValueError: if shapes or numbers do not fit.

    Example:
        >>> dare([[1.0, 1.0, 1.0, 1.0]], base=[0.0, 0.0, 0.0, 0.0], drop=0.5).tolist()
        [[2.0, 0.0, 0.0, 0.0]]
    """
    _count(members, 1)
    return np.stack(list(Thinned(members, base, drop, seed)))


class Thinned(Sequence):
    """The rows of `dare`, each made when it is read."""

    def __init__(self, members, base, drop, seed):
        check_numbers(low=0, high=1, drop=drop)
        check_counts(low=0, seed=seed)
        if drop == 1:
            raise ValueError("`drop` must be below 1: nothing would be left of the task vectors.")
        self._members, self._base = members, np.asarray(base, "float64")
        self._drop, self._seed = drop, seed

    def __len__(self):
        return len(self._members)

    def __getitem__(self, m):
        (weights,) = _rows([self._members[m]], self._base)
        kept = np.random.default_rng([self._seed, m]).random(weights.size) >= self._drop
        return self._base + np.where(kept, weights - self._base, 0.0) / (1 - self._drop)


def _count(members, least):
    """Number of members, at least `least`."""
    if len(members) < least:
        words = {1: "one network", 2: "two networks"}[least]
        raise ValueError(f"`members` must be {words} or more. Received: {len(members)}")
    return len(members)


def _rows(members, base=None) -> Iterator[np.ndarray]:
    """Yields the weight vectors in float64."""
    shape = None if base is None else np.shape(base)
    for m in range(len(members)):
        weights = np.asarray(members[m]).astype("float64")
        shape = weights.shape if shape is None else shape
        if weights.ndim != 1 or weights.shape != shape:
            other = "the first" if base is None else "the base"
            raise ValueError(
                f"`members` must be weight vectors of one length, `(M, P)`. Received: shape "
                f"{weights.shape} for member {m}, and {shape} for {other}."
            )
        yield weights
