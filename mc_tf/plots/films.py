"""Films of curves during training."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.animation import FuncAnimation

from mc_tf.plots.inputs import check_grids
from mc_tf.plots.labels import place_labels
from mc_tf.plots.levels import Levels
from mc_tf.plots.marks import draw_marks, draw_paths, legend_height
from mc_tf.plots.panels import Figure, heading
from mc_tf.plots.planes import map_aspect, prepare_map
from mc_tf.plots.saving import draws
from mc_tf.plots.style import plain, value_label

if TYPE_CHECKING:
    from mc_tf.landscape.results import GridEvaluation

__all__ = ["plot_film"]

_WIDTH = 4.6  # inches


class Film(FuncAnimation):
    """A matplotlib animation that notebooks display with controls."""

    def _repr_html_(self):
        return self.to_jshtml()

    def __del__(self):
        """Suppresses matplotlib's warning about films that were never displayed."""


@draws
def plot_film(
    results: "GridEvaluation | Sequence[GridEvaluation]",
    *,
    value: str = "train_loss",
    labels: Sequence[str] | None = None,
    frames_per_second: float = 5,
    levels: int | Sequence[float] | None = None,
    maximum: float | None = None,
    title: str | None = None,
) -> FuncAnimation:
    """Draws a film of planes with the curve at each time (the paper's video).

    Args:
        results: list of `GridEvaluation` of planes, one per frame, each with the curve in its
            `paths`; or one `GridEvaluation`, on which the curves in its `paths` are shown one after
            another.
        value: name of the value, default `"train_loss"`.
        labels: text of each frame, such as `"epoch 3"`. Default: numbers, or the names of the
            curves.
        frames_per_second: default 5.
        levels, maximum: as for `plot_plane`; shared by all frames.
        title: heading, default none.

    Returns:
        A matplotlib `FuncAnimation`, on its own figure: notebooks display it, and
        `mc_tf.plots.save` writes it as `.gif` or `.mp4`.

    Raises:
        ValueError: if there are fewer than two frames, the number of labels differs, or a result is
            not a complete grid of a plane or lacks the value.
    """
    single = not isinstance(results, (list, tuple))
    shown = [results] if single else list(results)
    numbered = {f"frame {number}": result for number, result in enumerate(shown, start=1)}
    check_grids(numbered, "Plane", [value])
    if single:
        frames = [(results, {label: places}) for label, places in results.paths.items()]
        labels = labels or list(results.paths)
    else:
        frames = [(result, result.paths) for result in shown]
        labels = labels or list(map(str, range(1, len(frames) + 1)))
    if len(frames) < 2 or len(labels) != len(frames):
        raise ValueError(
            "A film needs at least two frames, results or curves in the `paths` of one result, "
            f"and a label for each. Received: {len(frames)} frames and {len(labels)} labels."
        )
    if not frames_per_second > 0:
        raise ValueError(f"frames_per_second must be positive. Received: {frames_per_second}.")
    shared = Levels.of([result[value] for result in shown], levels, maximum)
    below = 0.55 + max(legend_height(*frame, _WIDTH) for frame in frames)
    figure, axis, bar = _screen(shown, title, below)
    shared.color_bar(figure, value_label(value, shown), cax=bar)

    def draw(number):
        result, paths = frames[number]
        axis.clear()
        shared.draw(axis, *result.axes, result[value])
        if single and number:
            past = [places for _, before in frames[:number] for places in before.values()]
            for places in past:
                axis.plot(*places.T, color="white", linewidth=0.8, alpha=0.6)
        prepare_map(axis, result)
        draw_paths(axis, result, paths)
        draw_marks(axis, result)
        axis.set_box_aspect(map_aspect(result))
        axis.set_title(plain(labels[number]))
        place_labels(axis, result.marks, paths.values())

    pause = 1000 / frames_per_second
    return Film(figure, draw, len(frames), init_func=lambda: None, interval=pause)


def _screen(results, title, below):
    """Creates a figure with one map and a color bar; video needs even numbers of pixels."""
    height = min(_WIDTH * max(map(map_aspect, results)), 2 * _WIDTH)
    around = below + (0.75 if title else 0.45)
    width = _WIDTH + 2.2
    size = (round(width * 50) / 50, round((height + around) * 50) / 50)
    figure = Figure(figsize=size)
    boxes = np.array([[0.75, below, _WIDTH, height], [0.95 + _WIDTH, below, 0.2, height]])
    axis, bar = (figure.add_axes(box / [*size, *size]) for box in boxes)
    heading(figure, title, y=1 - 0.1 / size[1], va="top")
    return figure, axis, bar
