"""Figures from result files; no model is loaded here."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from mc_tf.files import atomic_path  # noqa: E402

__all__ = ["plot_curves"]

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
    "regularization": "L2 term",
}


def plot_curves(results, path, names=("train_loss", "test_error"), title=None):
    """Draws values along one or more curves, as in figure 2 of the paper.

    The axis of a loss is logarithmic where its values span more than a factor of 20.

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
        if "loss" in name and 0 < low and high > 20 * low:
            axis.set_yscale("log")
        axis.set_xlabel("position t on the curve")
        axis.set_ylabel(_LABELS.get(name, name.replace("_", " ")))
        axis.set_xlim(0, 1)
        axis.margins(y=0.08)
        axis.grid(alpha=0.3)
    axes[0][0].legend(frameon=False)
    if title:
        figure.suptitle(title)
    try:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150)
    finally:
        plt.close(figure)
