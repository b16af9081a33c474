"""Results of inference in a subspace: samples, a Gaussian, a grid."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.ensemble import Ensemble, OutputSpec
from mc_tf.posterior.members import generator_of, make_ensemble
from mc_tf.typing import Data

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mc_tf.posterior.inference import SubspacePosterior

__all__ = ["SubspaceGaussian", "SubspaceGrid", "SubspaceSamples"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SubspaceSamples:
    """Samples from a posterior over the coordinates of a subspace.

    Attributes:
        posterior: the `SubspacePosterior`.
        chains: float64 array `(chains, n, d)`.
    """

    posterior: "SubspacePosterior"
    chains: np.ndarray

    def __repr__(self):
        chains, n, size = self.chains.shape
        return f"SubspaceSamples: {chains} x {n} samples of {size} coordinates"

    @property
    def z(self) -> np.ndarray:
        """The samples of all chains, float64 `(chains * n, d)`."""
        return self.chains.reshape(-1, self.chains.shape[-1])

    @property
    def mean(self) -> np.ndarray:
        """The mean `(d,)`."""
        return self.z.mean(0)

    @property
    def covariance(self) -> np.ndarray:
        """The covariance `(d, d)`."""
        return np.atleast_2d(np.cov(self.z.T))

    def weights(self, n: int | None = None) -> np.ndarray:
        """Returns weight vectors of the samples.

        Args:
            n: number of samples, equally spaced. Default: all.

        Returns:
            Array `(n, P)`.
        """
        check_counts(high=len(self.z), optional=True, n=n)
        places = self.z if n is None else self.z[np.linspace(0, len(self.z) - 1, n).astype(int)]
        return np.stack([self.posterior.subspace.weights(*z) for z in places])

    def ensemble(
        self,
        n: int | None = None,
        batch_norm_data: Data | None = None,
        output: str | OutputSpec | None = None,
        verbose: int = 1,
        **kwargs: Any,
    ) -> Ensemble:
        """Creates an ensemble of sampled networks, which averages their predictions.

        Args:
            n: number of members, equally spaced among the samples. Default: all.
            batch_norm_data: one epoch of the training data, for the batch normalization statistics
                of each member. Default: the posterior's.
            output, **kwargs: as for `Ensemble`.
            verbose: 1 for a progress bar of the statistics, 0 for silence.

        Returns:
            `Ensemble`.
        """
        of = self.posterior
        data = of.batch_norm_data if batch_norm_data is None else batch_norm_data
        rows, state = self.weights(n), of.subspace.state
        return make_ensemble(of.network, rows, state, data, output, verbose, **kwargs)

    def effective_sample_size(self) -> np.ndarray:
        """The number of independent samples that are worth as much, by arviz.

        Returns:
            float64 array `(d,)`.

        Raises:
            ImportError: if arviz is not installed.
        """
        ess = _arviz().ess
        return np.array([float(ess(chains)) for chains in np.moveaxis(self.chains, -1, 0)])

    def plot_trace(self) -> "Figure":
        """Draws the density and the trace of each coordinate, by arviz.

        Returns:
            matplotlib figure.

        Raises:
            ImportError: if arviz is not installed.
        """
        names = {f"z{k + 1}": self.chains[..., k] for k in range(self.chains.shape[-1])}
        return _arviz().plot_trace(names, compact=False).ravel()[0].figure


def _arviz():
    try:
        import arviz
    except ImportError as error:
        raise ImportError('Diagnostics of samples need arviz: pip install "arviz<1".') from error
    return arviz


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SubspaceGaussian:
    """A Gaussian fitted to a posterior over the coordinates of a subspace.

    Attributes:
        posterior: the `SubspacePosterior`.
        mean: float64 array `(d,)`.
        covariance: float64 array `(d, d)`.
        bound: evidence lower bound of the tempered likelihood, in nats.
    """

    posterior: "SubspacePosterior"
    mean: np.ndarray
    covariance: np.ndarray
    bound: float

    def __repr__(self):
        return f"SubspaceGaussian: {len(self.mean)} coordinates, bound {self.bound:.6g}"

    def sample(self, n: int, seed: int | None = None) -> SubspaceSamples:
        """Draws samples.

        Args:
            n: number of samples.
            seed: integer. Default: random.

        Returns:
            `SubspaceSamples` of one chain.
        """
        check_counts(n=n)
        noise = generator_of(seed).standard_normal((n, len(self.mean)))
        drawn = self.mean + noise @ np.linalg.cholesky(self.covariance).T
        return SubspaceSamples(self.posterior, drawn[None])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SubspaceGrid:
    """A posterior on a grid of one or two coordinates.

    Attributes:
        posterior: the `SubspacePosterior`.
        axes: list of `d` increasing float64 arrays.
        log_density: float64 array of the shape of the grid, up to a constant.
    """

    posterior: "SubspacePosterior"
    axes: list[np.ndarray]
    log_density: np.ndarray

    def __repr__(self):
        return f"SubspaceGrid: {' x '.join(map(str, self.log_density.shape))} points"

    @property
    def probabilities(self) -> np.ndarray:
        """The share of the mass at each point."""
        values = np.where(np.isnan(self.log_density), -np.inf, self.log_density)
        values = np.exp(values - values.max())
        return values / values.sum()

    @property
    def border(self) -> float:
        """The share of the mass on the border of the grid."""
        inner = (slice(1, -1),) * self.log_density.ndim
        return float(1 - self.probabilities[inner].sum())

    @property
    def _places(self):
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), -1).reshape(-1, len(self.axes))

    @property
    def mean(self) -> np.ndarray:
        """The mean `(d,)`."""
        return self.probabilities.ravel() @ self._places

    @property
    def covariance(self) -> np.ndarray:
        """The covariance `(d, d)`."""
        rest = self._places - self.mean
        return (self.probabilities.ravel()[:, None] * rest).T @ rest

    def sample(self, n: int, seed: int | None = None) -> SubspaceSamples:
        """Draws points of the grid, moved at random within their cells.

        Args:
            n: number of samples.
            seed: integer. Default: random.

        Returns:
            `SubspaceSamples` of one chain.
        """
        check_counts(n=n)
        generator = generator_of(seed)
        chosen = generator.choice(self.log_density.size, n, p=self.probabilities.ravel())
        cell = np.array([axis[1] - axis[0] for axis in self.axes])
        moved = cell * generator.uniform(-0.5, 0.5, (n, len(cell)))
        return SubspaceSamples(self.posterior, (self._places[chosen] + moved)[None])

    def plot(self, **options: Any) -> "Figure":
        """Draws the density of two coordinates.

        Args:
            **options: options of `mc_tf.plots.plot_posterior`, such as `samples`.

        Returns:
            matplotlib figure; write it with `mc_tf.plots.save`.
        """
        from mc_tf import plots

        return plots.plot_posterior(self, **options)
