"""Surfaces in weight space: points, and a map from coordinates to coefficients."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.backend.keras_internals import evaluation_settings
from mc_tf.curves.combination import Combination
from mc_tf.deprecation import warn_renamed
from mc_tf.evaluation.shown import marked_text
from mc_tf.models import CurveModel
from mc_tf.typing import ArrayLike
from mc_tf.weights.compatibility import check_same_architecture, check_same_fixed

__all__ = ["Surface"]


class Surface:
    """Base of lines, planes and rays: the network at coordinates `x` has `c(x) @ points`.

    Args:
        points: list of `k` flat weight vectors, float arrays `(P,)`.
        network: a built Keras model of that architecture, for messages and `model`; may be `None`.

    Attributes:
        points: as given.
        dimensions: number `d` of coordinates.
        marks: dict from label to the coordinates `(d,)` of a network, for plots.
        paths: dict from label to the coordinates `(n, d)` of networks along a curve.
        projection_error: dict from label to the distances `(n,)` of the marked networks from the
            surface.
        units: lengths in weight space of one step along each axis, float64 array `(d,)`.
        limits: `(low, high)` of each axis of a grid. Default `None`: around the marks.
        description: dict recorded in the files of a grid: `kind`, and settings of random
            directions.
        state: list of arrays: other state of the networks, such as frozen weights, in the order of
            `mc_tf.weights.flat.state_variables`. Default `None`: the state of `network`.
        settings: dict of compile arguments for `model` if the network is not compiled.
    """

    dimensions: int
    limits: ArrayLike | None = None
    state: list[np.ndarray] | None = None
    settings: dict[str, Any] | None = None

    def __init__(self, points: Sequence[np.ndarray], network: keras.Layer | None = None) -> None:
        self.points = points
        self.network = network
        self.marks: dict[str, np.ndarray] = {}
        self.paths: dict[str, np.ndarray] = {}
        self.projection_error: dict[str, np.ndarray] = {}
        self.description: dict[str, Any] = {}
        self.units = np.ones(self.dimensions)

    def __repr__(self):
        name = type(self).__name__
        return f"{name} through {len(self.points[0])} weights{marked_text(self)}"

    @property
    def lost(self) -> dict[str, np.ndarray]:
        """The old name of `projection_error`."""
        warn_renamed("`lost`", "`projection_error`")
        return self.projection_error

    def coefficients(self, coordinates: ArrayLike) -> np.ndarray:
        """Returns the coefficients of the points.

        Args:
            coordinates: array of shape `(d,)` or `(N, d)`.

        Returns:
            float64 array of shape `(k,)` or `(N, k)`.
        """
        coordinates = np.asarray(coordinates, "float64")
        if coordinates.shape[-1:] != (self.dimensions,) or coordinates.ndim > 2:
            raise ValueError(
                f"Coordinates of a {type(self).__name__} have shape ({self.dimensions},) or "
                f"(N, {self.dimensions}). Received: {coordinates.shape}"
            )
        return self._coefficients(coordinates)

    def _coefficients(self, coordinates):
        raise NotImplementedError

    def weights(self, *coordinates: float) -> np.ndarray:
        """Returns the flat weight vector at coordinates.

        Args:
            *coordinates: `d` numbers.

        Returns:
            Array of shape `(P,)`, of the points' dtype.
        """
        terms = zip(self.coefficients(coordinates), self.points)
        return sum(c * np.asarray(p, "float64") for c, p in terms).astype(self.points[0].dtype)

    def model(self, network: keras.Model | None = None) -> CurveModel:
        """Creates a curve model that runs at `model.t = surface.coefficients(coordinates)`.

        Args:
            network: built Keras model, used only for its forward pass. Default: the network of the
                surface.

        Returns:
            `CurveModel`, compiled if `network` is.

        Raises:
            ValueError: if there is no network, or its architecture differs.
        """
        if network is not None and self.network is not None:
            check_same_architecture(self.network, network, ("surface", "model"))
            if self.state is None:
                check_same_fixed(self.network, network, ("surface", "model"))
        network = network or self.network
        if network is None:
            raise ValueError("The surface was made from flat vectors: call `model(network)`.")
        curve_model = CurveModel(network, Combination(len(self.points)))
        for index, point in enumerate(self.points):
            curve_model.curve_layer.set_point(index, point)
        for variable, value in zip(curve_model.curve_layer.state, self.state or ()):
            variable.assign(value)
        compiled = getattr(network, "compiled", False)
        settings = evaluation_settings(network) if compiled else self.settings
        if settings:
            curve_model.compile(optimizer=None, **settings)
        return curve_model

    def axes(
        self, shape: int | Sequence[int] = 21, margin: float = 0.2, limits: ArrayLike | None = None
    ) -> list[np.ndarray]:
        """Returns equally spaced coordinates around the marks.

        Args:
            shape: number of coordinates on each axis: one integer, or one per axis.
            margin: margin around the marks, relative to their extent. Default 0.2.
            limits: `(low, high)` for each axis, instead of a margin.

        Returns:
            List of `d` increasing float64 arrays.

        Raises:
            ValueError: if the shape is invalid, or nothing is marked and `limits` is missing.
        """
        for size in np.ravel(np.asarray(shape, "object")):
            check_counts(low=2, high=10**7, shape=size)
        shape = np.broadcast_to(shape, (self.dimensions,)) if np.ndim(shape) == 0 else shape
        if len(shape) != self.dimensions or min(shape) < 2:
            raise ValueError(
                f"The shape of a grid on a {type(self).__name__} is {self.dimensions} numbers of "
                f"at least 2. Received: {tuple(shape)}"
            )
        if limits is None:
            limits = self._limits(margin) if self.limits is None else self.limits
        limits = np.asarray(limits, "float64")
        if limits.shape == (2,) and self.dimensions == 1:
            limits = limits[None]
        if (
            limits.shape != (self.dimensions, 2)
            or not np.isfinite(limits).all()
            or (limits[:, 0] >= limits[:, 1]).any()
        ):
            raise ValueError(
                f"The limits of a grid on a {type(self).__name__} are (low, high) for each of "
                f"{self.dimensions} axes, with low < high. Received: {limits.tolist()}"
            )
        return [np.linspace(low, high, size) for (low, high), size in zip(limits, shape)]

    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the smallest and largest coordinates of the marks.

        Returns:
            `(low, high)`: float64 arrays `(d,)`.

        Raises:
            ValueError: if nothing is marked.
        """
        seen = [*(np.atleast_2d(m) for m in self.marks.values()), *self.paths.values()]
        if not seen:
            raise ValueError("Nothing is marked on the surface: set `limits=` of the grid.")
        return np.concatenate(seen).min(0), np.concatenate(seen).max(0)

    def _limits(self, margin):
        low, high = self.extremes()
        extent = high - low
        if not (extent > 0).all():
            raise ValueError(
                "The marks on the surface do not say how far the grid extends in each direction: "
                f"set `limits=`, such as `limits={[(-1, 1)] * self.dimensions}`. Extents of the "
                f"marks: {extent.tolist()}"
            )
        return list(zip(low - margin * extent, high + margin * extent))
