"""The directory of a run: which run it holds."""

import json
import os

from mc_tf.files import check_writable, remove_leftovers, write_json

__all__ = ["as_stored", "claim", "stored_settings"]


def claim(workdir, settings):
    """Makes a directory ready for a run and refuses one that holds a different run.

    Args:
        workdir: directory; made if it is not there.
        settings: dict of everything that the run's result depends on.

    Raises:
        OSError: if the directory cannot be written.
        ValueError: if it holds a run with other settings, naming the first difference.
    """
    check_writable(workdir)
    path = os.path.join(workdir, "settings.json")
    remove_leftovers(path)
    stored, settings = stored_settings(workdir), as_stored(settings)
    if stored is None:
        write_json(path, settings)
        return
    for key in settings.keys() | stored.keys():
        if stored.get(key) != settings.get(key):
            raise ValueError(
                f"'{workdir}' holds a run with {key}={stored.get(key)}, but this one has "
                f"{key}={settings.get(key)}. Choose another --workdir to start anew."
            )


def as_stored(settings):
    """A dict of settings as it comes back from a file.

    Args:
        settings: dict.

    Returns:
        dict.
    """
    return json.loads(json.dumps(settings, default=str))  # as in the file: tuples are lists


def stored_settings(workdir):
    """The settings of the run that a directory holds.

    Args:
        workdir: directory.

    Returns:
        dict, or `None` if there is none.

    Raises:
        ValueError: if the file is damaged.
    """
    path = os.path.join(workdir, "settings.json")
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except ValueError as error:
        raise ValueError(f"'{path}' is damaged. Choose another --workdir.") from error
