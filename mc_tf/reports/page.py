"""Report of a directory of runs as one page: settings, numbers and figures from its files."""

import base64
import datetime
import html
import importlib.metadata
import os
import platform

from mc_tf.reports.runs import settings_section, training_section, unfinished_section
from mc_tf.reports.tables import as_text, file_section, read_json, table
from mc_tf.storage.destinations import check_output
from mc_tf.storage.files import atomic_path
from mc_tf.version import __version__

__all__ = ["write_report"]

_IMAGES = {".png": "image/png", ".svg": "image/svg+xml", ".gif": "image/gif"}
_FILMS = {".mp4": "video/mp4"}
_PACKAGES = ("mc_tf", "keras", "tensorflow", "numpy", "matplotlib")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #bbb; }
h3 { margin-top: 1.8rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 0.8rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
th, td { padding: 0.2rem 0.7rem; border-bottom: 1px solid #ddd; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; }
th { overflow-wrap: break-word; }
thead th { overflow-wrap: normal; border-bottom: 2px solid #888; }
figure { margin: 1.5rem 0; } img, video { max-width: 100%; height: auto; }
figcaption { color: #555; font-size: 0.9rem; } pre { overflow-x: auto; background: #f4f4f4;
  padding: 0.7rem; }
@media print { body { max-width: none; } figure { break-inside: avoid; } }
"""


def write_report(workdir, path=None, title=None):
    """Writes a report page of a directory of runs, with all its numbers and figures.

    Nothing is trained, evaluated or loaded: the page shows the files in the directory and below it,
    finished or not. It is self-contained.

    Args:
        workdir: directory of one or more runs.
        path: file to write. Default: `WORKDIR/report.html`.
        title: heading. Default: the directory's name.

    Returns:
        The path.

    Raises:
        FileNotFoundError: if the directory does not exist.
        OSError: if the page cannot be written.
    """
    if path is not None:
        check_output(path)
    if not os.path.isdir(workdir):
        raise FileNotFoundError(
            f"There is no directory '{workdir}'. Use the directory of a run, such as the --workdir "
            "of reproduce.py."
        )
    path = os.path.join(workdir, "report.html") if path is None else os.fspath(path)
    title = title or os.path.basename(os.path.abspath(workdir))
    files = _files(workdir)
    sections = [
        ("Figures", _figures(workdir, files)),
        ("Results", _results(workdir, files)),
        ("What was run", settings_section(workdir, _named(files, "settings.json"))),
        ("Training", training_section(workdir, _named(files, "history.csv"))),
        ("Not finished", unfinished_section(workdir, files)),
    ]
    body = "".join(f"<h2>{name}</h2>\n{text}" for name, text in sections if text)
    empty = "<p>There are no results, figures or settings in this directory yet.</p>\n"
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(title)}</h1>\n{_origin(workdir, files)}{body or empty}"
        "</body>\n</html>\n"
    )
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(page)
    return path


def _files(workdir):
    """Lists all files below a directory, with files of the directory itself first."""
    found = []
    for folder, folders, names in os.walk(workdir):
        folders.sort()
        found += [os.path.join(folder, name) for name in sorted(names) if name[0] != "."]
    return found


def _named(files, name):
    return [file for file in files if os.path.basename(file) == name]


def _origin(workdir, files):
    """Describes when, where and with which versions the page was written."""
    now = datetime.datetime.now().astimezone()
    rows = [
        ["directory", os.path.abspath(workdir)],
        ["page written", now.isoformat(" ", "minutes")],
    ]
    kept = [file for file in files if not file.endswith(".html")]
    if kept:
        latest = datetime.datetime.fromtimestamp(max(map(os.path.getmtime, kept))).astimezone()
        rows.append(["latest file", latest.isoformat(" ", "minutes")])
    rows.append(["versions that wrote this page", as_text(_versions())])
    return table([], rows)


def _versions():

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**found, "mc_tf": __version__}


def _results(workdir, files):
    """Returns one section per file of numbers: comparisons first, then by name."""
    numbers = [
        file
        for file in files
        if file.endswith(".json") and os.path.basename(file) != "settings.json"
    ]
    numbers.sort(key=lambda file: os.path.basename(file) != "comparison.json")
    return "".join(
        file_section(os.path.relpath(file, workdir), *read_json(file)) for file in numbers
    )


def _figures(workdir, files):
    """Embeds all figures in the page, in one format each."""
    parts, seen = [], set()
    kinds = {**_IMAGES, **_FILMS}
    for ending in kinds:
        for file in files:
            root, own = os.path.splitext(file)
            if own.lower() != ending or (root in seen and own.lower() in (".svg", ".png")):
                continue
            seen.add(root)
            with open(file, "rb") as stream:
                content = base64.b64encode(stream.read()).decode("ascii")
            name = html.escape(os.path.relpath(file, workdir))
            source = f"data:{kinds[ending]};base64,{content}"
            if ending in _FILMS:
                shown = f'<video controls src="{source}"></video>'
            else:
                shown = f'<img src="{source}" alt="Figure {name}">'
            order = (os.path.dirname(file).count(os.sep), file)
            parts.append((order, f"<figure>{shown}<figcaption>{name}</figcaption></figure>\n"))
    return "".join(text for _, text in sorted(parts))
