"""Surfaces whose coefficients are affine in the coordinates: lines and planes."""

from collections.abc import Iterable, Sequence

import keras
import numpy as np
from keras import ops

from mc_tf.landscape.gram import direction_products, distance_beside, inner_products, rest_products
from mc_tf.landscape.surface import Surface
from mc_tf.landscape.vectors import checked_directions, flat_point, flat_points
from mc_tf.models import CurveModel
from mc_tf.typing import ArrayLike, Weights
from mc_tf.weights.compatibility import check_curve, check_same_architecture, check_same_fixed

__all__ = ["AffineSurface"]


class AffineSurface(Surface):
    """Base of surfaces with `c(x) = offset + x @ matrix`.

    Args:
        points, network: see `Surface`.
        offset: array `(k,)`, the coefficients of the origin.
        matrix: array `(d, k)`, the coefficients of the directions.
    """

    def __init__(
        self,
        points: Sequence[np.ndarray],
        offset: ArrayLike,
        matrix: ArrayLike,
        network: keras.Layer | None = None,
    ) -> None:
        super().__init__(points, network)
        self._offset = np.asarray(offset, "float64")
        self._matrix = np.asarray(matrix, "float64")
        self._products = direction_products(points, self._matrix)
        self.units = np.sqrt(np.diag(self._products))

    def _coefficients(self, coordinates):
        return self._offset + coordinates @ self._matrix

    def project(self, weights: Weights) -> tuple[np.ndarray, float]:
        """Projects a network to the nearest point of the surface.

        Args:
            weights: a model or layer of the same architecture, or a flat vector `(P,)`.

        Returns:
            `(coordinates, distance)`: float64 array `(d,)`, and the distance of `weights` from the
            surface.
        """
        flat = flat_point(weights, self.network, self.state)
        along = inner_products(self.points, self._matrix, self._offset, flat)
        coordinates = np.linalg.solve(self._products, along)
        return coordinates, distance_beside(self.points, self._coefficients(coordinates), flat)

    def project_curve(self, curve_model: CurveModel, t: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Projects networks on a curve to the nearest points of the surface.

        Args:
            curve_model: `CurveModel`.
            t: positions, array `(n,)`.

        Returns:
            `(coordinates, distances)`: float64 arrays `(n, d)` and `(n,)`.

        Raises:
            ValueError: if `curve_model` is not a curve, or its networks differ from the surface's
                in more than their weights.
        """
        check_curve(curve_model)
        if self.network is not None:
            roles = ("surface", "curve")
            check_same_architecture(self.network, curve_model.network, roles)
            check_same_fixed(
                self.network, curve_model.network, roles, self.state, curve_model.curve_layer.state
            )
        points = [ops.convert_to_numpy(point) for point in curve_model.curve_layer.points]
        c = ops.convert_to_numpy(curve_model.curve.coefficients(np.asarray(t, "float64")))
        if not np.allclose(c.sum(-1), 1, atol=1e-5):  # the origin matters then
            points, c = [c[k] @ np.stack(points) for k in range(len(c))], np.eye(len(c))
        places = np.array([self.project(point)[0] for point in points])
        rest = rest_products(self.points, self._coefficients(places), points)
        distances = np.sqrt(np.maximum(np.einsum("nk,kl,nl->n", c, rest, c), 0))
        return c @ places, distances

    def mark(self, label: str, weights: Weights) -> tuple[np.ndarray, float]:
        """Projects a network into the surface and marks it in plots and results.

        Args:
            label: label of the mark.
            weights: see `project`.

        Returns:
            `(coordinates, distance)`, as `project`.
        """
        self.marks[label], distance = self.project(weights)
        self.projection_error[label] = np.array([distance])
        return self.marks[label], distance

    def mark_curve(
        self, label: str, curve_model: CurveModel, num_points: int = 61
    ) -> tuple[np.ndarray, np.ndarray]:
        """Projects a curve into the surface and marks it in plots and results.

        Args:
            label: label of the curve.
            curve_model: `CurveModel`.
            num_points: number of equally spaced positions, default 61.

        Returns:
            `(coordinates, distances)`, as `project_curve`.
        """
        t = np.linspace(0, 1, num_points)
        self.paths[label], self.projection_error[label] = self.project_curve(curve_model, t)
        return self.paths[label], self.projection_error[label]

    def mark_path(self, label: str, networks: Iterable[Weights]) -> tuple[np.ndarray, np.ndarray]:
        """Projects a sequence of networks, such as a training trajectory, and marks it.

        Args:
            label: label of the path.
            networks: iterable of networks, as for `project`.

        Returns:
            `(coordinates, distances)`, as `project_curve`.
        """
        projected = [self.project(network) for network in networks]
        self.paths[label] = np.array([coordinates for coordinates, _ in projected])
        self.projection_error[label] = np.array([distance for _, distance in projected])
        return self.paths[label], self.projection_error[label]

    @classmethod
    def _spanned(cls, origin, directions, label):
        """Creates a surface from a network along directions, the units of the coordinates."""
        points, network = flat_points([origin], (label,))
        directions = checked_directions(directions, points[0])
        size = len(directions)
        surface = cls(
            [*points, *directions], np.eye(1, size + 1)[0], np.eye(size, size + 1, 1), network
        )
        scale = np.sqrt(np.diag(surface._products))
        if np.linalg.cond(surface._products / np.outer(scale, scale)) > 1e12:
            raise ValueError(
                "The directions are parallel or depend on each other, so they span no plane."
            )
        surface.marks[label], surface.projection_error[label] = np.zeros(size), np.zeros(1)
        return surface
