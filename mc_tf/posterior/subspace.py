"""Affine subspaces of weight space (arXiv 1907.07504, section 4)."""

from collections.abc import Sequence
from typing import Self

import keras
import numpy as np

from mc_tf.arguments import check_counts, check_kind
from mc_tf.landscape.directions import random_direction
from mc_tf.landscape.gram import direction_products
from mc_tf.landscape.planes import Plane
from mc_tf.landscape.surface_base import AffineSurface
from mc_tf.models import CurveModel
from mc_tf.posterior.gaussian import GaussianPosterior
from mc_tf.typing import ArrayLike, Weights
from mc_tf.weights.compatibility import check_curve

__all__ = ["Subspace"]


class Subspace(AffineSurface):
    """A subspace of weight space with any number of dimensions: `w = shift + z @ directions`.

    Like a line or a plane it is points, here the shift and the directions, with coefficients, here
    `(1, z)`; created by `Subspace.along`, `random`, `principal` or `of_curve`.

    Example:
        >>> subspace = Subspace.along(np.zeros(3), [np.array([1.0, 0, 0]), np.array([0, 2.0, 0])])
        >>> subspace.dimensions, subspace.weights(3.0, 1.0).tolist()
        (2, [3.0, 2.0, 0.0])
    """

    def __init__(
        self,
        points: Sequence[np.ndarray],
        offset: ArrayLike,
        matrix: ArrayLike,
        network: keras.Layer | None = None,
    ) -> None:
        self.dimensions = len(matrix)
        super().__init__(points, offset, matrix, network)

    @classmethod
    def along(cls, shift: Weights, directions: Sequence[ArrayLike], label: str = "shift") -> Self:
        """The subspace from a network along directions, the units of the coordinates.

        Args:
            shift: a built Keras model, or a flat weight vector `(P,)`.
            directions: flat vectors `(P,)`.
            label: name of the shift.

        Returns:
            `Subspace`.

        Raises:
            ValueError: if a direction has another shape, or the directions are dependent.
        """
        if not len(directions):
            raise ValueError("A subspace needs at least one direction. Received none.")
        return cls._spanned(shift, directions, label)

    @classmethod
    def random(cls, model: keras.Model, dimensions: int = 5, seed: int = 0) -> Self:
        """The subspace around a network along random directions of length one.

        Args:
            model: built Keras model, such as one with averaged weights.
            dimensions: number of directions. Default 5.
            seed: integer.

        Returns:
            `Subspace`.
        """
        check_counts(high=10_000, dimensions=dimensions)
        drawn = [
            random_direction(model, "unit", ignore=(), seed=[seed, number])
            for number in range(dimensions)
        ]
        return cls.along(model, drawn)

    @classmethod
    def principal(cls, posterior: GaussianPosterior, dimensions: int = 5) -> Self:
        """The subspace of the principal directions of a training trajectory.

        The shift is the mean. The directions are the principal components of the deviations, each
        as long as the standard deviation along it, so that a prior of deviation 1 fits them.

        Args:
            posterior: `GaussianPosterior`, as from `SWAG.posterior`.
            dimensions: number of directions, at most as many as deviations. Default 5.

        Returns:
            `Subspace`, with the posterior's network and state.

        Raises:
            ValueError: if the deviations span fewer dimensions.
        """
        check_kind("posterior", posterior, GaussianPosterior, "a `GaussianPosterior`")
        rows = posterior.deviations
        check_counts(high=len(rows), dimensions=dimensions)
        values, vectors = np.linalg.eigh(direction_products(list(rows), np.eye(len(rows))))
        values, vectors = values[::-1], vectors[:, ::-1]
        spanned = int((values > 1e-10 * values[0]).sum()) if values[0] > 0 else 0
        if dimensions > spanned:
            raise ValueError(
                f"The deviations of the trajectory span {spanned} dimensions. Received: "
                f"dimensions={dimensions}. Lower it, or collect more networks."
            )
        scaled = (vectors[:, :dimensions] / np.sqrt(len(rows) - 1)).astype(rows.dtype)
        directions = scaled.T @ rows
        largest = np.abs(directions).argmax(1)[:, None]  # so that the sign is determined
        directions *= np.sign(np.take_along_axis(directions, largest, 1))
        subspace = cls.along(posterior.mean.astype(rows.dtype), list(directions))
        subspace.network, subspace.state = posterior.network, posterior.state
        return subspace

    @classmethod
    def of_curve(cls, curve_model: CurveModel) -> Self:
        """The plane of a curve with one bend, around the middle of its endpoints.

        The start is at `(-1, 0)`, the end at `(1, 0)` and the middle of the curve at `(0, 1)`.

        Args:
            curve_model: `CurveModel` with three control points.

        Returns:
            `Subspace` of two dimensions, with the curve marked.

        Raises:
            ValueError: if the curve does not have one bend, or its points lie on one line.
        """
        check_curve(curve_model)
        plane = Plane.of_curve(curve_model)
        layer = curve_model.curve_layer
        start, middle, end = (
            keras.ops.convert_to_numpy(layer.flat_weights_at(t)) for t in (0.0, 0.5, 1.0)
        )
        shift = (start + end) / 2
        subspace = cls.along(shift, [end - shift, middle - shift])
        subspace.network, subspace.state = plane.network, plane.state
        subspace.settings = plane.settings
        subspace.mark_curve(type(curve_model.curve).__name__, curve_model)
        return subspace
