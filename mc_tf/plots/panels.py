"""Panels to draw on: a new figure, or axes of the user."""

import io
import textwrap

import matplotlib.axes
import matplotlib.figure
import numpy as np
from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties

from mc_tf.plots.style import plain

__all__ = ["Figure", "Panels", "check_axes", "heading", "whole_figure"]

_ROW = 0.2  # inches of a row of a legend


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure that notebooks display as the value of a cell.

    It is not registered with pyplot or a backend: no window opens, nothing needs to be closed, and
    programs without a display can draw it.
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        FigureCanvasAgg(self)

    def _repr_png_(self):
        file = io.BytesIO()
        self.savefig(file, format="png", bbox_inches="tight")
        return file.getvalue()


def whole_figure(axis):
    """Returns the figure of an axis, also for axes in a subfigure."""
    return axis.figure.figure


def check_axes(given, count):
    """Returns the axes of the user as a list.

    Args:
        given: matplotlib axes, or a list or array of them.
        count: required number.

    Returns:
        List of axes.

    Raises:
        ValueError: if their number differs, or they are not axes.
    """
    axes = list(np.ravel(np.asarray(given, dtype=object)))
    if len(axes) != count or not all(isinstance(axis, matplotlib.axes.Axes) for axis in axes):
        kinds = ", ".join(type(axis).__name__ for axis in axes[:4])
        raise ValueError(
            f"This figure needs {count} matplotlib axes, such as `plt.subplots(1, {count})` "
            f"makes. Received {len(axes)}: {kinds}."
        )
    return axes


class Panels:
    """Panels to draw on: axes of the user, or axes of a new figure.

    Args:
        rows, columns: numbers of rows and columns of panels.
        size: `(width, height)` of a new figure in inches, without heading and legend.
        given: axes of the user. Default: a new figure.
        **options: options of `Figure.subplots`.

    Attributes:
        figure: figure of the axes.
        axes: list, row by row.
    """

    def __init__(self, rows, columns, size, given=None, **options):
        self._own = given is None
        if self._own:
            self.figure = Figure(figsize=size, layout="constrained")
            self.axes = list(self.figure.subplots(rows, columns, squeeze=False, **options).flat)
        else:
            self.axes = check_axes(given, rows * columns)
            self.figure = whole_figure(self.axes[0])

    def legend(self, handles=None, columns=2, on=None):
        """Draws a legend below the panels, or inside the axes of the user.

        Args:
            handles: entries of the legend. Default: everything with a label in the first panel.
            columns: maximum number of columns.
            on: the axis of the user that is drawn last. Default: the first.
        """
        handles = self.axes[0].get_legend_handles_labels()[0] if handles is None else handles
        if not handles:
            return
        if not self._own:
            (on or self.axes[0]).legend(handles=handles, framealpha=0.85)
            return
        size = FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points()
        for number in range(min(columns, len(handles)), 0, -1):  # the most with up to two lines
            width = self.figure.get_figwidth() / number - 0.8
            letters = max(12, int(72 * width / (0.55 * size)))
            texts = [textwrap.fill(handle.get_label(), letters) for handle in handles]
            lines = [1 + text.count("\n") for text in texts]
            if max(lines) <= 2:
                break
        self.figure.legend(handles, texts, loc="outside lower center", ncols=number, frameon=False)
        rows = np.ones(-(-len(handles) // number))
        for index, count in enumerate(lines):
            row = index % len(rows)  # matplotlib fills columns first
            rows[row] = max(rows[row], count)
        self.figure.set_figheight(self.figure.get_figheight() + _ROW * rows.sum())

    def finish(self, title=None):
        """Adds the heading of a new figure or of the single user axis, and fixes the layout.

        Args:
            title: text, or empty for none.

        Returns:
            The figure.
        """
        if title and not self._own and len(self.axes) == 1:
            self.axes[0].set_title(plain(title))
        elif title:
            heading(self.figure, title)
            if self._own:
                self.figure.set_figheight(self.figure.get_figheight() + 0.25)
        if self._own:  # a second layout would change the files slightly
            self.figure.draw_without_rendering()
            self.figure.set_layout_engine("none")
        return self.figure


def heading(figure, title, **place):
    """Adds the heading of a figure, small enough for its width.

    Args:
        figure: matplotlib figure.
        title: text, or empty for none.
        **place: options of `suptitle`.
    """
    if title:
        size = min(12, 120 * figure.get_figwidth() / len(title))
        figure.suptitle(plain(title), fontsize=size, **place)
