"""Curve families: how the weights of a network depend on the position `t`.

A curve is a matrix of control points `(k, P)` and a coefficient function `c(t) -> (k,)`; the
network at `t` has the weights `phi(t) = c(t) @ points`. This file defines `c(t)` only: pure
functions of `t`, independent of any network.
"""

from typing import TYPE_CHECKING, Self

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_counts
from mc_tf.typing import Config, Tensor, TensorLike
from mc_tf.warning import warn

if TYPE_CHECKING:
    from mc_tf.weights.flat import FlatLayout

__all__ = ["Curve", "as_floats"]


def as_floats(t):
    """Converts a position to a float tensor, and to numpy where its value is known.

    Args:
        t: a number, array or tensor.

    Returns:
        `(tensor, values)`: a floating-point tensor, and a numpy array, or `None` for a symbolic
        tensor inside a compiled function.
    """
    if t is None or isinstance(t, (str, bytes)):
        raise ValueError(f"`t` must be a number, an array or a tensor. Received: t={t!r}")
    tensor = ops.convert_to_tensor(t)
    if not keras.backend.is_float_dtype(tensor.dtype):
        tensor = ops.cast(tensor, keras.backend.floatx())
    try:
        # The value of a Python number is known even while a function is being compiled.
        return tensor, ops.convert_to_numpy(tensor) if hasattr(t, "dtype") else np.asarray(t)
    except Exception:  # symbolic: each backend has its own error type for this
        return tensor, None


