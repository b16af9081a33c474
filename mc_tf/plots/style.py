"""What all figures share: colours, names of values, and how they are saved."""

import textwrap

import matplotlib
import numpy as np

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "mc_tf"
from matplotlib import pyplot as plt  # noqa: E402

from mc_tf.storage.destinations import check_figure  # noqa: E402
from mc_tf.storage.files import atomic_path  # noqa: E402

__all__ = [
    "STYLES",
    "heading",
    "in_both_formats",
    "number_labels",
    "plain",
    "plt",
    "save",
    "value_label",
    "wrap_legends",
]

_COLUMNS = 2  # of the legends below figures
# Okabe and Ito's colours, which the colour-blind can tell apart; line styles as a second mark.
STYLES = [
    ("#D55E00", "-"),
    ("#0072B2", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
    ("#E69F00", "-"),
    ("#56B4E9", "--"),
]
_LABELS = {
    "train_loss": "Train loss (with L2)",
    "train_error": "Train error (%)",
    "test_loss": "Test loss (with L2)",
    "test_error": "Test error (%)",
    "train_perplexity": "Train perplexity",
    "validation_perplexity": "Validation perplexity",
    "test_perplexity": "Test perplexity",
    "regularization": "L2 term",
    "train_largest_eigenvalue": "Largest eigenvalue of the Hessian",
    "train_smallest_eigenvalue": "Smallest eigenvalue of the Hessian",
    "train_eigenvalue_ratio": "|Smallest / largest eigenvalue| of the Hessian",
}


def value_label(name, results=()):
    """What an axis or colour bar says of a value.

    Args:
        name: such as `"train_loss"`.
        results: the results that are drawn: where none of their networks has a penalty, the label
            of the loss does not speak of it.

    Returns:
        str.

    Example:
        >>> value_label("train_loss"), value_label("test_top_5_error")
        ('Train loss (with L2)', 'test top 5 error')
    """
    return label_without_penalty(_LABELS.get(name, name.replace("_", " ")), results)


def label_without_penalty(label, results):
    """A label that does not speak of an L2 term where there is none.

    Args:
        label: text.
        results: iterable of results.

    Returns:
        str.
    """
    penalties = [r["regularization"] if "regularization" in r.names else None for r in results]
    if penalties and all(p is not None and not np.any(p) for p in penalties):
        label = label.removesuffix(" (with L2)")
    return label


def plain(text):
    """Text that is drawn as it is: a dollar begins no formula."""
    return str(text).replace("$", r"\$")


def number_labels(numbers):
    """Different numbers as short texts that differ.

    Args:
        numbers: increasing floats.

    Returns:
        List of str.

    Example:
        >>> number_labels([0.1, 0.5, 120.0]), number_labels([1.231, 1.234])
        (['0.1', '0.5', '120'], ['1.231', '1.234'])
    """
    for digits in range(2, 17):
        labels = [f"{float(f'{number:.{digits}g}'):.{digits}g}" for number in numbers]
        if len(set(labels)) == len(labels):
            break
    return [f"{float(label):.6g}" if "e+" in label else label for label in labels]


def in_both_formats(draw, results, stem, *arguments, **options):
    """Draws a figure as PNG and as SVG.

    Args:
        draw: one of the functions of `mc_tf.plots`.
        results: what it draws.
        stem: file without ending.
        *arguments, **options: other arguments of `draw`.
    """
    for ending in ("png", "svg"):
        draw(results, f"{stem}.{ending}", *arguments, **options)


def heading(figure, title, **place):
    """Writes the heading of a figure, small enough for its width.

    Args:
        figure: matplotlib figure.
        title: text, or nothing.
        **place: options of `suptitle`.
    """
    if title:
        size = min(12, 120 * figure.get_figwidth() / len(title))
        figure.suptitle(plain(title), fontsize=size, **place)


def wrap_legends(figure):
    """Breaks the lines of legends that are wider than their subplot, or than half of a figure.

    A legend below the subplots makes the figure higher rather than the subplots lower.

    Args:
        figure: matplotlib figure of subplots.
    """
    places = [(legend, _COLUMNS) for legend in figure.legends]
    for axis in figure.axes:  # a map is no subplot and has its own legend
        if axis.get_legend() and axis.get_subplotspec():
            places.append((axis.get_legend(), axis.get_subplotspec().get_gridspec().ncols))
    for legend, columns in places:
        inches = figure.get_figwidth() / columns - 1.2
        for text in legend.get_texts():
            width = max(12, int(72 * inches / (0.6 * text.get_fontsize())))
            if len(text.get_text()) > width:
                text.set_text(textwrap.fill(text.get_text(), width))
                added = text.get_text().count("\n") * 1.2 * text.get_fontsize() / 72
                if legend in figure.legends:
                    figure.set_figheight(figure.get_figheight() + added)


def save(figure, path, title=None):
    """Writes a figure in one step and closes it, or returns it.

    Args:
        figure: matplotlib figure.
        path: file; its ending (`.png`, `.svg`, `.pdf`) decides the format. Its directory is made.
            `None` writes nothing.
        title: heading, default none.

    Returns:
        The figure where there is no path, else `None`.
    """
    heading(figure, title)
    wrap_legends(figure)
    if path is None:
        plt.close(figure)  # it can still be shown and saved, but pyplot keeps no hold of it
        return figure
    try:
        check_figure(path)
        with atomic_path(path) as temporary:
            # Tight: a long heading or legend widens the figure rather than being cut off.
            figure.savefig(temporary, dpi=150, bbox_inches="tight", metadata=_without_time(path))
    finally:
        plt.close(figure)


def _without_time(path):
    """Metadata that leaves the time out of a file: equal figures, equal files."""
    times = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    return times.get(str(path)[-4:].lower())
