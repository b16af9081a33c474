"""Learning curves of trainings."""

import numpy as np

from mc_tf.plots.panels import Panels
from mc_tf.plots.style import STYLES, plain, scale_of_values

__all__ = ["plot_histories"]

_FEW = 12  # epochs that are dots as well


def plot_histories(results, *, held_out="validation", title=None, axes=None):
    """Draws loss and error (or perplexity) by epochs: of training as lines, held out dashed.

    Args:
        results: dict from label to a dict from column of `history.csv` to array, an entry for each
            epoch.
        held_out: name of the data on which `val_loss` and the like were computed.
        title: heading, default none.
        axes: matplotlib axes to draw on, one for each panel. Default: a new figure.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if no history has a loss.
    """
    shown = {label: _by_panel(history) for label, history in results.items()}
    names = list(dict.fromkeys(name for each in shown.values() for name in each))
    if not names:
        raise ValueError("There is nothing to draw: no history has a loss that is finite.")
    panels = Panels(1, len(names), (4.6 * len(names), 3.7), axes)
    dashed = None
    for axis, name in zip(panels.axes, names):
        for index, (label, each) in enumerate(shown.items()):
            for part, values in enumerate(each.get(name, ())):
                if not np.isfinite(values).any():
                    continue
                line = {"color": STYLES[index % len(STYLES)][0], "linewidth": 2 - part / 2}
                line |= {"marker": "o", "markersize": 4} if len(values) <= _FEW else {}
                epochs = np.arange(1, len(values) + 1)
                (drawn,) = axis.plot(epochs, values, "--" if part else "-", **line)
                if part:
                    dashed = drawn
                else:
                    drawn.set_label(plain(label))
        scale_of_values(axis, name.lower())
        axis.set_xlabel("epoch")
        axis.set_ylabel(name)
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles = panels.axes[0].get_legend_handles_labels()[0]
    if dashed is not None:
        (key,) = panels.axes[0].plot([], [], "--", color="0.3", label=f"on {plain(held_out)} data")
        handles.append(key)
    panels.legend(handles, columns=4)
    return panels.finish(title)


def _by_panel(history):
    """Panels by label: `(values in training, held-out values)`."""
    columns = {}
    for column, label, change in (
        ("loss", "Loss", np.asarray),
        ("accuracy", "Error (%)", lambda values: 100 * (1 - np.asarray(values))),
        ("perplexity", "Perplexity", np.asarray),
    ):
        there = [name for name in (column, f"val_{column}") if name in history]
        if there and np.isfinite(np.concatenate([history[name] for name in there])).any():
            nothing = np.full(len(history[there[0]]), np.nan)
            columns[label] = tuple(
                change(history.get(name, nothing)) for name in (column, f"val_{column}")
            )
    return columns
