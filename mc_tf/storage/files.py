"""Atomic files: written under a temporary name, then renamed."""

import contextlib
import errno
import glob
import io
import json
import math
import os
import re
import tempfile
import time
import zipfile

import numpy as np

from mc_tf.distribute.processes import is_chief
from mc_tf.storage import checksums
from mc_tf.storage.locks import release, take

__all__ = [
    "DESCRIPTION",
    "atomic_path",
    "check_writable",
    "numbered_files",
    "read_arrays",
    "read_json",
    "remove",
    "remove_abandoned",
    "weight_shapes",
    "write_arrays",
    "write_json",
]

DESCRIPTION = "mc_tf_architecture"  # in a file of weights: description of its network
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MARK = ".mc_tf-"  # prefix of temporary files
# Of numbered files, the temporary names of earlier versions.
_EARLIER = r"\.(?:snapshot-\d{8,}|average-\d{8,}|start)-[a-z0-9_]{8}\.npz"
_DAY_SECONDS = 86400


@contextlib.contextmanager
def atomic_path(path):
    """Yields a temporary path next to `path` that becomes `path` if the block succeeds.

    The temporary file is locked while it is written, so that other programs can distinguish it from
    remains of killed programs, which they remove. Of several processes of one training, only the
    chief's file becomes `path`; the others go the same way, because values may be computed by all.

    Args:
        path: the file to write. An existing file is replaced atomically, or kept on errors.

    Yields:
        Path of the temporary file, with the same extension.

    Raises:
        OSError: with a one-line message, if the disk is full.
    """
    path = os.path.abspath(os.fspath(path))
    if not is_chief():
        with tempfile.TemporaryDirectory() as directory:
            yield os.path.join(directory, os.path.basename(path))
        return
    remove_abandoned(os.path.dirname(path), os.path.basename(path))
    descriptor, temporary = _locked_temporary(path)
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
                f"Cannot write '{path}': {error.strerror}. What was written before is intact. Free "
                "some space, and run the same command again."
            ) from error
        raise
    finally:
        release(descriptor)


def _locked_temporary(path):
    directory, name = os.path.split(path)
    while True:
        descriptor, temporary = tempfile.mkstemp(f"-{name}", _MARK, directory)
        if take(descriptor) is not False and os.path.exists(temporary):
            return descriptor, temporary
        release(descriptor)  # another program considered it abandoned before it was locked


def remove(paths):
    """Removes files; of several processes of one training, only the chief does.

    Args:
        paths: file names.
    """
    for path in paths if is_chief() else ():
        os.remove(path)


def remove_abandoned(directory, name=None):
    """Removes the temporary files of killed programs, but not of running programs.

    Args:
        directory: where files are written.
        name: name of the file to be written; its temporary files from earlier versions of this
            library, under other names, are also removed.
    """
    pattern = rf"{re.escape(_MARK)}[a-z0-9_]{{8}}-.+|{_EARLIER}"
    if name:
        root, dot, ending = name.partition(".") if name[0] != "." else (name, "", "")
        pattern += rf"|\.{re.escape(root)}-[a-z0-9_]{{8}}{re.escape(dot + ending)}"
    with os.scandir(directory) as entries:
        leftovers = [entry.path for entry in entries if re.fullmatch(pattern, entry.name)]
    for path in leftovers:
        with contextlib.suppress(OSError):
            _remove_if_abandoned(path)


