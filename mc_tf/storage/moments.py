"""The running moments and last deviations of weight vectors, for SWAG."""

import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.checksums import OtherKindError

__all__ = ["WeightMoments"]


class WeightMoments(WeightAverage):
    """Mean, variance and last deviations of added weight vectors (arXiv 1902.02476, Algorithm 1).

    It keeps `max_rank + 2` vectors: mean and variance in float64, deviations in float32 (float64 if
    the weights are), and allocates no more.

    Args:
        max_rank: number `K` of deviations to keep, at least 2. Default 20.

    Attributes:
        mean, count, step, left_out: see `WeightAverage`.
        squares: float64 vector `(P,)`, sum of squared differences from the mean.
        rows: list of the last deviations `(P,)`, the oldest first.

    Example:
        >>> moments = WeightMoments()
        >>> moments.add([1.0, 2.0], step=10)
        >>> moments.add([3.0, 4.0], step=20)
        >>> moments.variance.tolist(), moments.deviations.tolist()
        ([1.0, 1.0], [[0.0, 0.0], [1.0, 1.0]])
    """

    needed = (*WeightAverage.needed, "squares", "max_rank")
    words = ("an average with deviations", "training with SWAG")

    def __init__(self, max_rank=20):
        check_counts(low=2, high=10_000, max_rank=max_rank)
        super().__init__()
        self.max_rank = int(max_rank)
        self.squares = None
        self.rows = []

    @property
    def variance(self):
        """Variance of each weight over the added vectors, float64 `(P,)`."""
        return self.squares / self.count

    @property
    def deviations(self):
        """A copy of the last differences of a vector from the mean at its time, `(k, P)`."""
        return np.stack(self.rows)

    def _make_room(self, weights):
        super()._make_room(weights)
        if self.squares is None:
            self.squares = np.zeros(weights.shape)
        full = len(self.rows) == self.max_rank
        dtype = np.result_type(weights.dtype, "float32")
        self.rows.append(self.rows.pop(0) if full else np.empty(weights.shape, dtype))

    def _add_part(self, part, values, difference):
        deviation = values - self.mean[part]
        self.squares[part] += difference * deviation  # Welford: no difference of large numbers
        self.rows[-1][part] = deviation

    def _arrays(self):
        rows = {f"deviation_{index:04d}": row for index, row in enumerate(self.rows)}
        return {**super()._arrays(), "squares": self.squares, "max_rank": self.max_rank, **rows}

    def _fill(self, path, arrays):
        super()._fill(path, arrays)
        if int(arrays["max_rank"]) != self.max_rank:
            raise OtherKindError(
                f"The average in '{path}' was written with max_rank={int(arrays['max_rank'])}. "
                f"Received: max_rank={self.max_rank}. Use the settings of the resumed run, or "
                "start over in another directory."
            )
        self.squares = arrays["squares"]
        self.rows = [arrays[name] for name in sorted(arrays) if name.startswith("deviation_")]
