"""The registered networks: shapes, published weight counts, L2, settings."""

import math

import keras
import numpy as np
import pytest

from mc_tf.models import registry
from mc_tf.models.preresnet import preresnet

SHAPE = (32, 32, 3)
QUICK = ["fc", "3conv3fc", "convnet", "preresnet8", "preresnet11"]


def count(model):
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_names():
    assert {"fc", "3conv3fc", "convnet", "preresnet20", "preresnet110"} <= set(registry.names())


@pytest.mark.parametrize(
    "name, shape, ten, hundred",
    [
        ("fc", (28, 28, 1), 784 * 500 + 500 + 500 * 500 + 500 + 501 * 10, 693_100),
        ("3conv3fc", SHAPE, 2_422_634, 2_512_724),
        ("preresnet110", SHAPE, 1_146_842, 1_169_972),
        ("preresnet164", SHAPE, 1_703_258, 1_726_388),
    ],
)
def test_weight_counts(name, shape, ten, hundred):
    """Published counts; a hundred classes only make the classifier larger."""
    model = registry.build(name, 10, shape)
    features = model.layers[-1].kernel.shape[0]
    assert count(model) == ten
    assert count(model) + 90 * (features + 1) == hundred


@pytest.mark.parametrize("name", QUICK)
def test_outputs_are_logits_of_the_classes(name):
    model = registry.build(name, 7, SHAPE)
    x = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype("float32")
    y = keras.ops.convert_to_numpy(model(5 * x))
    assert model.output_shape == (None, 7) and y.shape == (3, 7)
    assert not np.allclose(y.sum(1), 1)


@pytest.mark.parametrize("name", QUICK)
def test_penalty_covers_every_trainable_weight(name):
    model = registry.build(name, 10, SHAPE, weight_decay=3e-2)
    rng = np.random.default_rng(0)
    total = 0.0
    for weight in model.trainable_weights:
        value = rng.normal(size=weight.shape).astype("float32")
        weight.assign(value)
        total += np.square(value.astype("float64")).sum()
    received = sum(float(loss) for loss in model.losses)
    assert received == pytest.approx(3e-2 / 2 * total, rel=1e-5)
    assert registry.build(name, 10, SHAPE).losses == []


@pytest.mark.parametrize("name", QUICK)
def test_a_training_step_moves_the_weights(name):
    keras.utils.set_random_seed(0)
    model = registry.build(name, 10, SHAPE, weight_decay=1e-4)
    before = [np.array(w) for w in model.get_weights()]
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=keras.backend.backend() == "tensorflow",  # quicker there for one step
    )
    x = np.random.default_rng(0).normal(size=(4, *SHAPE)).astype("float32")
    loss = model.train_on_batch(x, np.array([0, 3, 9, 3]))
    assert np.isfinite(loss)
    moved = [np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert sum(moved) >= 0.9 * len(moved)


@pytest.mark.parametrize("name", ["convnet", "preresnet20"])
def test_batch_normalisation_settings(name):
    layers = layers_of(registry.build(name, 10, SHAPE), keras.layers.BatchNormalization)
    assert layers
    assert {layer.momentum for layer in layers} == {0.9}
    assert {layer.epsilon for layer in layers} == {1e-5}


@pytest.mark.parametrize("name", QUICK)
def test_set_random_seed_fixes_the_initial_weights(name):
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return np.concatenate([w.ravel() for w in registry.build(name, 10, SHAPE).get_weights()])

    first = weights(1)
    np.testing.assert_array_equal(first, weights(1))
    assert not np.array_equal(first, weights(2))


def test_initial_convolutions_have_fan_out_variance():
    keras.utils.set_random_seed(0)
    model = registry.build("preresnet20", 10, SHAPE)
    for layer in layers_of(model, keras.layers.Conv2D):
        assert not layer.use_bias
        k, filters = layer.kernel_size[0], layer.filters
        if layer.kernel.shape[2] > 3:
            expected = math.sqrt(2 / (k * k * filters))
            received = np.std(keras.ops.convert_to_numpy(layer.kernel))
            assert received == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    "depth, convolutions, shortcuts",
    [(8, 7, 2), (11, 10, 3), (20, 19, 2), (38, 37, 2), (56, 55, 2)],
)
def test_preresnet_depth_counts_its_layers(depth, convolutions, shortcuts):
    """A depth counts the convolutions off the shortcuts and the classifier."""
    model = preresnet(10, SHAPE, depth=depth)
    found = layers_of(model, keras.layers.Conv2D)
    assert len(found) == convolutions + shortcuts
    assert model.name == f"preresnet{depth}"


def test_width_scales_the_fully_connected_layers():
    model = registry.build("3conv3fc", 10, SHAPE, width=0.3)
    units = [layer.units for layer in layers_of(model, keras.layers.Dense)]
    assert units == [300, 300, 10]
    filters = [layer.filters for layer in layers_of(model, keras.layers.Conv2D)]
    assert filters == [32, 64, 128]


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="'vgg99'.*3conv3fc.*fc.*preresnet<depth>"):
        registry.build("vgg99", 10, SHAPE)
    with pytest.raises(ValueError, match="depth=111. Nearest: 110 and 119"):
        registry.build("preresnet111", 10, SHAPE)
    for depth in (-200, 1, 2):
        with pytest.raises(ValueError, match="Nearest: 8"):
            preresnet(10, SHAPE, depth=depth)
    with pytest.raises(ValueError, match="at least 15 x 15"):
        registry.build("3conv3fc", 10, (8, 8, 1))
    with pytest.raises(ValueError, match="weight_decay=-1"):
        registry.build("fc", 10, SHAPE, weight_decay=-1)
    with pytest.raises(ValueError, match="width=0"):
        registry.build("3conv3fc", 10, SHAPE, width=0)
    with pytest.raises(ValueError, match="'fc' is taken"):
        registry.register("fc")
