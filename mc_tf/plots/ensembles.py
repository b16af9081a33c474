"""Ensembles, and trainings in cycles: figure 3 of the paper."""

from mc_tf.plots.inputs import as_dict
from mc_tf.plots.repeated import draw_repeated, repetitions_of
from mc_tf.plots.style import STYLES, number_labels, plt, save

__all__ = ["plot_budgets", "plot_ensembles", "plot_mean_prediction", "plot_trajectory"]


def plot_ensembles(results, path=None, title=None):
    """Draws the error (of a regression the loss) of ensembles and members against their number.

    Args:
        results: `mc_tf.ensemble.EnsembleEvaluation`, or dict from label (`"FGE"`) to several.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        title: heading, default none.
    """
    results = as_dict(results)
    for label, result in results.items():
        if not hasattr(result, "members"):
            raise ValueError(
                f"'{label}' is no `EnsembleEvaluation`, as `evaluate_members` returns it. "
                f"Received: {type(result).__name__}"
            )
    value = "error" if all("error" in each.members for each in results.values()) else "loss"
    figure, axis = plt.subplots(figsize=(5.4, 3.7), layout="constrained")
    for index, (label, result) in enumerate(results.items()):
        color, style = STYLES[index % len(STYLES)]
        numbers = range(1, len(result.members[value]) + 1)
        name = f"{label}: " if label else ""
        axis.plot(
            numbers,
            result.cumulative[value],
            style,
            marker="o",
            color=color,
            label=f"{name}ensemble of the first members",
        )
        axis.plot(numbers, result.members[value], "x", color=color, label=f"{name}each member")
    axis.set_xlabel("number of members")
    axis.set_ylabel("Error (%)" if value == "error" else "Loss")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.margins(y=0.12)
    axis.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)  # nothing is covered
    return save(figure, path, title)


def plot_trajectory(result, path=None, title=None):
    """Draws learning rate, error and distance of a training in cycles (figure 3, left).

    Args:
        result: what `mc_tf.experiments.parts.ensemble_files.evaluate_trajectory` returned.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        title: heading, default none.
    """
    panels = {
        "learning_rate": "Learning rate",
        "error": "Error (%)",
        "distance_from_start": "Distance from the start",
    }
    figure, axes = plt.subplots(len(panels), 1, figsize=(6, 6.6), sharex=True, layout="constrained")
    rate = result["learning_rate"]
    lowest = rate <= 1.001 * rate.min()
    for axis, (name, label), (color, _) in zip(axes, panels.items(), STYLES):
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
    handles, _ = axes[0].get_legend_handles_labels()
    figure.legend(handles=handles, loc="outside lower center", frameon=False)
    axes[-1].set_xlabel("step")
    return save(figure, path, title)


def plot_budgets(results, path=None, title=None):
    """Draws the error of ensembles against the epochs that they took (figure 3, right).

    Diamonds are the ensembles of all networks that there are by then, crosses these networks.

    Args:
        results: dict from label (`"FGE"`) to a dict of arrays, one entry for each member:
            `epochs` of training in all, `error` of the ensemble by then and `member_error`. Or to
            a list of these of several repetitions: the mean of ensembles is drawn, with a band of
            one standard deviation to each side, and the networks of all.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        title: heading, default none.

    Raises:
        ValueError: if epochs of several repetitions with one label differ.
    """
    results = repetitions_of(results, "epochs")
    figure, axis = plt.subplots(figsize=(5.4, 3.7), layout="constrained")
    for index, (label, repetitions) in enumerate(results.items()):
        color, style = STYLES[index % len(STYLES)]
        line = {"color": color, "linestyle": style, "marker": "D", "label": label}
        draw_repeated(axis, repetitions, "epochs", "error", **line)
        for one in repetitions:
            axis.plot(one["epochs"], one["member_error"], "x", color=color, markersize=4)
    axis.plot([], [], "x", color="black", label="one network")
    axis.set_xlabel("epochs of training in all")
    axis.set_ylabel("Error (%)")
    axis.margins(y=0.12)
    axis.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return save(figure, path, title)


def plot_mean_prediction(result, path=None, title=None):
    """Draws how far predictions are from that of the mean weights (arXiv 1803.05407, section 3.5).

    Thin lines have the slopes of the first and of the second order.

    Args:
        result: what `mc_tf.experiments.parts.mean_prediction.evaluate_mean_prediction` returned.
        path: file to write; its ending (`.png`, `.svg`, `.pdf`) decides the format. `None`
            returns the matplotlib figure instead.
        title: heading, default none.
    """
    figure, axis = plt.subplots(figsize=(5.4, 3.7), layout="constrained")
    distance = result["distance"]
    lines = {"member_difference": ("one member", 1), "mean_difference": ("mean of all members", 2)}
    for (name, (label, order)), (color, style) in zip(lines.items(), STYLES):
        values = result[name]
        axis.plot(distance, values, style, marker="o", color=color, label=label)
        first = values[0] * (distance / distance[0]) ** order
        slope = f"order {order}"
        axis.plot(distance, first, style, color="black", linewidth=0.8, zorder=1, label=slope)
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(distance, number_labels(distance[::-1])[::-1])
    axis.minorticks_off()
    axis.set_xlabel("distance of the members from their mean")
    axis.set_ylabel("Difference of the prediction")
    axis.grid(alpha=0.3, which="both")
    axis.legend(frameon=False)
    return save(figure, path, title)
