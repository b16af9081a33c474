"""Values along curves: figure 2 of the paper, and section A.7."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mc_tf.plots.inputs import as_dict, check_drawable, quality
from mc_tf.plots.panels import Panels
from mc_tf.plots.repeated import draw_repeated, repetitions_of
from mc_tf.plots.saving import draws
from mc_tf.plots.style import STYLES, plain, scale_of_values, value_label

if TYPE_CHECKING:
    from mc_tf.evaluation.results import CurveEvaluation

__all__ = ["check_curves", "drawn_values", "plot_curves", "plot_pairs", "plot_widths"]


def check_curves(results, names):
    """Rejects curves that cannot be drawn.

    Args:
        results: dict from label to `CurveEvaluation`.
        names: names of required values.

    Raises:
        ValueError: if a result is not complete or lacks one of the values.
    """
    for label, result in results.items():
        if not hasattr(result, "t"):
            raise ValueError(
                f"'{label}' must be a `CurveEvaluation`, as `evaluate_curve` returns it. Received: "
                f"{type(result).__name__}"
            )
        check_drawable(label, result, names)


def drawn_values(names, results, loss):
    """Returns names of values that all results have, by default a loss and the test error.

    Args:
        names: names of the values, or `None`.
        results: dict from label to `CurveEvaluation`.
        loss: name of the loss, by default. In the place of the error there may be another metric.

    Raises:
        ValueError: as `check_curves`.
    """
    if names is None:
        check_curves(results, ())
        available = set().union(*(result.names for result in results.values()))
        names = tuple(dict.fromkeys((loss, quality(available))))
    check_curves(results, names)
    return names


@draws
def plot_curves(
    results: "CurveEvaluation | Mapping[str, CurveEvaluation]",
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws values along one or more curves, as in figures 2 and 8 of the paper.

    Endpoints are dots; bends on the curve are circles. The axis of a loss or perplexity is
    logarithmic if its values span more than a factor of 20. Above the panels of a single curve are
    its barriers.

    Args:
        results: complete `CurveEvaluation`, or dict from label (`"Bezier"`) to several.
        names: values to draw, one panel each. Default: the train loss and the test error (or
            another test metric).
        title: heading, default none.
        axes: matplotlib axes to draw on, one per value. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is incomplete or lacks one of the values.
    """
    results = as_dict(results)
    names = drawn_values(names, results, "train_loss")
    panels = Panels(1, len(names), (4.6 * len(names), 3.7), axes)
    for axis, name in zip(panels.axes, names):
        for index, (label, result) in enumerate(results.items()):
            color, style = STYLES[index % len(STYLES)]
            values = result[name]
            line = {"color": color, "linewidth": 2, "label": plain(label)}
            axis.plot(result.t, values, style, **line)
            at_bends = np.interp(result.bends, result.t, values)
            axis.plot(result.bends, at_bends, "o", color=color, markersize=6, mfc="white")
            axis.plot(result.t[[0, -1]], values[[0, -1]], "o", color="black", markersize=5)
        scale_of_values(axis, name)
        axis.set_xlabel("position t on the curve")
        axis.set_ylabel(value_label(name, results.values()))
        axis.set_xlim(0, 1)
        if len(results) == 1:
            axis.set_title(f"barrier {result.summary(name)['barrier']:.3g}", fontsize=10)
    if any(results):
        panels.legend(columns=4)
    return panels.finish(title)


@draws
def plot_widths(
    series: "Mapping[str, Sequence[CurveEvaluation]]",
    *,
    widths: Sequence[float],
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws the worst train loss and the length ratio of curves against the width (section A.7).

    Axes are logarithmic if their values span a wide range.

    Args:
        series: dict from curve name to a list of `CurveEvaluation`, one per width.
        widths: list of widths, the factor K of the fully connected layers.
        title: heading, default none.
        axes: two matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is incomplete or lacks the train loss, or the number of results
            differs from the number of widths.
    """
    for label, results in series.items():
        if len(results) != len(widths):
            raise ValueError(
                f"There must be one result for each of {len(widths)} widths. Received for "
                f"'{label}': {len(results)}."
            )
        numbered = {f"{label} of width {w:g}": result for w, result in zip(widths, results)}
        check_curves(numbered, ["train_loss"])
    panels = Panels(1, 2, (9.2, 3.7), axes)
    worst_loss, length = panels.axes
    for index, (label, results) in enumerate(series.items()):
        color, style = STYLES[index % len(STYLES)]
        line = {"marker": "o", "color": color, "label": plain(label.capitalize())}
        worst = [result.summary("train_loss")["max"] for result in results]
        worst_loss.plot(widths, worst, style, **line)
        if all(1 + 1e-6 < result.length_ratio < np.inf for result in results):
            length.plot(widths, [result.length_ratio for result in results], style, **line)
    ends = [max(result["train_loss"][0], result["train_loss"][-1]) for result in results]
    worst_loss.plot(widths, ends, ":", marker="s", color="black", label="worse endpoint")
    worst_loss.set_ylabel("Worst train loss on the curve")
    length.set_ylabel("Length of the curve / of the segment")
    scale_of_values(worst_loss, "train_loss", 0.12)
    scale_of_values(length, "error", 0.12)
    for axis in panels.axes:
        if max(widths) > 10 * min(widths):
            axis.set_xscale("log")
            axis.set_xticks(widths, [f"{width:g}" for width in widths])
            axis.minorticks_off()
        axis.set_xlabel("width K of the fully connected layers")
    panels.legend(columns=4)
    return panels.finish(title)


@draws
def plot_pairs(
    results: Mapping[str, Mapping[str, np.ndarray] | Sequence[Mapping[str, np.ndarray]]],
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws the error of ensembles of two networks on a curve (figure 2, right).

    Args:
        results: dict from label to a result of
            `mc_tf.experiments.parts.curve_ensembles.evaluate_pairs`, or to a list of results for
            several pairs of networks: their mean and a band of one standard deviation are drawn.
        title: heading, default none.
        ax: matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if positions of pairs with the same label differ.
    """
    results = repetitions_of(results, "t")
    panels = Panels(1, 1, (5.4, 3.7), ax)
    (axis,) = panels.axes
    for index, (label, pairs) in enumerate(results.items()):
        color, style = STYLES[index % len(STYLES)]
        line = {"color": color, "linestyle": style, "linewidth": 2, "label": plain(label)}
        draw_repeated(axis, pairs, "t", "pair_error", **line)
    scale_of_values(axis, "pair")
    axis.set_xlabel("position t of the second network")
    axis.set_ylabel("Error of the ensemble of two (%)")
    axis.set_xlim(0, 1)
    if any(results):
        panels.legend(columns=4)
    return panels.finish(title)
