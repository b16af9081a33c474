"""HTML tables of settings, progress of training, and unfinished results."""

import csv
import os
import re

import numpy as np

from mc_tf.reports.tables import read_json, table
from mc_tf.storage.checksums import DamagedFileError
from mc_tf.storage.files import read_arrays

__all__ = ["settings_section", "training_section", "unfinished_section"]


def settings_section(workdir, files):
    """Returns tables of settings: common settings, and settings that differ between runs.

    Args:
        workdir: directory that names are relative to.
        files: list of settings.json files.

    Returns:
        str, HTML.
    """
    runs, problems = {}, []
    for file in files:
        name = _folder(workdir, file)
        content, problem = read_json(file)
        if isinstance(content, dict):
            runs[name] = content
        else:
            problems.append([name, problem or "This file holds no settings."])
    keys = list(dict.fromkeys(key for settings in runs.values() for key in settings))
    first = next(iter(runs.values()), {})
    same = [
        key for key in keys if all(key in run and run[key] == first[key] for run in runs.values())
    ]
    other = [key for key in keys if key not in same]
    rows = [[name, *(run.get(key, "") for key in other)] for name, run in runs.items()]
    return (
        table([], [[key, first[key]] for key in same], "Settings of all runs")
        + table(["run", *other], rows if other else [[name] for name in runs], "Runs")
        + table(["run", "problem"], problems)
    )


def training_section(workdir, files):
    """Returns a table of the last epoch of each training.

    Args:
        workdir: directory that names are relative to.
        files: list of history.csv files.

    Returns:
        str, HTML.
    """
    last, counts = {}, {}
    for file in files:
        with open(file, newline="", encoding="utf-8", errors="replace") as stream:
            rows = [row for row in csv.DictReader(stream) if None not in row.values()]
        if rows:
            name = _folder(workdir, file)
            last[name], counts[name] = rows[-1], len(rows)
    columns = list(dict.fromkeys(key for row in last.values() for key in row if key != "epoch"))
    columns = [key for key in columns if key]
    rows = [
        [name, counts[name], *(_number(row.get(key)) for key in columns)]
        for name, row in last.items()
    ]
    return table(["run", "epochs", *columns], rows, "Values of the last epoch")


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def unfinished_section(workdir, files):
    """Returns a table of incomplete results.

    Args:
        workdir: directory that names are relative to.
        files: list of all files.

    Returns:
        str, HTML.
    """
    rows, there = [], set(files)
    for file in files:
        if re.sub(r"-\d+-of-\d+(?=\.npz$)", "", file) in there - {file}:
            continue  # a part of a merged grid
        if file.endswith(".npz"):
            try:
                done = read_arrays(file, (), "results", None).get("done", np.ones(1, bool))
            except DamagedFileError as error:
                rows.append([os.path.relpath(file, workdir), f"damaged: {error}"])
                continue
            except (OSError, ValueError) as error:
                rows.append([os.path.relpath(file, workdir), f"cannot be read: {error}"])
                continue
            if not done.all():
                text = f"{int(done.sum())} of {done.size} points evaluated"
                rows.append([os.path.relpath(file, workdir), text])
    return table(["file", "state"], rows)


def _folder(workdir, file):
    return os.path.relpath(os.path.dirname(file), workdir)
