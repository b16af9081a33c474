"""Networks and curves on a map: marks, labels beside them that do not overlap, paths."""

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
# Behind text: a stroke around it would make outlines of the text in vector formats.
BEHIND = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "boxstyle": "round,pad=0.15"}
_COLORS = ("black", "#D55E00", "#0072B2", "#CC79A7")
# Where a label may stand: directions by preference, and distances in points.
_DIRECTIONS = [(1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0)]
_DISTANCES = (6, 14, 24, 36)
_NEAR = 0.01  # of the plane's extent: closer networks count as on it


def off_plane(result, label):
    """How far what is marked lies off a plane at most; 0 where that cannot be seen.

    Args:
        result: `GridEvaluation` of a plane.
        label: of a network or a curve.

    Returns:
        float, a distance between weights.
    """
    extent = max(np.ptp(axis) * unit for axis, unit in zip(result.axes, result.units))
    distance = float(np.max(result.projection_error.get(label, 0.0)))
    return distance if distance > _NEAR * extent else 0.0


def point_style(result, label):
    """Options of a network's point: filled on the plane, a circle beside it.

    Args:
        result, label: see `off_plane`.

    Returns:
        dict for `plot`.
    """
    face, edge = ("white", "black") if off_plane(result, label) else ("black", "white")
    return {"marker": "o", "color": face, "markeredgecolor": edge, "markersize": 7}


def path_style(result, label, number=0):
    """Options of a curve's line: solid on the plane; dashed off it, with the distance as label.

    A curve off the plane is drawn by its projection, where the plane's values are not its own.

    Args:
        result, label: see `off_plane`.
        number: which of several curves it is: each has a color.

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
    """Draws networks as points; one that is not on the plane, but beside it, as a circle.

    Args:
        axis: matplotlib axis, two-dimensional.
        result: `GridEvaluation` of a plane.
    """
    for label, (x, y) in result.marks.items():
        axis.plot(x, y, zorder=5, **point_style(result, label))


def draw_paths(axis, result, paths=None, **options):
    """Draws curves as lines, dashed off the plane; these, and several curves, have a legend.

    Args:
        axis: matplotlib axis, two-dimensional.
        result: `GridEvaluation` of a plane.
        paths: dict from label to coordinates `(n, 2)`. Default: those of the result.
        **options: of the lines.
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
    """Text in lines that are no wider than something."""
    width = max(12, int(72 * inches / 4.6))
    return plain(textwrap.fill(str(text), width) if len(str(text)) > width else text)


def legend_entries(styles, inches):
    """What the legend of curves says: nothing of a single one that lies on the plane.

    Args:
        styles: list of what `path_style` returned.
        inches: width of the legend.

    Returns:
        List of texts, empty where no legend is needed.
    """
    needed = len(styles) > 1 or any(style["linestyle"] != "-" for style in styles)
    return [in_lines(style["label"], inches - 0.7) for style in styles] if needed else []


def legend_height(result, paths, inches):
    """Inches that the legend of curves takes below a map.

    Args:
        result: `GridEvaluation` of a plane.
        paths: the curves that are drawn.
        inches: width of the map.

    Returns:
        float.
    """
    entries = legend_entries([path_style(result, label) for label in paths], inches)
    return 0.16 * sum(1 + entry.count("\n") for entry in entries) + 0.1 * bool(entries)


def draw_legend(axis, styles, lines, drop=0.5):
    """Draws the legend of curves below an axis, where it covers neither marks nor values.

    Args:
        axis: matplotlib axis.
        styles: list of what `path_style` returned.
        lines: what was drawn of them.
        drop: inches below the axis, for its numbers and label.
    """
    figure = whole_figure(axis)
    entries = legend_entries(styles, axis.get_position().width * figure.get_figwidth())
    if entries:
        below = axis.transAxes + ScaledTranslation(0, -drop, figure.dpi_scale_trans)
        place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": below}
        look = {"fontsize": 8, "frameon": False, "handlelength": 3, "borderpad": 0}
        axis.legend(lines, entries, borderaxespad=0, labelspacing=0.3, **place, **look)


def place_labels(axis, places, lines=(), scales=None):
    """Writes labels beside points so that they cover no other label, point or line if they can.

    To be called when everything else is drawn: this fixes the layout of a figure of the library.

    Args:
        axis: matplotlib axis, two-dimensional.
        places: dict from label to coordinates `(2,)`, or list of such pairs; those outside the axis
            have no label, and one that stands beside itself is written once.
        lines: arrays `(n, 2)` of coordinates that should stay visible.
        scales: axis whose coordinates those are. Default: `axis`.
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
    """Points along a line in pixels, close together."""
    line = line[np.isfinite(line).all(1)]
    if len(line) < 2:
        return line
    along = np.append(0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    at = np.linspace(0, along[-1], min(int(along[-1] / step) + 2, 5000))
    return np.stack([np.interp(at, along, line[:, axis]) for axis in range(2)], -1)


def _cost(box, frame, taken, crowd):
    """How bad a place of a label is: outside, on other labels, on points and lines."""
    outside = 1 - _overlap(box, frame)
    others = sum(_overlap(box, other) for other in taken)
    covered = ((crowd > box.min) & (crowd < box.max)).all(1).sum()
    return 100 * outside + 100 * others + float(covered)


def _overlap(box, other):
    """Part of a box that lies in the other one."""
    common = Bbox.intersection(box, other)
    return 0.0 if common is None else common.width * common.height / (box.width * box.height)
