"""Networks and curves on a map: marks, labels beside them that do not overlap, paths."""

import itertools

import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from mc_tf.plots.style import plain

__all__ = ["BEHIND", "draw_marks", "draw_paths", "place_labels"]

_HALO = [withStroke(linewidth=3, foreground="white")]
# Behind text: a stroke around it would make outlines of the text in vector formats.
BEHIND = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "boxstyle": "round,pad=0.15"}
_PATHS = ("-", "--", "-.", ":")
# Where a label may stand: directions by preference, and distances in points.
_DIRECTIONS = [(1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0)]
_DISTANCES = (6, 14, 24, 36)
_NEAR = 0.01  # of the plane's extent: closer networks count as on it


def draw_marks(axis, result):
    """Draws networks as points; one that is not on the plane, but beside it, as a circle.

    Args:
        axis: matplotlib axis, two-dimensional.
        result: `GridEvaluation` of a plane.
    """
    near = _NEAR * max(np.ptp(axis) * unit for axis, unit in zip(result.axes, result.units))
    for label, (x, y) in result.marks.items():
        beside = np.max(result.lost.get(label, 0.0)) > near
        face, edge = ("white", "black") if beside else ("black", "white")
        axis.plot(x, y, "o", color=face, markeredgecolor=edge, markersize=7, zorder=5)


def draw_paths(axis, paths, **options):
    """Draws curves as lines; several of them differ in line style and have a legend.

    Args:
        axis: matplotlib axis, two-dimensional.
        paths: dict from label to coordinates `(n, 2)`.
        **options: of the lines.
    """
    options = {"color": "black", "linewidth": 2, "path_effects": _HALO, "zorder": 4} | options
    for (label, path), style in zip(paths.items(), itertools.cycle(_PATHS)):
        axis.plot(*np.transpose(path), style, label=plain(label), **options)
    if len(paths) > 1:
        axis.legend(fontsize=8, framealpha=0.85, handlelength=3).set_zorder(7)


def place_labels(axis, places, lines=(), scales=None):
    """Writes labels beside points so that they cover no other label, point or line if they can.

    To be called when everything else of the figure is drawn: its layout is fixed by this.

    Args:
        axis: matplotlib axis, two-dimensional.
        places: dict from label to coordinates `(2,)`, or list of such pairs; those outside the axis
            have no label, and one that stands beside itself is written once.
        lines: arrays `(n, 2)` of coordinates that should stay visible.
        scales: axis whose coordinates those are. Default: `axis`.
    """
    figure, to_pixels = axis.figure, (scales or axis).transData.transform
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    renderer = figure.canvas.get_renderer()
    places = list(places.items() if isinstance(places, dict) else places)
    crowd = [to_pixels(np.reshape([place for _, place in places], (-1, 2)))]
    crowd += [_dense(to_pixels(np.asarray(line))) for line in lines]
    crowd = np.concatenate(crowd)
    crowd = crowd[np.isfinite(crowd).all(1)]
    pixels, frame, taken = figure.dpi / 72, axis.get_window_extent(renderer), []
    if axis.get_legend() is not None:
        taken.append(axis.get_legend().get_window_extent(renderer))
    anchors = {}
    for label, place in places:
        anchor = to_pixels(place)
        near = [np.hypot(*(anchor - other)) < 10 * pixels for other in anchors.get(label, [])]
        if any(near) or not frame.padded(1).contains(*anchor):
            continue
        anchors.setdefault(label, []).append(anchor)
        text = axis.text(*anchor, plain(label), ha="center", va="center", transform=None)
        size = text.get_window_extent(renderer).size / 2
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
            plain(label),
            place,
            xycoords=(scales or axis).transData,
            xytext=offset / pixels,
            textcoords="offset points",
            ha="center",
            va="center",
            bbox=BEHIND,
            zorder=6,
            arrowprops={"arrowstyle": "-", "linewidth": 0.7, "shrinkB": 3} if far else None,
        ).set_in_layout(False)


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
