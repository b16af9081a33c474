"""Elliptical slice sampling and Gaussian variational inference, in numpy.

Both take any log-likelihood of few coordinates, under the prior `N(0, prior_std^2 I)`.
"""

import math

import numpy as np
from scipy.optimize import minimize

__all__ = ["elliptical_slice", "fit_gaussian"]

_FIRST_STD = 0.1  # of the prior: where chains and fits begin


def elliptical_slice(log_likelihood, prior_std, size, generator):
    """Yields samples of the posterior (Murray et al., 2010, figure 2), endlessly.

    Args:
        log_likelihood: function of `z` `(size,)` that returns a float; NaN counts as impossible.
        prior_std: standard deviation of the prior.
        size: number of coordinates.
        generator: `numpy.random.Generator`.

    Yields:
        float64 array `(size,)`.

    Example:
        >>> samples = elliptical_slice(lambda z: 0.0, 1.0, 2, np.random.default_rng(0))
        >>> np.round(np.std([next(samples) for _ in range(2000)], axis=0), 1).tolist()
        [1.0, 1.0]
    """
    z = _FIRST_STD * prior_std * generator.standard_normal(size)
    value = log_likelihood(z)
    if not math.isfinite(value):  # the shift itself is possible
        z = np.zeros(size)
        value = log_likelihood(z)
    while True:
        other = prior_std * generator.standard_normal(size)
        threshold = value - generator.exponential()
        angle = generator.uniform(0, 2 * math.pi)
        low, high = angle - 2 * math.pi, angle
        while True:
            proposed = z * math.cos(angle) + other * math.sin(angle)
            value = log_likelihood(proposed)
            if value > threshold:
                break
            low, high = (angle, high) if angle < 0 else (low, angle)
            angle = generator.uniform(low, high)
        z = proposed
        yield z


def fit_gaussian(log_likelihood, prior_std, size, full, num_samples, max_iterations, generator):
    """Fits `N(mean, factor @ factor.T)` to the posterior by the evidence lower bound.

    Args:
        log_likelihood: function of `z` `(size,)` that returns a float and its gradient `(size,)`.
        prior_std: standard deviation of the prior.
        size: number of coordinates.
        full: whether `factor` is a lower triangle, or diagonal.
        num_samples: number of fixed samples, rounded up to pairs.
        max_iterations: int.
        generator: `numpy.random.Generator`.

    Returns:
        `(mean, factor, bound, problem)`: arrays `(size,)` and `(size, size)`, the bound, and why
        the optimization ended early, or `None`.
    """
    noise = _noise((num_samples + 1) // 2, size, generator)
    below = np.tril_indices(size, -1) if full else ([], [])

    def unpack(values):
        factor = np.diag(np.exp(values[size : 2 * size]))
        factor[below] = values[2 * size :]
        return values[:size], factor

    def negative_bound(values):
        mean, factor = unpack(values)
        points = mean + noise @ factor.T
        likelihoods, slopes = zip(*(log_likelihood(z) for z in points))
        slopes = np.array(slopes)
        variance = prior_std**2
        divergence = 0.5 * (((factor**2).sum() + mean @ mean) / variance - size)
        divergence += size * math.log(prior_std) - values[size : 2 * size].sum()
        of_mean = slopes.mean(0) - mean / variance
        of_factor = slopes.T @ noise / len(noise) - factor / variance
        of_scale = np.diag(of_factor) * np.diag(factor) + 1
        gradient = np.concatenate([of_mean, of_scale, of_factor[below]])
        return divergence - np.mean(likelihoods), -gradient

    start = np.zeros(2 * size + len(below[0]))
    start[size : 2 * size] = math.log(_FIRST_STD * prior_std)
    options = {"maxiter": max_iterations, "maxfun": 10 * max_iterations}
    minimum = minimize(negative_bound, start, jac=True, method="L-BFGS-B", options=options)
    # Status 2: no step is better within the rounding of a likelihood in float32.
    ended = minimum.status != 1 and math.isfinite(minimum.fun)
    return *unpack(minimum.x), -float(minimum.fun), None if ended else minimum.message


def _noise(pairs, size, generator):
    """Samples in pairs of opposite signs, whose mean is exactly 0 and whose covariance is 1."""
    drawn = generator.standard_normal((max(pairs, size), size))
    drawn = np.linalg.solve(np.linalg.cholesky(drawn.T @ drawn / len(drawn)), drawn.T).T
    return np.concatenate([drawn, -drawn])
