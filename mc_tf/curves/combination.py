"""A curve family for planes, lines, rays and simplexes."""

import keras
import numpy as np
from keras import ops

from mc_tf.curves.base import Curve, as_floats
from mc_tf.typing import Config, Tensor, TensorLike

__all__ = ["Combination"]


@keras.saving.register_keras_serializable("mc_tf")
class Combination(Curve):
    """A linear combination of points: the position is the vector of coefficients itself.

    Planes, lines, rays and simplexes of networks are maps from their coordinates to coefficients,
    see `mc_tf.landscape`. Each training step draws a point of the simplex uniformly.

    Args:
        num_points: number `k` of points, at least 2.

    Example:
        >>> [float(c) for c in Combination(num_points=3).coefficients([-0.5, 1.0, 0.5])]
        [-0.5, 1.0, 0.5]
    """

    def __init__(self, num_points: int) -> None:
        if isinstance(num_points, bool) or not hasattr(num_points, "__index__") or num_points < 2:
            raise ValueError(
                f"`num_points` must be an integer of at least 2. Received: num_points={num_points}"
            )
        super().__init__(int(num_points) - 2)

    @property
    def position_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Shape of one position: `(num_points,)`."""
        return (self.num_points,)

    @property
    def first_position(self) -> np.ndarray:
        """Position of the first point."""
        return np.eye(1, self.num_points, dtype="float32")[0]

    def check_position(self, t: TensorLike) -> Tensor:
        """Checks that `t` is a vector of finite coefficients and returns it as a float tensor.

        Args:
            t: array or tensor of shape `(k,)` or `(B, k)`.

        Returns:
            `t` as a floating-point tensor.

        Raises:
            ValueError: if its last dimension is not `num_points` or a value is not finite.
        """
        tensor, values = as_floats(t)
        finite = values is None or np.isfinite(values).all()
        if tuple(tensor.shape)[-1:] != self.position_shape or not finite:
            raise ValueError(
                f"A position must be a vector of {self.num_points} finite coefficients, one for "
                f"each point. Received: {tuple(tensor.shape) if finite else values.tolist()}"
            )
        return tensor

    def draw(self, seed: keras.random.SeedGenerator) -> Tensor:
        """Draws a point of the simplex uniformly: normalized exponential variables."""
        drawn = keras.random.uniform(self.position_shape, 1e-7, 1.0, dtype="float32", seed=seed)
        exponential = -ops.log(drawn)
        return exponential / ops.sum(exponential)

    def _coefficients(self, t):
        return t

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {"num_points": self.num_points}
