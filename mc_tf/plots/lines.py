"""Values along lines and rays in weight space: Li et al.'s 1-D plots, figures 4 and 5 of SWA."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mc_tf.plots.inputs import as_dict, check_grids, quality
from mc_tf.plots.marks import place_labels
from mc_tf.plots.panels import Panels
from mc_tf.plots.saving import draws
from mc_tf.plots.style import STYLES, label_without_penalty, plain, value_label

if TYPE_CHECKING:
    from mc_tf.landscape.results import GridEvaluation

__all__ = ["plot_line", "plot_rays"]

_QUALITIES = ("error", "perplexity")
_PARTS = ("train", "validation", "test")
_PART_STYLES = {"train": "-", "validation": ":", "test": "--"}
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

    Several values: one panel per result, with losses on the left axis and errors (or perplexities)
    on the right; values on training data are solid, on test data dashed. One value: all results in
    one panel. A loss axis is logarithmic if its values span more than a factor of 20.

    Args:
        results: `GridEvaluation` of a `Line`, or dict from label to several.
        values: names of the values. Default: loss and error on training and test data, if available
            in every result.
        maximum: upper limit of the loss axis. Default: the largest finite value.
        title: heading, default none.
        label: label of the horizontal axis; for `Line.through` it is the distance from the first
            network.
        axes: matplotlib axes to draw on, one per panel. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is not a complete grid of a line or lacks a value.
    """
    results = as_dict(results)
    check_grids(results, "Line", values or ["train_loss"])
    values = list(values or _found(results))
    if len(values) == 1:
        shown = [results]
    else:
        shown = [{name: result} for name, result in results.items()]
    panels = Panels(1, len(shown), (5.2 * len(shown), 3.8), axes)
    drawn = [_draw_panel(axis, each, values, label) for axis, each in zip(panels.axes, shown)]
    _share_limits([axis for axis, _, _ in drawn], maximum)
    _share_limits([twin for _, twin, _ in drawn if twin is not None])
    if len(values) > 1 or len(results) > 1:
        panels.legend(drawn[0][2], columns=2 * len(shown), on=drawn[0][1])
    for axis, name in zip(panels.axes, results if len(shown) > 1 else ()):
        axis.set_title(plain(name))
    figure = panels.finish(title)
    for (axis, twin, _), each in zip(drawn, shown):
        _draw_marks(axis, twin, each, values)
    return figure


def _found(results):
    """Returns loss and error (or perplexity) values available in every result."""
    there = set.intersection(*(set(result.names) for result in results.values()))
    for kind in _QUALITIES:
        names = [f"{part}_{value}" for value in ("loss", kind) for part in ("train", "test")]
        if f"train_{kind}" in there:
            break
    return [name for name in names if name in there] or ["train_loss"]


def _draw_panel(axis, panel, values, label):
    """Draws one panel; returns its left axis, its right axis (or None), and the lines."""
    left = [name for name in values if not name.endswith(_QUALITIES)]
    right = [name for name in values if name not in left]
    if not left or len(values) == 1:
        left, right = values, []
    twin = axis.twinx() if right else None
    lines = []
    for result_index, (name, result) in enumerate(panel.items()):
        for index, value in enumerate(values):
            on, group = (twin, right) if value in right else (axis, left)
            part = value.partition("_")[0]
            color, style = STYLES[(result_index if len(values) == 1 else int(on is axis)) % 6]
            if len(values) > 1:
                style = _PART_STYLES.get(part, ("-.", (0, (1, 3)))[index % 2])
            text = name if len(values) == 1 else value_label(value).removesuffix(" (with L2)")
            drawn = on.plot(
                result.axes[0], _finite(result[value]), linestyle=style, color=color, linewidth=2
            )
            drawn[0].set_label(plain(text))
            lines += drawn
            on.set_ylabel(_axis_label(group, panel), color=color if right else "black")
            if right:
                on.tick_params(axis="y", colors=color)
    axis.set_xlabel(plain(label))
    axis.grid(alpha=0.3)
    axis.set_xlim(
        min(result.axes[0][0] for result in panel.values()),
        max(result.axes[0][-1] for result in panel.values()),
    )
    return axis, twin, lines


def _axis_label(names, panel):
    """Returns the label of an axis: one name, or the common part of several."""
    kinds = {name.rpartition("_")[2] for name in names}
    if len(names) == 1 or len(kinds) > 1:
        return ", ".join(value_label(name, panel.values()) for name in names)
    kind = kinds.pop()
    return label_without_penalty(_MIXED.get(kind, kind), panel.values())


def _finite(values):
    return np.where(np.isfinite(values), values, np.nan)


def _share_limits(axes, maximum=None):
    """Makes axes share one scale."""
    drawn = [line.get_ydata() for axis in axes for line in axis.get_lines()]
    seen = np.concatenate([np.ravel(values) for values in drawn]) if drawn else np.zeros(0)
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
    percent = any("%" in axis.get_ylabel() for axis in axes)
    logarithmic = not percent and low > 0 and high > 20 * low
    for axis in axes:
        if logarithmic:
            axis.set_yscale("log")
            axis.set_ylim(low / (high / low) ** 0.06, high * (high / low) ** 0.1)
        elif high > low:
            axis.set_ylim(low - 0.06 * (high - low), high + 0.1 * (high - low))


def _draw_marks(axis, twin, panel, values):
    """Draws the marked networks as dots, with vertical lines and labels."""
    value = values[0]
    on = twin if twin is not None and value.endswith(_QUALITIES) else axis
    axis.figure.draw_without_rendering()
    lines = []
    for drawn_on in {axis, on, twin or axis}:
        to_data = drawn_on.transData + on.transData.inverted()
        lines += [to_data.transform(line.get_xydata()) for line in drawn_on.get_lines()]
    places = []
    for name_of_line, result in panel.items():
        for name, place in result.marks.items():
            x = float(np.ravel(place)[0])
            if not result.axes[0][0] <= x <= result.axes[0][-1]:
                continue
            y = float(np.interp(x, result.axes[0], _finite(result[value])))
            y = y if np.isfinite(y) else on.get_ylim()[0]
            axis.axvline(x, color="black", linewidth=0.8, linestyle=":", zorder=1)
            on.plot(x, y, "o", color="black", markeredgecolor="white", markersize=6, zorder=5)
            if name != name_of_line:
                places.append((name, (x, y)))
    place_labels(twin or axis, places, lines, on)


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
        _share_limits([axis])
    panels.legend(columns=4)
    return panels.finish(title)
