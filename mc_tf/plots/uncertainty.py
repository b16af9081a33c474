"""Reliability diagrams, risk-coverage curves, and scores on corrupted images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mc_tf.plots.inputs import as_dict
from mc_tf.plots.panels import Panels
from mc_tf.plots.repeated import draw_repeated, repetitions_of
from mc_tf.plots.style import STYLES, plain

if TYPE_CHECKING:
    from mc_tf.ensemble.results import EnsembleEvaluation

__all__ = ["plot_corruptions", "plot_reliability", "plot_risk_coverage"]

_LARGEST = 150  # area of the dot of a bin with all predictions, in square points
_SMALLEST = 6


def plot_reliability(
    results: "EnsembleEvaluation | Mapping[str, EnsembleEvaluation]",
    *,
    num_bins: int = 15,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws a reliability diagram: accuracy against confidence (Guo et al. 2017).

    Dots are at the mean confidence and the accuracy of the predictions in a bin of the confidence,
    the largest class probability. The area of a dot grows with the share of predictions in its bin.
    Below the diagonal, predictions are overconfident. The legend shows the expected calibration
    error (ECE).

    Args:
        results: `mc_tf.ensemble.EnsembleEvaluation`, or dict from label (`"FGE"`) to several.
        num_bins: number of bins of equal width. Default 15.
        title: heading, default none.
        ax: matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is of another type, or of a regression.
    """
    panels = Panels(1, 1, (5.4, 4.6), ax)
    (axis,) = panels.axes
    axis.plot([0, 1], [0, 1], color="black", linewidth=0.8, label="accuracy = confidence")
    lowest = 1.0
    for (label, result), (color, style) in _styled(results):
        bins = result.reliability(num_bins)
        filled = bins["share"] > 0
        sure, right, share = (bins[name][filled] for name in ("confidence", "accuracy", "share"))
        error = float((share * np.abs(right - sure)).sum())
        text = f"{label}: ECE {error:.4f}" if label else f"calibration error {error:.4f}"
        axis.plot(sure, right, style, color=color, linewidth=1.2, label=plain(text))
        areas = _SMALLEST + _LARGEST * share
        axis.scatter(sure, right, areas, color=color, edgecolors="white", linewidths=0.5, zorder=3)
        lowest = min(lowest, sure.min())
    axis.set_xlim(np.floor(10 * lowest - 0.2) / 10, 1.02)
    axis.set_ylim(-0.03, 1.03)
    axis.set_xlabel("confidence: mean of the largest probability")
    axis.set_ylabel("Accuracy")
    axis.grid(alpha=0.3)
    panels.legend()
    return panels.finish(title)


def plot_risk_coverage(
    results: "EnsembleEvaluation | Mapping[str, EnsembleEvaluation]",
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws the error of the most certain predictions against their share.

    At the right end is the error of all predictions. The legend shows the area under each curve,
    `mc_tf.metrics.area_under_risk_coverage`.

    Args:
        results: `mc_tf.ensemble.EnsembleEvaluation`, or dict from label (`"FGE"`) to several.
        title: heading, default none.
        ax: matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is of another type, or of a regression.
    """
    panels = Panels(1, 1, (5.4, 3.7), ax)
    (axis,) = panels.axes
    for (label, result), (color, style) in _styled(results):
        coverage, risk = result.risk_coverage()
        sizes = np.diff(coverage, prepend=0)
        area = f"area {float((risk * sizes).sum()):.5f}"
        text = plain(f"{label}: {area}" if label else area)
        options = {"color": color, "linestyle": style, "linewidth": 1.6, "label": text}
        axis.plot(100 * coverage, 100 * risk, drawstyle="steps-post", **options)
    axis.set_xlabel("coverage: share of the predictions, the most certain first (%)")
    axis.set_ylabel("Error of these (%)")
    axis.set_xlim(0, 100)
    axis.margins(y=0.08)
    axis.grid(alpha=0.3)
    panels.legend()
    return panels.finish(title)


_LABELS = {"error": "Error (%)", "loss": "Loss", "calibration_error": "Calibration error"}


def plot_corruptions(
    results: Mapping[str, Mapping[str, np.ndarray] | Sequence[Mapping[str, np.ndarray]]],
    *,
    names: Sequence[str] = ("error", "calibration_error"),
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws scores on corrupted images against the strength (after Ovadia et al. 2019, figure 1).

    Lines are means over the kinds of corruptions.

    Args:
        results: dict from label (`"FGE"`) to the dict of arrays that an `Uncertainty` step of
            `mc_tf.experiments` writes to `NAME-corrupted.npz`: scores `(kinds, strengths)` and
            `strength` `(strengths,)`. Or to a list of such dicts for repetitions: their mean is
            drawn with a band of one standard deviation.
        names: names of scores. Default: the error and the calibration error.
        title: heading, default none.
        axes: matplotlib axes to draw on, one for each name. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if strengths of repetitions with the same label differ.
    """
    results = repetitions_of(results, "strength")
    panels = Panels(1, len(names), (4.4 * len(names), 3.7), axes)
    for axis, name in zip(panels.axes, names):
        for index, (label, repetitions) in enumerate(results.items()):
            color, style = STYLES[index % len(STYLES)]
            parts = [{"strength": r["strength"], name: r[name].mean(0)} for r in repetitions]
            line = {"color": color, "linestyle": style, "marker": "o", "label": plain(label)}
            draw_repeated(axis, parts, "strength", name, markersize=4, **line)
        axis.set_xticks(parts[0]["strength"])
        axis.set_xlabel("strength of the corruption")
        axis.set_ylabel(_LABELS.get(name, plain(name.replace("_", " "))))
        axis.grid(alpha=0.3)
    panels.legend(columns=3)
    return panels.finish(title)


def _styled(results):
    """Results by label, each with its color and line style."""
    results = as_dict(results)
    for index, (label, result) in enumerate(results.items()):
        if not hasattr(result, "reliability"):
            raise ValueError(
                f"'{label}' must be an `EnsembleEvaluation`, as `evaluate_members` returns it. "
                f"Received: {type(result).__name__}"
            )
        yield (label, result), STYLES[index % len(STYLES)]