def _remove_if_abandoned(path):
    descriptor = os.open(path, os.O_RDWR)
    try:
        free = take(descriptor)
        if free is None:  # no locks on this file system
            free = time.time() - os.fstat(descriptor).st_mtime > _DAY_SECONDS
        if free:
            os.remove(path)
    finally:
        release(descriptor)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_writable(directory):
    """Creates a directory if necessary and checks that it is writable.

    Partial files of killed programs are removed.

    Args:
        directory: path.

    Raises:
        OSError: with a one-line message, if it cannot be created or written to.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
        remove_abandoned(directory)
    except OSError as error:
        raise OSError(
            f"Cannot write in the directory '{directory}' ({error.strerror}). Choose another one, "
            "or change its permissions."
        ) from error


def write_arrays(path, **arrays):
    """Writes an `.npz` file with a checksum, atomically.

    Args:
        path: the file, ending in `.npz`.
        **arrays: arrays, as for `numpy.savez`.
    """
    with atomic_path(path) as temporary:
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
        checksums.seal(temporary)


def read_arrays(path, names, kind, maker, build=dict):
    """Reads an `.npz` file.

    Args:
        path: the file.
        names: names of required arrays.
        kind: kind of file, for messages, such as `"a trajectory"`.
        maker: program or function that writes such files.
        build: function of the dict of arrays. Default: returns the dict.

    Returns:
        The result of `build`.

    Raises:
        FileNotFoundError: if the file does not exist.
        DamagedFileError: if it is damaged.
        OtherKindError: a `ValueError`, if it is something else.
        OSError: if it cannot be read.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no result file '{path}' of {kind}. Make it: {maker}.")

    def parse(content):
        with np.load(content, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        missing = [name for name in names if name not in arrays]
        if missing:
            raise checksums.OtherKindError(
                f"The file '{path}' is not {kind}, which {maker} makes: it has no "
                f"'{missing[0]}'. It has: {', '.join(list(arrays)[:9]) or 'nothing'}."
            )
        return build(arrays)

    return checksums.read(path, parse, kind, maker)


def numbered_files(directory, prefix):
    """Finds files such as `PREFIX-00000390.npz` in a directory, with at least eight digits.

    Args:
        directory: path; it need not exist.
        prefix: str.

    Returns:
        dict from number to file name, in the order of the numbers.
    """
    pattern = os.path.join(glob.escape(os.fspath(directory)), f"{prefix}-*.npz")
    files = {}
    for path in glob.glob(pattern):
        match = re.fullmatch(rf"{re.escape(prefix)}-(\d{{8,}})\.npz", os.path.basename(path))
        if match:
            files[int(match[1])] = path
    return dict(sorted(files.items()))


def weight_shapes(path):
    """Lists the arrays in a weights file of Keras, without optimizer and description.

    Args:
        path: `.weights.h5`, `.h5` or `.keras` file.

    Returns:
        dict from the name of each array to its shape.

    Raises:
        DamagedFileError: if it is damaged, or contains no weights.
        OSError: if it cannot be read.
    """
    import h5py  # a dependency of Keras

    shapes = {}

    def visit(name, item):
        left_out = name == DESCRIPTION or name.startswith("optimizer/")
        if isinstance(item, h5py.Dataset) and not left_out:
            shapes[name] = tuple(item.shape)

    def parse(file):
        if str(path).endswith(".keras"):
            file = io.BytesIO(zipfile.ZipFile(file).read("model.weights.h5"))
        with h5py.File(file, "r") as content:
            content.visititems(visit)
        return shapes

    return checksums.read(path, parse, "a file of weights")


def write_json(path, content):
    """Writes a JSON file atomically; non-finite numbers become null.

    Args:
        path: the file.
        content: dict with entries: nested dicts, lists, strings and numbers. A checksum is added
            as the last key.
    """
    text = json.dumps(_finite(content), indent=2, default=str, allow_nan=False)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(checksums.sealed_json(text.encode()))


def read_json(path, kind, maker):
    """Reads a JSON file.

    Args:
        path: the file.
        kind: kind of file, for messages, such as `"the settings of a run"`.
        maker: program or function that writes such files.

    Returns:
        Its content, without the checksum.

    Raises:
        FileNotFoundError: if the file does not exist.
        DamagedFileError: if it is damaged, or was changed without its checksum.
        OSError: if it cannot be read.
    """

    def parse(file):
        content = json.load(file)
        if isinstance(content, dict):
            content.pop("checksum", None)
        return content

    return checksums.read(path, parse, kind, maker)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
