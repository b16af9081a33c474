"""Networks written by hand, every layer on a curve."""

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import BATCH, assert_same, long_under_jax, numpy, snapshot, some

from mc_tf import (
    Bezier,
    CurveBatchNormalization,
    CurveConv2D,
    CurveDense,
    CurveEmbedding,
    CurveLSTM,
    PolyChain,
    Segment,
)
from mc_tf.layers import CurveLayer, set_position


def images():
    inputs = keras.Input((6, 6, 2))
    hidden = CurveConv2D(3, 3, padding="same", curve=PolyChain(1), name="conv")(inputs)
    hidden = CurveBatchNormalization(curve=PolyChain(1), name="norm")(hidden)
    hidden = layers.GlobalAveragePooling2D()(layers.ReLU()(hidden))
    head = CurveDense(3, kernel_regularizer="l2", curve=PolyChain(1), fix_end=False, name="head")
    return keras.Model(inputs, head(hidden))


def text():
    return keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            CurveEmbedding(9, 5, mask_zero=True, curve=Bezier(2)),
            CurveLSTM(4, curve=Bezier(2)),
            CurveDense(3, curve=Bezier(2)),
        ]
    )


def image_data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2 * BATCH, 6, 6, 2)).astype("float32")
    return x, rng.integers(0, 3, 2 * BATCH)


def text_data():
    rng = np.random.default_rng(0)
    return rng.integers(0, 9, (2 * BATCH, 4)).astype("int32"), rng.integers(0, 3, 2 * BATCH)


NETWORKS = {"images": (images, image_data), "text": (text, text_data)}


def scatter(network):
    """Distinct control points."""
    rng = np.random.default_rng(1)
    for part in network._flatten_layers():
        if isinstance(part, CurveLayer):
            for point in part.points:
                noise = 0.1 * rng.standard_normal(point.shape)
                point.assign(numpy(point) + noise.astype("float32"))


def rulers(count):
    """Layers whose output is their position: 0 at the start, 1 at the end."""
    inputs = keras.Input((1,))
    outputs = []
    for j in range(count):
        layer = CurveDense(1, use_bias=False, curve=Segment(), seed=j)
        outputs.append(layer(inputs))
        layer.set_point(0, np.zeros(1, "float32"))
        layer.set_point(-1, np.ones(1, "float32"))
    return keras.Model(inputs, layers.Concatenate()(outputs))


@pytest.mark.parametrize(
    "made, inner",
    [
        (lambda: CurveDense(3), layers.Dense),
        (lambda: CurveConv2D(3, 2), layers.Conv2D),
        (lambda: CurveBatchNormalization(), layers.BatchNormalization),
        (lambda: CurveEmbedding(3, 2), layers.Embedding),
        (lambda: CurveLSTM(3), layers.LSTM),
    ],
)
def test_each_wraps_its_keras_layer_on_a_quadratic_curve(made, inner):
    layer = made()
    assert type(layer.layer) is inner
    assert repr(layer.curve) == "Bezier(num_bends=1)"
    assert layer.fix_start and layer.fix_end


def test_layers_of_one_model_share_the_position_of_a_training_call():
    network, x = rulers(3), np.ones((4, 1), "float32")
    drawn = []
    for _ in range(5):
        found = numpy(network(x, training=True))
        assert len(np.unique(found)) == 1
        drawn.append(found[0, 0])
    assert len(set(drawn)) == 5
    assert all(0 < t < 1 for t in drawn)


def test_layers_of_nested_models_share_it_too():
    inputs = keras.Input((1,))
    network = keras.Model(inputs, layers.Concatenate()([rulers(1)(inputs), rulers(2)(inputs)]))
    assert len(np.unique(numpy(network(np.ones((2, 1), "float32"), training=True)))) == 1


