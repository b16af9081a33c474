"""The posterior over the coordinates of a subspace (arXiv 1907.07504, section 4)."""

from collections.abc import Sequence

import numpy as np
import tqdm

from mc_tf.arguments import check_counts, check_seed
from mc_tf.posterior.density import SubspaceDensity
from mc_tf.posterior.results import SubspaceGaussian, SubspaceGrid, SubspaceSamples
from mc_tf.posterior.samplers import elliptical_slice, fit_gaussian
from mc_tf.typing import ArrayLike
from mc_tf.warning import warn

__all__ = ["SubspacePosterior"]


class SubspacePosterior(SubspaceDensity):
    """The posterior over the coordinates `z` of a subspace, up to a constant factor.

    `log p(z) = log p(data | shift + z @ directions) / temperature + log N(z; 0, prior_std^2 I)`.
    The likelihood is exact: each value is a pass over the whole data. Regularizers do not count:
    the prior takes their place.

    Args:
        subspace: `Subspace`.
        data: training data: a finite `tf.data.Dataset` of batches, a `PyDataset`, or arrays `(x,
            y)` or `(x, y, sample_weight)`; the weights multiply the log-likelihoods.
        likelihood: negative log-likelihood of an example, a `keras.losses.Loss`: a cross-entropy
            or `GaussianLikelihood`. Default: the compiled loss of the network.
        temperature: divisor of the log-likelihood. Default 1, the Bayesian posterior; the paper
            uses larger ones, since few coordinates explain much data.
        prior_std: standard deviation of the prior. Default 1.
        batch_norm_data: one epoch of the training data, for the batch normalization statistics at
            each `z`. Required for networks with batch normalization; `False` keeps the
            subspace's. Gradients count them as constant.
        network: built Keras model of the architecture. Default: the network of the subspace.
        batch_size: examples per batch, for arrays only. Default 500.

    Raises:
        ValueError: if the loss is not a likelihood, batch normalization lacks data, or an argument
            is invalid.
    """

    def slice_sample(
        self,
        n: int,
        burn_in: int = 100,
        chains: int = 1,
        thin: int = 1,
        seed: int = 0,
        verbose: int = 1,
    ) -> SubspaceSamples:
        """Samples by elliptical slice sampling (Murray et al., 2010), which has no step size.

        Args:
            n: number of samples of each chain.
            burn_in: number of samples of each chain to drop first. Default 100.
            chains: number of independent chains, from draws near the shift. Default 1.
            thin: keep every `thin`-th sample. Default 1.
            seed: integer.
            verbose: 1 for a progress bar, 0 for silence.

        Returns:
            `SubspaceSamples`.
        """
        check_counts(n=n, chains=chains, thin=thin)
        check_counts(low=0, burn_in=burn_in)
        check_seed(seed=seed)
        total = burn_in + n * thin
        kept = np.empty((chains, n, self.subspace.dimensions))
        with tqdm.tqdm(total=chains * total, disable=not verbose, unit="sample") as bar:
            for chain, values in enumerate(kept):
                generator = np.random.default_rng([seed, chain])
                drawn = elliptical_slice(
                    self.tempered, self.prior_std, self.subspace.dimensions, generator
                )
                for index in range(total):
                    z = next(drawn)
                    if index >= burn_in and (index - burn_in + 1) % thin == 0:
                        values[(index - burn_in) // thin] = z
                    bar.update()
        return SubspaceSamples(self, kept)

    def fit_gaussian(
        self,
        full_covariance: bool = True,
        num_samples: int | None = None,
        max_iterations: int = 200,
        seed: int = 0,
    ) -> SubspaceGaussian:
        """Fits a Gaussian by variational inference, with reparameterized samples.

        The evidence lower bound is estimated at a fixed set of samples with mean zero and
        covariance one, so that it is deterministic and a Gaussian posterior is found exactly, and
        maximized by L-BFGS.

        Args:
            full_covariance: whether all covariances are fitted (default), or variances alone.
            num_samples: number of samples, an even number of at least `2 d`. Default: 32, or `4 d`.
            max_iterations: maximum number of iterations. Default 200.
            seed: integer.

        Returns:
            `SubspaceGaussian`; a warning says if it has not converged.
        """
        size = self.subspace.dimensions
        num_samples = max(32, 4 * size) if num_samples is None else num_samples
        check_counts(low=2 * size, num_samples=num_samples)
        check_counts(max_iterations=max_iterations)
        check_seed(seed=seed)
        mean, factor, bound, problem = fit_gaussian(
            self.tempered_gradient,
            self.prior_std,
            size,
            full_covariance,
            num_samples,
            max_iterations,
            np.random.default_rng(seed),
        )
        if problem:
            warn(f"The variational fit has not converged ({problem}). Raise `max_iterations`.")
        return SubspaceGaussian(self, mean, factor @ factor.T, bound)

    def grid(
        self,
        shape: int | Sequence[int] = 41,
        limits: ArrayLike | None = None,
        verbose: int = 1,
    ) -> SubspaceGrid:
        """Evaluates the posterior on a grid, for one or two dimensions.

        Args:
            shape: number of points on each axis, an integer or one per axis. Default 41.
            limits: `(low, high)` of each axis. Default: three deviations of the prior.
            verbose: 1 for a progress bar, 0 for silence.

        Returns:
            `SubspaceGrid`; a warning says if more than 1 % of the mass is on the border.

        Raises:
            ValueError: if the subspace has more dimensions.
        """
        if self.subspace.dimensions > 2:
            raise ValueError(
                "A grid needs a subspace of one or two dimensions. Received: "
                f"{self.subspace.dimensions}. Use `slice_sample` or `fit_gaussian`."
            )
        if limits is None:
            limits = [(-3 * self.prior_std, 3 * self.prior_std)] * self.subspace.dimensions
        axes = self.subspace.axes(shape, limits=limits)
        places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        flat = places.reshape(-1, self.subspace.dimensions)
        bar = tqdm.tqdm(flat, disable=not verbose, unit="point")
        values = np.array([self.log_density(z) for z in bar]).reshape(places.shape[:-1])
        grid = SubspaceGrid(self, axes, values)
        if grid.border > 0.01:
            warn(
                f"{grid.border:.0%} of the posterior's mass lies on the border of the grid. Widen "
                "its `limits`."
            )
        return grid
