"""Locks on output files that end with the program.

The kernel releases a lock when its program ends, however it ends, so a killed program blocks
nothing. Locks use `flock`, which Linux also supports on NFS. A file next to the output names the
holder; it is removed with the lock. On file systems without locks, this file decides: it is valid
while its process is running, or if it was written on another host.
"""

import contextlib
import datetime
import json
import os
import socket
import sys
import threading
import time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from mc_tf.distribute.processes import is_chief

__all__ = ["InUseError", "locked", "release", "take"]

_WAIT_SECONDS = 0.05
_guard = threading.RLock()
_held = {}  # path of a lock file -> [thread, number of entries, descriptor]
_descriptors = set()  # descriptors of all files locked by this process


class InUseError(OSError):
    """Another program, or another thread of this one, is writing the same output."""


def take(descriptor):
    """Locks an open file, unless another program has locked it.

    Args:
        descriptor: descriptor of a file opened for writing, to be closed by `release`.

    Returns:
        Whether it is locked now; `None` if the file system has no locks.
    """
    _descriptors.add(descriptor)
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def release(descriptor):
    """Closes a file, which releases its lock.

    Args:
        descriptor: descriptor passed to `take`.
    """
    _descriptors.discard(descriptor)
    os.close(descriptor)


def _leave_to_parent():
    """Closes descriptors in forked processes, which would keep the locks of a killed parent."""
    _held.clear()
    for descriptor in list(_descriptors):
        with contextlib.suppress(OSError):
            release(descriptor)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


@contextlib.contextmanager
def locked(file, output, wait=False):
    """Holds a lock file. The same thread may enter again. Other processes of one training pass.

    Args:
        file: path of the lock file, in a directory that can be written.
        output: the locked output, for the message.
        wait: whether to wait until it is free. Default `False`.

    Raises:
        InUseError: if another program or thread holds it, naming its process and host.
    """
    if not is_chief():
        yield
        return
    file = os.path.join(os.path.realpath(os.path.dirname(file)), os.path.basename(file))
    while not _enter(file):
        if not wait:
            raise InUseError(f"'{output}' is in use by {_owner_in_words(file)}.")
        time.sleep(_WAIT_SECONDS)
    try:
        yield
    finally:
        _leave(file)


def _enter(file):
    with _guard:
        if file not in _held:
            descriptor = _open(file)
            if descriptor is None:
                return False
            _held[file] = [threading.get_ident(), 0, descriptor]
        if _held[file][0] != threading.get_ident():
            return False
        _held[file][1] += 1
        return True


def _leave(file):
    with _guard:
        if file not in _held:  # this process was forked inside the block
            return
        _held[file][1] -= 1
        if not _held[file][1]:
            descriptor = _held.pop(file)[2]
            with contextlib.suppress(FileNotFoundError):
                os.remove(file)
            release(descriptor)


def _open(file):
    """Descriptor of the lock file, locked; `None` if another program holds it."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        free = take(descriptor)
        if free is None:
            free = not _counts(_read(file))
        if not free:
            release(descriptor)
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                break
        release(descriptor)  # the last holder has just removed it
    about = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.datetime.now().isoformat(" ", "seconds"),
        "program": os.path.basename(sys.argv[0]) if sys.argv else "",
    }
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(about).encode())
    return descriptor


def _read(file):
    """Reads a lock file; returns an empty dict on failure."""
    try:
        with open(file, encoding="utf-8") as content:
            about = json.load(content)
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _counts(about):
    """Whether the holder of a lock file is running, according to its content."""
    if not about or about.get("host") != socket.gethostname():
        return bool(about)
    try:
        os.kill(int(about["process"]), 0)
    except (ProcessLookupError, KeyError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def _owner_in_words(file):
    for _ in range(20):  # the holder may be about to write its identity
        about = _read(file)
        if about:
            break
        time.sleep(_WAIT_SECONDS / 5)
    here = about.get("host") == socket.gethostname()
    if here and about.get("process") == os.getpid():
        return "another thread of this process; wait until it is done"
    remedy = "wait until it ends, or choose another place"
    if not here and about:
        remedy += f"; if no such program runs there any more, remove '{file}'"
    return (
        f"process {about.get('process', 'unknown')} on host '{about.get('host', 'unknown')}' "
        f"({about.get('program') or 'a program'}, since {about.get('since', 'just now')}): {remedy}"
    )
