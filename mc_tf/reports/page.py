"""Report of a directory of runs as one page: settings, numbers and figures from its files."""

import datetime
import html
import importlib.metadata
import os
import platform

from mc_tf.reports.contents import file_section
from mc_tf.reports.figures import drawn_files, learning_curves, result_figures
from mc_tf.reports.found import age, read_directory
from mc_tf.reports.headline import headline
from mc_tf.reports.runs import settings_section, training_section
from mc_tf.reports.style import STYLE
from mc_tf.reports.surfaces import surface_figures
from mc_tf.reports.tables import as_text, folded, read_json, table, with_note
from mc_tf.storage.destinations import check_output
from mc_tf.storage.files import atomic_path
from mc_tf.version import __version__

__all__ = ["write_report"]

_PACKAGES = ("mc_tf", "keras", "tensorflow", "numpy", "matplotlib", "plotly")
# Whatever a name in a file says, the page loads nothing.
_POLICY = (
    "default-src 'none'; img-src data: blob:; media-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval'"
)


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
    found = read_directory(workdir)
    body = _top(found) + _figures(found) + _tables(found) + _folded(found)
    if not body:
        body = "<p>There are no results, figures or settings in this directory yet.</p>\n"
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(title)}</h1>\n{body}{_origin(found)}</body>\n</html>\n"
    )
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(page)
    return path


def _section(name, text):
    return f"<h2>{name}</h2>\n{text}" if text else ""


def _top(found):
    """How far the run is, its main numbers, and published ones beside them."""
    if not (found.runs or found.results or found.problems or found.snapshots or found.averages):
        return ""
    return headline(found) + "".join(_section_of(found, file) for file in _published(found))


def _published(found):
    """Files with published numbers, which stand at the top."""
    for file in found.named("comparison.json"):
        content, _ = read_json(file)
        rows = content.get("rows") if isinstance(content, dict) else content
        targets = [row.get("target") for row in rows or () if isinstance(row, dict)]
        if any(target is not None for target in targets):
            yield file


def _section_of(found, file):
    return file_section(found.name(file), *read_json(file))


def _figures(found):
    """Figures; if a recipe has drawn some, the figures of each result are folded."""
    own = drawn_files(found)
    drawn, surfaces = result_figures(found, own), surface_figures(found)
    if own and found.named("comparison.json"):
        shown = own + surfaces + folded("Figures of each result", drawn)
    else:
        shown = own + drawn + surfaces
    return _section("Figures", shown) + _section("Learning curves", learning_curves(found))


def _tables(found):
    """A section for each file of numbers: comparisons first, then the oldest."""
    elsewhere = {*found.named("settings.json"), *_published(found)}
    numbers = [file for file in found.files if file.endswith(".json") and file not in elsewhere]
    numbers.sort(key=lambda file: (os.path.basename(file) != "comparison.json", age(file)))
    return _section("Tables", with_note("".join(_section_of(found, file) for file in numbers)))


def _folded(found):
    """What is looked up rather than read."""
    problems = [[name, run.problem] for name, run in found.runs.items() if run.problem]
    return _section(
        "What was run",
        table(["run", "problem"], problems)
        + folded("Last epoch of each training", with_note(training_section(found)))
        + folded("Settings", settings_section(found)),
    )


def _origin(found):
    """When, where and with what the page was made."""
    now = datetime.datetime.now().astimezone()
    rows = [
        ["directory", os.path.abspath(found.workdir)],
        ["page written", now.isoformat(" ", "minutes")],
        ["versions that wrote this page", as_text(_versions())],
    ]
    return f"<footer>\n{folded('This page', table([], rows))}</footer>\n"


def _versions():
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "mc_tf": __version__}
