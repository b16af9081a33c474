"""Old spellings of public names, which work for one release and warn."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from mc_tf.warning import warn

__all__ = ["renamed_arguments", "warn_renamed"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def warn_renamed(old: str, new: str) -> None:
    """Warns that a name has changed.

    Args:
        old, new: the names, as users write them.
    """
    warn(f"{old} is now {new}. The old name works for one release.", DeprecationWarning)


def renamed_arguments(**names: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorator: a function also accepts arguments by their old names.

    Args:
        **names: new names by old names.

    Returns:
        Decorator.

    Example:
        >>> import warnings
        >>> @renamed_arguments(hue="color")
        ... def paint(color):
        ...     return color
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     paint(hue="red"), str(caught[0].message)
        ('red', '`paint(hue=)` is now `color`. The old name works for one release.')
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            for old, new in names.items():
                if old in kwargs:
                    if new in kwargs:
                        raise TypeError(f"`{function.__name__}` got both `{old}` and `{new}`.")
                    warn_renamed(f"`{function.__name__}({old}=)`", f"`{new}`")
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate
