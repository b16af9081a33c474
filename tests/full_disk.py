"""A disk that is full, for tests."""

import contextlib

import pytest


@contextlib.contextmanager
def full_disk():
    """No file can grow beyond a few bytes."""
    resource = pytest.importorskip("resource")  # not on Windows
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
