"""Predictive functions along a curve of a regression with one input (the paper's blog)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize

from mc_tf.plots.inputs import check_grids
from mc_tf.plots.labels import place_labels
from mc_tf.plots.levels import Levels
from mc_tf.plots.marks import draw_marks, draw_paths
from mc_tf.plots.panels import Figure, heading
from mc_tf.plots.planes import map_aspect, prepare_map
from mc_tf.plots.saving import draws
from mc_tf.plots.style import value_label
from mc_tf.storage.files import read_arrays
from mc_tf.typing import PathLike

if TYPE_CHECKING:
    from mc_tf.landscape.results import GridEvaluation

__all__ = ["plot_regression"]

# Without yellow, which is used for the plane's valley and hard to see on white.
_COLORS = ListedColormap(colormaps["plasma"](np.linspace(0, 0.8, 256)))
_BAND = ("mean", "low", "high")
_SHAPES = (
    "x (k,), y (k,), grid (n,), predictions (num_points, n) and t (num_points,), and for a band "
    "mean, low and high (n,)"
)


@draws
def plot_regression(
    result: "GridEvaluation",
    functions: PathLike | Mapping[str, np.ndarray],
    *,
    value: str = "train_loss",
    maximum: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draws a plane with a curve, and the predictions of the networks along the curve.

    Networks on the curve and their functions share colors, which depend on `t`.

    Args:
        result: `GridEvaluation` of a `Plane`, whose first entry in `paths` is the curve at equally
            spaced positions from 0 to 1.
        functions: `.npz` file, or dict, with the data `x` and `y` `(k,)`, the inputs `grid`
            `(n,)`, the positions `t` `(num_points,)` in [0, 1], and `predictions`
            `(num_points, n)`. With `mean`, `low` and `high` `(n,)` also a mean and a band, such as
            the 95 % intervals of a posterior.
        value: name of the plane's value, default `"train_loss"`.
        maximum: see `plot_plane`.
        title: heading, default none.

    Returns:
        A new matplotlib figure, since the map keeps its scale.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it does not contain these arrays, or the result is not a complete grid of a
            plane with a curve.
    """
    check_grids({"": result}, "Plane", [value])
    if not result.paths:
        raise ValueError("No curve is marked on the plane: evaluate one with `mark_curve`.")
    arrays = _arrays(functions)
    levels = Levels.of([result[value]], maximum=maximum)
    wide = 4.2 / max(map_aspect(result), 1)
    tall = max(wide * map_aspect(result), 3.0)
    size = np.array([wide + 7.9, tall + (1.1 if title else 0.8)])
    figure = Figure(figsize=size)
    boxes = [
        [0.75, 0.55, wide, wide * map_aspect(result)],
        [0.9 + wide, 0.55, 0.16, wide * map_aspect(result)],
        [2.45 + wide, 0.55, 4.3, tall],
        [6.9 + wide, 0.55, 0.16, tall],
    ]
    plane, bar, predicted, times = (
        figure.add_axes(np.array(box) / [*size, *size]) for box in boxes
    )
    levels.draw(plane, *result.axes, result[value])
    levels.color_bar(figure, value_label(value, [result]), cax=bar)
    prepare_map(plane, result)
    draw_paths(plane, result, dict([next(iter(result.paths.items()))]), linewidth=1.2)
    colors = ScalarMappable(Normalize(0, 1), _COLORS)
    curve = next(iter(result.paths.values()))
    for t, function in zip(arrays["t"], arrays["predictions"]):
        positions = np.linspace(0, 1, len(curve))
        place = [np.interp(t, positions, curve[:, axis]) for axis in range(2)]
        plane.plot(*place, "o", color=colors.to_rgba(t), markeredgecolor="white", zorder=5.5)
        predicted.plot(arrays["grid"], function, color=colors.to_rgba(t), linewidth=1.5)
    if "mean" in arrays:
        band = {"color": "black", "alpha": 0.12, "linewidth": 0, "label": "95 % of new targets"}
        predicted.fill_between(arrays["grid"], arrays["low"], arrays["high"], **band)
        predicted.plot(arrays["grid"], arrays["mean"], "k--", linewidth=1.5, label="posterior mean")
    predicted.plot(
        arrays["x"],
        arrays["y"],
        "o",
        color="black",
        markeredgecolor="white",
        markersize=6,
        zorder=5,
        label="data",
    )
    predicted.set(xlabel="input", ylabel="prediction")
    predicted.margins(x=0)
    predicted.grid(alpha=0.3)
    predicted.legend(frameon=False)
    figure.colorbar(colors, cax=times, label="position t on the curve")
    draw_marks(plane, result)
    heading(figure, title)
    place_labels(plane, result.marks, [curve])
    return figure


def _arrays(functions):
    """Reads and checks the arrays of the predictive functions."""
    if not isinstance(functions, dict):
        functions = read_arrays(functions, (), "predictive functions", "a recipe on a regression")
    shapes = {name: np.shape(array) for name, array in functions.items()}
    x, y, grid, predictions, t = (
        shapes.get(name) for name in ("x", "y", "grid", "predictions", "t")
    )
    band = [shapes[name] for name in _BAND if name in shapes]
    sizes = [shape for shape in (x, grid, t) if shape is not None and len(shape) == 1]
    if len(sizes) < 3 or x != y or predictions != t + grid or band not in ([], 3 * [grid]):
        raise ValueError(f"Predictive functions need {_SHAPES}. Received: {shapes}.")
    return functions
