"""Log-densities of the coordinates of a subspace, exact over a data set."""

import math

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_counts, check_kind, check_numbers
from mc_tf.backend import ops as backend
from mc_tf.backend.batches import KeptBatches
from mc_tf.backend.derivatives import gradient
from mc_tf.batch_norm.update import needs_statistics
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.posterior.likelihoods import summed_loss
from mc_tf.posterior.subspace import Subspace
from mc_tf.typing import ArrayLike, Data

__all__ = ["SubspaceDensity"]

_MOST_BATCHES = 64


class SubspaceDensity:
    """The density of `SubspacePosterior`, which has the arguments: values and gradients."""

    def __init__(
        self,
        subspace: Subspace,
        data: Data,
        likelihood: keras.losses.Loss | None = None,
        temperature: float = 1.0,
        prior_std: float = 1.0,
        batch_norm_data: Data | None = None,
        network: keras.Model | None = None,
        batch_size: int = 500,
    ) -> None:
        check_kind("subspace", subspace, Subspace, "a `mc_tf.posterior.Subspace`")
        tiny = np.finfo("float32").tiny
        check_numbers(low=tiny, temperature=temperature, prior_std=prior_std)
        check_counts(batch_size=batch_size)
        model = subspace.model(network)
        if batch_norm_data is None and needs_statistics(model.network):
            raise ValueError(
                f"The model '{model.network.name}' has batch normalization, whose statistics must "
                "be estimated at each point of the subspace. Pass `batch_norm_data`, a few "
                "thousand training examples, or `batch_norm_data=False` to keep the statistics "
                "of the subspace."
            )
        model.compile(optimizer=None, loss=summed_loss(model.network, likelihood))
        self.subspace, self.network = subspace, model.network
        self.temperature, self.prior_std = float(temperature), float(prior_std)
        self.batch_norm_data = batch_norm_data
        self._evaluator = PointEvaluator(model, batch_size)
        self._data = KeptBatches(data, batch_size, role="data")
        self._statistics = None
        if batch_norm_data is not None and batch_norm_data is not False:
            self._statistics = KeptBatches(batch_norm_data, batch_size, role="batch_norm_data")
        self._state = self._batches = None
        self._value_of = backend.compiled(self._value)
        self._gradient_of = backend.compiled(self._gradient)
        zero = np.zeros(subspace.dimensions)
        if not math.isfinite(self.log_likelihood(zero)):
            self._evaluator.check_finite(data)
            raise ValueError("The log-likelihood at the shift of the subspace is not finite.")
        self._batches = self._data.in_memory(_MOST_BATCHES)  # converted once, if there are few

    def __repr__(self):
        return (
            f"{type(self).__name__}: {self.subspace.dimensions} dimensions, temperature "
            f"{self.temperature:g}, prior_std {self.prior_std:g}"
        )

    def log_likelihood(self, z: ArrayLike) -> float:
        """The log-likelihood of all data at coordinates `z` `(d,)`, without the temperature."""
        return self._pass(z, self._value_of)[0]

    def log_density(self, z: ArrayLike) -> float:
        """The logarithm of the posterior at `z` `(d,)`, up to a constant."""
        return self.log_likelihood(z) / self.temperature + self._log_prior(z)

    def _log_prior(self, z):
        scaled = np.asarray(z, "float64") / self.prior_std
        return float(-0.5 * np.sum(scaled**2 + math.log(2 * math.pi * self.prior_std**2)))

    def tempered(self, z: ArrayLike) -> float:
        """The log-likelihood at `z` divided by the temperature."""
        return self._pass(z, self._value_of)[0] / self.temperature

    def tempered_gradient(self, z: ArrayLike) -> tuple[float, np.ndarray]:
        """`tempered` and its gradient `(d,)`."""
        value, slope = self._pass(z, self._gradient_of)
        return value / self.temperature, slope / self.temperature

    def _pass(self, z, step):
        """Sums values, and gradients if the step has them, over the data in float64."""
        z = np.asarray(z, "float64")
        coefficients = self.subspace.coefficients(z)
        if z.ndim != 1:
            raise ValueError(f"`z` is one vector of coordinates. Received shape: {z.shape}")
        if self._state is None or self._statistics is not None:
            self._state = self._evaluator.network_at(coefficients, self._statistics)[1]
        z, state = ops.convert_to_tensor(z.astype("float32")), self._state
        total, slope = 0.0, 0.0
        for batch in self._batches or self._evaluator.batches(self._data):
            value, *gradient_of, state = step(z, state, batch)
            total += float(ops.convert_to_numpy(value))
            for part in gradient_of:
                slope = slope + ops.convert_to_numpy(part).astype("float64")
        return total, slope

    def _value(self, z, state, batch):
        layer = self._evaluator.layer
        flat = layer.flat_weights_at(ops.concatenate([ops.ones((1,), z.dtype), z]))
        point = layer.layout.unpack(flat), []  # without penalties
        loss, _, state, _ = self._evaluator.batch_loss(point, state, batch)
        return -loss, state

    def _gradient(self, z, state, batch):
        return gradient(lambda z: self._value(z, state, batch), z)
