"""A lock that programs which write the same file hold in turn, and that dies with them."""

import contextlib
import os

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["locked"]


@contextlib.contextmanager
def locked(directory):
    """Holds a directory's lock, for which other threads and processes wait; no file is made.

    Where the system or the file system cannot lock directories, nothing is locked.

    Args:
        directory: path of the directory.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            if fcntl is not None:
                descriptor = os.open(directory, os.O_RDONLY)
                stack.callback(os.close, descriptor)  # which gives the lock back
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
