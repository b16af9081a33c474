"""Output paths: checked before any work, and locked while they are written."""

import contextlib
import functools
import inspect
import os
import stat
from collections.abc import Callable
from typing import Any, TypeVar

from mc_tf.arguments import check_path
from mc_tf.distribute.processes import is_chief
from mc_tf.storage.files import check_writable
from mc_tf.storage.locks import locked

__all__ = ["check_figure", "check_output", "directory_held", "holding", "output_held"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def check_output(path, endings=("",)):
    """Rejects a path that cannot be written to, before any work.

    Args:
        path: file, or its name without extension. Its directory is created.
        endings: extensions added to the path. Default: none.

    Raises:
        ValueError: if it names a directory, a device or no file.
        OSError: if its directory cannot be created or written to.
    """
    check_path("path", path)
    path = os.fspath(path)
    name = os.path.basename(path)
    if name in ("", ".", "..") or (endings == ("",) and os.path.isdir(path)):
        raise ValueError(
            f"'{path}' names a directory, but a file is written. Add the name of the file, such as "
            f"'{os.path.join(path, 'result')}'."
        )
    for file in {path, *(f"{path}{ending}" for ending in endings)}:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            mode = os.stat(file).st_mode
            if stat.S_ISDIR(mode) and file != path:
                raise ValueError(f"'{file}' is a directory. Choose another name, or move it away.")
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise ValueError(
                    f"'{file}' is a device, a pipe or the like, which a result would replace. "
                    "Give the name of a file."
                )
    check_writable(os.path.dirname(os.path.abspath(path)))


def check_figure(path, endings=None):
    """Rejects a figure that cannot be written, before it is drawn.

    Args:
        path: file; its extension determines the format. Its directory is created.
        endings: the formats, such as `("gif", "mp4")`. Default: formats of matplotlib.

    Raises:
        ValueError: if its extension is unknown, or as `check_output`.
        OSError: as `check_output`.
    """
    check_output(path)
    if endings is None:
        from matplotlib.backend_bases import FigureCanvasBase

        endings = sorted(FigureCanvasBase.get_supported_filetypes())
    root, ending = os.path.splitext(os.fspath(path))
    if not os.path.basename(root) or ending[1:].lower() not in endings:
        raise ValueError(
            f"The extension of a figure determines its format: {_either(endings)}. Received: "
            f"'{path}'."
        )


def _either(endings):
    *first, last = (f".{ending}" for ending in endings)
    return f"{', '.join(first)} or {last}" if first else last


@contextlib.contextmanager
def directory_held(directory, wait=False):
    """Locks a directory against other programs; creates and checks it first.

    Of several processes that train together, the chief does this for all.

    Args:
        directory: path; nothing is locked if it is `None`.
        wait: whether to wait until it is free. Default `False`: raise an error.

    Raises:
        InUseError: if another program holds it, naming its process and host.
        OSError: if it cannot be created or written to.
    """
    if directory is None or not is_chief():
        yield
        return
    made = not os.path.isdir(directory)
    check_writable(directory)
    try:
        with locked(os.path.join(directory, ".lock"), directory, wait):
            yield
    finally:
        if made:  # rejected paths leave no empty directory
            with contextlib.suppress(OSError):
                os.rmdir(directory)


@contextlib.contextmanager
def output_held(path, endings=("",), wait=False):
    """Locks an output path against other programs; checks it first.

    Args:
        path, endings: as for `check_output`; nothing is locked if the path is `None`.
        wait: whether to wait until it is free. Default `False`: raise an error.

    Raises:
        InUseError: if another program holds it, naming its process and host.
        ValueError, OSError: as `check_output`.
    """
    if path is None:
        yield
        return
    check_output(path, endings)
    folder, name = os.path.split(os.path.abspath(path))
    with locked(os.path.join(folder, f".{name}.lock"), path, wait):
        yield


def holding(
    argument: str, *endings: str, part: Callable[..., Any] | None = None
) -> Callable[[_Function], _Function]:
    """Decorator: a function locks its output path while it runs.

    Args:
        argument: name of the argument with the path; nothing is locked if its value is `None`.
        *endings: extensions of the output files, such as `".npz"`. Default: the path is a
            directory.
        part: function of the path and of all arguments (a dict) that returns the path to lock.

    Returns:
        Decorator.
    """

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def held(*args, **kwargs):
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError:
                return function(*args, **kwargs)  # which reports the error
            given.apply_defaults()
            path = given.arguments[argument]
            path = part(path, given.arguments) if part else path
            with output_held(path, endings) if endings else directory_held(path):
                return function(*args, **kwargs)

        return held

    return decorate
