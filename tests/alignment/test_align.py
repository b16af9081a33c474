"""`align`, `align_all` and `connect(align=True)`: what users get, and what they are told."""

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import ZOO, assert_same, flat, long_under_jax, numpy, snapshot

import mc_tf
from mc_tf.alignment.networks import Networks
from mc_tf.alignment.permutation import random_orders

X = np.random.default_rng(0).standard_normal((40, 5)).astype("float32")


def network(seed, units=(8, 6), outputs=3):
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(size, "tanh", bias_initializer="normal") for size in units]
    return keras.Sequential([keras.Input((5,)), *hidden, layers.Dense(outputs)])


def relabelled(model, seed=0, noise=0.0):
    """A copy with its units in another order, and a little noise."""
    other = keras.models.clone_model(model)
    pair = Networks([model, model], ("first", "second"))
    rng = np.random.default_rng(seed)
    alignment = pair.alignment(0, random_orders(pair.groups, seed), pair.values[0])
    for variable in alignment.write_to(other).trainable_variables:
        moved = numpy(variable) + noise * rng.standard_normal(variable.shape)
        variable.assign(moved.astype("float32"))
    return other


def test_aligned_network_computes_the_same_and_is_near():
    first, second = network(0), network(1)
    before = snapshot(first), snapshot(second)
    alignment = mc_tf.align(first, second)
    np.testing.assert_allclose(numpy(alignment.model(X)), numpy(second(X)), atol=1e-5)
    assert type(alignment.model) is keras.Sequential and alignment.model is alignment.model
    for model, values in zip((first, second), before):
        assert_same(values, snapshot(model))
    np.testing.assert_allclose(
        np.linalg.norm(flat(first) - flat(second)), alignment.distance_before
    )
    np.testing.assert_allclose(
        np.linalg.norm(flat(first) - flat(alignment.model)), alignment.distance_after
    )
    assert alignment.distance_after < alignment.distance_before
    np.testing.assert_array_equal(alignment.flat_weights(), flat(alignment.model).astype("float32"))
    assert [group.size for group in alignment.groups] == [8, 6]
    assert alignment.moved == sum(group.moved for group in alignment.groups) > 0
    assert "of 14 units in 2 groups moved" in repr(alignment)
    kernel = numpy(second.layers[0].kernel)[:, alignment.groups[0].order]
    np.testing.assert_array_equal(numpy(alignment.model.layers[0].kernel), kernel)


@pytest.mark.parametrize("method", ["weights", "activations"])
def test_relabelled_network_is_found_through_noise(method):
    first = network(0)
    second = relabelled(first, noise=0.02)
    data = {"data": X} if method == "activations" else {}
    alignment = mc_tf.align(first, second, method=method, **data)
    assert alignment.distance_before > 2
    assert alignment.distance_after < 0.4  # of the noise alone: 0.02 * sqrt(120)


@long_under_jax
def test_activations_of_shared_nested_and_attention_layers():
    """Units that no layer reads alone follow by their weights."""
    inner = keras.Sequential([keras.Input((5, 6)), layers.Dense(7, "relu"), layers.Dense(6)])
    inputs = keras.Input((5, 4))
    hidden = inner(inner(layers.Dense(6)(inputs)))
    hidden = hidden + layers.MultiHeadAttention(2, 3)(hidden, hidden)
    hidden = layers.TimeDistributed(layers.Dense(5))(layers.GRU(4, return_sequences=True)(hidden))
    first = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(hidden)))
    second = relabelled(first)
    data = np.random.default_rng(0).standard_normal((30, 5, 4)).astype("float32")
    alignment = mc_tf.align(first, second, (data, np.zeros(30)), "activations")
    assert alignment.distance_before > 1 and alignment.distance_after < 1e-5
    assert all("call" not in vars(part) for part in first._flatten_layers())


def test_equal_seeds_give_equal_results():
    found = [mc_tf.align(network(0), network(1), seed=7).flat_weights() for _ in range(2)]
    np.testing.assert_array_equal(*found)


def test_statistics_and_frozen_weights_move_along():
    first = ZOO["conv_bn"].model(0)
    second = relabelled(first, seed=1)
    aligned = mc_tf.align(first, second).model
    for one, two in zip(snapshot(first), snapshot(aligned)):
        np.testing.assert_allclose(one, two, rtol=1e-6)
    first.layers[0].trainable = second.layers[0].trainable = False
    second.layers[0].set_weights(first.layers[0].get_weights())
    with pytest.raises(ValueError, match="frozen, and the same in both"):
        mc_tf.align(first, second)


