"""Settings that every test needs."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras  # noqa: E402
import pytest  # noqa: E402

if keras.backend.backend() == "tensorflow":
    from programs import traced_once, without_graph_optimizer

    without_graph_optimizer()
    traced_once()

# Imported modules are never garbage: no collection needs to look at them again.
gc.collect()
gc.freeze()
gc.set_threshold(100_000, 20, 20)  # tracing makes millions of small objects that all stay


@pytest.fixture(autouse=True)
def seed():
    """The same random numbers for each test, whatever ran before."""
    keras.utils.set_random_seed(1234)
    return 1234


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Under PyTorch, which runs one step per call, tests of several steps are skipped."""
    try:
        return (yield)
    except ValueError as error:
        if "must be 1 with the PyTorch backend" in str(error):
            pytest.skip("PyTorch takes one step a call")
        raise


@pytest.fixture
def nothing_kept(monkeypatch):
    """Data sets are read again at each pass, as large ones are."""
    monkeypatch.setattr("mc_tf.backend.batches.LIMIT_BYTES", 0)


@pytest.fixture
def eagerly():
    """Runs without compiling, which takes most of the time with many networks and few examples."""
    from model_zoo import uncompiled

    with uncompiled():
        yield
