"""Files that are whole or not there: written under a temporary name, then renamed."""

import contextlib
import errno
import glob
import json
import math
import os
import re
import tempfile
import zipfile

import numpy as np

__all__ = [
    "atomic_path",
    "check_writable",
    "numbered_files",
    "read_arrays",
    "remove_leftovers",
    "weight_shapes",
    "write_arrays",
    "write_json",
]


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic_path(path):
    """Gives a temporary path beside `path` that becomes `path` if the block succeeds.

    Args:
        path: the file to write. An existing file is replaced in one step, or left as it was.

    Yields:
        Path of the temporary file, with the same ending.

    Raises:
        OSError: with one clear line, if the disk is full.
    """
    path = os.path.abspath(os.fspath(path))
    directory, prefix, ending = _temporary_name(path)
    handle, temporary = tempfile.mkstemp(prefix=prefix, suffix=ending, dir=directory)
    os.close(handle)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise OSError(
                f"Cannot write '{path}': {error.strerror}. What was written before is intact. "
                "Free some space, and run the same again."
            ) from error
        raise


def remove_leftovers(path):
    """Removes what a killed `atomic_path(path)` left behind. No other process may be writing it.

    Args:
        path: the file that was to be written; it is not touched.
    """
    parts = _temporary_name(os.path.abspath(os.fspath(path)))
    directory, prefix, ending = map(glob.escape, parts)
    for temporary in glob.glob(os.path.join(directory, f"{prefix}????????{ending}")):
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)


def _temporary_name(path):
    """Directory, beginning and ending of the temporary names, with 8 characters between."""
    directory, root = os.path.split(path)
    ending = ""
    while "." in root[1:]:  # keep compound endings: Keras looks at `.weights.h5`
        root, _, last = root.rpartition(".")
        ending = f".{last}{ending}"
    return directory, f".{root}-", ending


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_writable(directory):
    """Makes a directory if it is not there and checks that files can be written in it.

    Args:
        directory: path.

    Raises:
        OSError: with one clear line, if it cannot be made or written.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise OSError(
            f"Cannot write in the directory '{directory}' ({error.strerror}). Give another one, "
            "or change its permissions."
        ) from error


def write_arrays(path, **arrays):
    """Writes an `.npz` file in one step.

    Args:
        path: the file, ending in `.npz`.
        **arrays: what `numpy.savez` takes.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_arrays(path, names, kind, maker):
    """Reads an `.npz` file of results.

    Args:
        path: the file.
        names: arrays that must be in it.
        kind: what it is, for messages, such as `"a trajectory"`.
        maker: the program that writes such files.

    Returns:
        dict of all arrays in it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no result file '{path}' of {kind}. Make it: {maker}.")
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The result file '{path}' is damaged ({type(error).__name__}). Delete it and make it "
            f"again: {maker}."
        ) from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(
            f"The file '{path}' is not {kind}, which {maker} makes: it has no "
            f"'{missing[0]}'. It has: {', '.join(arrays)}."
        )
    return arrays


def numbered_files(directory, prefix):
    """The files `PREFIX-00000390.npz` and the like in a directory, of at least eight digits.

    Args:
        directory: path; it need not be there.
        prefix: str.

    Returns:
        dict from number to file name, in the order of the numbers.
    """
    pattern = os.path.join(glob.escape(os.fspath(directory)), f"{prefix}-*.npz")
    found = {}
    for path in glob.glob(pattern):
        match = re.fullmatch(rf"{re.escape(prefix)}-(\d{{8,}})\.npz", os.path.basename(path))
        if match:
            found[int(match[1])] = path
    return dict(sorted(found.items()))


def weight_shapes(file):
    """What a file of weights that Keras wrote holds, the optimizer's part left out.

    Args:
        file: `.weights.h5` file name, or such a file opened in binary mode.

    Returns:
        dict from the name of each array to its shape.
    """
    import h5py  # a dependency of Keras

    shapes = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer/"):
            shapes[name] = tuple(item.shape)

    with h5py.File(file, "r") as content:
        content.visititems(visit)
    return shapes


def write_json(path, content):
    """Writes a JSON file in one step; numbers that are not finite become null.

    Args:
        path: the file.
        content: nested dicts, lists, strings and numbers.
    """
    with atomic_path(path) as temporary:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(_finite(content), file, indent=2, default=str, allow_nan=False)
            file.write("\n")


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
