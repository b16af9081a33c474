"""Levels of values, dense near the minimum (figure 1 of the paper)."""

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap

from mc_tf.plots.style import number_labels

__all__ = ["Levels"]

# Equally spaced in lightness and suitable for color blindness; valleys are light.
_COLORS = "viridis_r"
# The first limit above the minimum, relative to the range.
_FINEST = 1 / 200


class Levels:
    """Classes of values for a map, and a top class for higher and non-finite values.

    Args:
        bounds: at least two increasing numbers, the limits of the classes. Values below the first
            belong to the lowest class, values above the last to the top class.
        top: whether the top class is shown.

    Raises:
        ValueError: if the numbers do not increase.

    Example:
        >>> Levels([1, 2, 4]).classes([0.5, 3.0, 9.0, np.nan]).tolist()
        [0, 1, 2, 2]
    """

    def __init__(self, bounds, top=True):
        self.bounds = np.asarray(bounds, "float64")
        self.top = top
        if self.bounds.ndim != 1 or len(self.bounds) < 2 or not (np.diff(self.bounds) > 0).all():
            raise ValueError(
                f"Levels must be at least two increasing numbers. Received: {list(bounds)}."
            )
        if not np.isfinite(self.bounds).all():
            raise ValueError(f"Levels must be finite. Received: {list(bounds)}.")

    @classmethod
    def of(cls, values, levels=None, maximum=None):
        """Creates levels for values: log-spaced above the smallest value, or as given.

        Args:
            values: list of arrays.
            levels: number of classes below the top class, default 8; or their limits.
            maximum: lower limit of the top class. Default: a fifth of the values is above it.

        Returns:
            `Levels`.

        Raises:
            ValueError: if no value is finite, none is below the maximum, or the limits are invalid.
        """
        seen = np.concatenate([np.ravel(array) for array in values])
        finite = seen[np.isfinite(seen)]
        if not len(finite):
            raise ValueError("None of the values is finite, so there is nothing to draw.")
        if np.ndim(levels):
            if maximum is not None:
                raise ValueError("Pass the limits of the levels or a maximum, not both.")
            return cls(levels)
        count = 8 if levels is None else int(levels)
        if count < 1:
            raise ValueError(f"The number of levels must be at least 1. Received: {levels}.")
        low = finite.min()
        high = np.quantile(finite, 0.8) if maximum is None else float(maximum)
        if maximum is None and not high > low:
            high = max(finite.max(), low + (abs(low) or 1.0) * 1e-3)
        if not high > low:
            raise ValueError(
                f"The maximum must be above the smallest value, {low:.4g}. Received: {maximum}."
            )
        steps = np.append(0.0, np.geomspace(_FINEST, 1, count) if count > 1 else 1.0)
        return cls(low + (high - low) * steps, top=bool((~(seen <= high)).any()))

    def classes(self, values):
        """Returns the index of the class of each value, from 0.

        Args:
            values: array.

        Returns:
            Integer array of the same shape; the top class is `len(bounds) - 1`.
        """
        indices = np.searchsorted(self.bounds, np.asarray(values, "float64"), side="left") - 1
        return np.where(np.isfinite(values), np.maximum(indices, 0), len(self.bounds) - 1)

    @property
    def colors(self):
        """Returns one color per class, the top class last."""
        return colormaps[_COLORS](np.linspace(0.02, 1, len(self.bounds)))

    def heights(self, values):
        """Rescales values so that the classes are about equally wide, up to the top class.

        Args:
            values: array.

        Returns:
            float64 array of the same shape, finite.
        """
        low, step = self.bounds[0], self.bounds[1] - self.bounds[0]
        scaled = np.log1p(np.maximum(np.asarray(values, "float64") - low, 0) / step)
        top = self._limits()[-1]
        return np.where(np.isfinite(values), np.minimum(scaled, top), top)

    def _limits(self):
        """Limits of the classes on this scale, with one above the top class."""
        low, step = self.bounds[0], self.bounds[1] - self.bounds[0]
        limits = np.log1p((self.bounds - low) / step)
        return np.append(limits, 2 * limits[-1] - limits[-2])

    def draw(self, axis, x, y, values):
        """Draws filled contours of the classes and their limits.

        Args:
            axis: matplotlib axis.
            x, y: coordinates, arrays `(n,)` and `(m,)`.
            values: array `(n, m)`.
        """
        heights, limits = self.heights(values).T, self._limits()
        edges = [-1.0, *limits[1:-1], limits[-1] + 1]
        filled = axis.contourf(x, y, heights, levels=edges, colors=self.colors)
        filled.set_edgecolor("face")  # no white seams in vector formats
        inner = [limit for limit in edges[1:-1] if heights.min() < limit < heights.max()]
        if inner:
            axis.contour(x, y, heights, levels=inner, colors="black", linewidths=0.5, alpha=0.5)

    def color_bar(self, figure, label, **place):
        """Draws a color bar of the classes with their limits.

        Args:
            figure: matplotlib figure.
            label: label of the bar.
            **place: `cax`, an axis for the bar, or `ax`, the axes next to it.
        """
        size = len(self.bounds)
        shown = size if self.top else size - 1
        norm = BoundaryNorm(np.arange(shown + 1), shown)
        mappable = ScalarMappable(norm, ListedColormap(self.colors[:shown]))
        bar = figure.colorbar(mappable, spacing="uniform", **place)
        labels = number_labels(self.bounds)
        places = list(range(size))
        if self.top:
            places.append(size)
            labels.append(f"> {labels[-1]}")
        bar.set_ticks(places, labels=labels)
        bar.ax.minorticks_off()
        bar.ax.tick_params(length=0)
        bar.set_label(label)
