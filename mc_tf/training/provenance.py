"""Checks the data on which networks in files were trained, if their runs exist."""

import itertools
import os

from mc_tf.training.run_directory import runs_around, stored_file, stored_settings

__all__ = ["check_held_out", "check_not_held_out", "check_same_data"]

_SEEN_AS = ("mean", "std", "scale", "normalization")  # preprocessing of the examples


def check_same_data(paths, given):
    """Rejects networks trained with other preprocessing, or on examples held out now.

    Args:
        paths: files of networks or curves, or directories of runs. Files outside a run, or of a run
            on another data set, are not checked.
        given: `Dataset.settings` of the data set to use.

    Raises:
        ValueError: naming the first such run.
    """
    for path in paths:
        for _, stored in itertools.islice(_runs([path], given["data"], _readable), 1):
            for name in _SEEN_AS:
                if name in stored and name in given and stored[name] != given[name]:
                    raise ValueError(
                        f"'{path}' was trained on {given['data']} with {name} {stored[name]}, but "
                        f"here it is {given[name]}. Use the same --normalization."
                    )
    check_not_held_out(paths, given)


def check_not_held_out(paths, given):
    """Rejects networks trained on examples held out now, directly or by their initial weights.

    Args:
        paths, given: as for `check_same_data`.

    Raises:
        ValueError: naming the first such run.
    """
    for folder, stored in _runs(paths, given["data"], _readable):
        numbers = stored.get("train_examples", 0), given.get("train_examples", 0)
        if stored.get("test") != given["test"] and numbers[0] > numbers[1]:
            raise ValueError(
                f"The run in '{folder}' was trained on {numbers[0]} examples of {given['data']}, "
                f"of which only {numbers[1]} are training examples here and the others held out. "
                "Use --use_test, or networks that were trained without it."
            )


def check_held_out(paths, given):
    """Rejects runs without held-out examples for fitting temperatures.

    Args:
        paths: as for `check_same_data`.
        given: `Dataset.settings` of the data set without `use_test`.

    Raises:
        ValueError: naming the first such run, or one whose settings are damaged.
    """
    for folder, stored in _runs(paths, given["data"], stored_settings):
        if stored.get("test") != given["test"]:
            raise ValueError(
                f"The run in '{folder}' was trained on all training examples (--use_test), so none "
                "are held out for fitting temperatures. Use runs that were trained without "
                "--use_test."
            )


def _runs(paths, name, read):
    """Yields `(folder, settings)` of runs on a data set, and of the runs they started from."""
    waiting, seen = list(paths), set()
    while waiting:
        path = waiting.pop()
        for folder in (run.path for run in runs_around(path)):
            stored = read(folder) or {}
            if stored.get("data") == name:
                break
        else:
            continue
        yield folder, stored
        seen.add(folder)
        before = [stored_file(folder, key) for key in ("start", "end", "initial_weights")]
        waiting += [file for file in before if file and os.path.dirname(file) not in seen]


def _readable(folder):
    """Returns settings of the run in a directory; empty if the file is invalid."""
    try:
        stored = stored_settings(folder)
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) else None
