"""Assertions that hold in every test of figures."""

import warnings

import pytest


@pytest.fixture(autouse=True)
def no_warnings():
    """A figure is drawn without a warning, not in the old spelling, and unknown to pyplot."""
    from matplotlib import pyplot

    with warnings.catch_warnings():
        warnings.filterwarnings("error", "`plot_", DeprecationWarning)
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UserWarning)
        yield
    assert pyplot.get_fignums() == []
