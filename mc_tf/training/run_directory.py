"""The directory of a run: its file names and settings."""

import json
import os

from mc_tf.storage.checkpoints import copy_after
from mc_tf.storage.files import read_json, write_json

__all__ = [
    "RunDirectory",
    "as_stored",
    "open_run",
    "find_difference",
    "runs_around",
    "stored_file",
    "stored_settings",
]

_WORKDIR = "workdir"  # path of the directory when the run started


class RunDirectory:
    """The names of a run's files, whether or not they exist.

    Args:
        path: directory.

    Attributes:
        path: as given.
        settings, history: `settings.json`, `history.csv`.
        best: the network with the best validation score.
        members: folder of snapshots at the minima of cycles.
        trajectory: folder of snapshots at regular steps.
        samples: folder of networks sampled from a posterior.
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
        self.samples = self._file("samples")
        self.tensorboard = self._file("tensorboard")

    def network(self, epochs=None):
        """File of the latest network, or of the copy kept after a number of epochs."""
        return copy_after(self._file("model.keras"), epochs)

    def curve(self, epochs=None):
        """File of the curve, like `network`."""
        return copy_after(self._file("curve.keras"), epochs)

    def average(self, epochs=None):
        """File of the network with averaged weights, like `network`."""
        return copy_after(self._file("swa.keras"), epochs)

    def _file(self, name):
        return os.path.join(self.path, name)


def runs_around(path):
    """Directories of runs that may contain a file, or a folder such as `members`.

    Args:
        path: file or directory.

    Returns:
        Two `RunDirectory`, the nearer first.
    """
    path = os.path.abspath(path)
    nearest = path if os.path.isdir(path) else os.path.dirname(path)
    return [RunDirectory(nearest), RunDirectory(os.path.dirname(nearest))]


def open_run(workdir, settings, files=None):
    """Prepares a directory for a run and rejects a directory with a different run.

    Args:
        workdir: directory, created if necessary.
        settings: dict of all settings that affect the result of the run.
        files: dict from name to a file that affects it, such as `start`. A file matches by its
            path, or by its path relative to the directory, so runs can be moved together.

    Raises:
        OSError: if the directory cannot be written to.
        ValueError: if it contains a run with other settings; the message names the first
            difference.
    """
    path = RunDirectory(workdir).settings
    if os.path.exists(path):
        if difference := find_difference(workdir, settings, files):
            key, stored, given = difference
            raise ValueError(
                f"'{workdir}' holds a run with {key}={stored}, but this one has {key}={given}. "
                "Choose another --workdir to start over."
            )
    else:
        write_json(path, _with_files(workdir, settings, files))


def find_difference(workdir, settings, files=None):
    """Compares a run with the run in a directory.

    Args:
        workdir, settings, files: as for `open_run`.

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
    """Finds a file that a run depends on, from its settings.

    Args:
        workdir: directory of the run.
        name: such as `"start"`.

    Returns:
        Original path, or, if that does not exist, the same path relative to the directory. `None`
        if the run has no such file.
    """
    stored = stored_settings(workdir) or {}
    path = stored.get(name)
    if path and not os.path.exists(path) and _WORKDIR in stored:
        path = os.path.join(os.path.abspath(workdir), os.path.relpath(path, stored[_WORKDIR]))
        path = os.path.normpath(path)
    return path


def as_stored(settings):
    """Converts a dict of settings as if read back from a file.

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
    """Reads the settings of the run in a directory.

    Args:
        workdir: directory.

    Returns:
        dict, or `None` if there is no run.

    Raises:
        DamagedFileError: if the file is damaged.
    """
    path = RunDirectory(workdir).settings
    if not os.path.exists(path):
        return None
    return read_json(path, "the settings of a run", "train in another --workdir")
