"""Networks and curves on a map: marks, paths and labels that do not overlap."""

import itertools
import textwrap

import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox, ScaledTranslation

from mc_tf.plots.panels import Figure, whole_figure
from mc_tf.plots.style import plain

__all__ = [
    "BEHIND",
    "draw_legend",
    "draw_marks",
    "draw_paths",
    "in_lines",
    "legend_height",
    "off_plane",
    "path_style",
    "place_labels",
    "point_style",
]

_HALO = [withStroke(linewidth=3, foreground="white")]
# Background of text: a stroke would convert text to outlines in vector formats.
BEHIND = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "boxstyle": "round,pad=0.15"}
_COLORS = ("black", "#D55E00", "#0072B2", "#CC79A7")
# Positions of a label: directions by preference, and distances in points.
_DIRECTIONS = [(1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0)]
_DISTANCES = (6, 14, 24, 36)
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
    """Returns options of a network's marker: filled on the plane, a circle off it.

    Args:
        result, label: see `off_plane`.

    Returns:
        dict for `plot`.
    """
    face, edge = ("white", "black") if off_plane(result, label) else ("black", "white")
    return {"marker": "o", "color": face, "markeredgecolor": edge, "markersize": 7}


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
    distance = off_plane(result, label)
    if distance:
        same = np.allclose(result.units, result.units[0])
        unit, of = (result.units[0], "") if same else (1.0, " in weights")
        style["label"] = f"{label} (projected: up to {distance / unit:.3g} off the plane{of})"
        style["linestyle"] = "--"
    return style


def draw_marks(axis, result):
    """Draws networks as points, or as circles if they are off the plane.

    Args:
        axis: matplotlib axis, two-dimensional.
        result: `GridEvaluation` of a plane.
    """
    for label, (x, y) in result.marks.items():
        axis.plot(x, y, zorder=5, **point_style(result, label))


def draw_paths(axis, result, paths=None, **options):
    """Draws curves as lines, dashed off the plane; adds a legend for these and several curves.

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
    draw_legend(axis, styles, lines)


def in_lines(text, inches=1.8):
    """Wraps text to a maximum width."""
    width = max(12, int(72 * inches / 4.6))
    return plain(textwrap.fill(str(text), width) if len(str(text)) > width else text)


def legend_entries(styles, inches):
    """Returns the legend texts of curves; a single curve on the plane has none.

    Args:
        styles: list of results of `path_style`.
        inches: width of the legend.

    Returns:
        List of texts, empty if no legend is needed.
    """
    needed = len(styles) > 1 or any(style["linestyle"] != "-" for style in styles)
    return [in_lines(style["label"], inches - 0.7) for style in styles] if needed else []


def legend_height(result, paths, inches):
    """Returns the height of the legend of curves below a map in inches.

    Args:
        result: `GridEvaluation` of a plane.
        paths: the curves to draw.
        inches: width of the map.

    Returns:
        float.
    """
    entries = legend_entries([path_style(result, label) for label in paths], inches)
    return 0.16 * sum(1 + entry.count("\n") for entry in entries) + 0.1 * bool(entries)


def draw_legend(axis, styles, lines, drop=0.5):
    """Draws the legend of curves below an axis, where it hides neither marks nor values.

    Args:
        axis: matplotlib axis.
        styles: list of results of `path_style`.
        lines: the drawn lines.
        drop: inches below the axis, for its tick labels and label.
    """
    figure = whole_figure(axis)
    entries = legend_entries(styles, axis.get_position().width * figure.get_figwidth())
    if entries:
        below = axis.transAxes + ScaledTranslation(0, -drop, figure.dpi_scale_trans)
        place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": below}
        look = {"fontsize": 8, "frameon": False, "handlelength": 3, "borderpad": 0}
        axis.legend(lines, entries, borderaxespad=0, labelspacing=0.3, **place, **look)


def place_labels(axis, places, lines=(), scales=None):
    """Places labels next to points, avoiding overlaps with labels, points and lines if possible.

    Call it after everything else is drawn: it fixes the layout of a figure of the library.

    Args:
        axis: matplotlib axis, two-dimensional.
        places: dict from label to coordinates `(2,)`, or list of such pairs; points outside the
            axis have no label, and adjacent equal labels are written once.
        lines: arrays `(n, 2)` of coordinates that should stay visible.
        scales: axis that defines the coordinates. Default: `axis`.
    """
    figure, to_pixels = whole_figure(axis), (scales or axis).transData.transform
    figure.draw_without_rendering()
    if isinstance(figure, Figure):
        figure.set_layout_engine("none")
    places = list(places.items() if isinstance(places, dict) else places)
    crowd = [to_pixels(np.reshape([place for _, place in places], (-1, 2)))]
    crowd += [_dense(to_pixels(np.asarray(line))) for line in lines]
    crowd = np.concatenate(crowd)
    crowd = crowd[np.isfinite(crowd).all(1)]
    pixels, frame, taken = figure.dpi / 72, axis.get_window_extent(), []
    if axis.get_legend() is not None:
        taken.append(axis.get_legend().get_window_extent())
    anchors = {}
    for label, place in places:
        anchor = to_pixels(place)
        near = [np.hypot(*(anchor - other)) < 10 * pixels for other in anchors.get(label, [])]
        if any(near) or not frame.padded(1).contains(*anchor):
            continue
        anchors.setdefault(label, []).append(anchor)
        text = axis.text(*anchor, in_lines(label), ha="center", va="center", transform=None)
        size = text.get_window_extent().size / 2
        text.remove()
        best = None
        for distance, direction in itertools.product(_DISTANCES, _DIRECTIONS):
            reach = distance * pixels * np.array(direction) / np.hypot(*direction)
            center = anchor + reach + size * direction
            box = Bbox([center - size - 2 * pixels, center + size + 2 * pixels])
            cost = _cost(box, frame, taken, crowd) + distance / 100
            if best is None or cost < best[0]:
                best = cost, box, center - anchor, distance > _DISTANCES[0]
        _, box, offset, far = best
        taken.append(box)
        axis.annotate(
            in_lines(label),
            place,
            xycoords=(scales or axis).transData,
            xytext=offset / pixels,
            textcoords="offset points",
            ha="center",
            va="center",
            bbox=BEHIND,
            zorder=6,
            arrowprops={"arrowstyle": "-", "linewidth": 0.7, "shrinkB": 3} if far else None,
        )


def _dense(line, step=4):
    """Returns dense points along a line in pixels."""
    line = line[np.isfinite(line).all(1)]
    if len(line) < 2:
        return line
    along = np.append(0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    at = np.linspace(0, along[-1], min(int(along[-1] / step) + 2, 5000))
    return np.stack([np.interp(at, along, line[:, axis]) for axis in range(2)], -1)


def _cost(box, frame, taken, crowd):
    """Returns the cost of a label position: outside, on other labels, points and lines."""
    outside = 1 - _overlap(box, frame)
    others = sum(_overlap(box, other) for other in taken)
    covered = ((crowd > box.min) & (crowd < box.max)).all(1).sum()
    return 100 * outside + 100 * others + float(covered)


def _overlap(box, other):
    """Returns the share of a box that lies in another."""
    common = Bbox.intersection(box, other)
    return 0.0 if common is None else common.width * common.height / (box.width * box.height)
