"""The running average of weight vectors, held in float64 and kept on disk."""

import glob
import os

import numpy as np

from mc_tf.files import atomic_path, remove_leftovers

__all__ = ["WeightAverage"]


class WeightAverage:
    """Mean of the weight vectors that were added (arXiv 1803.05407, Algorithm 1).

    Attributes:
        mean: float64 vector `(P,)`, or `None` before the first.
        count: how many were added.
        step: step of training of the last one.

    Example:
        >>> average = WeightAverage()
        >>> average.add([1.0, 2.0], step=10)
        >>> average.add([3.0, 4.0], step=20)
        >>> average.mean.tolist(), average.count, average.step
        ([2.0, 3.0], 2, 20)
    """

    def __init__(self):
        self.mean = None
        self.count = 0
        self.step = None

    def add(self, weights, step):
        """Adds one vector.

        Args:
            weights: array `(P,)`.
            step: step of training at which these were the weights.
        """
        weights = np.asarray(weights, "float64")
        self.count += 1
        if self.mean is None:
            self.mean = weights.copy()
        else:
            self.mean += (weights - self.mean) / self.count
        self.step = int(step)

    def save(self, directory, keep=2):
        """Writes the average as `average-00000390.npz` (the step) and removes older ones.

        Args:
            directory: where.
            keep: how many of the latest to keep. Default 2.

        Raises:
            OSError: if it cannot be written; those that were written stay.
        """
        path = os.path.join(directory, f"average-{self.step:08d}.npz")
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, mean=self.mean, count=self.count, step=self.step)
        for old in self.files(directory)[:-keep]:
            os.remove(old)

    @staticmethod
    def files(directory):
        """The averages in a directory, in the order of their steps."""
        return sorted(glob.glob(os.path.join(glob.escape(directory), "average-*.npz")))

    @classmethod
    def load(cls, directory, step):
        """Reads the average as it was at a step of training, and removes later ones.

        Args:
            directory: where `save` wrote.
            step: number of steps that were done.

        Returns:
            `WeightAverage`, an empty one if nothing had been added by then.

        Raises:
            ValueError: if a file is damaged.
        """
        average = cls()
        for path in cls.files(directory):
            remove_leftovers(path)
            try:
                with np.load(path) as stored:
                    mean, count, at = stored["mean"], int(stored["count"]), int(stored["step"])
            except Exception as error:  # zip and numpy each have their own
                raise ValueError(
                    f"The average '{path}' is damaged ({type(error).__name__}, "
                    f"{os.path.getsize(path)} bytes). Remove it."
                ) from error
            if at > step:
                os.remove(path)
            else:
                average.mean, average.count, average.step = mean, count, at
        return average
