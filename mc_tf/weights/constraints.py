"""Constraints of single weights along a curve."""

import numpy as np
from keras import ops

from mc_tf.backend import ops as backend

__all__ = ["PointConstraint", "check_convex_combinations"]

_SCALES = (1e-2, 1.0, 1e2)  # scales of random weights for testing constraints


class PointConstraint:
    """Applies the constraint of each weight of a network to its part of a flat vector.

    Keras' optimizers apply it to a control point after each update. If the set of valid weights is
    convex and contains all control points, it contains all points of a curve whose coefficients are
    not negative and sum to one.

    Args:
        variables: the trainable variables, in the order of the flat vector.
        layout: their `FlatLayout`.

    Example:
        >>> import keras
        >>> from mc_tf.weights.flat import FlatLayout
        >>> dense = keras.layers.Dense(1, kernel_constraint="non_neg")
        >>> dense.build((None, 2))
        >>> constraint = PointConstraint(dense.variables, FlatLayout(dense.variables))
        >>> ops.convert_to_numpy(constraint(np.array([-1.0, 2.0, -3.0], "float32"))).tolist()
        [0.0, 2.0, -3.0]
    """

    def __init__(self, variables, layout):
        self._parts = {i: v.constraint for i, v in enumerate(variables) if v.constraint is not None}
        self._layout = layout
        self._tried = False

    def __bool__(self):
        return bool(self._parts)

    def __call__(self, flat):
        """Returns the constrained vector of shape `(P,)`."""
        pieces = list(ops.split(flat, np.cumsum(self._layout.sizes)[:-1].tolist()))
        for index, constraint in self._parts.items():
            weight = ops.reshape(pieces[index], self._layout.shapes[index])
            pieces[index] = ops.cast(ops.reshape(constraint(weight), (-1,)), flat.dtype)
        return ops.concatenate(pieces)

    def check_convex(self):
        """Rejects constraints that the mean of two valid weights may violate.

        Each constraint is tested on a few random weights, since it may be any function.

        Raises:
            ValueError: naming the weight.
        """
        for index, constraint in self._parts.items() if not self._tried else ():
            if not _is_convex(constraint, self._layout.shapes[index]):
                name = getattr(constraint, "__name__", type(constraint).__name__)
                raise ValueError(
                    f"The constraint {name} of the weight '{self._layout.paths[index]}' cannot be "
                    "kept along a curve: means of weights that satisfy it do not, or applying it "
                    "twice is not the same as once. Train networks without it, or with NonNeg, "
                    "MaxNorm, a mask or another constraint to a convex set."
                )
        self._tried = True

    def check_holds(self, flat, role):
        """Rejects a point that its constraints would change.

        Args:
            flat: vector `(P,)`.
            role: name of the point in the message.

        Raises:
            ValueError: naming the first weight.
        """
        constrained = self(ops.convert_to_tensor(flat))
        for index in self._parts:
            first = sum(self._layout.sizes[:index])
            part = slice(first, first + self._layout.sizes[index])
            if not _near(ops.convert_to_numpy(constrained)[part], ops.convert_to_numpy(flat)[part]):
                raise ValueError(
                    f"The weight '{self._layout.paths[index]}' of `{role}` does not satisfy its "
                    f"constraint, and `{role}` stays as it is in training: networks near it "
                    "would violate the constraint. Train that network with the constraint before "
                    f"connecting, or pass `fix_{role}=False`."
                )


def check_convex_combinations(curve):
    """Rejects curves that can leave a convex set that contains all control points.

    Args:
        curve: `Curve`. Vector positions are drawn from the simplex in training.

    Raises:
        ValueError: if coefficients are negative or do not sum to one.
    """
    if curve.position_shape:
        return
    coefficients = ops.convert_to_numpy(curve.coefficients(np.linspace(0, 1, 101)))
    if coefficients.min() < -1e-6 or abs(coefficients.sum(-1) - 1).max() > 1e-4:
        raise ValueError(
            f"The networks have constraints on weights, which {curve!r} cannot keep: between its "
            "control points it leaves convex sets, because its coefficients are negative or do not "
            "add up to one. Connect them by `Bezier` or `PolyChain`."
        )


def _is_convex(constraint, shape):
    """Whether a constraint projects to a convex set, tested on random weights."""
    rng = np.random.default_rng(0)

    def project(weight):
        made = constraint(ops.convert_to_tensor(weight.astype("float32")))
        return ops.convert_to_numpy(made).astype("float64")

    with backend.eagerly():
        for scale in np.repeat(_SCALES, 3):
            one, two = (project(scale * rng.standard_normal(shape)) for _ in range(2))
            mean = 0.3 * one + 0.7 * two
            if not all(_near(project(kept), kept) for kept in (one, two, mean)):
                return False
    return True


def _near(one, two):
    one, two = np.asarray(one, "float64"), np.asarray(two, "float64")
    return np.abs(one - two).max(initial=0) <= 1e-3 * np.abs(two).max(initial=0) + 1e-6
