"""The families of the paper: Bezier curves, polygonal chains and segments."""

import math

import keras
from keras import ops

from mc_tf.curves.base import Curve
from mc_tf.typing import Config

__all__ = ["Bezier", "PolyChain", "Segment"]


@keras.saving.register_keras_serializable("mc_tf")
class Bezier(Curve):
    """Bezier curve with any number of bends (section 3.2 and A.3 of the paper).

    With `n = num_bends + 1`, `c_j(t) = binom(n, j) t^j (1 - t)^(n - j)`. The curve starts and ends
    exactly at its endpoints. Its bends attract the curve, which does not pass through them.

    Args:
        num_bends: number of control points between the endpoints, default 1 (quadratic).

    Example:
        >>> [float(c) for c in Bezier(num_bends=1).coefficients(0.5)]
        [0.25, 0.5, 0.25]
    """

    def _coefficients(self, t):
        degree = self.num_points - 1
        # Powers by repeated products: `t ** 0` has no gradient at t = 0 on every backend.
        up, down = [ops.ones_like(t)], [ops.ones_like(t)]
        for _ in range(degree):
            up.append(up[-1] * t)
            down.append(down[-1] * (1 - t))
        terms = [math.comb(degree, j) * up[j] * down[degree - j] for j in range(degree + 1)]
        return ops.stack(terms, axis=-1)


@keras.saving.register_keras_serializable("mc_tf")
class PolyChain(Curve):
    """Polygonal chain with any number of bends (section 3.2 and A.3 of the paper).

    The chain visits control point `j` exactly at `t = j / (k - 1)` and is linear in `t` between
    neighbors. At a bend, the gradient with respect to `t` is the gradient of the following piece.

    Args:
        num_bends: number of control points between the endpoints, default 1.

    Example:
        >>> [float(c) for c in PolyChain(num_bends=1).coefficients(0.25)]
        [0.5, 0.5, 0.0]
    """

    @property
    def bend_positions(self) -> list[float]:
        """Positions `t` of the bends, a list of floats."""
        return [j / (self.num_points - 1) for j in range(1, self.num_points - 1)]

    def _coefficients(self, t):
        pieces = self.num_points - 1
        position = t * pieces
        # A float `j / pieces` times `pieces` can miss the integer by a rounding: snap to it, so
        # that the chain passes exactly through its points, and keep the gradient.
        nearest = ops.round(position)
        tolerance = 4 * pieces * keras.config.epsilon()
        close = ops.abs(position - nearest) < tolerance
        correction = ops.where(close, nearest - position, ops.zeros_like(position))
        position = position + ops.stop_gradient(correction)
        left = ops.clip(ops.stop_gradient(ops.floor(position)), 0, pieces - 1)
        fraction = ops.expand_dims(position - left, -1)
        left = ops.cast(left, "int32")
        here = ops.one_hot(left, self.num_points, dtype=t.dtype)
        following = ops.one_hot(left + 1, self.num_points, dtype=t.dtype)
        return here * (1 - fraction) + following * fraction


@keras.saving.register_keras_serializable("mc_tf")
class Segment(PolyChain):
    """Straight line segment between the endpoints: the curve without bends.

    Example:
        >>> [float(c) for c in Segment().coefficients(0.25)]
        [0.75, 0.25]
    """

    def __init__(self) -> None:
        super().__init__(num_bends=0)

    def get_config(self) -> Config:
        """Returns the constructor arguments: none."""
        return {}
