"""Private: warnings that point to the user's line."""

import sys
import warnings

__all__ = ["warn"]

_LIBRARIES = {"mc_tf", "keras", "tensorflow", "jax", "torch", "contextlib", "functools"}


def warn(text: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warns, with the file and line of the innermost caller outside of the libraries.

    Args:
        text: the message, or a warning.
        category: class of the warning.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
