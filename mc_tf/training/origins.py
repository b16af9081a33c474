"""On which data the networks in files were trained, as far as their runs are there."""

import os

from mc_tf.training.workdir import stored_file, stored_settings

__all__ = ["check_held_out", "check_same_data"]

_SEEN_AS = ("mean", "std", "scale", "normalization")  # how networks see the examples


def check_same_data(paths, data):
    """Refuses networks that saw examples otherwise, or were trained on those held out now.

    Args:
        paths: files of networks or curves, or directories of runs; what stands beside no run, or
            beside one on another data set, cannot be looked at.
        data: data set from `mc_tf.data.load`.

    Raises:
        ValueError: naming the first such run.
    """
    given = data.settings
    for folder, stored in _runs(paths, given["data"]):
        for name in _SEEN_AS:
            if name in stored and name in given and stored[name] != given[name]:
                raise ValueError(
                    f"The run in '{folder}' was trained on {given['data']} with {name} "
                    f"{stored[name]}, but here it is {given[name]}. Give the same --normalization."
                )
        if stored.get("train_examples", 0) > given["train_examples"]:
            raise ValueError(
                f"The run in '{folder}' was trained on {stored['train_examples']} examples of "
                f"{given['data']}; of these only {given['train_examples']} are training examples "
                "here, the others are held out for validation. Give --use_test, or networks that "
                "were trained without it."
            )


def check_held_out(paths, data):
    """Refuses runs that were trained, or began with such, on examples that are held out now.

    Args:
        paths: as for `check_same_data`.
        data: data set from `mc_tf.data.load` without `use_test`.

    Raises:
        ValueError: naming the first such run.
    """
    for folder, stored in _runs(paths, data.settings["data"]):
        if stored.get("test") != data.settings["test"]:
            raise ValueError(
                f"The run in '{folder}' was trained on all training examples (--use_test), so "
                "none are held out to fit temperatures to. Give runs that were trained without "
                "--use_test."
            )


def _runs(paths, name):
    """`(folder, settings)` of the runs on a data set that files are of, and those they began at."""
    waiting, seen = list(map(os.path.abspath, paths)), set()
    while waiting:
        path = waiting.pop()
        for folder in (path, os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            stored = _settings(folder)
            if stored.get("data") == name:
                break
        else:
            continue
        yield folder, stored
        seen.add(folder)
        before = [stored_file(folder, key) for key in ("start", "end", "initial_weights")]
        waiting += [file for file in before if file and os.path.dirname(file) not in seen]


def _settings(folder):
    """Settings of the run in a directory; empty if there is none, or the file is something else."""
    try:
        stored = stored_settings(folder)
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}
