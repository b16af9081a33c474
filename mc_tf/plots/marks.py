"""Networks and curves on a map: marks, paths, and their legend."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation

from mc_tf.plots.labels import in_lines
from mc_tf.plots.panels import whole_figure
from mc_tf.plots.style import plain

__all__ = [
    "draw_legend",
    "draw_marks",
    "draw_paths",
    "inside",
    "legend_height",
    "off_plane",
    "path_style",
    "point_style",
]

_HALO = [withStroke(linewidth=3, foreground="white")]
_COLORS = ("black", "#D55E00", "#0072B2", "#CC79A7")
_NEAR = 0.01  # relative to the plane's extent: closer networks count as on the plane


def off_plane(result, label):
    """Returns the maximum distance of a mark from a plane; 0 if too small to see.

    Args:
        result: `GridEvaluation` of a plane.
        label: label of a network or a curve.

    Returns:
        float, a distance between weights.
    """
    extent = max(np.ptp(axis) * unit for axis, unit in zip(result.axes, result.units))
    distance = float(np.max(result.projection_error.get(label, 0.0)))
    return distance if distance > _NEAR * extent else 0.0


def point_style(result, label):
    """Returns options of a network's marker: filled on the plane, a circle off it with a label.

    The circle is larger and below, so that it hides no network near it.

    Args:
        result, label: see `off_plane`.

    Returns:
        dict for `plot`.
    """
    look = {"marker": "o", "linestyle": "none", "label": str(label)}
    if not off_plane(result, label):
        return look | {"color": "black", "markeredgecolor": "white", "markersize": 7, "zorder": 5}
    look["label"] = _with_distance(result, label)
    return look | {"color": "white", "markeredgecolor": "black", "markersize": 10, "zorder": 4.5}


def _with_distance(result, label, most=""):
    same = np.allclose(result.units, result.units[0])
    unit, of = (result.units[0], "") if same else (1.0, " in weights")
    distance = off_plane(result, label) / unit
    return f"{label} (projected: {most}{distance:.3g} off the plane{of})"


def path_style(result, label, number=0):
    """Returns options of a curve's line: solid on the plane, dashed off it with a label.

    A curve off the plane is drawn as its projection; the values there are not the curve's. Its
    label gives the distance.

    Args:
        result, label: see `off_plane`.
        number: index of the curve, which determines its color.

    Returns:
        dict for `plot`.
    """
    style = {"color": _COLORS[number % len(_COLORS)], "linestyle": "-", "label": str(label)}
    if off_plane(result, label):
        style["label"] = _with_distance(result, label, "up to ")
        style["linestyle"] = "--"
    return style


def inside(result, places):
    """Whether coordinates lie on a grid.

    Args:
        result: `GridEvaluation` of a `Plane`.
        places: coordinates `(..., 2)`.

    Returns:
        bool array `(...)`.
    """
    low, high = np.transpose([axis[[0, -1]] for axis in result.axes])
    return ((places >= low) & (places <= high)).all(-1)


def draw_marks(axis, result):
    """Draws networks as points, or as circles if they are off the plane.

    Args:
        axis: matplotlib axis, two-dimensional.
        result: `GridEvaluation` of a plane.
    """
    for label, (x, y) in result.marks.items():
        axis.plot(x, y, **point_style(result, label))


def draw_paths(axis, result, paths=None, **options):
    """Draws curves as lines, dashed off the plane; adds a legend if one needs an explanation.

    Args:
        axis: matplotlib axis, two-dimensional.
        result: `GridEvaluation` of a plane.
        paths: dict from label to coordinates `(n, 2)`. Default: paths of the result.
        **options: options of the lines.
    """
    paths = result.paths if paths is None else paths
    options = {"linewidth": 2, "path_effects": _HALO, "zorder": 4} | options
    styles = [path_style(result, label, number) for number, label in enumerate(paths)]
    lines = [
        axis.plot(*np.transpose(places), **options | style | {"label": plain(style["label"])})[0]
        for places, style in zip(paths.values(), styles)
    ]
    draw_legend(axis, result, styles, lines)


def _beside(result):
    """Returns the styles of networks off the plane."""
    marks = [label for label, place in result.marks.items() if inside(result, place)]
    return [point_style(result, label) for label in marks if off_plane(result, label)]


def _texts(styles, inches):
    """Returns the texts of a legend; a single curve on the plane needs none."""
    needed = len(styles) > 1 or any(style["linestyle"] != "-" for style in styles)
    return [in_lines(style["label"], inches - 0.7) for style in styles] if needed else []


def legend_height(result, paths, inches):
    """Returns the height of the legend below a map in inches.

    Args:
        result: `GridEvaluation` of a plane.
        paths: the curves to draw.
        inches: width of the map.

    Returns:
        float.
    """
    entries = _texts([*(path_style(result, path) for path in paths), *_beside(result)], inches)
    return 0.16 * sum(1 + entry.count("\n") for entry in entries) + 0.1 * bool(entries)


def draw_legend(axis, result, styles, lines, drop=0.5):
    """Draws the legend of curves and of networks off the plane, below an axis.

    Args:
        axis: matplotlib axis.
        result: `GridEvaluation` of a plane.
        styles: list of results of `path_style`.
        lines: the drawn lines.
        drop: inches below the axis, for its tick labels and label.
    """
    figure, marks = whole_figure(axis), _beside(result)
    lines = [*lines, *(Line2D([], [], **mark | {"markersize": 7}) for mark in marks)]
    entries = _texts([*styles, *marks], axis.get_position().width * figure.get_figwidth())
    if entries:
        below = axis.transAxes + ScaledTranslation(0, -drop, figure.dpi_scale_trans)
        place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": below}
        look = {"fontsize": 8, "frameon": False, "handlelength": 3, "borderpad": 0}
        axis.legend(lines, entries, borderaxespad=0, labelspacing=0.3, **place, **look)
