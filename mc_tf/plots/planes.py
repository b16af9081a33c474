"""Maps of planes in weight space: figures 1 and 4 of the paper, curvature of Li et al."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, Normalize

from mc_tf.plots.inputs import as_dict, check_grids
from mc_tf.plots.labels import place_labels
from mc_tf.plots.levels import Levels
from mc_tf.plots.marks import draw_marks, draw_paths, legend_height
from mc_tf.plots.panels import Figure, check_axes, heading, whole_figure
from mc_tf.plots.saving import draws
from mc_tf.plots.style import plain, value_label

if TYPE_CHECKING:
    from mc_tf.landscape.results import GridEvaluation

__all__ = [
    "map_aspect",
    "plot_eigenvalue_ratio",
    "plot_heat_map",
    "plot_plane",
    "prepare_map",
]

# Inches: the longest side of a map, and space for tick labels and labels.
_SIDE, _LEFT, _BOTTOM, _BAR = 4.0, 0.75, 0.55, 1.3
_COLUMNS = 4  # maps per row


@draws
def plot_plane(
    results: "GridEvaluation | Mapping[str, GridEvaluation]",
    *,
    value: str = "train_loss",
    levels: int | Sequence[float] | None = None,
    maximum: float | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws contour maps of planes with shared levels, four per row, as in figure 1 of the paper.

    The levels are dense near the minimum; all values above the maximum and non-finite values form
    one class. Marked networks have labels, and are circles if they are off the plane. Curves are
    lines. A curve off the plane is dashed, with its distance in the legend, because its values
    differ from the plane's. Both coordinates have the same scale. If a plane is more than four
    times as wide as high, or the reverse, the second axis is rescaled, and its label gives the
    factor.

    Args:
        results: `GridEvaluation` of a `Plane`, or dict from label to several.
        value: name of the value, default `"train_loss"`.
        levels: number of levels, default 8; or their increasing limits, which end at the maximum.
        maximum: lower limit of the top class. Default: four fifths of the values are below it.
        title: heading, default none.
        axes: matplotlib axes to draw on, one per result; a color bar next to them takes a
            part of their place. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is not a complete grid of a plane or lacks the value, or the levels
            or the maximum are invalid.
    """
    results = as_dict(results)
    check_grids(results, "Plane", [value])
    shared = Levels.of([result[value] for result in results.values()], levels, maximum)
    figure, axes, bar = _panels(results, title, axes)
    for axis, result in zip(axes, results.values()):
        shared.draw(axis, *result.axes, result[value])
    shared.color_bar(figure, value_label(value, results.values()), **bar)
    return _finish(figure, axes, results)


