"""Saving figures, and the API of earlier releases, in which plot functions saved files."""

import functools
import inspect
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
from matplotlib.animation import Animation, FFMpegWriter
from matplotlib.figure import Figure

from mc_tf.storage.destinations import check_figure, check_output
from mc_tf.storage.files import atomic_path
from mc_tf.typing import PathLike
from mc_tf.warning import warn

__all__ = ["draws", "in_both_formats", "save"]

_FORMATS = ("png", "svg")
# Tight: a long heading or legend widens the figure instead of being clipped.
LOOK = {"dpi": 150, "bbox_inches": "tight"}


def save(figure: Figure | Animation, path: PathLike, formats: Sequence[str] | None = None) -> None:
    """Writes a figure atomically. Equal figures give identical files.

    Args:
        figure: any matplotlib figure, or the film that `plot_film` returned.
        path: file; its extension (`.png`, `.svg`, `.pdf`; for a film `.gif`, or `.mp4` with the
            program ffmpeg) determines the format. Without an extension a figure is written as PNG
            and SVG. Its directory is created.
        formats: extensions to add to the path, such as `("png", "svg")`. Default: none.

    Raises:
        ValueError: if the extension is unknown, or the path names a directory or a device.
        OSError: if the file cannot be written.
    """
    path = os.fspath(path)
    name, ending = os.path.splitext(os.path.basename(path))
    if formats is None and name and not ending and not name.startswith("."):
        formats = ("gif",) if isinstance(figure, Animation) else _FORMATS
    endings = [""] if formats is None else [f".{ending}" for ending in formats]
    check_output(path, tuple(endings))
    for file in (f"{path}{ending}" for ending in endings):
        _write(figure, file)


def _write(figure, path):
    path, film = os.fspath(path), isinstance(figure, Animation)
    check_figure(path, ("gif", "mp4") if film else None)
    ending = os.path.splitext(path)[1].lower()
    if ending == ".mp4" and not FFMpegWriter.isAvailable():
        raise ValueError("The program ffmpeg, which .mp4 needs, is not installed. Choose .gif.")
    with atomic_path(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "mc_tf"}):
        if film:
            writer = "pillow" if ending == ".gif" else "ffmpeg"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                figure.save(temporary, writer=writer, dpi=100)
        else:
            times = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
            figure.savefig(temporary, metadata=times.get(ending), **LOOK)


def draws(function):
    """Decorator: a plot function also accepts the path argument of earlier releases.

    It followed the data, and options followed it: `plot_curves(results, "a.png", names)`.

    Args:
        function: returns a figure; its options are keyword-only, in the earlier order.

    Returns:
        The function, which warns about a path and then writes the figure.
    """
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    names = list(inspect.signature(function).parameters)
    data = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @functools.wraps(function)
    def drawn(*given, **named):
        given, old = given[:data], given[data:]
        if not old and "path" not in named:
            return function(*given, **named)
        path, *options = old or (named.pop("path"),)
        if not isinstance(path, (str, os.PathLike, type(None))) or len(options) > len(names) - data:
            raise TypeError(
                f"`{function.__name__}` takes {', '.join(names[:data])}, and by name "
                f"{', '.join(names[data:])}. Received after the data: {type(path).__name__}."
            )
        figure = function(*given, **dict(zip(names[data:], options)), **named)
        call = f"mc_tf.plots.{function.__name__}({', '.join(names[:data])}, ...)"
        now = call if path is None else f"mc_tf.plots.save({call}, {os.fspath(path)!r})"
        warn(
            f"`{function.__name__}` returns a figure and takes no path: write `{now}`, with "
            "options by name. The old spelling will be removed in the next release.",
            DeprecationWarning,
        )
        return figure if path is None else _write(figure, path)

    return drawn


def in_both_formats(
    draw: Callable[..., Any], results: Any, stem: PathLike, *arguments: Any, **options: Any
) -> None:
    """Draws a figure as PNG and SVG: the old spelling of `save(draw(results), stem)`.

    Args:
        draw: one of the functions of `mc_tf.plots`.
        results: results to draw.
        stem: file name without extension.
        *arguments, **options: other arguments of `draw`.
    """
    for ending in _FORMATS:
        draw(results, f"{stem}.{ending}", *arguments, **options)
