"""Labels of points that do not overlap."""

import itertools
import textwrap

import numpy as np
from matplotlib.transforms import Bbox

from mc_tf.plots.panels import Figure, whole_figure
from mc_tf.plots.style import plain

__all__ = ["BEHIND", "in_lines", "place_labels"]

# Background of text: a stroke would convert text to outlines in vector formats.
BEHIND = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "boxstyle": "round,pad=0.15"}
# Positions of a label: directions by preference, and distances in points.
_DIRECTIONS = [(1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0)]
_DISTANCES = (6, 14, 24, 36)


def in_lines(text, inches=1.8):
    """Wraps text to a maximum width."""
    width = max(12, int(72 * inches / 4.6))
    return plain(textwrap.fill(str(text), width) if len(str(text)) > width else text)


def place_labels(axis, places, lines=()):
    """Places labels next to points, avoiding overlaps with labels, points and lines if possible.

    Call it after everything else is drawn: it fixes the layout of a figure of the library.

    Args:
        axis: matplotlib axis; in three dimensions, coordinates are on the screen.
        places: dict from label to coordinates `(2,)`, or list of such pairs; points outside the
            axis have no label, and adjacent equal labels are written once.
        lines: arrays `(n, 2)` of coordinates that should stay visible.
    """
    figure, to_pixels = whole_figure(axis), axis.transData.transform
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
        text = figure.text(*anchor, in_lines(label), ha="center", va="center", transform=None)
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
            xycoords=axis.transData,
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
