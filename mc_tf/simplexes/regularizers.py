"""Terms of the training loss for the control points of a curve: volume and similarity."""

import itertools
import math
from typing import Self

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_numbers
from mc_tf.curves import Curve
from mc_tf.layers.control_points import InnerProduct
from mc_tf.simplexes.volume import sides
from mc_tf.typing import Config, Tensor

__all__ = ["LogVolume", "Similarity"]

_TINY = 1e-16  # of a squared length: keeps the gradient of equal points finite
_FLAT = 1e-6  # of a squared sine, in a flat simplex


class _Term:
    """Base class: a factor, and its configuration."""

    def __init__(self, strength: float) -> None:
        check_numbers(strength=strength)
        self.strength = float(strength)

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {"strength": self.strength}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Creates a term from its config."""
        return cls(**config)

    def __repr__(self):
        return f"{type(self).__name__}({self.strength:g})"


@keras.saving.register_keras_serializable("mc_tf")
class LogVolume(_Term):
    """The term `-strength * log(volume)`, which makes a simplex large (arXiv 2102.13042, (4)).

    `mc_tf.simplexes.volume` computes the volume. A simplex that is flat has a finite term and
    gradient, but no gradient out of its plane; therefore `add_vertex` starts beside it.

    Args:
        strength: factor, the paper's lambda. `add_vertex` chooses it.

    Raises:
        ValueError: if it is not a finite number.
    """

    def __call__(self, inner: InnerProduct, curve: Curve) -> Tensor:
        """Computes the term; see `points_regularizer` of `CurveLayer`."""
        logs = []
        for rows, simplexes in sides(curve):
            pairs = {(i, j) for own in simplexes for i in own for j in own if i <= j}
            known = {(i, j): inner(rows[i], rows[j]) for i, j in sorted(pairs)}
            grams = [[known[min(i, j), max(i, j)] for i in own for j in own] for own in simplexes]
            count = len(simplexes[0])
            grams = ops.stack([ops.stack(gram) for gram in grams])
            logs.append(_log_volumes(ops.reshape(grams, (-1, count, count))))
        if not logs:
            return ops.zeros(())
        return -self.strength * ops.logsumexp(ops.concatenate(logs))


def _log_volumes(grams):
    """Logarithms of the volumes of simplexes from inner products of their sides, `(m, n, n)`."""
    dimensions = grams.shape[-1]
    squares = ops.diagonal(grams, axis1=1, axis2=2) + _TINY
    inverse = ops.rsqrt(squares)
    cosines = grams * inverse[:, :, None] * inverse[:, None, :]
    cosines = cosines + _FLAT * ops.eye(dimensions, dtype=grams.dtype)
    logs = ops.sum(ops.log(squares), -1)
    for _ in range(dimensions):  # elimination: XLA on TensorFlow has no logarithm of a determinant
        pivot, column = ops.maximum(cosines[:, 0, 0], _FLAT), cosines[:, 1:, 0]
        logs = logs + ops.log(pivot)
        outer = column[:, :, None] * column[:, None, :]
        cosines = cosines[:, 1:, 1:] - outer / pivot[:, None, None]
    return logs / 2 - math.lgamma(dimensions + 1)


@keras.saving.register_keras_serializable("mc_tf")
class Similarity(_Term):
    """The mean squared cosine between two control points, times a factor (arXiv 2102.10472, (3)).

    It keeps the ends of a line, or the vertices of a simplex, different while they are trained
    together from random weights. The cosine is of the whole weight vectors; the mean over all pairs
    is the expectation of the paper's random pair.

    Args:
        strength: factor, the paper's beta. Default 1.

    Raises:
        ValueError: if it is not a finite number.
    """

    def __init__(self, strength: float = 1.0) -> None:
        super().__init__(strength)

    def __call__(self, inner: InnerProduct, curve: Curve) -> Tensor:
        """Computes the term; see `points_regularizer` of `CurveLayer`."""
        count = curve.num_points
        points = np.eye(count)
        inverse = [ops.rsqrt(inner(point, point) + _TINY) for point in points]
        squares = [
            ops.square(inner(points[i], points[j]) * inverse[i] * inverse[j])
            for i, j in itertools.combinations(range(count), 2)
        ]
        return self.strength * sum(squares) / len(squares)