@draws
def plot_heat_map(
    results: "GridEvaluation | Mapping[str, GridEvaluation]",
    *,
    value: str,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws values on planes as heat maps, one color per point of the grid.

    Values of both signs use two colors that meet at zero. Non-finite values are gray.

    Args:
        results: `GridEvaluation` of a `Plane`, or dict from label to several.
        value: name of the value, such as `"train_smallest_eigenvalue"`.
        limits: `(low, high)` of the colors. Default: the smallest and the largest value.
        title: heading, default none.
        axes: matplotlib axes to draw on, one per result; a color bar next to them takes a
            part of their place. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is not a complete grid of a plane or lacks the value, or no value is
            finite.
    """
    results = as_dict(results)
    check_grids(results, "Plane", [value])
    norm, colors = _color_scale([result[value] for result in results.values()], limits)
    figure, axes, bar = _panels(results, title, axes, cells=True)
    for axis, result in zip(axes, results.values()):
        shown = np.ma.masked_invalid(result[value].T)
        drawn = axis.pcolormesh(*result.axes, shown, norm=norm, cmap=colors, shading="nearest")
        drawn.set_edgecolor("face")
        drawn.set_linewidth(0.1)  # no white seams in vector formats
    figure.colorbar(drawn, label=value_label(value, results.values()), **bar)
    return _finish(figure, axes, results, cells=True)


@draws
def plot_eigenvalue_ratio(
    results: "GridEvaluation | Mapping[str, GridEvaluation]",
    *,
    value: str = "train_eigenvalue_ratio",
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Maps the convexity of a surface: |smallest / largest eigenvalue| (Li et al., section 6).

    Args:
        results, value, limits, title, axes: see `plot_heat_map`. The ratio is zero where the
            Hessian has no significant negative eigenvalue.

    Returns:
        The matplotlib figure.
    """
    return plot_heat_map(results, value=value, limits=limits, title=title, axes=axes)


def _color_scale(values, limits):
    """Returns normalization and colors: light to dark, or two colors that meet at zero."""
    seen = np.concatenate([np.ravel(array) for array in values])
    finite = seen[np.isfinite(seen)]
    if not len(finite):
        raise ValueError("None of the values is finite, so there is nothing to draw.")
    low, high = (finite.min(), finite.max()) if limits is None else limits
    if not low <= high:
        raise ValueError(f"The limits must be (low, high). Received: {limits}.")
    both = low < 0 < high
    colors = colormaps["PuOr_r" if both else "viridis_r"].with_extremes(bad="0.8")
    return (CenteredNorm(0, max(-low, high)) if both else Normalize(low, high)), colors


def _panels(results, title, axes, cells=False):
    """Creates a figure with one map per result, of equal height, and space for the color bar."""
    if axes is not None:
        axes = check_axes(axes, len(results))
        figure = whole_figure(axes[0])
        for axis, result in zip(axes, results.values()):
            axis.set_box_aspect(map_aspect(result, cells))
        if title and len(axes) == 1:
            axes[0].set_title(plain(title))
        else:
            heading(figure, title)
        return figure, axes, {"ax": axes}
    aspects = np.array([map_aspect(result, cells) for result in results.values()])
    high = min(_SIDE, _SIDE * np.exp(np.log(aspects).mean()), 2 * _SIDE * aspects.min())
    widths = high / aspects
    starts = range(0, len(widths), _COLUMNS)
    below = _BOTTOM + max(legend_height(r, r.paths, w) for r, w in zip(results.values(), widths))
    height = below + high + 0.25 * (len(widths) > 1)  # height of a map with its heading
    wide = max(sum(_LEFT + widths[k : k + _COLUMNS]) for k in starts)
    size = np.array([wide + _BAR, len(starts) * height + 0.2 + 0.3 * bool(title)])
    figure, boxes = Figure(figsize=size), []
    for row, start in enumerate(starts):
        left, low = 0, (len(starts) - 1 - row) * height + below
        for width in widths[start : start + _COLUMNS]:
            boxes.append([left + _LEFT, low, width, high])
            left += _LEFT + width
    boxes.append([wide + 0.2, below, 0.18, (len(starts) - 1) * height + high])
    *axes, bar = (figure.add_axes(np.array(box) / [*size, *size]) for box in boxes)
    heading(figure, title, y=1 - 0.12 / size[1], va="top")
    return figure, axes, {"cax": bar}


def _limits(result, cells=False):
    """Returns the first and last coordinate of each axis, extended by half a cell for cells."""
    around = [np.diff(axis)[[0, -1]] / 2 * cells if len(axis) > 1 else 0 for axis in result.axes]
    return [axis[[0, -1]] + half * [-1, 1] for axis, half in zip(result.axes, around)]


def map_aspect(result, cells=False):
    """Aspect ratio of a map: coordinates have the same scale, except in narrow strips.

    Args:
        result: `GridEvaluation` of a `Plane`.
        cells: whether each point of the grid is drawn as a cell.

    Returns:
        float, height divided by width.
    """
    width, height = map(np.ptp, _limits(result, cells))
    return height / width if 0.25 <= height / width <= 4 else 0.75


def stretched(result, aspect, cells=False):
    """Suffix for the label of the second axis if its scale differs from the first.

    Args:
        result: `GridEvaluation` of a `Plane`.
        aspect: height of the map divided by its width.
        cells: see `map_aspect`.

    Returns:
        str, empty if the scales are equal.
    """
    width, height = map(np.ptp, _limits(result, cells))
    factor = aspect * width / height
    if np.isclose(factor, 1):
        return ""
    what, factor = ("stretched", factor) if factor > 1 else ("shortened", 1 / factor)
    return f" ({what} {factor:.3g} times)"


def prepare_map(axis, result, cells=False):
    """Sets limits and axis labels of a map.

    Args:
        axis: matplotlib axis.
        result: `GridEvaluation` of a `Plane`.
        cells: see `map_aspect`.
    """
    labels, shares = ["coordinate x", "coordinate y"], result.description.get("variance shares")
    if shares:
        labels = [f"{text} ({100 * s:.0f} % of the path)" for text, s in zip(labels, shares)]
    suffix = stretched(result, map_aspect(result, cells), cells)
    labels[1] = f"{labels[1]}{suffix}".replace(") (", ", ")
    right, up = _limits(result, cells)
    axis.set(xlabel=labels[0], ylabel=labels[1], xlim=right, ylim=up)
    axis.locator_params(nbins=5)  # tick labels that do not overlap


def _finish(figure, axes, results, cells=False):
    """Draws the marks on each map; returns the figure."""
    for index, (axis, (label, result)) in enumerate(zip(axes, results.items())):
        prepare_map(axis, result, cells)
        draw_paths(axis, result)
        draw_marks(axis, result)
        if len(results) > 1:
            inches = axis.get_position().width * figure.get_figwidth()
            axis.set_title(plain(label), fontsize=min(12, 125 * inches / len(label)))
        if index % _COLUMNS and axis.get_ylabel() == axes[0].get_ylabel():
            axis.set_ylabel("")
    for axis, result in zip(axes, results.values()):
        place_labels(axis, result.marks, result.paths.values())
    return figure