def test_set_position_moves_all_layers():
    network, x = rulers(2), np.ones((1, 1), "float32")
    set_position(network, 0.25)
    np.testing.assert_allclose(numpy(network(x)), 0.25)
    np.testing.assert_allclose(network.predict(x, verbose=0), 0.25)
    set_position(network, 0.75)
    np.testing.assert_allclose(network.predict(x, verbose=0), 0.75)
    with pytest.raises(ValueError, match="`t`"):
        set_position(network, 1.5)
    with pytest.raises(ValueError, match="no curve layer"):
        set_position(keras.Sequential([keras.Input((1,)), layers.Dense(1)]), 0.5)


@pytest.mark.parametrize("name", some(list(NETWORKS), list(NETWORKS), ["images"]))
def test_fit_moves_the_bends_and_keeps_the_fixed_ends(name):
    make, data = NETWORKS[name]
    network, (x, y) = make(), data()
    network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = {v.path: numpy(v) for v in network.variables}
    history = network.fit(x, y, batch_size=BATCH, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    moving = {v.path for v in network.trainable_variables}
    assert {path.split("/")[-1] for path in moving} <= {"bend_1", "bend_2", "end"}
    for variable in network.variables:
        name = variable.path.split("/")[-1]
        same = np.array_equal(before[variable.path], numpy(variable))
        if name == "start" or (name == "end" and variable.path not in moving):
            assert same, variable.path
        if variable.path in moving:
            assert not same, variable.path


@pytest.mark.usefixtures("eagerly")
@long_under_jax
@pytest.mark.parametrize("name", some(list(NETWORKS), ["images"]))
def test_keras_file_round_trips(name, tmp_path):
    make, data = NETWORKS[name]
    network, (x, y) = make(), data()
    scatter(network)
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(x, y, batch_size=BATCH, verbose=0)
    set_position(network, 0.4)
    network.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    assert_same(snapshot(network), snapshot(loaded))
    assert len(loaded.trainable_variables) == len(network.trainable_variables)
    np.testing.assert_allclose(numpy(loaded(x)), numpy(network(x)), atol=1e-6)
    loaded.fit(x, y, batch_size=BATCH, verbose=0)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: CurveDense(3, curve=PolyChain(2), fix_end=False, seed=4, kernel_regularizer="l2"),
        lambda: CurveConv2D(3, (2, 1), strides=2, curve=Segment(), name="mine"),
        lambda: CurveBatchNormalization(momentum=0.7),
        lambda: CurveEmbedding(5, 3, mask_zero=True),
        lambda: CurveLSTM(3, return_sequences=True, dtype="mixed_bfloat16"),
    ],
)
def test_config_round_trips(layer):
    layer = layer()
    config = layer.get_config()
    for copy in (
        type(layer).from_config(config),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)),
    ):
        assert type(copy) is type(layer)
        assert copy.name == layer.name
        assert copy.dtype_policy.name == layer.dtype_policy.name
        assert repr(copy.curve) == repr(layer.curve)
        assert (copy.fix_start, copy.fix_end, copy.seed) == (
            layer.fix_start,
            layer.fix_end,
            layer.seed,
        )
        inner = {**layer.layer.get_config(), "name": layer.name}
        assert {**copy.layer.get_config(), "name": layer.name} == inner


def test_outputs_are_those_of_the_plain_layers_at_the_point():
    """LSTM with a mask from an embedding, each at phi(t)."""
    network, (x, _) = text(), text_data()
    scatter(network)
    t = 0.3
    set_position(network, t)
    plain = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            layers.Embedding(9, 5, mask_zero=True),
            layers.LSTM(4),
            layers.Dense(3),
        ]
    )
    for layer, target in zip(network.layers, plain.layers):
        weights = layer.layout.unpack(layer.flat_weights_at(t))
        for variable, value in zip(target.trainable_variables, weights):
            variable.assign(value)
    np.testing.assert_allclose(numpy(network(x)), numpy(plain(x)), atol=1e-5)
