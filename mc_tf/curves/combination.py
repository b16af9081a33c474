"""A curve family for planes, lines, rays and simplexes."""

from collections.abc import Sequence

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
    see `mc_tf.landscape`. Each training step draws a point of the simplex uniformly. Of several
    simplexes, a simplicial complex (arXiv 2102.13042), it draws one first, each equally often.

    Args:
        num_points: number `k` of points, at least 2.
        simplexes: list of lists of points, by their index from 0: the vertices of each simplex.
            Each point is in at least one. Default: one simplex of all points.

    Example:
        >>> [float(c) for c in Combination(num_points=3).coefficients([-0.5, 1.0, 0.5])]
        [-0.5, 1.0, 0.5]
        >>> path = Combination(3, simplexes=[[0, 2], [1, 2]])  # from 0 to 1 by way of 2
        >>> (path.sample(100, seed=0) > 0).sum(1).tolist() == 100 * [2]
        True
    """

    def __init__(self, num_points: int, simplexes: Sequence[Sequence[int]] | None = None) -> None:
        if isinstance(num_points, bool) or not hasattr(num_points, "__index__") or num_points < 2:
            raise ValueError(
                f"`num_points` must be an integer of at least 2. Received: num_points={num_points}"
            )
        super().__init__(int(num_points) - 2)
        self._given = simplexes is not None
        every = range(self.num_points)
        self.simplexes = _checked(simplexes, every) if self._given else [list(every)]

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
        """Draws a simplex, each equally often, and a point in it uniformly.

        Normalized exponential variables are uniform in a simplex.
        """
        drawn = keras.random.uniform(self.position_shape, 1e-7, 1.0, dtype="float32", seed=seed)
        exponential = -ops.log(drawn)
        if len(self.simplexes) > 1:
            chosen = keras.random.randint((), 0, len(self.simplexes), seed=seed)
            vertices = np.zeros((len(self.simplexes), self.num_points), "float32")
            for row, simplex in zip(vertices, self.simplexes):
                row[simplex] = 1
            exponential = exponential * ops.take(vertices, chosen, axis=0)
        return exponential / ops.sum(exponential)

    def _coefficients(self, t):
        return t

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        config = {"num_points": self.num_points}
        return config | ({"simplexes": self.simplexes} if self._given else {})


def _checked(simplexes, points):
    """Returns the simplexes as lists of integers, or rejects them."""
    listed = isinstance(simplexes, (list, tuple)) and len(simplexes) > 0
    if listed and all(isinstance(each, (list, tuple)) and each for each in simplexes):
        known = [[int(i) for i in each if _is_among(i, points)] for each in simplexes]
        same = all(len(set(ours)) == len(given) for ours, given in zip(known, simplexes))
        if same and set().union(*known) == set(points):
            return known
    raise ValueError(
        f"`simplexes` must be a list of lists of different points from 0 to {points[-1]}, and each "
        f"point must be in at least one. Received: simplexes={simplexes!r}"
    )


def _is_among(index, points):
    return hasattr(index, "__index__") and not isinstance(index, bool) and index in points
