"""Results as short texts and as Python objects."""

import numpy as np

__all__ = ["is_percent", "marked_text", "plain_lists", "range_line"]


def is_percent(name):
    """Whether values are errors in percent, not errors of a regression.

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
    """Formats the smallest and the largest value as a line of text.

    Args:
        name: name of the values.
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
    """Converts arrays, also in dicts and lists, to Python lists and numbers."""
    if isinstance(value, dict):
        return {str(key): plain_lists(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_lists(each) for each in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def marked_text(surface):
    """Describes the networks and curves marked on a surface.

    Args:
        surface: a surface, or a grid of one.

    Returns:
        str, empty if nothing is marked.

    Example:
        >>> import types
        >>> marked_text(types.SimpleNamespace(marks={"a": 0, "b": 1}, paths={"Bezier": 2}))
        ', with 2 networks and 1 curve'
    """
    counts = {"network": len(surface.marks), "curve": len(surface.paths)}
    words = [f"{n} {name}{'s' * (n > 1)}" for name, n in counts.items() if n]
    return f", with {' and '.join(words)}" if words else ""
