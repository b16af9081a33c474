"""`repair`: means and deviations of units, computed here by numpy."""

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import numpy, snapshot

import mc_tf

X = np.random.default_rng(0).standard_normal((50, 4)).astype("float32")


def network(seed, outputs=2):
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(units, "relu", bias_initializer="normal") for units in (8, 6)]
    return keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(outputs)])


def average(networks, shares):
    model = keras.models.clone_model(networks[0])
    weights = zip(*(each.get_weights() for each in networks))
    model.set_weights([sum(s * w for s, w in zip(shares, each)) for each in weights])
    return model


def moments(model, x=X):
    """Mean and deviation of each hidden unit before its activation."""
    found = []
    for layer in model.layers[:-1]:
        before = x @ numpy(layer.kernel) + numpy(layer.bias)
        found.append((before.mean(0), before.std(0)))
        x = np.maximum(before, 0)
    return found


@pytest.mark.parametrize("shares", [None, [0.2, 0.8]])
def test_units_have_the_average_of_the_statistics(shares):
    networks = [network(0), network(1)]
    before = [snapshot(each) for each in networks]
    given = shares or [0.5, 0.5]
    model = average(networks, given)
    head = model.layers[-1].get_weights()
    assert mc_tf.repair(model, networks, (X, np.zeros(50)), shares) == 2
    for found, *ends in zip(moments(model), *map(moments, networks)):
        for k in (0, 1):
            expected = sum(share * end[k] for share, end in zip(given, ends))
            np.testing.assert_allclose(found[k], expected, rtol=1e-4, atol=1e-4)
    for one, two in zip(head, model.layers[-1].get_weights()):
        np.testing.assert_array_equal(one, two)
    for each, values in zip(networks, before):
        for one, two in zip(values, snapshot(each)):
            np.testing.assert_array_equal(one, two)
    assert all("call" not in vars(layer) for layer in model.layers)


def test_a_network_with_its_own_statistics_stays():
    model = network(0)
    expected = numpy(model(X))
    mc_tf.repair(model, [network(0), network(0)], X)
    np.testing.assert_allclose(numpy(model(X)), expected, atol=1e-4)


def test_convolutions_and_batch_normalization():
    def build(seed):
        keras.utils.set_random_seed(seed)
        return keras.Sequential(
            [
                keras.Input((6, 6, 2)),
                layers.Conv2D(4, 3, activation="tanh"),
                layers.DepthwiseConv2D(3, depth_multiplier=2),
                layers.BatchNormalization(),
                layers.GlobalAveragePooling2D(),
                layers.Dense(2),
            ]
        )

    images = np.random.default_rng(0).standard_normal((20, 6, 6, 2)).astype("float32")
    networks = [build(0), build(1)]
    model = average(networks, [0.5, 0.5])
    assert mc_tf.repair(model, networks, images) == 3  # two convolutions, one normalization
    found, *ends = (first_convolution(each, images) for each in (model, *networks))
    np.testing.assert_allclose(found, sum(ends) / 2, rtol=1e-4, atol=1e-5)


def first_convolution(model, images):
    """Mean and deviation of each channel before its activation."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), (1, 2))
    kernel, bias = map(numpy, (model.layers[0].kernel, model.layers[0].bias))
    values = np.einsum("bhwcij,ijcf->bhwf", windows, kernel) + bias
    return np.stack([values.mean((0, 1, 2)), values.std((0, 1, 2))])


def test_bad_input():
    with pytest.raises(ValueError, match="must have the same architecture"):
        mc_tf.repair(network(0), [network(1), network(2, 3)], X)
    with pytest.raises(ValueError, match="`shares` must be 2 numbers"):
        mc_tf.repair(network(0), [network(1), network(2)], X, [1.0])
