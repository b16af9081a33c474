"""How the control points of a layer on a curve are set."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.array_kinds import is_finite
from mc_tf.curves.base import Curve
from mc_tf.deprecation import warn_renamed
from mc_tf.typing import ArrayLike, Tensor, TensorLike, Weights
from mc_tf.weights.compatibility import (
    check_finite,
    check_same_architecture,
    check_same_fixed,
)
from mc_tf.weights.flat import flat_weights

__all__ = [
    "ControlPoints",
    "InnerProduct",
    "PointsRegularizer",
    "check_regularizer",
    "fixed_points",
]

InnerProduct: TypeAlias = Callable[[ArrayLike, ArrayLike], Tensor]
PointsRegularizer: TypeAlias = Callable[[InnerProduct, Curve], Tensor]


def fixed_points(curve, fix_start, fix_end, fixed):
    """Returns the indices of the control points that training does not move, a tuple.

    Raises:
        ValueError: if there is no point with an index in `fixed`.
    """
    last = curve.num_points - 1
    if fixed is None:
        return tuple([0] * bool(fix_start) + [last] * bool(fix_end))
    whole = isinstance(fixed, (list, tuple)) and all(hasattr(i, "__index__") for i in fixed)
    if not whole or not all(-last <= i + 1 <= last + 1 for i in fixed):
        raise ValueError(
            f"`fixed` must be a list of control points, from 0, the start, to {last} or -1, the "
            f"end. Received: fixed={fixed!r}"
        )
    return tuple(sorted({int(i) % (last + 1) for i in fixed}))


def check_regularizer(points_regularizer):
    """Rejects a regularizer of the control points that cannot be called."""
    if points_regularizer is not None and not callable(points_regularizer):
        raise ValueError(
            "`points_regularizer` must be a function of the inner products of the control points "
            "and the curve, such as `mc_tf.simplexes.Similarity()`. Received: "
            f"{points_regularizer!r}"
        )


class ControlPoints:
    """Setting the control points of a `CurveLayer`, and the weights between them."""

    def set_point(self, index: int, weights: Weights | Sequence[TensorLike]) -> None:
        """Sets control point `index`: 0 the start, then the bends in order, -1 the end.

        Args:
            index: integer position in the list of control points.
            weights: a layer or model of the same architecture, a list of arrays in the order
                of `layer.trainable_variables`, or a flat vector `(P,)`.

        Raises:
            ValueError: if the weights do not match (the message names the first difference) or are
                not finite.
        """
        if isinstance(weights, keras.layers.Layer):
            check_same_architecture(self.layer, weights, ("layer", "weights"))
            check_same_fixed(self.layer, weights, ("layer", "weights"), self.state)
            flat = flat_weights(weights)
        elif isinstance(weights, (list, tuple)):
            flat = self.layout.pack(weights)
        else:
            flat = ops.convert_to_numpy(weights)
            if flat.shape != (self.layout.num_weights,):
                raise ValueError(
                    f"A flat weight vector of '{self.layer.name}' has shape "
                    f"({self.layout.num_weights},). Received shape {flat.shape}"
                )
        if not is_finite(flat):
            raise ValueError(f"The weights of control point {index} must be finite numbers.")
        self.points[index].assign(flat)

    def initialize_bends(self) -> None:
        """Resets the bends to the curve's initial points: evenly spaced on the segment."""
        ends = (ops.convert_to_numpy(self.points[j]) for j in (0, -1))
        for point, value in zip(self.points, self.curve.initial_points(*ends, self.layout)):
            point.assign(value)

    def weights_at(self, t: TensorLike) -> list[Tensor]:
        """The weights of an ordinary network at `t`.

        Args:
            t: position in [0, 1], scalar.

        Returns:
            List of tensors, in the order of `layer.trainable_variables`.

        Raises:
            ValueError: if a control point is not finite, or `trainable` of the layer has changed.
        """
        check_finite(self.points, "curve")
        self._code.check_same_weights()
        return self.layout.unpack(self.flat_weights_at(t))

    def flat_point(self, t: TensorLike) -> Tensor:
        """The old name of `flat_weights_at`."""
        warn_renamed("`flat_point`", "`flat_weights_at`")
        return self.flat_weights_at(t)

    @property
    def fix_start(self) -> bool:
        """Whether training does not move the start."""
        return 0 in self.fixed

    @property
    def fix_end(self) -> bool:
        """Whether training does not move the end."""
        return self.curve.num_points - 1 in self.fixed

    def inner_products(self) -> InnerProduct:
        """Makes the function that `points_regularizer` receives.

        Returns:
            Function `inner(a, b)` of two vectors of coefficients `(k,)`: the inner product of `a @
            points` and `b @ points`, a scalar tensor, differentiable in the points. Each
            combination is computed once.
        """
        points, known = [backend.read(point) for point in self.points], {}

        def combined(coefficients):
            key = tuple(np.asarray(coefficients, "float64").tolist())
            if key not in known:
                known[key] = _combination(key, points)
            return known[key]

        return lambda a, b: ops.sum(combined(a) * combined(b))


def _combination(coefficients, points):
    """`coefficients @ points`, without the points that have no share."""
    total = None
    for factor, point in zip(coefficients, points):
        if factor and total is None:
            total = point if factor == 1 else factor * point
        elif factor:
            term = point if abs(factor) == 1 else abs(factor) * point
            total = total + term if factor > 0 else total - term
    return ops.zeros_like(points[0]) if total is None else total
