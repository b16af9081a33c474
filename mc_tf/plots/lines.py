"""Values along lines and rays in weight space: Li et al.'s 1-D plots, figures 4 and 5 of SWA."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mc_tf.plots.inputs import as_dict, check_grids, quality
from mc_tf.plots.labels import place_labels
from mc_tf.plots.panels import Panels
from mc_tf.plots.saving import draws
from mc_tf.plots.style import STYLES, label_without_penalty, plain, value_label

if TYPE_CHECKING:
    from mc_tf.landscape.results import GridEvaluation

__all__ = ["plot_line", "plot_rays"]

_QUALITIES = ("error", "perplexity")
_PARTS = {"train": 0, "test": 1, "validation": 2}  # with the number of their style
_MIXED = {"loss": "Loss (with L2)", "error": "Error (%)", "perplexity": "Perplexity"}


@draws
def plot_line(
    results: "GridEvaluation | Mapping[str, GridEvaluation]",
    *,
    values: Sequence[str] | None = None,
    maximum: float | None = None,
    title: str | None = None,
    label: str = "coordinate on the line",
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws values on lines in weight space, and networks marked on them.

    Each kind of value (loss, error, perplexity) has a panel with all results. Values on training
    data are solid, on test data dashed. The axis of a loss is logarithmic if its values span more
    than a factor of 20.

    Args:
        results: `GridEvaluation` of a `Line`, or dict from label to several.
        values: names of the values. Default: loss and error on training and test data, if available
            in every result.
        maximum: upper limit of the losses, or of the only panel. Default: the largest finite value.
        title: heading, default none.
        label: label of the horizontal axis; for `Line.through` it is the distance from the first
            network.
        axes: matplotlib axes to draw on, one per kind of value. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is not a complete grid of a line or lacks a value.
    """
    results = as_dict(results)
    check_grids(results, "Line", values or ["train_loss"])
    values = list(values or _found(results))
    kinds = {value: value.rpartition("_")[2] for value in values}
    groups = [[v for v in values if kinds[v] == kind] for kind in dict.fromkeys(kinds.values())]
    panels = Panels(1, len(groups), (4.8 * len(groups), 3.7), axes)
    handles = {}
    for axis, group in zip(panels.axes, groups):
        for drawn in _draw_panel(axis, results, group, label):
            handles.setdefault(drawn.get_label(), drawn)
        is_limited = kinds[group[0]] not in _QUALITIES or len(groups) == 1
        _set_limits(axis, maximum if is_limited else None)
    panels.legend([handles[text] for text in handles if text[:1] != "_"], columns=4)
    figure = panels.finish(title)
    for axis, group in zip(panels.axes, groups):
        _draw_marks(axis, results, group[0])
    return figure


def _found(results):
    """Returns loss and error (or perplexity) values available in every result."""
    there = set.intersection(*(set(result.names) for result in results.values()))
    for kind in _QUALITIES:
        names = [f"{part}_{value}" for value in ("loss", kind) for part in ("train", "test")]
        if f"train_{kind}" in there:
            break
    return [name for name in names if name in there] or ["train_loss"]


def _draw_panel(axis, results, values, label):
    """Draws values of one kind; returns the lines, with the labels of the legend."""
    parts, lines = [value.partition("_")[0] for value in values], []
    for number, (name, result) in enumerate(results.items()):
        for index, (value, part) in enumerate(zip(values, parts)):
            look = STYLES[_PARTS.get(part, index) % len(STYLES)]
            if len(results) > 1:
                color, style = STYLES[number % len(STYLES)]
                look = (color, look[1] if len(values) > 1 else style)
            text = part if parts.count(part) == 1 else value_label(value, [result])
            texts = [name if len(results) > 1 else "", text if len(values) > 1 else ""]
            shown = {"color": look[0], "linestyle": look[1], "linewidth": 2}
            lines += axis.plot(result.axes[0], _finite(result[value]), **shown)
            lines[-1].set_label(plain(", ".join(filter(None, texts))) or "_")
    axis.set_ylabel(_axis_label(values, results))
    axis.set_xlabel(plain(label))
    axis.grid(alpha=0.3)
    axis.set_xlim(
        min(result.axes[0][0] for result in results.values()),
        max(result.axes[0][-1] for result in results.values()),
    )
    return lines


