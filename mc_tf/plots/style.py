"""Common style of figures: colors, names of values, scales."""

import numpy as np

__all__ = [
    "STYLES",
    "label_without_penalty",
    "number_labels",
    "plain",
    "scale_of_values",
    "value_label",
]

# Okabe and Ito's colors for color blindness, with line styles as a second cue.
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
    """Returns the label of a value for an axis or color bar.

    Args:
        name: such as `"train_loss"`.
        results: the drawn results. If none of their networks has a penalty, the label of the loss
            does not mention it.

    Returns:
        str.

    Example:
        >>> value_label("train_loss"), value_label("test_top_5_error")
        ('Train loss (with L2)', 'test top 5 error')
    """
    return label_without_penalty(_LABELS.get(name, name.replace("_", " ")), results)


def label_without_penalty(label, results):
    """Removes the L2 term from a label if no network has one.

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
    """Escapes text for matplotlib: dollar signs do not start a formula."""
    return str(text).replace("$", r"\$")


def number_labels(numbers):
    """Formats distinct numbers as short distinct texts.

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


def scale_of_values(axis, name, margin=0.08):
    """Makes the value axis logarithmic if values span a factor of 20, and adds a grid.

    Args:
        axis: matplotlib axis after drawing.
        name: name of the values; errors are never logarithmic.
        margin: margin above and below, relative to the axis.
    """
    low, high = axis.dataLim.intervaly
    if not name.endswith("error") and 0 < low and 20 * low < high < np.inf:
        axis.set_yscale("log")
    axis.margins(y=margin)
    axis.grid(alpha=0.3)
