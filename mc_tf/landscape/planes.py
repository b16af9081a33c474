"""Planes in weight space."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import evaluation_settings
from mc_tf.landscape.gram import direction_products, distance_beside
from mc_tf.landscape.surface_base import AffineSurface
from mc_tf.landscape.vectors import check_apart, flat_points
from mc_tf.models import CurveModel
from mc_tf.typing import ArrayLike, Weights
from mc_tf.weights.compatibility import check_curve

__all__ = ["Plane"]


class Plane(AffineSurface):
    """A plane in weight space; created by `Plane.through` or `Plane.along`.

    Example:
        >>> w1, w2, w3 = np.zeros(3), np.array([2.0, 0, 0]), np.array([1.0, 0, 3.0])
        >>> plane = Plane.through(w1, w2, w3)
        >>> plane.marks["w3"].tolist(), plane.weights(2.0, 3.0).tolist()
        ([1.0, 3.0], [2.0, 0.0, 3.0])
        >>> coordinates, distance = plane.project(np.array([1.0, 5.0, 0.0]))
        >>> coordinates.tolist(), distance
        ([1.0, 0.0], 5.0)
    """

    dimensions = 2

    @classmethod
    def through(
        cls, w1: Weights, w2: Weights, w3: Weights, labels: Sequence[str] = ("w1", "w2", "w3")
    ) -> Self:
        """The plane through three networks, with the orthonormal basis of the paper (A.2).

        `u = w2 - w1`, `v = w3 - w1` made orthogonal to `u`, both of length one; the point at
        `(x, y)` is `w1 + x u + y v`. The coordinates are distances in weight space.

        Args:
            w1, w2, w3: built Keras models of one architecture, or flat weight vectors `(P,)`.
            labels: names of the networks.

        Returns:
            `Plane`, which reproduces the networks exactly at `plane.marks[label]`.

        Raises:
            ValueError: if the architectures differ, two have the same weights, or all three lie on
                one line.
        """
        points, network = flat_points([w1, w2, w3], labels)
        gram = direction_products(points, np.array([[-1.0, 1, 0], [-1, 0, 1]]))
        width, side = np.sqrt(gram[0, 0]), np.sqrt(gram[1, 1])
        check_apart(width, labels[:2])
        check_apart(side, (labels[0], labels[2]))
        apart = direction_products(points, np.array([[0.0, -1, 1]]))[0, 0]
        check_apart(np.sqrt(apart), labels[1:])
        x3 = gram[0, 1] / width
        # Computed from the vector itself: a difference of squares would lose half of the digits.
        share = x3 / width
        height = distance_beside(points, np.array([1 - share, share, 0]), points[2])
        double = all(point.dtype == "float64" for point in points)
        precision = np.finfo("float64" if double else "float32").eps
        rounding = 4 * precision * max(map(np.linalg.norm, points))
        if height <= max(1e-6 * max(width, side), rounding):
            raise ValueError(
                f"{labels[0]}, {labels[1]} and {labels[2]} lie on one line, so they span no plane "
                f"(distance from the line: {height:.3g}). Choose a third network off that line, or "
                "`Line.through` two of them."
            )
        u = np.array([-1, 1, 0]) / width
        v = (np.array([-1, 0, 1]) - x3 * u) / height
        plane = cls(points, [1, 0, 0], [u, v], network)
        coordinates = np.array([[0, 0], [width, 0], [x3, height]])
        plane.marks = dict(zip(labels, coordinates))
        plane.projection_error = {label: np.zeros(1) for label in labels}
        return plane

    @classmethod
    def along(
        cls, origin: Weights, first: ArrayLike, second: ArrayLike, label: str = "origin"
    ) -> Self:
        """The plane from a network along two directions; coordinates are in units of them.

        Args:
            origin: a built Keras model, or a flat weight vector `(P,)`.
            first, second: flat vectors `(P,)`, as from `random_direction` or
                `principal_directions`.
            label: name of the origin.

        Returns:
            `Plane`.

        Raises:
            ValueError: if a direction has another shape, or the two are parallel.
        """
        return cls._spanned(origin, [first, second], label)

    @classmethod
    def of_curve(cls, curve_model: CurveModel, label: str | None = None) -> Self:
        """The plane of a curve with one bend: through its endpoints and its bend.

        Args:
            curve_model: `CurveModel` with three control points.
            label: name of the curve. Default: its family.

        Returns:
            `Plane` with the endpoints, the bend and the curve marked.

        Raises:
            ValueError: if the curve does not have one bend, or its points lie on one line.
        """
        check_curve(curve_model)
        layer = curve_model.curve_layer
        if len(layer.points) != 3:
            raise ValueError(
                f"Only a curve with one bend lies in a plane; {curve_model.curve} has "
                f"{len(layer.points)} control points. Choose three weight vectors and "
                "`Plane.through` them."
            )
        start, bend, end = (ops.convert_to_numpy(point) for point in layer.points)
        plane = cls.through(start, end, bend, labels=("start", "end", "bend"))
        plane.network = curve_model.network  # only the forward pass: the curve has its own state
        if not getattr(plane.network, "compiled", False) and curve_model.compiled:
            plane.settings = evaluation_settings(curve_model)  # from a file, whose network has none
        plane.state = [ops.convert_to_numpy(variable) for variable in layer.state]
        plane.mark_curve(label or type(curve_model.curve).__name__, curve_model)
        return plane
