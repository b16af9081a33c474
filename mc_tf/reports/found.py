"""The files of a directory of runs: trainings, results, and what cannot be read."""

import csv
import dataclasses
import os
import re

import numpy as np

from mc_tf.ensemble.results import EnsembleEvaluation
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.landscape.results import GridEvaluation
from mc_tf.reports.tables import read_json
from mc_tf.storage.checksums import DamagedFileError
from mc_tf.storage.files import read_arrays
from mc_tf.training.run_directory import stored_file, stored_settings

__all__ = ["Found", "Run", "age", "read_directory"]

_RESULTS = {  # arrays by which a file is known, and its kind
    ("t", "arc_lengths"): CurveEvaluation.load,
    ("surface", "axis:0"): GridEvaluation.load,
    ("members:loss", "cumulative:loss"): EnsembleEvaluation.load,
    ("t", "pair_error"): "pairs",
    ("step", "learning_rate", "distance_from_start", "error"): "trajectory",
    ("distance", "member_difference", "mean_difference"): "mean_prediction",
    ("epochs", "error", "member_error"): "budgets",
}
_KEPT = re.compile(r"(snapshot|average)-\d{8,}\.npz")


@dataclasses.dataclass
class Run:
    """One training.

    Attributes:
        folder: its directory.
        settings: dict, empty if there are none.
        history: dict from column of `history.csv` to float64 array, an entry for each epoch.
        problem: why its settings cannot be read, or nothing.
    """

    folder: str
    settings: dict = dataclasses.field(default_factory=dict)
    history: dict = dataclasses.field(default_factory=dict)
    problem: str | None = None

    @property
    def is_curve(self):
        """Whether a curve was trained, not a network."""
        return "curve" in self.settings

    @property
    def epochs(self):
        """How many epochs are trained."""
        return len(next(iter(self.history.values()), ()))

    @property
    def lacking(self):
        """How many epochs are not trained yet."""
        planned = self.settings.get("epochs")
        return max(0, planned - self.epochs) if isinstance(planned, int) else 0

    @property
    def held_out(self):
        """What the data is called that its network is judged by: test or validation."""
        return str(self.settings.get("test", "test"))

    def other(self, name):
        """The run that a network came from which this one needs.

        Args:
            name: of the setting: `"start"`, `"end"` or `"initial_weights"`.

        Returns:
            `Run`, also one outside the directory; `None` if there is none. Of runs that were
            copied together it is the copy.
        """
        try:
            file, before = stored_file(self.folder, name), self.settings.get("workdir")
            if not file:
                return None
            if before:
                path = os.path.relpath(self.settings[name], before)
                here = os.path.normpath(os.path.join(os.path.abspath(self.folder), path))
                file = here if os.path.exists(here) else file
            folder = os.path.dirname(file)
            return Run(folder, stored_settings(folder) or {})
        except (OSError, TypeError, ValueError):
            return None

    @property
    def network(self):
        """Name and options of the network, also of the one that the training began with."""
        run, seen = self, set()
        while run and not run.settings.get("network") and run.folder not in seen:
            seen.add(run.folder)
            run = run.other("initial_weights")
        names = ("network", "network_options")
        return tuple(run.settings.get(name) if run else None for name in names)


@dataclasses.dataclass
class Found:
    """What is in a directory.

    Attributes:
        workdir: the directory.
        files: paths of all files, the directory's own first.
        runs: dict from name to `Run`: networks, then curves, both in the order of training.
        results: dict from file to an evaluation, or to `(kind, arrays)`, the oldest first.
        snapshots: dict from directory of snapshots to their number.
        averages: directories of averaged weights.
        unfinished: list of `[file, text]` of evaluations of which points are missing.
        problems: list of `[file, text]` of those that cannot be read.
    """

    workdir: str
    files: list
    runs: dict
    results: dict
    unfinished: list
    problems: list
    snapshots: dict
    averages: list

    def name(self, path):
        """A path as seen from the directory, which itself has its own name."""
        name = os.path.relpath(path, self.workdir)
        return os.path.basename(os.path.abspath(self.workdir)) if name == os.curdir else name

    def of_curve(self, name):
        """What a curve is called by whose result is called `name`: its directory's name."""
        folder, file = os.path.split(name)
        return (folder or self.name(self.workdir)) if file == "evaluation" else name

    def named(self, file):
        """The paths of all files with a name."""
        return [path for path in self.files if os.path.basename(path) == file]

    def of(self, kind):
        """The results of a class, by their names.

        Args:
            kind: class.

        Returns:
            dict from name without ending to result.
        """
        results = {file: each for file, each in self.results.items() if isinstance(each, kind)}
        return {os.path.splitext(self.name(file))[0]: each for file, each in results.items()}


def read_directory(workdir):
    """Reads what the page shows.

    Args:
        workdir: directory.

    Returns:
        `Found`.
    """
    files = []
    for folder, folders, names in os.walk(workdir):
        folders.sort()
        files += [os.path.join(folder, name) for name in sorted(names) if name[0] != "."]
    found = Found(os.fspath(workdir), files, {}, {}, [], [], {}, [])
    for file in sorted(found.named("settings.json"), key=age) + found.named("history.csv"):
        folder = os.path.dirname(file)
        run = found.runs.setdefault(found.name(folder), Run(folder))
        if file.endswith(".csv"):
            run.history = _history(file)
            continue
        content, run.problem = read_json(file)
        if isinstance(content, dict):
            run.settings = content
        else:
            run.problem = run.problem or "This file holds no settings."
    found.runs = dict(sorted(found.runs.items(), key=lambda item: item[1].is_curve))
    for file in sorted(files, key=age):
        folder, kept = os.path.dirname(file), _KEPT.fullmatch(os.path.basename(file))
        if kept and kept[1] == "snapshot":
            found.snapshots[folder] = found.snapshots.get(folder, 0) + 1
        elif kept and folder not in found.averages:
            found.averages.append(folder)
        if kept:
            continue
        whole = re.sub(r"-\d+-of-\d+(?=\.npz$)", "", file)
        if file.endswith(".npz") and (whole == file or whole not in files):
            _read_result(found, file)
    return found


def age(file):
    """When a file was written, for sorting: the oldest first; 0 if it is gone."""
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0


def _read_result(found, file):
    """Adds a file of arrays to what was found."""
    try:
        arrays = read_arrays(file, (), "results", None)
        for names, kind in _RESULTS.items():
            if set(names) <= set(arrays):
                found.results[file] = (kind, arrays) if isinstance(kind, str) else kind(file)
                break
    except DamagedFileError as error:
        found.problems.append([found.name(file), f"damaged: {error}"])
        return
    except (OSError, ValueError) as error:
        found.problems.append([found.name(file), f"cannot be read: {error}"])
        return
    done = arrays.get("done", np.ones(1, bool))
    if not done.all():
        text = f"{int(done.sum())} of {done.size} points evaluated"
        found.unfinished.append([found.name(file), text])


def _history(file):
    """The whole rows of a table of epochs, as columns; NaN for anything but a number."""
    with open(file, newline="", encoding="utf-8", errors="replace") as stream:
        rows = [row for row in csv.DictReader(stream) if None not in row.values()]
    columns = [name for name in (rows[0] if rows else ()) if name]
    return {name: np.array([_number(row[name]) for row in rows]) for name in columns}


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return np.nan