def test_connect():
    first = network(0)
    curve = mc_tf.connect(first, relabelled(first), mc_tf.Bezier(1), align=True)
    assert curve.arc_lengths([0.0, 1.0]).sum() < 1e-5
    np.testing.assert_allclose(numpy(curve(X, t=0.5)), numpy(first(X)), atol=1e-5)
    second = ZOO["unregistered"].model(1)  # which Keras cannot copy
    with pytest.raises(ValueError, match="Nothing can be permuted"):
        mc_tf.connect(ZOO["unregistered"].model(0), second, align=True)
    bends = [relabelled(first, seed=2)]
    curve = mc_tf.connect(first, relabelled(first), bends=bends, align=True)
    assert np.ptp(numpy(curve.control_points()), axis=0).max() < 1e-5


def test_network_that_keras_cannot_copy():
    class Own(keras.Model):
        def __init__(self, activation):
            super().__init__()
            self.hidden, self.head = layers.Dense(6, activation), layers.Dense(3)

        def call(self, inputs):
            return self.head(self.hidden(inputs))

    models = [Own(lambda x: keras.ops.tanh(x)) for _ in range(3)]
    for model in models:
        model(X)
    alignment = mc_tf.align(models[0], models[1])
    with pytest.raises(ValueError, match="write_to"):
        alignment.model  # noqa: B018
    assert alignment.write_to(models[2]) is models[2]
    np.testing.assert_allclose(numpy(models[2](X)), numpy(models[1](X)), atol=1e-5)


# Many networks.


@pytest.mark.parametrize("reference", ["mean", 1])
def test_many_networks(reference):
    first = network(0)
    networks = [first, *(relabelled(first, seed, 0.02) for seed in (1, 2, 3))]
    found = mc_tf.align_all(networks, reference)
    flats = np.stack([each.flat_weights() for each in found])
    assert np.linalg.norm(flats - flats.mean(0), axis=1).max() < 0.5
    for alignment, model in zip(found, networks):
        np.testing.assert_allclose(numpy(alignment.model(X)), numpy(model(X)), atol=1e-5)
    if reference == 1:
        assert_same(snapshot(networks[1]), snapshot(found[1].model))
        assert found[1].distance_after == 0


def test_mean_is_no_worse_than_one_network():
    networks = [network(seed) for seed in range(4)]
    spread = {}
    for reference in ("mean", 0):
        flats = [each.flat_weights() for each in mc_tf.align_all(networks, reference)]
        spread[reference] = np.square(flats - np.mean(flats, 0)).sum()
    assert spread["mean"] <= spread[0] * 1.0001


# Bad input.


@pytest.mark.parametrize(
    "arguments, message",
    {
        "architecture": (lambda: [network(0), network(0, (8, 7))], "must have the same architec"),
        "no units": (lambda: [network(0, ()), network(1, ())], "Nothing can be permuted"),
        "method": (lambda: [network(0), network(1), None, "both"], "'weights' or 'activations'"),
        "no data": (lambda: [network(0), network(1), None, "activations"], "needs `data`"),
        "data": (lambda: [network(0), network(1), X], "for `method='activations'` only"),
        "not a model": (lambda: [network(0), 3], "`second` must be a built Keras model"),
        "seed": (lambda: [network(0), network(1), None, "weights", -1], "`seed` must be"),
        "curve": (lambda: [network(0), mc_tf.connect(network(0), network(1))], "one network"),
    }.values(),
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        mc_tf.align(*arguments())


def test_bad_input_of_many():
    with pytest.raises(ValueError, match="two networks or more. Received: 1"):
        mc_tf.align_all([network(0)])
    with pytest.raises(ValueError, match="`reference` must be at least 0 and at most 1"):
        mc_tf.align_all([network(0), network(1)], 2)
    with pytest.raises(ValueError, match="activations have no common mean"):
        mc_tf.align_all([network(0), network(1)], data=X, method="activations")


def test_weights_that_are_not_finite():
    broken = network(1)
    broken.layers[0].kernel.assign(np.full((5, 8), np.nan))
    with pytest.raises(ValueError, match="weights of `second` must be finite"):
        mc_tf.align(network(0), broken)
