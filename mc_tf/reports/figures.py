"""Figures of a page: those that are files, and those that are drawn from results."""

import base64
import html
import io
import os
import re
import struct

from mc_tf import plots
from mc_tf.ensemble.results import EnsembleEvaluation
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.landscape.results import GridEvaluation
from mc_tf.plots.histories import plot_histories
from mc_tf.plots.saving import LOOK
from mc_tf.reports.headline import judged_by

__all__ = [
    "drawn_files",
    "embedded",
    "in_grid",
    "learning_curves",
    "picture",
    "result_figures",
    "without_frames",
]

_IMAGES = {".png": "image/png", ".svg": "image/svg+xml", ".gif": "image/gif"}
_FILMS = {".mp4": "video/mp4"}
_TOGETHER = 6  # results in one figure, each with its own color
_WIDE = 1.7  # figures that are so much wider than high have a row of their own


def drawn_files(found):
    """All figures that are files; of those in several formats one.

    Args:
        found: `Found`.

    Returns:
        str, HTML.
    """
    parts, seen = [], set()
    kinds = {**_IMAGES, **_FILMS}
    for ending in kinds:
        for file in found.files:
            root, own = os.path.splitext(file)
            if own.lower() != ending or (root in seen and own.lower() in (".svg", ".png")):
                continue
            seen.add(root)
            with open(file, "rb") as stream:
                shown = embedded(stream.read(), kinds[ending], found.name(file))
            parts.append(((os.path.dirname(file).count(os.sep), file), shown))
    return in_grid(text for _, text in sorted(parts))


def embedded(content, kind, caption, before=""):
    """A figure in the page itself.

    Args:
        content: bytes of the file.
        kind: its media type.
        caption: text below it.
        before: HTML above the picture.

    Returns:
        str, HTML.
    """
    source = f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
    name = html.escape(caption)
    if kind in _FILMS.values():
        shown, wide = f'<video controls src="{source}"></video>', False
    else:
        width, height = _size(content)
        wide = width > _WIDE * height
        sizes = f' width="{width * 2 // 3}" height="{height * 2 // 3}"' if width else ""
        shown = f'<img src="{source}" alt="Figure {name}"{sizes}>'
    row = ' class="row"' if wide else ""
    return f"<figure{row}>{before}{shown}<figcaption>{name}</figcaption></figure>\n"


def _size(content):
    """Width and height of a PNG or GIF in pixels; zeros of anything else."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        return struct.unpack(">II", content[16:24])
    if content[:4] == b"GIF8" and len(content) >= 10:
        return struct.unpack("<HH", content[6:10])
    return 0, 0


def picture(figure):
    """A matplotlib figure as PNG, as `mc_tf.plots.save` writes it.

    Args:
        figure: matplotlib figure.

    Returns:
        bytes.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", **LOOK)
    return file.getvalue()


def learning_curves(found):
    """Loss and error of each training by epochs.

    Args:
        found: `Found`.

    Returns:
        str, HTML.
    """
    groups = {}
    for name, run in found.runs.items():
        if run.epochs > 1:
            groups.setdefault((run.is_curve, run.held_out), {})[name] = run.history
    parts = []
    for (is_curve, held_out), histories in groups.items():
        for some in _portions(histories):
            what = "curves: the mean over t" if is_curve else "networks"
            caption = f"Training of {what} ({', '.join(some)})"
            parts.append(_drawn(caption, plot_histories, some, held_out=held_out))
    return in_grid(parts)


def result_figures(found, shown=""):
    """Figures of results beside which there is none of the same name.

    Args:
        found: `Found`.
        shown: HTML of other figures: those that are in it are not shown again.

    Returns:
        str, HTML.
    """
    drawn = {os.path.splitext(f)[0] for f in found.files if f.lower().endswith((*_IMAGES, ".pdf"))}
    results = {f: r for f, r in found.results.items() if os.path.splitext(f)[0] not in drawn}
    named = {os.path.splitext(found.name(file))[0]: each for file, each in results.items()}
    parts = []
    for wanted, figure, what in (
        (CurveEvaluation, _curves, "Along curves"),
        (EnsembleEvaluation, plots.plot_ensembles, "Ensembles as they grow"),
        ("budgets", plots.plot_budgets, "Ensembles by epochs"),
        ("pairs", plots.plot_pairs, "Ensembles of two networks on a curve"),
    ):
        for some in _portions({n: _content(r) for n, r in named.items() if _is(r, wanted)}):
            labels = {found.of_curve(name): result for name, result in some.items()}
            parts.append(_drawn(f"{what} ({', '.join(some)})", figure, labels))
    for name, result in without_frames(named).items():
        for caption, draw, options in _alone(result):
            parts.append(_drawn(f"{caption} ({name})", draw, _content(result), **options))
    sources = [re.search(r'src="[^"]*"', part) for part in parts]
    return in_grid(p for p, source in zip(parts, sources) if not source or source[0] not in shown)


def without_frames(results):
    """Results without the frames of a film: names with a number beside one without.

    Args:
        results: dict from name to result.

    Returns:
        dict.
    """
    number = re.compile(r"-\d{4,}$")
    return {
        name: each
        for name, each in results.items()
        if number.sub("", name) == name or number.sub("", name) not in results
    }


def _is(result, wanted):
    """Whether a result is complete and of a kind."""
    if isinstance(wanted, str):
        return isinstance(result, tuple) and result[0] == wanted
    return isinstance(result, wanted) and getattr(result, "complete", True)


def _content(result):
    return result[1] if isinstance(result, tuple) else result


def _curves(results):
    """Curves with the values that all have."""
    names = set.intersection(*(set(result.names) for result in results.values()))
    shown = [name for name in ("train_loss", judged_by(names)) if name in names]
    return plots.plot_curves(results, names=shown)


def _alone(result):
    """Figures of one result: `(caption, function, options)`."""
    if _is(result, "trajectory"):
        yield "One training in cycles", plots.plot_trajectory, {}
    elif _is(result, "mean_prediction"):
        yield "Mean prediction beside mean weights", plots.plot_mean_prediction, {"title": ""}
    elif _is(result, GridEvaluation):
        values = [name for name in ("train_loss", judged_by(result.names)) if name in result.names]
        if result.surface == "Plane":
            for name in values:
                what = name.replace("_", " ").capitalize()
                yield f"{what} on a plane", plots.plot_plane, {"value": name}
        elif result.surface == "Line":
            yield "A line", plots.plot_line, {}
        elif result.surface == "Rays":
            yield "Rays", plots.plot_rays, {"values": values}


def _portions(items):
    """A dict in parts that are small enough for one figure."""
    entries = list(items.items())
    return [dict(entries[k : k + _TOGETHER]) for k in range(0, len(entries), _TOGETHER)]


def _drawn(caption, draw, *arguments, **options):
    """A figure, or why there is none."""
    try:
        content = picture(draw(*arguments, **options))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return f"<p>{html.escape(f'{caption} cannot be drawn: {error}')}</p>\n"
    return embedded(content, "image/png", caption)


def in_grid(parts):
    """Figures beside and below each other.

    Args:
        parts: their HTML.

    Returns:
        str, HTML.
    """
    text = "".join(parts)
    return f'<div class="figures">\n{text}</div>\n' if text else ""
