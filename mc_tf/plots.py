"""Figures from result files; no model is loaded here."""

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "mc_tf"
from matplotlib import pyplot as plt  # noqa: E402

from mc_tf.files import atomic_path  # noqa: E402

__all__ = [
    "plot_budgets",
    "plot_curves",
    "plot_ensembles",
    "plot_pairs",
    "plot_trajectory",
    "plot_widths",
]

# Okabe and Ito's colours, which the colour-blind can tell apart; line styles as a second mark.
_STYLES = [
    ("#D55E00", "-"),
    ("#0072B2", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
    ("#E69F00", "-"),
    ("#56B4E9", "--"),
]
_LABELS = {
    "train_loss": "Train loss (with L2)",
    "train_error": "Train error (%)",
    "test_loss": "Test loss (with L2)",
    "test_error": "Test error (%)",
    "train_perplexity": "Train perplexity",
    "validation_perplexity": "Validation perplexity",
    "test_perplexity": "Test perplexity",
    "regularization": "L2 term",
}


def plot_curves(results, path, names=("train_loss", "test_error"), title=None):
    """Draws values along one or more curves, as in figure 2 of the paper.

    The axis of a loss or perplexity is logarithmic where its values span more than a factor of 20.

    Args:
        results: dict from label (`"Bezier"`) to complete `CurveEvaluation`.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format.
        names: values to draw, one panel each.
        title: heading, default none.

    Raises:
        ValueError: if a result is not complete or lacks one of the values.
    """
    for label, result in results.items():
        missing = set(names) - set(result.names)
        if not result.complete or missing:
            raise ValueError(
                f"'{label}' cannot be drawn: {int(result.done.sum())} of {len(result.t)} points "
                f"are evaluated, and the values missing are: {sorted(missing) or 'none'}. There "
                f"are: {', '.join(result.names)}."
            )
    figure, axes = plt.subplots(
        1, len(names), figsize=(4.6 * len(names), 3.7), squeeze=False, layout="constrained"
    )
    for axis, name in zip(axes[0], names):
        low, high = float("inf"), float("-inf")
        for index, (label, result) in enumerate(results.items()):
            color, style = _STYLES[index % len(_STYLES)]
            values = result[name]
            axis.plot(result.t, values, style, color=color, label=label, linewidth=2)
            axis.plot(result.t[[0, -1]], values[[0, -1]], "o", color="black", markersize=5)
            low, high = min(low, values.min()), max(high, values.max())
        if not name.endswith("error") and 0 < low and high > 20 * low:
            axis.set_yscale("log")
        axis.set_xlabel("position t on the curve")
        axis.set_ylabel(_LABELS.get(name, name.replace("_", " ")))
        axis.set_xlim(0, 1)
        axis.margins(y=0.08)
        axis.grid(alpha=0.3)
    axes[0][0].legend(frameon=False)
    _save(figure, path, title)


def plot_widths(widths, series, path, title=None):
    """Draws the worst train loss and the length ratio of curves against the width (section A.7).

    Axes are logarithmic where their values span a wide range.

    Args:
        widths: list of widths, the factor K of the fully connected layers.
        series: dict from curve name to a list of `CurveEvaluation`, one for each width.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format.
        title: heading, default none.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.7), layout="constrained")
    for index, (label, results) in enumerate(series.items()):
        color, style = _STYLES[index % len(_STYLES)]
        worst = [result.summary("train_loss")["max"] for result in results]
        axes[0].plot(widths, worst, style, marker="o", color=color, label=label.capitalize())
        if all(result.length_ratio > 1 + 1e-6 for result in results):
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
    _save(figure, path, title)


def plot_ensembles(results, path, title=None):
    """Draws the error of ensembles, and of their members, against the number of members.

    Args:
        results: dict from label (`"FGE"`) to `mc_tf.ensemble.EnsembleEvaluation`.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format.
        title: heading, default none.
    """
    figure, axis = plt.subplots(figsize=(5.4, 3.7), layout="constrained")
    for index, (label, result) in enumerate(results.items()):
        color, style = _STYLES[index % len(_STYLES)]
        numbers = range(1, len(result.members["error"]) + 1)
        name = f"{label}: " if label else ""
        axis.plot(
            numbers,
            result.cumulative["error"],
            style,
            marker="o",
            color=color,
            label=f"{name}ensemble of the first members",
        )
        axis.plot(numbers, result.members["error"], "x", color=color, label=f"{name}each member")
    axis.set_xlabel("number of members")
    axis.set_ylabel("Error (%)")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.margins(y=0.12)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    _save(figure, path, title)


def plot_trajectory(result, path, title=None):
    """Draws learning rate, error and distance of a training in cycles (figure 3, left).

    Args:
        result: what `mc_tf.ensembling.evaluate_trajectory` returned.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format.
        title: heading, default none.
    """
    panels = {
        "learning_rate": "Learning rate",
        "error": "Test error (%)",
        "distance_from_start": "Distance from the start",
    }
    figure, axes = plt.subplots(len(panels), 1, figsize=(6, 6.6), sharex=True, layout="constrained")
    rate = result["learning_rate"]
    lowest = rate <= 1.001 * rate.min()
    for axis, (name, label), (color, _) in zip(axes, panels.items(), _STYLES):
        axis.plot(result["step"], result[name], "-", color=color, linewidth=2)
        axis.plot(
            result["step"][lowest],
            result[name][lowest],
            "o",
            color="black",
            markersize=5,
            label="smallest rate",
        )
        axis.set_ylabel(label)
        axis.margins(y=0.1)
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    axes[-1].set_xlabel("step")
    _save(figure, path, title)


def plot_budgets(results, path, title=None):
    """Draws the error of ensembles against the epochs that they took (figure 3, right).

    Args:
        results: dict from label (`"FGE"`) to `(epochs, errors)`, two sequences.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format.
        title: heading, default none.
    """
    figure, axis = plt.subplots(figsize=(5.4, 3.7), layout="constrained")
    for index, (label, (epochs, errors)) in enumerate(results.items()):
        color, style = _STYLES[index % len(_STYLES)]
        axis.plot(epochs, errors, style, marker="o", color=color, label=label)
    axis.set_xlabel("epochs of training in all")
    axis.set_ylabel("Error of the ensemble (%)")
    axis.margins(y=0.12)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    _save(figure, path, title)


def plot_pairs(results, path, title=None):
    """Draws the error of ensembles of two networks on a curve (figure 2, right).

    Args:
        results: dict from label to what `mc_tf.pairs.evaluate_pairs` returned.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format.
        title: heading, default none.
    """
    figure, axis = plt.subplots(figsize=(5.4, 3.7), layout="constrained")
    for index, (label, result) in enumerate(results.items()):
        color, style = _STYLES[index % len(_STYLES)]
        axis.plot(result["t"], result["pair_error"], style, color=color, label=label, linewidth=2)
    ends = [result["pair_error"] for result in results.values()]
    low, high = min(e.min() for e in ends), max(e.max() for e in ends)
    if 0 < low and high > 20 * low:
        axis.set_yscale("log")
    axis.set_xlabel("position t of the second network")
    axis.set_ylabel("Error of the ensemble of two (%)")
    axis.set_xlim(0, 1)
    axis.margins(y=0.08)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    _save(figure, path, title)


def _save(figure, path, title):
    if title:
        figure.suptitle(title)
    # An SVG file would hold the time, and names drawn at random: equal figures, equal files.
    metadata = {"Date": None} if str(path).endswith(".svg") else None
    try:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150, metadata=metadata)
    finally:
        plt.close(figure)
