"""Results in a few lines, and as plain Python."""

import numpy as np

__all__ = ["is_percent", "plain_lists", "range_line"]


def is_percent(name):
    """Whether values are errors in percent, not those of a regression.

    Args:
        name: such as `"test_error"`.

    Returns:
        bool.

    Example:
        >>> is_percent("test_error"), is_percent("test_mean_squared_error")
        (True, False)
    """
    words = name.split("_")
    return words[-1] == "error" and not {"squared", "absolute", "calibration"} & set(words)


def range_line(name, values):
    """The smallest and the largest value as a line of text.

    Args:
        name: of the values.
        values: array.

    Returns:
        str.

    Example:
        >>> range_line("test_error", np.array([4.0, 2.51]))
        '  test error             2.51 to 4 %'
    """
    known = values[~np.isnan(values)]
    if not len(known):
        shown = "not a number"
    else:
        low, high = (f"{float(number):.4g}" for number in (known.min(), known.max()))
        shown = low if low == high else f"{low} to {high}"
        shown += " %" if is_percent(name) else ""
    return f"  {name.replace('_', ' '):<22} {shown}"


def plain_lists(value):
    """Arrays, and dicts and lists of them, as lists and numbers of Python."""
    if isinstance(value, dict):
        return {str(key): plain_lists(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_lists(each) for each in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
