"""Ensembles, and cyclic training: figure 3 of the paper."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mc_tf.plots.inputs import as_dict
from mc_tf.plots.panels import Panels
from mc_tf.plots.repeated import draw_repeated, repetitions_of
from mc_tf.plots.saving import draws
from mc_tf.plots.style import STYLES, number_labels, plain, scale_of_values

if TYPE_CHECKING:
    from mc_tf.ensemble.results import EnsembleEvaluation

__all__ = ["plot_budgets", "plot_ensembles", "plot_mean_prediction", "plot_trajectory"]


@draws
def plot_ensembles(
    results: "EnsembleEvaluation | Mapping[str, EnsembleEvaluation]",
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws the error (for a regression, the loss) of ensembles and members.

    Circles are ensembles of members 1 to n, crosses are single members.

    Args:
        results: `mc_tf.ensemble.EnsembleEvaluation`, or dict from label (`"FGE"`) to several.
        title: heading, default none.
        ax: matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if a result is of another type.
    """
    results = as_dict(results)
    for label, result in results.items():
        if not hasattr(result, "members"):
            raise ValueError(
                f"'{label}' must be an `EnsembleEvaluation`, as `evaluate_members` returns it. "
                f"Received: {type(result).__name__}"
            )
    value = "error" if all("error" in each.members for each in results.values()) else "loss"
    panels = Panels(1, 1, (5.4, 3.7), ax)
    (axis,) = panels.axes
    for index, (label, result) in enumerate(results.items()):
        color, style = STYLES[index % len(STYLES)]
        numbers = range(1, len(result.members[value]) + 1)
        name = f"{plain(label)}: " if label else ""
        grown = {"marker": "o", "color": color, "label": f"{name}members 1 to n", "mfc": "white"}
        axis.plot(numbers, result.cumulative[value], style, **grown)
        single = {"color": color, "zorder": 3, "label": f"{name}member n"}
        axis.plot(numbers, result.members[value], "x", **single)
    axis.set_xlabel("n")
    axis.set_ylabel("Error (%)" if value == "error" else "Loss")
    axis.xaxis.get_major_locator().set_params(integer=True)
    scale_of_values(axis, "error", 0.12)
    panels.legend()
    return panels.finish(title)


@draws
def plot_trajectory(
    result: Mapping[str, np.ndarray],
    *,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws learning rate, error and distance during cyclic training (figure 3, left).

    Args:
        result: result of `mc_tf.experiments.parts.ensemble_files.evaluate_trajectory`.
        title: heading, default none.
        axes: three matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.
    """
    drawn = {
        "learning_rate": "Learning rate",
        "error": "Error (%)",
        "distance_from_start": "Distance from the start",
    }
    panels = Panels(len(drawn), 1, (6, 6.4), axes, sharex=True)
    rate = result["learning_rate"]
    lowest = rate <= 1.001 * rate.min()
    for axis, (name, label), (color, _) in zip(panels.axes, drawn.items(), STYLES):
        axis.plot(result["step"], result[name], "-", color=color, linewidth=2)
        dots = {"color": "black", "markersize": 5, "label": "smallest rate"}
        axis.plot(result["step"][lowest], result[name][lowest], "o", **dots)
        axis.set_ylabel(label)
        scale_of_values(axis, "error", 0.1)
    panels.axes[-1].set_xlabel("step")
    panels.legend()
    return panels.finish(title)


@draws
def plot_budgets(
    results: Mapping[str, Mapping[str, np.ndarray] | Sequence[Mapping[str, np.ndarray]]],
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws the error of ensembles against training epochs (figure 3, right).

    Diamonds are ensembles of all networks so far, crosses are single networks. A line joins the
    networks of one training.

    Args:
        results: dict from label (`"FGE"`) to a dict of arrays, one entry per member: total `epochs`
            of training, `error` of the ensemble so far, `member_error` and, for several trainings,
            `run`, the index of the training. Or to a list of such dicts for repetitions: the mean
            of ensembles is drawn with a band of one standard deviation, and the networks of all
            repetitions.
        title: heading, default none.
        ax: matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if epochs of repetitions with the same label differ.
    """
    results = repetitions_of(results, "epochs")
    panels = Panels(1, 1, (5.4, 3.7), ax)
    (axis,) = panels.axes
    for index, (label, repetitions) in enumerate(results.items()):
        color, style = STYLES[index % len(STYLES)]
        line = {"color": color, "linestyle": style, "marker": "D", "markersize": 5}
        runs = np.asarray(repetitions[0].get("run", np.zeros(len(repetitions[0]["epochs"]))))
        for number, run in enumerate(np.unique(runs)):
            parts = [
                {name: np.asarray(one[name])[runs == run] for name in ("epochs", "error")}
                for one in repetitions
            ]
            text = {} if number else {"label": plain(label)}
            draw_repeated(axis, parts, "epochs", "error", **line, **text)
        for one in repetitions:
            axis.plot(one["epochs"], one["member_error"], "x", color=color, markersize=4)
    axis.plot([], [], "x", color="black", label="one network")
    axis.set_xlabel("training epochs in total")
    axis.set_ylabel("Error (%)")
    scale_of_values(axis, "error", 0.12)
    panels.legend(columns=4)
    return panels.finish(title)


@draws
def plot_mean_prediction(
    result: Mapping[str, np.ndarray], *, title: str | None = None, ax: Axes | None = None
) -> Figure:
    """Draws distances of predictions from the mean-weight prediction (arXiv 1803.05407, 3.5).

    Thin lines are proportional to the distance of the members and to its square. If the curves are
    parallel to them, the difference of one member is of first order, and of the mean of second
    order.

    Args:
        result: result of `mc_tf.experiments.parts.ensemble_files.evaluate_mean_prediction`.
        title: heading. Default: a description; `""` for none.
        ax: matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.
    """
    panels = Panels(1, 1, (5.4, 3.7), ax)
    (axis,) = panels.axes
    distance = result["distance"]
    lines = {
        "member_difference": ("one member", 1, "proportional to the distance"),
        "mean_difference": ("mean of all members", 2, "proportional to its square"),
    }
    for (name, (label, order, slope)), (color, style) in zip(lines.items(), STYLES):
        values = result[name]
        axis.plot(distance, values, style, marker="o", color=color, label=label)
        first = values[0] * (distance / distance[0]) ** order
        axis.plot(distance, first, style, color="black", linewidth=0.8, zorder=1, label=slope)
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(distance, number_labels(distance[::-1])[::-1])
    axis.minorticks_off()
    axis.set_xlabel("distance of the members from their mean")
    axis.set_ylabel("Difference of the prediction")
    axis.grid(alpha=0.3, which="both")
    panels.legend()
    default = "Distance of predictions from the mean-weight prediction"
    return panels.finish(default if title is None else title)
