"""Ensembles of the networks on curves, before and after rescaling: figure 6 of the paper."""

import numpy as np

from mc_tf.plots.curves import check_curves
from mc_tf.plots.style import STYLES, plt, save, value_label

__all__ = ["plot_curve_ensembles"]


def plot_curve_ensembles(results, path, ensembles, title=None):
    """Draws curves and the ensembles of networks on them (figure 6).

    Four panels: train error, train loss, test error with the ensembles' as horizontal lines, and
    the cross-entropy on the test data before and after the logits are rescaled.

    Args:
        results: dict from label (`"Polychain"`) to complete `CurveEvaluation`.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        ensembles: dict from label to two `EnsembleEvaluation`s of equally spaced networks on that
            curve: without temperatures and with them.
        title: heading, default none.

    Raises:
        ValueError: if a result is not complete or lacks one of the values, or an ensemble belongs
            to no curve.
    """
    values = ("train_error", "train_loss", "test_error")
    check_curves(results, values)
    if not ensembles or not set(ensembles) <= set(results):
        raise ValueError(
            "Each ensemble needs the curve with its label. Received ensembles of: "
            f"{', '.join(ensembles) or 'none'}; curves: {', '.join(results)}."
        )
    figure, axes = plt.subplots(2, 2, figsize=(9.2, 7), sharex=True, layout="constrained")
    panels = dict(zip(values, (axes[0, 0], axes[0, 1], axes[1, 0])))
    for index, (label, result) in enumerate(results.items()):
        color, style = STYLES[index % len(STYLES)]
        for name, axis in panels.items():
            axis.plot(result.t, result[name], style, color=color, label=label, linewidth=2)
            axis.set_ylabel(value_label(name, results.values()))
        for name, dashes, found in zip(("before", "after"), ("--", ":"), ensembles.get(label, ())):
            loss = found.members["loss"]
            places = np.linspace(0, 1, len(loss))
            line = "-" if name == "before" else dashes
            axes[1, 1].plot(places, loss, line, color=color, label=f"{label}, {name} rescaling")
            axes[1, 0].axhline(
                found.scores["error"],
                linestyle=dashes,
                color=color,
                label=f"Ensemble on {label}, {name} rescaling",
            )
    axes[1, 1].set_ylabel("Test cross-entropy")
    for axis in axes.flat:
        axis.set_xlim(0, 1)
        axis.margins(y=0.08)
        axis.grid(alpha=0.3)
    for axis in axes[1]:
        axis.set_xlabel("position t on the curve")
    handles = [handle for axis in axes[1] for handle in axis.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return save(figure, path, title)
