"""A posterior over two coordinates of a subspace."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mc_tf.plots.panels import Panels
from mc_tf.plots.style import STYLES, plain

if TYPE_CHECKING:
    from mc_tf.posterior import SubspaceGrid, SubspaceSamples

__all__ = ["plot_posterior"]

_MASSES = {0.99: "#deebf7", 0.9: "#9ecae1", 0.5: "#4292c6"}


def plot_posterior(
    grid: "SubspaceGrid",
    *,
    samples: Mapping[str, "SubspaceSamples"] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws the smallest regions with 50, 90 and 99 % of a posterior's mass, and samples.

    Args:
        grid: `SubspaceGrid` of two dimensions.
        samples: dict from label to `SubspaceSamples`. Default: none.
        title: heading, default none.
        ax: matplotlib axes to draw on. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if the grid or samples have other than two dimensions.
    """
    samples = samples or {}
    for each in (grid.axes, *(drawn.z.T for drawn in samples.values())):
        if len(each) != 2:
            raise ValueError(
                f"This figure shows a posterior over two coordinates. Received: {len(each)}."
            )
    panels = Panels(1, 1, (4.6, 4.0), ax)
    (axis,) = panels.axes
    shares = grid.probabilities
    ordered = np.sort(shares.ravel())[::-1]
    index = [np.searchsorted(np.cumsum(ordered), mass) for mass in _MASSES]
    levels = np.maximum.accumulate(ordered[np.minimum(index, ordered.size - 1)])
    for level, color in zip(levels, _MASSES.values()):
        edge = [level, np.nextafter(max(ordered[0], level), np.inf)]
        axis.contourf(*grid.axes, shares.T, edge, colors=[color])
    handles = [Patch(color=c, label=f"{mass:.0%} of the mass") for mass, c in _MASSES.items()]
    for (label, drawn), (color, _) in zip(samples.items(), STYLES):
        z = drawn.z
        handles += axis.plot(*z.T, ".", color=color, markersize=3, label=plain(label))
    axis.set(xlabel="$z_1$", ylabel="$z_2$")
    panels.legend(handles)
    return panels.finish(title)
