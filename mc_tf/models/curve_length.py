"""The length of a curve in weight space."""

import numpy as np
from keras import ops

from mc_tf.typing import ArrayLike

__all__ = ["CurveLength"]


class CurveLength:
    """Length of a `CurveModel`, and distances along it, from the Gram matrix of its points."""

    def length(self) -> float:
        """Returns the length of the curve in weight space.

        Returns:
            float, approximated by a polyline with 2,000 pieces between neighboring control points.
        """
        pieces = 2000 * (self.curve.num_points - 1)
        return float(self.arc_lengths(np.linspace(0, 1, pieces + 1)).sum())

    def length_ratio(self) -> float:
        """Ratio of the length of the curve to the length of the segment between its endpoints.

        Returns:
            float of at least 1. If both endpoints are equal: 1 if the curve stays there, otherwise
            infinite.
        """
        segment, length = self.arc_lengths([0.0, 1.0]).sum(), self.length()
        if segment > 0:
            return float(length / segment)
        return float("inf") if length > 0 else 1.0

    def arc_lengths(self, t: ArrayLike) -> np.ndarray:
        """Distances in weight space between neighboring positions.

        `|phi(a) - phi(b)|^2 = d^T G d`, with `d = c(a) - c(b)` and `G` the Gram matrix of the
        control points; no weight vector is computed.

        Args:
            t: increasing positions in [0, 1], shape `(B,)`.

        Returns:
            float64 numpy array of shape `(B - 1,)`.
        """
        coefficients = ops.convert_to_numpy(self.curve.coefficients(np.asarray(t, "float64")))
        steps = np.diff(coefficients.astype("float64"), axis=0)
        # If the steps sum to zero, any origin works; the start minimizes cancellation.
        gram = self._gram(from_start=np.allclose(coefficients.sum(-1), 1))
        squares = np.einsum("bi,ij,bj->b", steps, gram, steps)
        return np.sqrt(np.maximum(squares, 0))

    def _gram(self, from_start):
        points = [ops.convert_to_numpy(p) for p in self.curve_layer.points]
        gram = np.zeros((len(points), len(points)))
        chunk = 1 << 20  # float64 copies of a few million weights at a time
        for first in range(0, points[0].size, chunk):
            part = np.stack([p[first : first + chunk] for p in points]).astype("float64")
            if from_start:
                part -= part[0].copy()
            gram += part @ part.T
        return gram