def _axis_label(names, results):
    """Returns the label of an axis: one name, or the common part of several."""
    if len(names) == 1:
        return value_label(names[0], results.values())
    kind = names[0].rpartition("_")[2]
    return label_without_penalty(_MIXED.get(kind, kind), results.values())


def _finite(values):
    return np.where(np.isfinite(values), values, np.nan)


def _set_limits(axis, maximum=None):
    """Shows all finite values, or those below a maximum."""
    seen = np.concatenate([np.ravel(line.get_ydata()) for line in axis.get_lines()])
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return
    low, high = seen.min(), seen.max()
    if maximum is not None:
        if maximum <= low:
            raise ValueError(
                f"The maximum must be above the smallest value, {low:.4g}. Received: {maximum}."
            )
        high = min(high, maximum)
    if "%" not in axis.get_ylabel() and low > 0 and high > 20 * low:
        axis.set_yscale("log")
        axis.set_ylim(low / (high / low) ** 0.06, high * (high / low) ** 0.1)
    elif high > low:
        axis.set_ylim(low - 0.06 * (high - low), high + 0.1 * (high - low))


def _draw_marks(axis, results, value):
    """Draws the marked networks as dots, with vertical lines and labels."""
    lines = [line.get_xydata() for line in axis.get_lines()]
    places = []
    for name_of_line, result in results.items():
        for name, place in result.marks.items():
            x = float(np.ravel(place)[0])
            if not result.axes[0][0] <= x <= result.axes[0][-1]:
                continue
            y = float(np.interp(x, result.axes[0], _finite(result[value])))
            y = y if np.isfinite(y) else axis.get_ylim()[0]
            axis.axvline(x, color="black", linewidth=0.8, linestyle=":", zorder=1)
            axis.plot(x, y, "o", color="black", markeredgecolor="white", markersize=6, zorder=5)
            if name != name_of_line:
                places.append((name, (x, y)))
    place_labels(axis, places, lines)


@draws
def plot_rays(
    results: "GridEvaluation | Mapping[str, GridEvaluation]",
    *,
    values: Sequence[str] | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws values along rays from networks: the mean as a thick line, each ray as a thin line.

    Args:
        results: `GridEvaluation` of `Rays`, or dict from label (`"SWA"`, `"SGD"`) to several.
        values: names of the values, one panel each. Default: the train loss and the test error (or
            another test metric).
        title: heading, default none.
        axes: matplotlib axes to draw on, one per value. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is not a complete grid of rays or lacks a value.
    """
    results = as_dict(results)
    if values is None:
        check_grids(results, "Rays", ("train_loss",))
        names = set().union(*(result.names for result in results.values()))
        values = ("train_loss", quality(names))
    check_grids(results, "Rays", values)
    panels = Panels(1, len(values), (4.8 * len(values), 3.8), axes)
    for axis, value in zip(panels.axes, values):
        for index, (name, result) in enumerate(results.items()):
            color, style = STYLES[index % len(STYLES)]
            drawn = _finite(result[value])
            axis.plot(result.axes[0], drawn, "-", color=color, linewidth=0.7, alpha=0.45)
            count = drawn.shape[1]
            text = f"{name}: mean of {count} rays" if name else f"mean of {count} rays"
            axis.plot(
                result.axes[0],
                drawn.mean(1),
                linestyle=style,
                color=color,
                linewidth=2.5,
                label=plain(text),
            )
        axis.set_xlabel("distance from the network, in units of the directions")
        axis.set_ylabel(value_label(value, results.values()))
        axis.margins(x=0)
        axis.grid(alpha=0.3)
        _set_limits(axis)
    panels.legend(columns=4)
    return panels.finish(title)
