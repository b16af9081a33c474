"""A Gaussian over weights: a diagonal plus a matrix of low rank (arXiv 1902.02476, section 3)."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np

from mc_tf.arguments import check_counts, check_kind, check_numbers, check_path
from mc_tf.ensemble import Ensemble, OutputSpec
from mc_tf.posterior.members import generator_of, make_ensemble
from mc_tf.storage.files import read_arrays, write_arrays
from mc_tf.storage.moments import WeightMoments
from mc_tf.storage.snapshots import take_snapshot
from mc_tf.typing import ArrayLike, Data, PathLike

__all__ = ["GaussianPosterior"]

_CHUNK = 1 << 16  # weights at a time: they stay in the cache
_SMALLEST = 1e-30  # variance in a density, as in the reference implementation of SWAG


class GaussianPosterior:
    """A normal distribution of weight vectors, as from `SWAG.posterior`.

    Its covariance is `scale * (diag(variance) + deviations.T @ deviations / (K - 1))`, or `scale *
    diag(variance)` with `low_rank=False`. `scale=0.5` gives the two halves of the paper's equation
    (1); the paper's SWAG-Diagonal is `low_rank=False, scale=1`.

    Args:
        mean: array `(P,)`.
        variance: array `(P,)`, not negative.
        deviations: array `(K, P)`, `K` at least 2.
        network: built Keras model of the architecture, for `ensemble`. Default: none.
        state: list of arrays: other state of the networks, in the order of
            `mc_tf.weights.flat.state_variables`. Default: of `network`.

    Attributes:
        mean, variance, deviations, network, state: as given; the deviations are float32 or float64.

    Raises:
        ValueError: if the arrays do not match or are not finite, or a variance is negative.

    Example:
        >>> posterior = GaussianPosterior(np.zeros(2), np.ones(2), np.array([[1.0, 1.0], [-1, -1]]))
        >>> posterior.sample(3, seed=0).shape
        (3, 2)
        >>> round(posterior.log_density([0.0, 0.0], scale=1), 4)  # covariance [[3, 2], [2, 3]]
        -2.6426
    """

    def __init__(
        self,
        mean: ArrayLike,
        variance: ArrayLike,
        deviations: ArrayLike,
        network: keras.Model | None = None,
        state: Sequence[np.ndarray] | None = None,
    ) -> None:
        self.mean = np.asarray(mean, "float64")
        self.variance = np.asarray(variance, "float64")
        deviations = np.asarray(deviations)
        self.deviations = deviations.astype(np.result_type(deviations.dtype, "f4"), copy=False)
        self.network, self.state = network, None if state is None else list(state)
        arrays = (self.mean, self.variance, self.deviations)
        shapes, size = [each.shape for each in arrays], self.mean.size
        if shapes[:2] != 2 * [(size,)] or shapes[2][1:] != (size,) or shapes[2][0] < 2:
            raise ValueError(
                "`mean` and `variance` have shape (P,) and `deviations` (K, P) with K of at least "
                f"2. Received: {', '.join(map(str, shapes))}"
            )
        if not all(np.isfinite(each).all() for each in arrays) or (self.variance < 0).any():
            raise ValueError("All arrays must be finite, and no variance negative.")

    @classmethod
    def of(cls, average: WeightMoments, network: keras.Model) -> Self:
        """The posterior of averaged weights.

        Args:
            average: `WeightMoments`, as `SWAG.average`.
            network: built Keras model of the architecture, whose other state is copied.

        Returns:
            `GaussianPosterior`, which does not change with the average.

        Raises:
            ValueError: if fewer than two networks have been averaged.
        """
        check_kind("average", average, WeightMoments, "`WeightMoments`, the `average` of SWAG")
        if average.count < 2:
            raise ValueError(
                f"A posterior needs at least two networks. {average.count} averaged so far: train "
                "for more epochs after the start of averaging, or average more often."
            )
        moments = (average.mean.copy(), average.variance, average.deviations)
        return cls(*moments, network, take_snapshot(network).state)

    def __repr__(self):
        return f"GaussianPosterior: {self.mean.size} weights, {len(self.deviations)} deviations"

    def sample(
        self, n: int, scale: float = 0.5, low_rank: bool = True, seed: int | None = None
    ) -> np.ndarray:
        """Draws weight vectors.

        Args:
            n: number of vectors.
            scale: factor of the covariance. Default 0.5, as in the paper.
            low_rank: whether to include the low-rank part. Default `True`.
            seed: integer; the first vectors of a larger sample are the same. Default: random.

        Returns:
            Array `(n, P)` of the deviations' dtype.
        """
        check_counts(n=n)
        check_numbers(low=0, scale=scale)
        generator = generator_of(seed)
        rows = np.empty((n, self.mean.size), self.deviations.dtype)
        for row in rows:
            self._draw(row, math.sqrt(scale), low_rank, generator)
        return rows

    def _draw(self, row, root, low_rank, generator):
        dtype = row.dtype.name
        factors = generator.standard_normal(len(self.deviations), dtype)
        factors /= math.sqrt(len(self.deviations) - 1)
        for part in self._parts():
            noise = generator.standard_normal(len(row[part]), dtype)
            noise *= np.sqrt(self.variance[part])
            if low_rank:
                noise += factors @ self.deviations[:, part]
            row[part] = self.mean[part] + root * noise

    def log_density(
        self, weights: ArrayLike, scale: float = 0.5, low_rank: bool = True
    ) -> float | np.ndarray:
        """Computes the logarithm of the density, in time linear in `P`.

        By the Woodbury identity and the matrix determinant lemma, in float64. Variances below 1e-30
        count as 1e-30.

        Args:
            weights: array `(P,)`, or `(n, P)` for several.
            scale, low_rank: as for `sample`; the scale must be positive.

        Returns:
            float, or float64 array `(n,)`.

        Raises:
            ValueError: if `weights` has another shape, or `scale` is not positive.
        """
        check_numbers(low=np.finfo("float64").tiny, scale=scale)
        given = np.asarray(weights)
        if given.ndim not in (1, 2) or given.shape[-1] != self.mean.size:
            raise ValueError(
                f"Weights have shape ({self.mean.size},) or (n, {self.mean.size}). Received: "
                f"{given.shape}"
            )
        rows = np.atleast_2d(given)
        rank = len(self.deviations) if low_rank else 0
        inner, along = np.eye(rank), np.zeros((rank, len(rows)))
        distance, log_volume = np.zeros(len(rows)), 0.0
        for part in self._parts():
            variance = np.maximum(self.variance[part], _SMALLEST)
            rest = (rows[:, part] - self.mean[part]) / np.sqrt(variance)
            distance += (rest**2).sum(1)
            log_volume += np.log(variance).sum()
            if low_rank:
                scaled = self.deviations[:, part] / np.sqrt(variance * (rank - 1))
                inner += scaled @ scaled.T
                along += scaled @ rest.T
        log_volume += np.linalg.slogdet(inner)[1] + self.mean.size * math.log(2 * math.pi * scale)
        distance -= (along * np.linalg.solve(inner, along)).sum(0)
        density = -0.5 * (log_volume + distance / scale)
        return density if given.ndim == 2 else float(density[0])

    def _parts(self):
        size = self.mean.size
        return [slice(first, first + _CHUNK) for first in range(0, size, _CHUNK)]

    def ensemble(
        self,
        n: int,
        scale: float = 0.5,
        low_rank: bool = True,
        seed: int | None = None,
        batch_norm_data: Data | None = None,
        network: keras.Model | None = None,
        output: str | OutputSpec | None = None,
        verbose: int = 1,
        **kwargs: Any,
    ) -> Ensemble:
        """Creates an ensemble of sampled networks, which averages their predictions.

        Args:
            n: number of members.
            scale, low_rank, seed: as for `sample`.
            batch_norm_data: one epoch of the training data, for the batch normalization statistics
                of each member. Required for models with batch normalization; `False` keeps those
                of the average.
            network: built Keras model of the architecture. Default: the network of the posterior.
            output, **kwargs: as for `Ensemble`.
            verbose: 1 for a progress bar of the statistics, 0 for silence.

        Returns:
            `Ensemble`.

        Raises:
            ValueError: if there is no network, it does not fit, or batch normalization lacks data.
        """
        model = self.network if network is None else network
        rows = self.sample(n, scale, low_rank, seed)
        return make_ensemble(model, rows, self.state, batch_norm_data, output, verbose, **kwargs)

    def save(self, path: PathLike) -> None:
        """Writes an `.npz` file, without the network.

        Args:
            path: file name.
        """
        check_path("path", path)
        state = {f"state_{index:04d}": each for index, each in enumerate(self.state or ())}
        arrays = {"mean": self.mean, "variance": self.variance, "deviations": self.deviations}
        write_arrays(path, **arrays, has_state=self.state is not None, **state)

    @classmethod
    def load(cls, path: PathLike, network: keras.Model | None = None) -> Self:
        """Reads a file written by `save`.

        Args:
            path: file name.
            network: built Keras model of the architecture, for `ensemble`. Default: none.

        Returns:
            `GaussianPosterior`.

        Raises:
            FileNotFoundError, DamagedFileError, ValueError: if it is missing, damaged or another.
        """
        check_path("path", path)

        def build(arrays):
            state = [arrays[name] for name in sorted(arrays) if name.startswith("state_")]
            parts = (arrays[name] for name in ("mean", "variance", "deviations"))
            return cls(*parts, network, state if arrays["has_state"] else None)

        needed = ("mean", "variance", "deviations", "has_state")
        return read_arrays(path, needed, "a Gaussian posterior", "GaussianPosterior.save", build)
