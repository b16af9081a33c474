"""Simplexes of networks by their number of vertices."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from mc_tf.plots.panels import Panels
from mc_tf.plots.repeated import repetitions_of
from mc_tf.plots.saving import draws
from mc_tf.plots.style import STYLES, plain

__all__ = ["plot_simplex"]


@draws
def plot_simplex(
    results: Mapping[str, np.ndarray] | Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Draws the volume and the errors of simplexes against their number of vertices.

    On the left is the volume, on the right the error of samples, a line and a band from the lowest
    to the highest, and of their ensemble, diamonds. A dotted line is the highest error of the given
    networks.

    Args:
        results: dict of the arrays `vertices` and `volume` `(V,)`, `error` `(V, M)` of samples,
            `ensemble_error` `(V,)` and `network_error`, as in the `simplex.npz` of a recipe. Or a
            dict from label to several.
        title: heading, default none.
        axes: two matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.
    """
    several = repetitions_of(results, "vertices")
    panels = Panels(1, 2, (8.4, 3.5), axes)
    size, errors = panels.axes
    for index, (label, repetitions) in enumerate(several.items()):
        color, style = STYLES[index % len(STYLES)]
        name = f"{plain(label)}: " if label else ""
        for number, one in enumerate(repetitions):
            shown = name if not number else None

            def labeled(text, shown=shown):
                return {"color": color} | ({} if shown is None else {"label": f"{shown}{text}"})  # noqa: B023

            vertices, error = one["vertices"], one["error"]
            size.plot(vertices, one["volume"], style, marker="o", color=color)
            errors.plot(vertices, error.mean(1), style, marker=".", **labeled("samples"))
            band = {"color": color, "alpha": 0.2, "linewidth": 0}
            errors.fill_between(vertices, error.min(1), error.max(1), **band)
            drawn = {"linestyle": "", "marker": "D", "markersize": 5}
            errors.plot(vertices, one["ensemble_error"], **drawn, **labeled("their ensemble"))
            worst = one["network_error"].max()
            errors.axhline(worst, linestyle=":", **labeled("worst given network"))
    size.set(yscale="log", ylabel="Volume")
    size.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    size.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    size.yaxis.set_minor_formatter(NullFormatter())
    errors.set_ylabel("Error (%)")
    for axis in panels.axes:
        axis.set_xlabel("vertices")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    panels.legend(errors.get_legend_handles_labels()[0], columns=3, on=errors)
    return panels.finish(title)
