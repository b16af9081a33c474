"""Running averages of weight vectors, in float64 and saved on disk."""

import functools
import os

import numpy as np

from mc_tf.storage.checksums import OtherKindError
from mc_tf.storage.files import numbered_files, read_arrays, remove, write_arrays

__all__ = ["WeightAverage"]

_PREFIX = "average"
_CHUNK = 1 << 20  # weights at a time: temporary arrays stay small


class WeightAverage:
    """Mean of added weight vectors (arXiv 1803.05407, Algorithm 1).

    Attributes:
        mean: float64 vector `(P,)`, or `None` before the first.
        count: number of added vectors.
        step: training step of the last vector.
        left_out: number of skipped vectors before it that were not finite.

    Example:
        >>> average = WeightAverage()
        >>> average.add([1.0, 2.0], step=10)
        >>> average.add([3.0, 4.0], step=20)
        >>> average.mean.tolist(), average.count, average.step
        ([2.0, 3.0], 2, 20)
    """

    needed = ("mean", "count", "step")  # arrays of a file
    words = ("an average of weights", "training with SWA")  # its name and its maker

    def __init__(self):
        self.mean = None
        self.count = 0
        self.step = None
        self.left_out = 0
        self._before = None  # step of the previous vector

    def add(self, weights, step):
        """Adds one vector.

        Args:
            weights: array `(P,)`.
            step: training step of these weights.

        Raises:
            ValueError: if a weight is not finite; the average does not change.
        """
        weights = np.asarray(weights)
        if not np.isfinite(weights).all():
            raise ValueError(
                f"The weights of step {step} are not finite, so they cannot be averaged. Leave "
                "that network out."
            )
        self._before = self.step
        self.count += 1
        self._make_room(weights)
        for first in range(0, weights.size, _CHUNK):
            part = slice(first, first + _CHUNK)
            values = weights[part].astype("float64")
            difference = values - self.mean[part]
            self.mean[part] += difference / self.count
            self._add_part(part, values, difference)
        self.step = int(step)

    def _make_room(self, weights):
        """Makes the arrays for the first vector, or the next."""
        if self.mean is None:
            self.mean = np.zeros(weights.shape)

    def _add_part(self, part, values, difference):
        """Adds the weights `part`, given their difference from the mean before, to other values."""

    def leave_out(self, step):
        """Skips a step whose weights were not finite: the average does not change.

        Args:
            step: step of training.
        """
        self._before, self.step = self.step, int(step)
        self.left_out += 1

    def save(self, directory, keep=2, keep_steps=()):
        """Writes the average as `average-00000390.npz` (the step) and removes older ones.

        Averages of later steps from an earlier execution are kept, see `remove_later`; averages
        between this step and the previous one are removed.

        Args:
            directory: directory to write to.
            keep: number of latest averages to keep. Default 2.
            keep_steps: steps whose averages are also kept.

        Raises:
            OSError: if it cannot be written; earlier averages are kept.
        """
        path = os.path.join(directory, f"average-{self.step:08d}.npz")
        write_arrays(path, **self._arrays())
        kept = {f"average-{step:08d}.npz" for step in keep_steps}
        here = []
        for step, file in numbered_files(directory, _PREFIX).items():
            if step < self.step and (self._before is None or step > self._before):
                remove([file])  # from an earlier execution with other steps
            elif step <= self.step:
                here.append(file)
        remove(old for old in here[:-keep] if os.path.basename(old) not in kept)

    def _arrays(self):
        """The arrays of its file, by name."""
        numbers = {"count": self.count, "step": self.step, "left_out": self.left_out}
        return {"mean": self.mean, **numbers}

    @staticmethod
    def files(directory):
        """The averages in a directory, in the order of their steps."""
        return list(numbered_files(directory, _PREFIX).values())

    @staticmethod
    def steps(directory):
        """The steps of the averages in a directory, increasing."""
        return list(numbered_files(directory, _PREFIX))

    @classmethod
    def remove_later(cls, directory, step):
        """Removes averages of later steps, left by a longer earlier execution.

        Args:
            directory: where `save` wrote.
            step: the last step of this run.
        """
        files = numbered_files(directory, _PREFIX)
        remove(path for later, path in files.items() if later > step)

    @classmethod
    def load(cls, directory, step, **settings):
        """Loads the average at a training step.

        Args:
            directory: where `save` wrote.
            step: number of steps done.
            **settings: arguments of the class.

        Returns:
            An average of this class, empty if nothing had been added by then.

        Raises:
            DamagedFileError: if a file is damaged.
            OtherKindError: a `ValueError`, if it was written with other settings.
        """
        files = numbered_files(directory, _PREFIX)
        earlier = [path for number, path in files.items() if number <= step]
        average = cls(**settings)
        if earlier:
            path, build = earlier[-1], functools.partial(average._fill, earlier[-1])
            read_arrays(path, cls.needed, *cls.words, build)
        return average

    def _fill(self, path, arrays):
        """Takes the values from the arrays of a file."""
        self.mean = arrays["mean"]
        self.count, self.step = int(arrays["count"]), int(arrays["step"])
        self.left_out = int(arrays.get("left_out", 0))
        if not np.isfinite(self.mean).all():  # earlier versions could write them
            raise OtherKindError(
                f"The average in '{path}' has NaN or infinite weights. Remove the file, and "
                "resume from an earlier checkpoint or start over."
            )
