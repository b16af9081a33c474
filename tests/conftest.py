"""Settings that every test needs."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras  # noqa: E402
import pytest  # noqa: E402

if keras.backend.backend() == "tensorflow":
    from programs import without_graph_optimizer

    without_graph_optimizer()

# What was imported is never garbage: no collection need look at it again.
gc.collect()
gc.freeze()


@pytest.fixture(autouse=True)
def seed():
    """The same random numbers for each test, whatever ran before."""
    keras.utils.set_random_seed(1234)
    return 1234
