"""Lines and rays in weight space."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from mc_tf.landscape.gram import direction_products
from mc_tf.landscape.surface import Surface
from mc_tf.landscape.surface_base import AffineSurface
from mc_tf.landscape.vectors import check_apart, checked_directions, flat_points
from mc_tf.typing import ArrayLike, Weights

__all__ = ["Line", "Rays"]


class Line(AffineSurface):
    """A line in weight space; created by `Line.through` or `Line.along`.

    Example:
        >>> line = Line.through(np.zeros(3), np.array([0.0, 3.0, 4.0]))
        >>> float(line.marks["w2"][0]), line.weights(10.0).tolist()
        (5.0, [0.0, 6.0, 8.0])
    """

    dimensions = 1

    @classmethod
    def through(cls, w1: Weights, w2: Weights, labels: Sequence[str] = ("w1", "w2")) -> Self:
        """The line through two networks; the coordinate is the distance from the first.

        Args:
            w1, w2: built Keras models of one architecture, or flat weight vectors `(P,)`.
            labels: names of the networks.

        Returns:
            `Line`.

        Raises:
            ValueError: if the architectures differ or both have the same weights.
        """
        points, network = flat_points([w1, w2], labels)
        length = float(np.sqrt(direction_products(points, np.array([[-1.0, 1.0]]))[0, 0]))
        check_apart(length, labels)
        line = cls(points, [1, 0], [[-1 / length, 1 / length]], network)
        line.marks = {labels[0]: np.zeros(1), labels[1]: np.array([length])}
        line.projection_error = {label: np.zeros(1) for label in labels}
        return line

    @classmethod
    def along(cls, origin: Weights, direction: ArrayLike, label: str = "origin") -> Self:
        """The line from a network along a direction; the coordinate is in units of the direction.

        Args:
            origin: a built Keras model, or a flat weight vector `(P,)`.
            direction: flat vector `(P,)`, as from `random_direction`.
            label: name of the origin.

        Returns:
            `Line`.

        Raises:
            ValueError: if the direction has another shape or is zero.
        """
        return cls._spanned(origin, [direction], label)


class Rays(Surface):
    """Rays from one network: at `(r, j)` lies `origin + r * directions[j]`.

    The first axis is the distance, in units of the directions; the second is the index of the ray.

    Args:
        origin: a built Keras model, or a flat weight vector `(P,)`.
        directions: list of flat vectors `(P,)`.

    Raises:
        ValueError: if `directions` is empty, or one has another shape.

    Example:
        >>> rays = Rays(np.zeros(2), [np.array([1.0, 0.0]), np.array([0.0, 1.0])])
        >>> rays.weights(3.0, 1).tolist()
        [0.0, 3.0]
    """

    dimensions = 2

    def __init__(self, origin: Weights, directions: Sequence[ArrayLike]) -> None:
        points, network = flat_points([origin], ("origin",))
        if not directions:
            raise ValueError("Rays need at least one direction. Received none.")
        super().__init__([*points, *checked_directions(directions, points[0])], network)

    def axes(
        self, shape: int | Sequence[int] = 21, margin: float = 0.0, limits: ArrayLike | None = None
    ) -> list[np.ndarray]:
        """Returns equally spaced distances and the indices of all rays.

        Args:
            shape: number of distances, at least 2.
            margin: ignored.
            limits: `(low, high)` of the distances. Default: the limits of the surface, or from 0 to
                1.

        Returns:
            List of two float64 arrays.

        Raises:
            ValueError: if the shape or the limits are invalid.
        """
        limits = (self.limits or (0.0, 1.0)) if limits is None else limits
        ends, sizes = np.ravel(limits).astype("float64"), np.ravel(shape)
        if (ends.size, sizes.size) != (2, 1) or sizes[0] < 2 or not 0 < np.diff(ends)[0] < np.inf:
            raise ValueError(
                "The grid of rays has one number of distances, at least 2, and one pair of limits "
                f"(low, high), low < high. Received: shape={shape}, limits={limits}"
            )
        return [np.linspace(*ends, int(sizes[0])), np.arange(len(self.points) - 1.0)]

    def _coefficients(self, coordinates):
        distance, ray = coordinates[..., :1], coordinates[..., 1:]
        number = np.arange(len(self.points) - 1)
        first = np.ones_like(distance)
        return np.concatenate([first, distance * (ray == number)], axis=-1)
