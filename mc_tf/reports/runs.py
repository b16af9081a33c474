"""What was run and how far trainings came, as tables in HTML."""

import numpy as np

from mc_tf.reports.tables import table

__all__ = ["settings_section", "training_section"]


def settings_section(found):
    """The settings that all runs share, and those in which they differ.

    Args:
        found: `Found`.

    Returns:
        str, HTML.
    """
    runs = {name: run.settings for name, run in found.runs.items() if run.settings}
    keys = list(dict.fromkeys(key for settings in runs.values() for key in settings))
    first = next(iter(runs.values()), {})
    same = [
        key for key in keys if all(key in run and run[key] == first[key] for run in runs.values())
    ]
    other = [key for key in keys if key not in same]
    rows = [[name, *(run.get(key, "") for key in other)] for name, run in runs.items()]
    return table(
        [], [[key, first[key]] for key in same], "Settings of all runs", results=False
    ) + table(["run", *other], rows if other else [[name] for name in runs], "Runs", results=False)


def training_section(found):
    """The last epoch of each training.

    Args:
        found: `Found`.

    Returns:
        str, HTML.
    """
    runs = {name: run for name, run in found.runs.items() if run.epochs}
    columns = list(dict.fromkeys(key for run in runs.values() for key in run.history))
    columns = [key for key in columns if key != "epoch"]
    rows = [
        [name, run.epochs, *(float(run.history.get(key, [np.nan])[-1]) for key in columns)]
        for name, run in runs.items()
    ]
    return table(["run", "epochs", *columns], rows)
