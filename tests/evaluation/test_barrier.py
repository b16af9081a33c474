"""`barrier`: values along segments, against networks whose weights numpy interpolates."""

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import numpy

import mc_tf

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 4)).astype("float32"), RNG.integers(0, 3, 40).astype("int32")


def network(seed, compiled=True):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(16, "relu"), layers.Dense(3)])
    if compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
    return model


def losses(first, second, num_points):
    """Loss along the segment."""
    found = []
    for t in np.linspace(0, 1, num_points):
        one, two, three, four = (
            (1 - t) * a + t * b for a, b in zip(first.get_weights(), second.get_weights())
        )
        logits = np.maximum(X @ one + two, 0) @ three + four
        logits -= logits.max(1, keepdims=True)
        found.append(np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(40), Y]))
    return np.array(found)


def test_values_along_both_segments(tmp_path):
    first, second = network(0), network(1)
    data = (X, Y)
    path = tmp_path / "values"
    result = mc_tf.barrier(first, second, data, data, 5, align=True, path=path, verbose=0)
    ends = {"as trained": second, "aligned": result.alignment.model}
    for key, end in ends.items():
        expected = losses(first, end, 5)
        np.testing.assert_allclose(result.results[key]["test_loss"], expected, rtol=1e-4)
        height = expected.max() - max(expected[[0, -1]])
        np.testing.assert_allclose(result.heights()[key], height, atol=1e-4)
        assert key in result.table() and key in repr(result)
    np.testing.assert_allclose(numpy(ends["aligned"](X)), numpy(second(X)), atol=1e-5)
    names = sorted(each.name for each in tmp_path.glob("*.json"))
    assert names == ["values-aligned.json", "values.json"]
    assert len(result.plot(names=["test_loss"]).axes) == 1


def test_one_segment():
    result = mc_tf.barrier(network(0), network(1), (X, Y), (X, Y), verbose=0)
    assert list(result.results) == ["as trained"] and result.alignment is None
    assert len(result.results["as trained"].t) == 25


def test_first_network_is_compiled():
    with pytest.raises(ValueError, match="`first` is not compiled"):
        mc_tf.barrier(network(0, compiled=False), network(1), (X, Y), (X, Y))
