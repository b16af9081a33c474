"""Values along curves: figure 2 of the paper, and section A.7."""

import numpy as np

from mc_tf.plots.inputs import as_dict
from mc_tf.plots.repeated import draw_repeated, repetitions_of
from mc_tf.plots.style import STYLES, plt, save, value_label

__all__ = ["check_curves", "plot_curves", "plot_pairs", "plot_widths"]


def check_curves(results, names):
    """Refuses curves that cannot be drawn.

    Args:
        results: dict from label to `CurveEvaluation`.
        names: values that each must have.

    Raises:
        ValueError: if a result is not complete or lacks one of the values.
    """
    for label, result in results.items():
        if not hasattr(result, "t"):
            raise ValueError(
                f"'{label}' is no `CurveEvaluation`, as `evaluate_curve` returns it. Received: "
                f"{type(result).__name__}"
            )
        missing = set(names) - set(result.names)
        if not result.complete or missing:
            raise ValueError(
                f"'{label}' cannot be drawn: {int(result.done.sum())} of {len(result.t)} points "
                f"are evaluated, and the values missing are: {sorted(missing) or 'none'}. There "
                f"are: {', '.join(result.names)}."
            )


def plot_curves(results, path=None, names=("train_loss", "test_error"), title=None):
    """Draws values along one or more curves, as in figures 2 and 8 of the paper.

    Endpoints are dots, bends that a curve passes through are circles. The axis of a loss or
    perplexity is logarithmic where its values span more than a factor of 20.

    Args:
        results: complete `CurveEvaluation`, or dict from label (`"Bezier"`) to several.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        names: values to draw, one panel each.
        title: heading, default none.

    Raises:
        ValueError: if a result is not complete or lacks one of the values.
    """
    results = as_dict(results)
    check_curves(results, names)
    figure, axes = plt.subplots(
        1, len(names), figsize=(4.6 * len(names), 3.7), squeeze=False, layout="constrained"
    )
    for axis, name in zip(axes[0], names):
        low, high = float("inf"), float("-inf")
        for index, (label, result) in enumerate(results.items()):
            color, style = STYLES[index % len(STYLES)]
            values = result[name]
            axis.plot(result.t, values, style, color=color, label=label, linewidth=2)
            at_bends = np.interp(result.bends, result.t, values)
            axis.plot(result.bends, at_bends, "o", color=color, markersize=6, mfc="white")
            axis.plot(result.t[[0, -1]], values[[0, -1]], "o", color="black", markersize=5)
            low, high = min(low, values.min()), max(high, values.max())
        if not name.endswith("error") and 0 < low and high > 20 * low:
            axis.set_yscale("log")
        axis.set_xlabel("position t on the curve")
        axis.set_ylabel(value_label(name, results.values()))
        axis.set_xlim(0, 1)
        axis.margins(y=0.08)
        axis.grid(alpha=0.3)
    if any(results):
        axes[0][0].legend(framealpha=0.85)
    return save(figure, path, title)


def plot_widths(series, path, widths, title=None):
    """Draws the worst train loss and the length ratio of curves against the width (section A.7).

    Axes are logarithmic where their values span a wide range.

    Args:
        series: dict from curve name to a list of `CurveEvaluation`, one for each width.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        widths: list of widths, the factor K of the fully connected layers.
        title: heading, default none.

    Raises:
        ValueError: if a result is not complete or lacks the train loss, or there is not one for
            each width.
    """
    for label, results in series.items():
        if len(results) != len(widths):
            raise ValueError(
                f"There must be a result for each of {len(widths)} widths. Received for "
                f"'{label}': {len(results)}."
            )
        numbered = {f"{label} of width {w:g}": result for w, result in zip(widths, results)}
        check_curves(numbered, ["train_loss"])
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.7), layout="constrained")
    for index, (label, results) in enumerate(series.items()):
        color, style = STYLES[index % len(STYLES)]
        worst = [result.summary("train_loss")["max"] for result in results]
        axes[0].plot(widths, worst, style, marker="o", color=color, label=label.capitalize())
        if all(1 + 1e-6 < result.length_ratio < np.inf for result in results):
            ratios = [result.length_ratio for result in results]
            axes[1].plot(widths, ratios, style, marker="o", color=color, label=label.capitalize())
    ends = [max(result["train_loss"][0], result["train_loss"][-1]) for result in results]
    axes[0].plot(widths, ends, ":", marker="s", color="black", label="worse endpoint")
    axes[0].set_ylabel("Worst train loss on the curve")
    low, high = axes[0].dataLim.intervaly
    if 0 < low and high > 20 * low:
        axes[0].set_yscale("log")
    axes[1].set_ylabel("Length of the curve / of the segment")
    for axis in axes:
        if max(widths) > 10 * min(widths):
            axis.set_xscale("log")
            axis.set_xticks(widths, [f"{width:g}" for width in widths])
            axis.minorticks_off()
        axis.set_xlabel("width K of the fully connected layers")
        axis.margins(y=0.12)
        axis.grid(alpha=0.3)
        if axis.get_legend_handles_labels()[0]:  # no curve may be longer than the segment
            axis.legend(frameon=False)
    return save(figure, path, title)


def plot_pairs(results, path=None, title=None):
    """Draws the error of ensembles of two networks on a curve (figure 2, right).

    Args:
        results: dict from label to what `mc_tf.experiments.parts.pairs.evaluate_pairs` returned,
            or to a list of those of several pairs of networks: their mean is drawn, with a band of
            one standard deviation to each side.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        title: heading, default none.

    Raises:
        ValueError: if positions of several pairs with one label differ.
    """
    results = repetitions_of(results, "t")
    figure, axis = plt.subplots(figsize=(5.4, 3.7), layout="constrained")
    for index, (label, pairs) in enumerate(results.items()):
        color, style = STYLES[index % len(STYLES)]
        line = {"color": color, "linestyle": style, "linewidth": 2, "label": label}
        draw_repeated(axis, pairs, "t", "pair_error", **line)
    errors = [one["pair_error"] for pairs in results.values() for one in pairs]
    low, high = min(e.min() for e in errors), max(e.max() for e in errors)
    if 0 < low and high > 20 * low:
        axis.set_yscale("log")
    axis.set_xlabel("position t of the second network")
    axis.set_ylabel("Error of the ensemble of two (%)")
    axis.set_xlim(0, 1)
    axis.margins(y=0.08)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    return save(figure, path, title)
