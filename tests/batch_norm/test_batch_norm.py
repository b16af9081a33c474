"""Re-estimated statistics against numpy."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import ZOO, assert_same, compiles, numpy, scramble, snapshot, some

from mc_tf import (
    Bezier,
    CurveBatchNormalization,
    CurveDense,
    connect,
    update_batch_norm,
)
from mc_tf.batch_norm.update import BatchNormUpdate, has_batch_norm
from mc_tf.layers import set_position


def data(size=23, width=5, seed=0):
    """Far from zero, and drifting: batches have different means."""
    rng = np.random.default_rng(seed)
    drift = np.linspace(0, 4, size)[:, None]
    return (rng.standard_normal((size, width)) * 2 + 3 + drift).astype("float32")


def random_model(*parts, size=5):
    model = keras.Sequential([keras.Input((size,)), *parts])
    scramble(model, 1)
    return model


def assert_statistics(norm, values, tolerance=1e-4):
    """Mean and total variance over all axes but the last."""
    values = np.asarray(values, "float64").reshape(-1, np.shape(values)[-1])
    np.testing.assert_allclose(numpy(norm.moving_mean), values.mean(0), rtol=tolerance, atol=1e-5)
    np.testing.assert_allclose(numpy(norm.moving_variance), values.var(0), rtol=tolerance)


def others(model):
    """Copies of all variables that are not statistics."""
    return [numpy(v) for v in model.variables if "moving_" not in v.path]


@pytest.mark.parametrize("batch_size", some([10, 22, 500], [10, 22]))
def test_statistics_are_pooled_over_all_examples_with_a_short_last_batch(batch_size):
    model = random_model(layers.BatchNormalization())
    x = data()
    before = others(model)
    assert update_batch_norm(model, x, batch_size=batch_size) == 1
    assert_statistics(model.layers[0], x)
    assert_same(before, others(model))


DATA_SETS = ["arrays", "pair", "triple", "iterable", "PyDataset", "tf.data"]


# The other tests pass arrays and iterables.
@pytest.mark.parametrize("kind", some(DATA_SETS, ["triple", "PyDataset", "tf.data"], ["PyDataset"]))
def test_any_data_set(kind):
    x, y = data(), np.zeros(23)
    if kind == "arrays":
        given = x
    elif kind == "pair":
        given = (x, y)
    elif kind == "triple":
        given = (x, y, np.zeros(23))  # weights are no part of the statistics
    elif kind == "iterable":

        class Batches:
            def __iter__(self):
                return iter([(x[:10], y[:10]), (x[10:], y[10:])])

        given = Batches()
    elif kind == "PyDataset":

        class Given(keras.utils.PyDataset):
            def __len__(self):
                return 3

            def __getitem__(self, index):
                return x[8 * index : 8 * index + 8], y[8 * index : 8 * index + 8]

        given = Given()
    else:
        tf = pytest.importorskip("tensorflow")
        given = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    model = random_model(layers.BatchNormalization())
    for _ in range(2):  # the second pass forgets the first
        update_batch_norm(model, given, batch_size=8)
        assert_statistics(model.layers[0], x)


@pytest.mark.parametrize(
    "options",
    some(
        [{}, {"scale": False}, {"center": False}, {"axis": 1}],
        [{"scale": False}, {"axis": 1}],
        [{"axis": 1}],
    ),
)
def test_images(options):
    """Statistics and the inputs of later layers, whichever operation computes them."""
    axis = options.get("axis", 3)
    model = keras.Sequential(
        [keras.Input((1, 3, 2)), layers.BatchNormalization(**options), layers.ReLU()]
    )
    model.add(layers.BatchNormalization(axis=axis))
    scramble(model, 1)
    x = data(13, 6).reshape(13, 1, 3, 2)
    update_batch_norm(model, x, batch_size=4)  # the last batch has one example
    first, _, second = model.layers
    assert_statistics(first, np.moveaxis(x, axis, -1))
    parts = []
    for begin in range(0, 13, 4):
        batch = np.moveaxis(x[begin : begin + 4].astype("float64"), axis, -1)
        normal = batch - batch.mean((0, 1, 2))
        normal /= np.sqrt(batch.var((0, 1, 2)) + first.epsilon)
        normal = normal * (numpy(first.gamma) if first.scale else 1)
        parts.append(np.maximum(normal + (numpy(first.beta) if first.center else 0), 0))
    assert_statistics(second, np.concatenate(parts))


def test_layers_that_follow_see_batches_normalized_as_in_training():
    model = random_model(layers.BatchNormalization(), layers.Dense(4), layers.BatchNormalization())
    x = data()
    update_batch_norm(model, x, batch_size=8)
    first, dense, second = model.layers
    assert_statistics(first, x)
    parts = []
    for batch in (x[:8], x[8:16], x[16:]):
        batch = batch.astype("float64")
        scale = numpy(first.gamma) / np.sqrt(batch.var(0) + first.epsilon)
        normal = (batch - batch.mean(0)) * scale + numpy(first.beta)
        parts.append(normal @ numpy(dense.kernel) + numpy(dense.bias))
    assert_statistics(second, np.concatenate(parts), 1e-3)


def test_images_are_pooled_over_their_pixels():
    model = keras.Sequential([keras.Input((3, 4, 2)), layers.BatchNormalization()])
    x = np.random.default_rng(0).standard_normal((7, 3, 4, 2)).astype("float32") + 5
    update_batch_norm(model, x, batch_size=3)
    assert_statistics(model.layers[0], x)


def test_channels_first():
    model = keras.Sequential([keras.Input((2, 3, 4)), layers.BatchNormalization(axis=1)])
    x = np.random.default_rng(0).standard_normal((7, 2, 3, 4)).astype("float32")
    update_batch_norm(model, x, batch_size=3)
    assert_statistics(model.layers[0], x.transpose(0, 2, 3, 1))


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras' moments lose digits on PyTorch"
)
def test_far_from_zero_no_digits_are_lost():
    x = np.random.default_rng(0).standard_normal((200, 2)).astype("float32") * 0.1 + 100
    model = random_model(layers.BatchNormalization(), size=2)
    update_batch_norm(model, x, batch_size=7)
    assert_statistics(model.layers[0], x, 1e-2)


def test_dropout_is_off_and_its_seed_stays():
    model = random_model(layers.Dropout(0.5), layers.BatchNormalization())
    before, x = others(model), data()
    update_batch_norm(model, x, batch_size=8)
    assert_statistics(model.layers[1], x)
    assert_same(before, others(model))


def test_layers_inside_nested_models_are_found():
    norm = layers.BatchNormalization()
    inner = keras.Sequential([keras.Input((5,)), norm])
    inputs = keras.Input((5,))
    middle = keras.Model(inputs, inner(inputs))
    model = random_model(middle, layers.BatchNormalization())
    x = data()
    assert update_batch_norm(model, x, batch_size=8) == 2
    assert_statistics(norm, x)


def test_a_layer_called_twice_pools_both_calls():
    norm = layers.BatchNormalization()
    inputs = keras.Input((5,))
    outputs = layers.Concatenate()([norm(inputs), norm(layers.Rescaling(2.0, 1.0)(inputs))])
    model = keras.Model(inputs, outputs)
    x = data()
    assert update_batch_norm(model, x, batch_size=8) == 1
    assert_statistics(norm, np.concatenate([x, 2 * x + 1]))


def test_masked_steps_do_not_count():
    norm = layers.BatchNormalization()
    model = keras.Sequential([keras.Input((4, 2)), layers.Masking(), norm])
    x = np.random.default_rng(0).standard_normal((9, 4, 2)).astype("float32") + 2
    keep = np.random.default_rng(1).random((9, 4)) < 0.6
    keep[3:6] = False  # one batch without any
    x[~keep] = 0
    update_batch_norm(model, x, batch_size=3)
    assert_statistics(norm, x[keep], 1e-3)


def test_a_subset():
    model = random_model(layers.BatchNormalization())
    x = data()
    update_batch_norm(model, x, num_batches=2, batch_size=8)
    assert_statistics(model.layers[0], x[:16])
    with pytest.raises(ValueError, match="num_batches"):
        update_batch_norm(model, x, num_batches=0)


def test_an_endless_data_set_needs_a_subset():
    tf = pytest.importorskip("tensorflow")
    x = data()
    endless = tf.data.Dataset.from_tensor_slices(x).batch(8).repeat()
    model = random_model(layers.BatchNormalization())
    with pytest.raises(ValueError, match="never ends"):
        update_batch_norm(model, endless)
    update_batch_norm(model, endless, num_batches=3)
    assert_statistics(model.layers[0], x)


def test_frozen_layers_keep_their_statistics():
    frozen = layers.BatchNormalization(trainable=False)
    model = random_model(frozen, layers.BatchNormalization())
    frozen.moving_mean.assign(np.full(5, 2.0))
    before, x = [numpy(v) for v in frozen.variables], data()
    assert update_batch_norm(model, x, batch_size=8) == 1
    assert_same(before, [numpy(v) for v in frozen.variables])
    scale = numpy(frozen.gamma) / np.sqrt(1 + frozen.epsilon)
    assert_statistics(model.layers[1], (x - 2) * scale + numpy(frozen.beta), 1e-3)


@compiles
def test_an_update_is_compiled_once_for_many_passes():
    runs = []

    class Counted(layers.Layer):
        """Runs in Python only while the model is traced."""

        def call(self, x):
            runs.append(1)
            return 2 * x

    model = random_model(Counted(), layers.BatchNormalization())
    runs.clear()
    update = BatchNormUpdate(model)
    for size in (20, 10, 20):
        x = data(size)
        assert update(x, batch_size=10) == 1
        assert_statistics(model.layers[1], 2 * x)
    assert len(runs) == 2  # once to see which layers training updates


def test_an_update_sees_what_has_changed_since_its_last_pass():
    x = data()
    first, second = layers.BatchNormalization(), layers.BatchNormalization()
    model = random_model(first, layers.Dense(3), second)
    other = keras.models.clone_model(model)
    update = BatchNormUpdate(model)
    for change in ("weights", "frozen", "free", "more layers"):
        if change == "weights":
            update(x)  # the first pass
            scramble(model, 2)
        elif change == "more layers":
            for each in (model, other):
                each.add(layers.Dense(2))
                each.add(layers.BatchNormalization())
        else:
            first.trainable = other.layers[0].trainable = change == "free"
        other.set_weights(model.get_weights())
        assert update(x + 1, batch_size=8) == update_batch_norm(other, x + 1, batch_size=8)
        assert_same(model.get_weights(), other.get_weights())


def test_momentum_and_training_are_as_before():
    norm = layers.BatchNormalization(momentum=0.8)
    model = random_model(norm)
    x = data()
    update_batch_norm(model, x)
    assert norm.momentum == 0.8
    assert "call" not in vars(norm)
    mean = numpy(norm.moving_mean)
    model(x + 10, training=True)
    np.testing.assert_allclose(numpy(norm.moving_mean), mean + 0.2 * 10, rtol=1e-4)


def test_a_failure_restores_everything():
    norm = layers.BatchNormalization(momentum=0.8)
    model = random_model(norm)
    before = snapshot(model)

    class Broken(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            if index == 2:
                raise OSError("disk on fire")
            return data()

    for broken, words in (
        (Broken(), "disk on fire"),
        (np.zeros((3, 7), "float32"), "shape"),  # fails inside the compiled step
        ([data(), data(24)], "same number of examples"),
    ):
        with pytest.raises(Exception, match=words):
            update_batch_norm(model, broken)
        assert_same(before, snapshot(model))
        assert norm.momentum == 0.8
        assert "call" not in vars(norm)
    update_batch_norm(model, data())
    assert_statistics(norm, data())


def test_an_empty_data_set_is_refused():
    model = random_model(layers.BatchNormalization())
    before = snapshot(model)
    with pytest.raises(ValueError, match="no batch"):
        update_batch_norm(model, [])
    with pytest.raises(ValueError, match="iterator or generator"):
        update_batch_norm(model, iter([data()]))
    assert_same(before, snapshot(model))


def test_a_model_without_batch_norm_is_left_alone():
    model = random_model(layers.Dense(2))
    assert not has_batch_norm(model)
    assert update_batch_norm(model, data()) == 0


def test_subclassed_with_dropout_and_add_loss():
    model = ZOO["subclassed"].model(1)
    x, _ = ZOO["subclassed"].data(11)
    before = others(model)
    assert update_batch_norm(model, x, batch_size=4) == 1
    hidden = model.shared(model.shared(x))
    assert_statistics(model.norm, numpy(hidden), 1e-3)
    assert_same(before, others(model))


def test_mixed_precision_keeps_statistics_in_float32():
    model = ZOO["mixed"].model(1)
    x, _ = ZOO["mixed"].data(16)
    update_batch_norm(model, x, batch_size=6)
    hidden = numpy(model.layers[0](x))
    assert model.layers[1].moving_mean.dtype == "float32"
    assert_statistics(model.layers[1], hidden, 2e-2)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    "name",
    some(["conv_bn", "nested", "mixed", "subclassed"], ["conv_bn", "nested", "mixed"], ["nested"]),
)
def test_a_curve_model_at_its_position(name):
    """Same as for the ordinary model at that point. Nothing else changes, nor do the networks."""
    case = ZOO[name]
    start, end = case.model(1), case.model(2)
    curve_model = connect(start, end, Bezier(1))
    x, _ = case.data(11)
    update = BatchNormUpdate(curve_model)
    curve_model.t = 0.8
    update(x, batch_size=4)
    curve_model.t = 0.3
    plain = curve_model.point(0.3)
    given, before = (snapshot(start), snapshot(end)), others(curve_model)
    assert has_batch_norm(curve_model)
    assert update(x, batch_size=4) == 1
    assert update_batch_norm(plain, x, batch_size=4) == 1
    assert curve_model.t == pytest.approx(0.3)
    expected = [numpy(v) for v in plain.variables if "moving_" in v.path]
    found = [numpy(v) for v in curve_model.variables if "moving_" in v.path]
    tolerance = 2e-2 if name == "mixed" else 1e-4
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    assert_same(given[0], snapshot(start))
    assert_same(given[1], snapshot(end))
    assert_same(before, others(curve_model))
    # Predictions use them.
    np.testing.assert_allclose(
        numpy(curve_model(x)), numpy(plain(x)), rtol=tolerance, atol=tolerance
    )


def test_a_network_written_by_hand():
    inputs = keras.Input((5,))
    norm = CurveBatchNormalization(curve=Bezier(1))
    dense = CurveDense(4, curve=Bezier(1))
    model = keras.Model(inputs, norm(dense(inputs)))
    rng = np.random.default_rng(0)
    for layer in (norm, dense):
        for point in layer.points:
            point.assign(rng.standard_normal(point.shape).astype("float32"))
    set_position(model, 0.3)
    x = data()
    assert update_batch_norm(model, x, batch_size=8) == 1
    values = numpy(dense(x))
    mean, variance = (
        norm.state_copy(v) for v in (norm.layer.moving_mean, norm.layer.moving_variance)
    )
    np.testing.assert_allclose(numpy(mean), values.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(numpy(variance), values.var(0), rtol=1e-4)
    np.testing.assert_array_equal(numpy(norm.layer.moving_mean), 0)


def test_statistics_of_a_function_of_the_input_size():
    """No batch axis is special: variance over examples and steps together."""
    norm = layers.BatchNormalization()
    inputs = keras.Input((3, 2))
    model = keras.Model(inputs, ops.relu(norm(inputs)))
    x = np.random.default_rng(0).standard_normal((5, 3, 2)).astype("float32")
    update_batch_norm(model, x, batch_size=2)
    assert_statistics(norm, x)
