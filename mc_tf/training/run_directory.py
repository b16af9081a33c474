"""The directory of a run: the names of its files, and which run it holds."""

import json
import os

from mc_tf.storage.checkpoints import copy_after
from mc_tf.storage.files import read_json, write_json

__all__ = [
    "RunDirectory",
    "as_stored",
    "claim",
    "find_difference",
    "runs_around",
    "stored_file",
    "stored_settings",
]

_WORKDIR = "workdir"  # where the directory was when the run began


class RunDirectory:
    """The names of a run's files; whether they are there is another question.

    Args:
        path: directory.

    Attributes:
        path: the same.
        settings, history: `settings.json`, `history.csv`.
        best: the network with the best validation result.
        members: folder of snapshots at the minima of cycles.
        trajectory: folder of snapshots at equal distances.
        tensorboard: folder of logs.

    Example:
        >>> RunDirectory("runs/a").network(epochs=24).replace(os.sep, "/")
        'runs/a/model-0024.keras'
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        self.settings = self._file("settings.json")
        self.history = self._file("history.csv")
        self.best = self._file("best.keras")
        self.members = self._file("members")
        self.trajectory = self._file("trajectory")
        self.tensorboard = self._file("tensorboard")

    def network(self, epochs=None):
        """File of the network: the latest, or the one kept after a number of epochs."""
        return copy_after(self._file("model.keras"), epochs)

    def curve(self, epochs=None):
        """File of the curve, as for `network`."""
        return copy_after(self._file("curve.keras"), epochs)

    def average(self, epochs=None):
        """File of the network with averaged weights, as for `network`."""
        return copy_after(self._file("swa.keras"), epochs)

    def _file(self, name):
        return os.path.join(self.path, name)


def runs_around(path):
    """The directories whose run a file, or a folder such as `members`, may belong to.

    Args:
        path: file or directory.

    Returns:
        Two `RunDirectory`, the nearer one first.
    """
    path = os.path.abspath(path)
    nearest = path if os.path.isdir(path) else os.path.dirname(path)
    return [RunDirectory(nearest), RunDirectory(os.path.dirname(nearest))]


def claim(workdir, settings, files=None):
    """Makes a directory ready for a run and refuses one that holds a different run.

    Args:
        workdir: directory; made if it is not there.
        settings: dict of everything else that the run's result depends on.
        files: dict from name to a file that it depends on, such as `start`. It is the same file
            if it is where it was, or in the same place as seen from the directory: runs may be
            moved together.

    Raises:
        OSError: if the directory cannot be written.
        ValueError: if it holds a run with other settings, naming the first difference.
    """
    path = RunDirectory(workdir).settings
    if not os.path.exists(path):
        write_json(path, _with_files(workdir, settings, files))
        return
    difference = find_difference(workdir, settings, files)
    if difference is None:
        return
    key, stored, given = difference
    raise ValueError(
        f"'{workdir}' holds a run with {key}={stored}, but this one has {key}={given}. Choose "
        "another --workdir to start anew."
    )


def find_difference(workdir, settings, files=None):
    """Compares a run with the one that a directory holds.

    Args:
        workdir, settings, files: as for `claim`.

    Returns:
        `(name, stored, given)` of the first difference; `None` if there is none.
    """
    stored, given = stored_settings(workdir) or {}, _with_files(workdir, settings, files)
    for key in sorted(given.keys() | stored.keys(), key=[*stored, *given].index):
        before, now = stored.get(key), given.get(key)
        same = before == now or key == _WORKDIR
        if not same and key in (files or {}) and before and _WORKDIR in stored:
            same = os.path.relpath(before, stored[_WORKDIR]) == os.path.relpath(now, workdir)
        if not same:
            return key, before, now
    return None


def stored_file(workdir, name):
    """A file that a run depends on, from its settings.

    Args:
        workdir: directory of the run.
        name: such as `"start"`.

    Returns:
        Path: where it was, or, if nothing is there, the same place as seen from the directory.
        `None` if the run has no such file.
    """
    stored = stored_settings(workdir) or {}
    path = stored.get(name)
    if path and not os.path.exists(path) and _WORKDIR in stored:
        path = os.path.join(os.path.abspath(workdir), os.path.relpath(path, stored[_WORKDIR]))
        path = os.path.normpath(path)
    return path


def as_stored(settings):
    """A dict of settings as it comes back from a file.

    Args:
        settings: dict.

    Returns:
        dict.
    """
    return json.loads(json.dumps(settings, default=str))  # as in the file: tuples are lists


def _with_files(workdir, settings, files):
    content = dict(settings)
    if files:
        places = {name: os.path.abspath(path) for name, path in files.items()}
        content = {**places, **content, _WORKDIR: os.path.abspath(workdir)}
    return as_stored(content)


def stored_settings(workdir):
    """The settings of the run that a directory holds.

    Args:
        workdir: directory.

    Returns:
        dict, or `None` if there is none.

    Raises:
        DamagedFileError: if the file is damaged.
    """
    path = RunDirectory(workdir).settings
    if not os.path.exists(path):
        return None
    return read_json(path, "the settings of a run", "train in another --workdir")
