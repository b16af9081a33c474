"""Ensembles of networks on curves, before and after rescaling: figure 6 of the paper."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mc_tf.plots.curves import check_curves
from mc_tf.plots.panels import Panels
from mc_tf.plots.saving import draws
from mc_tf.plots.style import STYLES, plain, scale_of_values, value_label

if TYPE_CHECKING:
    from mc_tf.ensemble.results import EnsembleEvaluation
    from mc_tf.evaluation.results import CurveEvaluation

__all__ = ["plot_curve_ensembles"]

_RESCALED = {
    "--": "ensemble (left) and networks (right) before rescaling",
    ":": "the same after rescaling",
}


@draws
def plot_curve_ensembles(
    results: "Mapping[str, CurveEvaluation]",
    *,
    ensembles: "Mapping[str, tuple[EnsembleEvaluation, EnsembleEvaluation]]",
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws curves and the ensembles of networks on them (figure 6).

    Four panels: train error, train loss, test error with ensembles as horizontal lines, and the
    cross-entropy of the networks on the test data. Ensembles and networks are dashed before
    rescaling of logits and dotted after it.

    Args:
        results: dict from label (`"Polychain"`) to complete `CurveEvaluation`.
        ensembles: dict from label to two `EnsembleEvaluation`s of equally spaced networks on that
            curve: without and with temperatures.
        title: heading, default none.
        axes: four matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is incomplete or lacks one of the values, or an ensemble has no
            curve.
    """
    values = ("train_error", "train_loss", "test_error")
    check_curves(results, values)
    if not ensembles or not set(ensembles) <= set(results):
        raise ValueError(
            "Each ensemble needs the curve with its label. Received ensembles of: "
            f"{', '.join(ensembles) or 'none'}; curves: {', '.join(results)}."
        )
    panels = Panels(2, 2, (9.2, 6.6), axes, sharex=True)
    error, cross_entropy = panels.axes[2:]
    for index, (label, result) in enumerate(results.items()):
        color, _ = STYLES[index % len(STYLES)]
        for name, axis in zip(values, panels.axes):
            axis.plot(result.t, result[name], color=color, label=plain(label), linewidth=2)
            axis.set_ylabel(value_label(name, results.values()))
        for style, ensemble in zip(_RESCALED, ensembles.get(label, ())):
            loss = ensemble.members["loss"]
            cross_entropy.plot(np.linspace(0, 1, len(loss)), loss, style, color=color)
            error.axhline(ensemble.scores["error"], linestyle=style, color=color)
    cross_entropy.set_ylabel("Test cross-entropy of each network")
    for axis in panels.axes:
        axis.set_xlim(0, 1)
        scale_of_values(axis, "error")
    for axis in panels.axes[2:]:
        axis.set_xlabel("position t on the curve")
    handles = panels.axes[0].get_legend_handles_labels()[0]
    for style, text in _RESCALED.items():
        handles.append(Line2D([], [], color="black", linestyle=style, label=text))
    panels.legend(handles, columns=3)
    return panels.finish(title)
