"""Barriers: values along segments, their heights against a setting, and layer by layer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mc_tf.plots.curves import drawn_values
from mc_tf.plots.inputs import as_dict
from mc_tf.plots.panels import Panels
from mc_tf.plots.style import STYLES, plain, scale_of_values, value_label

if TYPE_CHECKING:
    from mc_tf.evaluation.results import CurveEvaluation

__all__ = ["plot_barrier", "plot_barriers", "plot_layers"]


def plot_barrier(
    results: "CurveEvaluation | Mapping[str, CurveEvaluation]",
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws values along the segments between two networks, above a line that joins the ends.

    Args:
        results: complete `CurveEvaluation`, or dict from label (`"aligned"`) to several, such as
            `Barrier.results`.
        names: values to draw, one panel each. Default: the test loss and the test error (or another
            test metric).
        title: heading, default none.
        axes: matplotlib axes to draw on, one per value. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is incomplete or lacks one of the values.
    """
    results = as_dict(results)
    names = drawn_values(names, results, "test_loss")
    panels = Panels(1, len(names), (4.6 * len(names), 3.7), axes)
    for axis, name in zip(panels.axes, names):
        for index, (label, result) in enumerate(results.items()):
            color, style = STYLES[index % len(STYLES)]
            line = {"color": color, "linewidth": 2, "label": plain(label or "segment")}
            axis.plot(result.t, result[name], style, **line)
        ends = next(iter(results.values()))[name][[0, -1]]
        axis.plot([0, 1], ends, ":o", color="black", linewidth=1, markersize=5, label="endpoints")
        scale_of_values(axis, name)
        axis.set_xlabel("position t on the segment")
        axis.set_ylabel(value_label(name, results.values()))
        axis.set_xlim(0, 1)
    panels.legend(columns=4)
    return panels.finish(title)


def plot_barriers(
    series: "Mapping[str, Sequence[CurveEvaluation]]",
    *,
    positions: Sequence[float],
    label: str = "width",
    names: Sequence[str] | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws the heights of barriers against a setting, such as the width of the networks.

    Args:
        series: dict from label (`"aligned"`) to a list of `CurveEvaluation`, one per position.
        positions: values of the setting, increasing.
        label: name of the positions.
        names, title, axes: as for `plot_barrier`.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is incomplete or lacks one of the values, or the number of results
            differs from the number of positions.
    """
    every = {}
    for key, results in series.items():
        if len(results) != len(positions):
            raise ValueError(
                f"There must be one result for each of {len(positions)} positions. Received for "
                f"'{key}': {len(results)}."
            )
        every |= {f"{key} at {p:g}": result for p, result in zip(positions, results)}
    names = drawn_values(names, every, "test_loss")
    panels = Panels(1, len(names), (4.6 * len(names), 3.7), axes)
    for axis, name in zip(panels.axes, names):
        for index, (key, results) in enumerate(series.items()):
            color, style = STYLES[index % len(STYLES)]
            heights = [result.summary(name)["barrier"] for result in results]
            axis.plot(positions, heights, style, color=color, marker="o", label=plain(key))
        axis.axhline(0, color="black", linewidth=1, linestyle=":")
        _scale_of_positions(axis, np.asarray(positions, "float64"))
        axis.margins(0.06, 0.08)
        axis.set_ylim(bottom=-0.08 * axis.get_ylim()[1])  # no barrier is below 0
        axis.grid(alpha=0.3)
        axis.set_xlabel(plain(label))
        what = value_label(name, every.values())
        axis.set_ylabel(f"Barrier: {what[0].lower()}{what[1:]}")
    panels.legend(columns=4)
    return panels.finish(title)


def _scale_of_positions(axis, positions):
    """Logarithmic if they span a factor of 4, with room for a zero."""
    above = positions[positions > 0]
    if len(above) and above.max() >= 4 * above.min():
        zero = {"linthresh": above.min(), "linscale": 0.5} if len(above) < len(positions) else {}
        axis.set_xscale("symlog" if zero else "log", **zero)
    axis.set_xticks(positions, [f"{position:g}" for position in positions])
    axis.minorticks_off()


def plot_layers(
    layers: "Mapping[str, Mapping[str, CurveEvaluation]]",
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws how much worse the first network becomes while one layer moves to the second's.

    Args:
        layers: dict from layer to a dict from label to `CurveEvaluation`, such as `Barrier.layers`.
        names, title, axes: as for `plot_barrier`.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if there are no layers, or a result is incomplete or lacks one of the values.
    """
    if not layers:
        raise ValueError("There is nothing to draw: evaluate with `barrier(..., layers=True)`.")
    every = {f"{key}, {layer}": r for layer, by_key in layers.items() for key, r in by_key.items()}
    names = drawn_values(names, every, "test_loss")
    panels = Panels(1, len(names), (4.6 * len(names), 2 + 0.3 * len(layers)), axes, sharey=True)
    for axis, name in zip(panels.axes, names):
        for index, key in enumerate(next(iter(layers.values()))):
            color, _ = STYLES[index % len(STYLES)]
            rises = [by_key[key].rise(name) for by_key in layers.values()]
            marks = {"color": color, "marker": "osD^"[index % 4], "linestyle": "none"}
            axis.plot(rises, range(len(layers)), label=plain(key), **marks)
        axis.set_yticks(range(len(layers)), list(map(plain, layers)))
        axis.set_ylim(len(layers) - 0.5, -0.5)
        axis.grid(alpha=0.3)
        what = value_label(name, every.values())
        axis.set_xlabel(f"{what}, above the first network's")
    panels.legend(columns=4)
    return panels.finish(title)
