"""The running moments and last deviations of weight vectors, for SWAG."""

import os
import zlib

import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.checksums import OtherKindError
from mc_tf.storage.files import numbered_files, read_arrays, remove, write_arrays

__all__ = ["WeightMoments"]

_DEVIATION = "deviation"


class WeightMoments(WeightAverage):
    """Mean, variance and last deviations of added weight vectors (arXiv 1902.02476, Algorithm 1).

    It keeps `max_rank + 2` vectors: mean and variance in float64, deviations in float32 (float64 if
    the weights are), and allocates no more. On disk each deviation is a file, which is written once
    and shared by the averages that need it.

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

    needed = (*WeightAverage.needed, "squares", "max_rank", "steps", "sums")
    words = ("an average with deviations", "training with SWAG")

    def __init__(self, max_rank=20):
        check_counts(low=2, high=10_000, max_rank=max_rank)
        super().__init__()
        self.max_rank = int(max_rank)
        self.squares = None
        self.rows = []
        self._steps = []  # of the rows
        self._sums = {}  # checksums of the rows in files, by step

    @property
    def variance(self):
        """Variance of each weight over the added vectors, float64 `(P,)`."""
        return self.squares / self.count

    @property
    def deviations(self):
        """A copy of the last differences of a vector from the mean at its time, `(k, P)`."""
        return np.stack(self.rows)

    def add(self, weights, step):
        """Adds one vector, see `WeightAverage.add`."""
        super().add(weights, step)
        self._steps = [*self._steps, int(step)][-self.max_rank :]

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

    # Files.

    def save(self, directory, keep=2, keep_steps=()):
        """Writes new deviations and the average, see `WeightAverage.save`.

        Deviations that no average in the directory needs are removed.
        """
        for step, row in zip(self._steps, self.rows):
            if step not in self._sums:
                write_arrays(_path(directory, step), deviation=row)
                self._sums[step] = zlib.crc32(row)
        super().save(directory, keep, keep_steps)
        files = numbered_files(directory, _DEVIATION)
        before = -1 if self._before is None else self._before
        # Others in between are from an earlier execution with other steps.
        ours = [s for s in files if s <= before or s in self._steps]
        averages = [step for step in self.steps(directory) if step <= self.step]
        wanted = {s for step in averages for s in [k for k in ours if k <= step][-self.max_rank :]}
        remove(path for step, path in files.items() if step <= self.step and step not in wanted)

    @classmethod
    def remove_later(cls, directory, step):
        """Removes averages and deviations of later steps, see `WeightAverage.remove_later`."""
        super().remove_later(directory, step)
        files = numbered_files(directory, _DEVIATION)
        remove(path for later, path in files.items() if later > step)

    def _arrays(self):
        self._sums = {step: self._sums[step] for step in self._steps}
        sums = list(self._sums.values())
        about = {"max_rank": self.max_rank, "steps": self._steps, "sums": sums}
        return {**super()._arrays(), "squares": self.squares, **about}

    def _fill(self, path, arrays):
        super()._fill(path, arrays)
        if int(arrays["max_rank"]) != self.max_rank:
            raise OtherKindError(
                f"The average in '{path}' was written with max_rank={int(arrays['max_rank'])}. "
                f"Received: max_rank={self.max_rank}. Use the settings of the resumed run, or "
                "start over in another directory."
            )
        self.squares, self._steps = arrays["squares"], arrays["steps"].tolist()
        self._sums = dict(zip(self._steps, arrays["sums"].tolist()))
        for step, expected in self._sums.items():
            file = _path(os.path.dirname(path), step)
            if not os.path.isfile(file):
                raise OtherKindError(f"'{path}' is incomplete: there is no '{file}'.")
            self.rows.append(read_arrays(file, ("deviation",), *self.words)["deviation"])
            if zlib.crc32(self.rows[-1]) != expected:
                raise OtherKindError(
                    f"'{file}' is from another run than '{path}', which it would be part of. "
                    "Start over in another directory."
                )


def _path(directory, step):
    return os.path.join(directory, f"{_DEVIATION}-{step:08d}.npz")
