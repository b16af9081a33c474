"""Planes in weight space as surfaces in three dimensions."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import proj3d

from mc_tf.plots.inputs import check_grids
from mc_tf.plots.labels import place_labels
from mc_tf.plots.marks import draw_legend, inside, legend_height, path_style, point_style
from mc_tf.plots.panels import Figure, heading
from mc_tf.plots.planes import stretched
from mc_tf.plots.saving import draws
from mc_tf.plots.style import plain, value_label

if TYPE_CHECKING:
    from mc_tf.landscape.results import GridEvaluation

__all__ = ["plot_surface"]

_FINEST = 250  # maximum number of drawn points per axis; more are not visible


@draws
def plot_surface(
    result: "GridEvaluation",
    *,
    value: str = "train_loss",
    scale: str = "log",
    maximum: float | None = None,
    view: tuple[float, float] = (55, -70),
    title: str | None = None,
) -> Figure:
    """Draws a value on a plane as a surface, with its networks and curves.

    A curve off the plane is a dashed line above its projection, with the distance in the legend.
    Where the surface hides a curve, the line is thin and pale; networks that it hides are pale.
    Points outside the grid are omitted.

    Args:
        result: `GridEvaluation` of a `Plane`.
        value: name of the value, default `"train_loss"`.
        scale: scale of the height: `"log"` or `"linear"`.
        maximum: higher and non-finite values are drawn at this height. Default: nine tenths of the
            values are below it.
        view: `(elevation, azimuth)` in degrees, default `(55, -70)`.
        title: heading, default none.

    Returns:
        A new matplotlib figure, in three dimensions.

    Raises:
        ValueError: if the result is not a complete grid of a plane or lacks the value, the maximum
            is below all values, or values on a log scale are not positive.
    """
    check_grids({"": result}, "Plane", [value])
    to_height, ticks = height_scale(result[value], scale, maximum)
    heights = to_height(result[value])
    below = legend_height(result, result.paths, 6.4)
    figure = Figure(figsize=(7.5, 5.75 + below))
    place = np.array([-0.1, 0.25 + below, 6.6, 5.2]) / (2 * figure.get_size_inches().tolist())
    axis = figure.add_axes(place, projection="3d", computed_zorder=False)
    axis.set_proj_type("ortho")
    x, y = np.meshgrid(*result.axes, indexing="ij")
    norm = Normalize(heights.min(), heights.max())
    colors = colormaps["viridis_r"](norm(heights))
    colors[..., :3] *= _light(heights, result.axes)[..., None]
    box = (1, min(max(np.ptp(y) / np.ptp(x), 0.5), 2), 0.7)
    count = min(max(result.shape), _FINEST)
    axis.plot_surface(
        *(x, y, heights),
        facecolors=colors,
        rcount=count,
        ccount=count,
        linewidth=0,
        antialiased=False,
        shade=False,
    )
    halo = {"linewidth": 2, "path_effects": [withStroke(linewidth=3.5, foreground="white")]}
    styles = [path_style(result, label, number) for number, label in enumerate(result.paths)]
    lines = []
    for places, style in zip(result.paths.values(), styles):
        places = dense(places)
        above = to_height(between(result.axes, result[value], places))
        above = np.where(inside(result, places), above, np.nan)
        axis.plot(*places.T, above, **style | {"label": "", "linewidth": 1, "alpha": 0.5})
        style = halo | style | {"label": plain(style["label"])}
        seen = np.where(is_seen(result, heights, places, above, box, view), above, np.nan)
        lines.extend(axis.plot(*places.T, seen, **style))
    draw_legend(axis, result, styles, lines, drop=0.1)
    points = {}
    for label, place in result.marks.items():
        if inside(result, place):
            above = to_height(between(result.axes, result[value], [place]))
            seen = is_seen(result, heights, np.array([place]), above, box, view, 0.1)
            look = point_style(result, label) | {"alpha": 1 if seen else 0.35}
            points[label] = *place, above[0]
            axis.plot(*([x] for x in points[label]), **look)
    axis.set_zticks(to_height(np.array(ticks)), labels=[f"{tick:g}" for tick in ticks])
    axis.set_xlabel("coordinate x", labelpad=10)
    axis.set_ylabel("coordinate y" + stretched(result, box[1]), labelpad=10)
    for name in "xy":
        axis.locator_params(axis=name, nbins=5)
    axis.set_zlabel(value_label(value, [result]), labelpad=8)
    axis.view_init(*view)
    axis.set_box_aspect(box)
    heading(figure, title, y=0.99)
    colors, bar = ScalarMappable(norm, "viridis_r"), figure.add_axes([0.88, 0.3, 0.02, 0.4])
    figure.colorbar(colors, cax=bar)
    bar.set_yticks(to_height(np.array(ticks)), labels=[f"{tick:g}" for tick in ticks])
    bar.minorticks_off()
    figure.draw_without_rendering()  # for the projection
    to_screen = lambda places: np.stack(proj3d.proj_transform(*places, axis.get_proj())[:2], -1)
    drawn = [to_screen(line.get_data_3d()) for line in lines]
    place_labels(axis, {label: to_screen(place) for label, place in points.items()}, drawn)
    return figure


def dense(places, parts=8):
    """Coordinates along a line of points, close enough for a line over the surface.

    Args:
        places: coordinates `(n, 2)`.
        parts: how many steps between two of them.

    Returns:
        Array `(parts * (n - 1) + 1, 2)`.
    """
    at = np.linspace(0, len(places) - 1, parts * (len(places) - 1) + 1)
    return np.stack([np.interp(at, np.arange(len(places)), x) for x in np.transpose(places)], -1)


def is_seen(result, heights, places, above, box, view, slack=0.01, steps=200):
    """Whether points on a surface are visible from the viewpoint.

    Args:
        result: `GridEvaluation` of a `Plane`.
        heights: drawn heights, array of the shape of the grid.
        places: coordinates `(n, 2)`.
        above: their heights, `(n,)`.
        box: lengths of the sides of the drawing: both coordinates and the height.
        view: `(elevation, azimuth)` in degrees.
        slack: share of the height by which the surface may be higher.
        steps: number of checked points on the line of sight.

    Returns:
        bool array `(n,)`.
    """
    elevation, azimuth = np.radians(view)
    flat = np.cos(elevation)
    eye = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
    sizes = [*map(np.ptp, result.axes), max(np.ptp(heights), 1e-12)]
    step = eye * sizes / box * sum(box) / steps
    seen = np.ones(len(places), bool)
    for k in range(2, steps):
        way = places + k * step[:2]
        hit = between(result.axes, heights, way) > above + k * step[2] + slack * sizes[2]
        seen &= ~(hit & inside(result, way))
    return seen


def between(axes, values, places):
    """Interpolates values on a plane's grid; outside, takes the nearest point.

    Args:
        axes: coordinates of the grid, `(n,)` and `(m,)`.
        values: array `(n, m)`.
        places: coordinates `(k, 2)`.

    Returns:
        float64 array `(k,)`, bilinear in each cell.
    """
    corner, share = [], []
    for axis, place in zip(axes, np.transpose(places)):
        inside = np.clip(place, axis[0], axis[-1])
        index = np.clip(np.searchsorted(axis, inside, side="right") - 1, 0, len(axis) - 2)
        corner.append(index)
        share.append((inside - axis[index]) / (axis[index + 1] - axis[index]))
    (i, j), (a, b) = corner, share
    total = np.zeros(len(i))
    for right, up in ((0, 0), (1, 0), (0, 1), (1, 1)):
        part = (a if right else 1 - a) * (b if up else 1 - b)
        total += np.where(part > 0, values[i + right, j + up] * part, 0)
    return total


def _light(heights, axes):
    """Shading of a surface lit from the upper left, from 0.6 to 1."""
    sides = [(axis - axis[0]) / np.ptp(axis) for axis in axes]
    slopes = np.gradient(0.7 * heights / max(np.ptp(heights), 1e-12), *sides)
    normal = np.stack([-slopes[0], -slopes[1], np.ones_like(heights)])
    source = np.array([-0.5, -0.3, 0.8]) / np.sqrt(0.98)
    shade = np.tensordot(source, normal / np.linalg.norm(normal, axis=0), 1)
    return 0.6 + 0.4 * np.clip(shade, 0, 1)


def height_scale(values, scale="log", maximum=None):
    """How high values are drawn.

    Args:
        values: array.
        scale, maximum: as for `plot_surface`.

    Returns:
        `(function, ticks)`: from values to heights, and a list of values for the ticks.

    Raises:
        ValueError: as for `plot_surface`.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise ValueError("None of the values is finite, so there is nothing to draw.")
    low, high = finite.min(), float(np.quantile(finite, 0.9) if maximum is None else maximum)
    if maximum is None and not high > low:
        high = max(finite.max(), low + (abs(low) or 1.0) * 1e-3)
    if not high > low:
        raise ValueError(
            f"The maximum must be above the smallest value, {low:.4g}. Received: {maximum}."
        )
    if scale == "linear":
        function = np.asarray
        ticks = MaxNLocator(5).tick_values(low, high)
    elif scale == "log":
        if low <= 0:
            raise ValueError(
                f"The smallest value is {low:.4g}, which has no logarithm. Choose the scale linear."
            )
        function = np.log10
        powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        ticks = np.ravel(np.multiply.outer(10.0**powers, [1, 2, 5]))
        if high > 1e3 * low:
            ticks = 10.0**powers
    else:
        raise ValueError(f"The scale must be log or linear. Received: '{scale}'.")
    shown = [float(tick) for tick in ticks if low <= tick <= high * (1 + 1e-9)]
    if len(shown) < 3:  # too narrow for powers
        ticks = MaxNLocator(4).tick_values(low, high)
        shown = [float(tick) for tick in ticks if low <= tick <= high]

    def to_height(array):
        array = np.asarray(array, "float64")
        return function(np.where(np.isfinite(array), np.clip(array, low, high), high))

    return to_height, shown