class Curve:
    """Base class of the curve families: control points and their coefficients.

    A new family implements `_coefficients(t)` for a vector `t` of shape `(B,)` with `keras.ops`,
    differentiable in `t`. The coefficients of each row sum to one.

    Args:
        num_bends: number of control points between the two endpoints, 0 or more.

    Attributes:
        position_shape: shape of one position, `()` for all families but `Combination`.

    Raises:
        ValueError: if `num_bends` is not an integer of at least 0.
    """

    position_shape: tuple[int, ...] = ()

    def __init__(self, num_bends: int = 1) -> None:
        if isinstance(num_bends, bool) or not hasattr(num_bends, "__index__") or num_bends < 0:
            raise ValueError(
                "`num_bends` is the number of control points between the endpoints and must be "
                f"an integer of at least 0. Received: num_bends={num_bends}"
            )
        self.num_bends = int(num_bends)

    @property
    def num_points(self) -> int:
        """Number of control points: the bends and the two endpoints."""
        return self.num_bends + 2

    @property
    def trainable(self) -> bool:
        """Whether the curve has bends to train."""
        return self.num_bends > 0

    @property
    def bend_positions(self) -> list[float]:
        """Positions `t` at which the curve passes through its bends, a list of floats.

        A Bezier curve passes through none.
        """
        return []

    def for_network(self, network: keras.Model) -> "Curve":
        """Adapts the curve to a network; most families return themselves.

        Args:
            network: built Keras model.

        Returns:
            `Curve`.
        """
        del network
        return self

    def initial_points(
        self, start: np.ndarray, end: np.ndarray, layout: "FlatLayout"
    ) -> list[np.ndarray]:
        """Control points before training: evenly spaced on the segment, in order.

        Args:
            start, end: flat weight vectors, numpy arrays `(P,)`.
            layout: their `FlatLayout`.

        Returns:
            List of `num_points` numpy arrays `(P,)`.
        """
        del layout
        last = self.num_points - 1
        inner = [(1 - j / last) * start + j / last * end for j in range(1, last)]
        return [start, *inner, end]

    @property
    def first_position(self) -> np.ndarray:
        """Position of the start, an array of shape `position_shape`."""
        return np.zeros((), "float32")

    def check_position(self, t: TensorLike) -> Tensor:
        """Checks that the position `t` lies on the curve and returns it as a float tensor.

        Args:
            t: a number, array or tensor with values in [0, 1]. Symbolic tensors (inside a compiled
                function) have no value to check and are returned unchanged.

        Returns:
            `t` as a floating-point tensor (float32, or `t`'s own floating dtype).

        Raises:
            ValueError: if a value is not a number in [0, 1].
        """
        tensor, values = as_floats(t)
        if values is not None and not ((values >= 0) & (values <= 1)).all():
            raise ValueError(
                "The position `t` on a curve must lie in [0, 1]: 0 is the start and 1 the end. "
                f"Received: t={values.tolist()}"
            )
        return tensor

    def draw(self, seed: keras.random.SeedGenerator) -> Tensor:
        """Draws a position for one training step: `t ~ U(0, 1)`, equation (2) of the paper.

        Args:
            seed: `keras.random.SeedGenerator`.

        Returns:
            float32 tensor of shape `position_shape`.
        """
        return keras.random.uniform((), dtype="float32", seed=seed)

    def sample(self, n: int, seed: int | None = None) -> np.ndarray:
        """Draws positions as training does, such as for an ensemble of their networks.

        Args:
            n: number of positions.
            seed: integer. Default: Keras' random seed.

        Returns:
            float32 array of shape `(n, *position_shape)`.
        """
        check_counts(n=n)
        generator = keras.random.SeedGenerator(seed)
        return np.stack([ops.convert_to_numpy(self.draw(generator)) for _ in range(n)])

    def coefficients(self, t: TensorLike) -> Tensor:
        """Coefficients of the control points at the position `t`.

        Args:
            t: position in [0, 1]: a number or scalar tensor, or a vector of shape `(B,)`.

        Returns:
            Tensor of shape `(k,)`, or `(B, k)` for a vector, with `k = num_points`.

        Raises:
            ValueError: if `t` is outside [0, 1] or has more than one dimension.
        """
        t = self.check_position(t)
        single = len(self.position_shape)
        if len(t.shape) > single + 1:
            raise ValueError(
                "`t` must be a scalar or a vector of positions. "
                f"Received a tensor of shape {tuple(t.shape)}"
            )
        if len(t.shape) == single:
            return self._checked_coefficients(ops.expand_dims(t, 0))[0]
        return self._checked_coefficients(t)

    def _checked_coefficients(self, t):
        coefficients, expected = self._coefficients(t), (t.shape[0], self.num_points)
        has_shape = hasattr(coefficients, "shape")
        shape = tuple(coefficients.shape) if has_shape else type(coefficients).__name__
        if shape != expected:
            raise ValueError(
                f"{type(self).__name__}._coefficients must return a tensor of shape (B, "
                f"{self.num_points}): the coefficients of all control points for each of B "
                f"positions. Expected shape {expected}. Received: {shape}"
            )
        coefficients, values = as_floats(coefficients)
        if values is not None and not np.isfinite(values).all():
            raise ValueError(
                f"{type(self).__name__}._coefficients must return finite coefficients. Received: "
                f"{values.tolist()} at t={ops.convert_to_numpy(t).tolist()}"
            )
        return coefficients

    def _coefficients(self, t):
        raise NotImplementedError

    def get_config(self) -> Config:
        """Returns the constructor arguments of the curve."""
        return {"num_bends": self.num_bends}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Creates a curve from its config."""
        return cls(**config)

    def check_saved(self) -> None:
        """Checks that a saved model with a custom curve family can be loaded again.

        Warns if its class is not registered.

        Raises:
            ValueError: if its `get_config` leaves out an argument.
        """
        name = type(self).__name__
        registered = keras.saving.get_registered_name(type(self))
        if keras.saving.get_registered_object(registered) is not type(self):
            warn(
                f"The curve family {name} is not registered, so the file can be loaded only with "
                f"`custom_objects={{'{name}': {name}}}`. Decorate the class with "
                "`@mc_tf.curves.register('name')`, or with Keras' `register_keras_serializable()`."
            )
        try:
            self.from_config(self.get_config())
        except TypeError as error:
            raise ValueError(
                f"The curve {name} cannot be recreated from its `get_config()` ({error}): return "
                "all arguments of its constructor there, or use `save_weights`."
            ) from error

    def __repr__(self):
        arguments = ", ".join(f"{key}={value}" for key, value in self.get_config().items())
        name = keras.saving.get_registered_name(type(self)).rpartition(">")[2]
        return f"{name}({arguments})"
