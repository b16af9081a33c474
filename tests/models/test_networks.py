"""The registered networks: shapes, published weight counts, L2, settings."""

import functools
import inspect
import math
import re

import keras
import numpy as np
import pytest
from model_zoo import gradients, numpy, some

from mc_tf.backend.fused_batch_norm import fused_calls
from mc_tf.curves import Bezier
from mc_tf.models import connect, with_weight_decay
from mc_tf.models.zoo import imagenet_resnet, registry
from mc_tf.models.zoo.densenet import densenet
from mc_tf.models.zoo.preresnet import preresnet
from mc_tf.models.zoo.shake_shake import ShakeMix
from mc_tf.training import load_initial_weights

SHAPE = (32, 32, 3)
QUICK = {
    "fc": {},
    "3conv3fc": {},
    "convnet": {},
    "preresnet8": {},
    "preresnet11": {},
    "vgg16": {},
    "resnet8": {},
    "wrn10x1": {"dropout": 0.3},
    "pyramidnet11": {"alpha": 12},
    "shakeshake8x4": {},
    "densenet161": {"blocks": (1, 1, 1, 1)},
}
# A step of these would take more than seconds, or other files test them (texts).
LARGE = ("vgg16bn", "vgg19", "vgg19bn", "imagenet_resnet50")
TEXTS = ("lstm_small", "lstm_medium", "lstm_large")
LIGHT = [name for name in QUICK if name != "vgg16"]  # its 15 million weights take seconds
FAMILIES = [
    "vgg16",
    "resnet8",
    "preresnet11",
    "wrn10x1",
    "pyramidnet11",
    "shakeshake8x4",
    "densenet161",
]
TRAINABLE = {  # by number of classes
    "3conv3fc": {10: 2_422_634, 100: 2_512_724},
    "convnet": {10: 57_130},
    "lstm_small": {10_000: 4_651_600},
    "lstm_medium": {10_000: 19_775_200},
    "lstm_large": {10_000: 66_022_000},
    "densenet161": {1000: 28_681_000},
    "imagenet_resnet50": {1000: 25_583_592},
    "imagenet_resnet152": {1000: 60_268_520},
    "preresnet20": {10: 272_282},
    "preresnet110": {10: 1_146_842, 100: 1_169_972},
    "preresnet164": {10: 1_703_258, 100: 1_726_388},
    "pyramidnet272": {10: 26_210_842, 100: 26_288_692},
    "resnet20": {10: 269_722},
    "resnet158": {10: 2_505_690},
    "shakeshake26x64": {10: 11_653_978, 100: 11_677_108},
    "vgg16": {10: 15_245_130, 100: 15_291_300},
    "vgg16bn": {10: 15_253_578, 100: 15_299_748},
    "vgg19": {10: 20_554_826, 100: 20_600_996},
    "vgg19bn": {10: 20_565_834, 100: 20_612_004},
    "wrn28x10": {10: 36_489_290, 100: 36_546_980},
    "fc": {10: 3072 * 500 + 500 + 500 * 500 + 500 + 501 * 10},
}


def count(model):
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def quick(name, num_classes=10, **options):
    return registry.build(name, num_classes, SHAPE, **QUICK[name], **options)


@functools.cache
def plain(name):
    """A small member for seven classes, for tests that only look at it."""
    return quick(name, 7)


def images(size, seed=0):
    return np.random.default_rng(seed).normal(size=(size, *SHAPE)).astype("float32")


def normalized(model, seed=0):
    """Sets batch normalization statistics that are not the initial ones."""
    rng = np.random.default_rng(seed)
    for layer in layers_of(model, keras.layers.BatchNormalization):
        layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape) / 10)
        layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    return model


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


# One or two published members of each family; PyramidNet, shake-shake and DenseNet also by formula.
# The others take seconds each to build.
COUNTED_IF_ASKED = (
    *("pyramidnet272", "shakeshake26x64", "preresnet110", "preresnet164", "densenet161"),
    *("resnet158", "imagenet_resnet152", "vgg19", "vgg19bn", "lstm_medium", "lstm_large"),
    "wrn28x10",
)


@pytest.mark.parametrize(
    "name", some(registry.names(), [n for n in registry.names() if n not in COUNTED_IF_ASKED])
)
def test_weight_counts(name, monkeypatch):
    """Published counts where there are; more classes only make the classifier larger."""
    assert name in TRAINABLE, f"Give {name} its number of trainable weights."
    # The large ones take long enough without the copy, which a test below makes.
    monkeypatch.setattr(imagenet_resnet, "with_weight_decay", lambda model, *_, **__: model)
    (classes, expected), *others = TRAINABLE[name].items()
    model = registry.build(name, classes, (20,) if name.startswith("lstm") else SHAPE)
    assert model.output_shape[-1] == classes
    assert count(model) == expected
    features = model.layers[-1].kernel.shape[0]
    for more, weights in others:
        assert expected + (more - classes) * (features + 1) == weights


def test_every_entry_of_the_registry_is_tried():
    tried = {registry._find(name)[0] for name in (*QUICK, *LARGE, *TEXTS)}
    assert tried == set(registry._BUILDERS.values())


def test_mnist_weight_count():
    assert count(registry.build("fc", 10, (28, 28, 1))) == 648_010


@pytest.mark.parametrize("depth, alpha, classes", [(272, 200, 10), (20, 25, 7)])
def test_pyramidnet_weights_by_formula(depth, alpha, classes):
    blocks = (depth - 2) // 3
    total, inputs = 27 * 16 + 2 * 16, 16
    for k in range(1, blocks + 1):
        c = (2 * (16 * blocks + alpha * k) + blocks) // (2 * blocks)  # rounded half up
        convolutions = inputs * c + 9 * c * c + 4 * c * c
        total += convolutions + 2 * (inputs + c + c + 4 * c)
        inputs = 4 * c
    total += 2 * inputs + (inputs + 1) * classes
    if depth == 272:
        assert total == TRAINABLE["pyramidnet272"][10]
    else:
        assert total == count(registry.build(f"pyramidnet{depth}", classes, SHAPE, alpha=alpha))


@pytest.mark.parametrize("depth, width, classes", [(26, 64, 10), (14, 16, 7)])
def test_shakeshake_weights_by_formula(depth, width, classes):
    total, inputs = 27 * 16 + 2 * 16, 16
    for stage in range(3):
        c = width * 2**stage
        for _ in range((depth - 2) // 6):
            total += 2 * (9 * inputs * c + 9 * c * c + 2 * c + 2 * c)
            total += inputs * c + 2 * c if inputs != c else 0
            inputs = c
    total += (inputs + 1) * classes
    if depth == 26:
        assert total == TRAINABLE["shakeshake26x64"][10]
    else:
        assert total == count(registry.build(f"shakeshake{depth}x{width}", classes, SHAPE))


@pytest.mark.parametrize("blocks, classes", [(None, 1000), ((2, 1, 1, 3), 7)])
def test_densenet_weights_by_formula(blocks, classes):
    lengths = blocks or inspect.signature(densenet).parameters["blocks"].default
    total, inputs = 49 * 3 * 96 + 2 * 96, 96
    for index, length in enumerate(lengths):
        if index:
            total += 2 * inputs + inputs * (inputs // 2)
            inputs //= 2
        for _ in range(length):
            total += 2 * inputs + 192 * inputs + 2 * 192 + 9 * 192 * 48
            inputs += 48
    total += 2 * inputs + (inputs + 1) * classes
    if blocks is None:
        assert total == TRAINABLE["densenet161"][1000]
    else:
        assert total == count(registry.build("densenet161", classes, SHAPE, blocks=blocks))


@pytest.mark.parametrize("name", QUICK)
def test_outputs_are_logits_of_the_classes(name):
    model = plain(name)
    y = numpy(model(5 * images(3)))
    assert model.output_shape == (None, 7) and y.shape == (3, 7)
    assert not np.allclose(y.sum(1), 1)


@pytest.mark.parametrize("name", some(LIGHT, set(LIGHT) - {"preresnet8"}))
def test_penalty_covers_every_trainable_weight(name):
    model = quick(name, weight_decay=3e-2)
    rng = np.random.default_rng(0)
    total = 0.0
    for weight in model.trainable_weights:
        value = rng.standard_normal(weight.shape, "float32")
        weight.assign(value)
        total += np.square(value.astype("float64")).sum()
    received = sum(float(loss) for loss in model.losses)
    assert received == pytest.approx(3e-2 / 2 * total, rel=1e-5)
    assert plain(name).losses == []


# VGG-16 is like 3conv3fc, with millions of weights; the others have a sibling here.
@pytest.mark.parametrize(
    "name",
    some(
        list(QUICK),
        set(QUICK) - {"vgg16", "preresnet8", "preresnet11", "pyramidnet11", "fc"},
    ),
)
def test_a_training_step_and_a_curve(name):
    first, second = (quick(name, weight_decay=1e-4) for _ in range(2))
    x, y = images(4), np.array([0, 3, 9, 3])
    before = [np.array(w) for w in first.get_weights()]
    train_once(first, x, y)
    moved = [np.any(a != b) for a, b in zip(before, first.get_weights(), strict=True)]
    assert sum(moved) >= 0.9 * len(moved)
    curve = connect(first, second, Bezier(1))
    with fused_calls(first):  # as on the curve
        np.testing.assert_array_equal(numpy(curve(x, t=0.0)), numpy(first(x)))
    start, bend, end = map(np.array, curve.control_points())
    train_once(curve, x, y)
    same_start, moved_bend, same_end = map(np.array, curve.control_points())
    np.testing.assert_array_equal([start, end], [same_start, same_end])
    assert np.mean(bend != moved_bend) > 0.5


def train_once(model, x, y):
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=keras.backend.backend() == "tensorflow",  # quicker there for one step
    )
    assert np.isfinite(model.train_on_batch(x, y))


@pytest.mark.parametrize("name", ["convnet", *FAMILIES[1:]])  # VGG-16 has none
def test_batch_normalization_settings(name):
    layers = layers_of(plain(name), keras.layers.BatchNormalization)
    assert layers
    assert {layer.momentum for layer in layers} == {0.9}
    assert {layer.epsilon for layer in layers} == {1e-5}


@pytest.mark.parametrize("name", some(LIGHT, ("fc", "convnet", "wrn10x1")))
def test_set_random_seed_fixes_the_initial_weights(name):
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return np.concatenate([w.ravel() for w in quick(name, 7).get_weights()])

    first = weights(1)
    np.testing.assert_array_equal(first, weights(1))
    other = np.concatenate([w.ravel() for w in plain(name).get_weights()])
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "name, biases, variance",
    [
        ("preresnet20", False, lambda inputs, outputs: 2 / outputs),
        ("resnet20", False, lambda inputs, outputs: 2 / outputs),
        ("shakeshake8x32", False, lambda inputs, outputs: 2 / outputs),
        ("vgg16", True, lambda inputs, outputs: 2 / outputs),
        ("wrn10x2", True, lambda inputs, outputs: 1 / (3 * inputs)),
    ],
)
def test_initial_convolutions(name, biases, variance):
    keras.utils.set_random_seed(0)
    for layer in layers_of(registry.build(name, 10, SHAPE), keras.layers.Conv2D):
        assert layer.use_bias is biases
        *sides, inputs, outputs = layer.kernel.shape
        if inputs > 3:
            expected = variance(math.prod(sides) * inputs, math.prod(sides) * outputs)
            received = np.std(numpy(layer.kernel))
            assert received == pytest.approx(math.sqrt(expected), rel=0.1)
        if biases and name.startswith("wrn"):
            assert_uniform(layer.bias, math.prod(sides) * inputs)
        elif biases:
            assert not numpy(layer.bias).any()


def assert_uniform(weights, inputs):
    """Uniform in ± 1 / sqrt(inputs), as PyTorch initializes its layers."""
    values = numpy(weights)
    limit = 1 / math.sqrt(inputs)
    assert np.abs(values).max() <= limit
    few = 4 / math.sqrt(values.size)  # about four standard errors of mean and spread
    assert (
        abs(values.mean()) <= few * limit and abs(values.std() - limit / math.sqrt(3)) < few * limit
    )


@pytest.mark.parametrize(
    "name",
    ["vgg16", "3conv3fc", "preresnet20", "wrn10x2", "resnet20", "shakeshake8x4", "densenet161"],
)
def test_initial_classifiers_are_the_references(name):
    keras.utils.set_random_seed(0)
    model = quick(name, 100) if name == "densenet161" else registry.build(name, 100, SHAPE)
    found = layers_of(model, keras.layers.Dense)
    for layer in found:
        assert_uniform(layer.kernel, layer.kernel.shape[0])
        if name.startswith(("densenet", "shakeshake")):
            assert not numpy(layer.bias).any()
        else:
            assert_uniform(layer.bias, layer.kernel.shape[0])
    assert len(found) == {"vgg16": 3, "3conv3fc": 3}.get(name, 1)


def test_initial_fully_connected_network_is_keras():
    for layer in layers_of(plain("fc"), keras.layers.Dense):
        limit = math.sqrt(6 / sum(layer.kernel.shape))
        assert 0.9 * limit < np.abs(numpy(layer.kernel)).max() <= limit
        assert not numpy(layer.bias).any()


@pytest.mark.parametrize(
    "depth, convolutions, shortcuts",
    some([(8, 7, 2), (11, 10, 3), (20, 19, 2), (38, 37, 2), (56, 55, 2)], [(8, 7, 2), (11, 10, 3)]),
)
def test_preresnet_depth_counts_its_layers(depth, convolutions, shortcuts):
    """A depth counts the convolutions off the shortcuts and the classifier."""
    model = preresnet(10, SHAPE, depth=depth)
    found = layers_of(model, keras.layers.Conv2D)
    assert len(found) == convolutions + shortcuts
    assert model.name == f"preresnet{depth}"


OTHER_SHAPES = [
    ("resnet8", (9, 7, 1)),
    ("wrn10x1", (5, 12, 4)),
    ("pyramidnet11", (9, 7, 1)),
    ("shakeshake8x16", (9, 7, 1)),
    ("densenet161", (37, 41, 1)),
    ("vgg16", (64, 33, 1)),
]


@pytest.mark.parametrize(
    "name, shape",
    some(OTHER_SHAPES, [row for row in OTHER_SHAPES if row[0] not in ("wrn10x1", "pyramidnet11")]),
)
def test_images_of_other_shapes(name, shape):
    model = registry.build(name, 3, shape, **QUICK.get(name, {}))
    y = numpy(model(np.ones((2, *shape), "float32")))
    assert y.shape == (2, 3) and np.isfinite(y).all()


# With layers or weights that the others do not have; preresnet11 has the bottlenecks.
@pytest.mark.parametrize("name", some(FAMILIES, ("resnet8", "wrn10x1", "shakeshake8x4")))
def test_save_and_load(name, tmp_path):
    model = normalized(quick(name, weight_decay=0.02))
    model.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(numpy(loaded(images(2))), numpy(model(images(2))))
    losses, expected = (sum(map(float, m.losses)) for m in (loaded, model))
    assert losses == expected > 0


@pytest.mark.parametrize(
    "name", some(FAMILIES[1:], ("resnet8", "wrn10x1", "shakeshake8x4", "densenet161"))
)
def test_logits_are_float32_under_mixed_precision(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = quick(name)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.layers[1].compute_dtype == "bfloat16"
    assert model.output.dtype == model.layers[-1].kernel.dtype == "float32"


def test_resnet_shortcuts_have_no_weights():
    model = plain("resnet8")
    without = quick("resnet8", 7, skips=False)
    assert [w.shape for w in model.weights] == [w.shape for w in without.weights]
    assert len(layers_of(model, keras.layers.Add)) == 3
    assert not layers_of(without, keras.layers.Add)
    without.set_weights(model.get_weights())
    assert not np.allclose(numpy(model(images(2))), numpy(without(images(2))))


def test_resnet_shortcut_takes_every_second_pixel_and_pads_channels():
    model = plain("resnet8")
    add = layers_of(model, keras.layers.Add)[1]
    before = layers_of(model, keras.layers.ReLU)[2]  # the output of the first stage
    part = keras.Model(model.input, [before.output, add.input[0]])
    x, shortcut = map(numpy, part(images(2)))
    np.testing.assert_array_equal(shortcut[..., :16], x[:, ::2, ::2])
    assert shortcut.shape == (2, 16, 16, 32) and not shortcut[..., 16:].any()


def test_shakeshake_shortcut_sees_other_pixels_in_each_half():
    model = registry.build("shakeshake8x16", 10, SHAPE)
    halves = layers_of(model, keras.layers.Concatenate)[0].input
    shortcuts = [half._keras_history.operation for half in halves]
    part = keras.Model(model.input, [layer.input for layer in shortcuts])
    x, shifted = map(numpy, part(images(2)))
    np.testing.assert_array_equal(shifted[:, 1:, 1:], x[:, :-1, :-1])
    assert not shifted[:, 0].any() and not shifted[:, :, 0].any()
    assert {layer.strides for layer in shortcuts} == {(2, 2)}


def test_shake_mix_draws_shares_for_every_image():
    a, b = np.zeros((2000, 2, 2, 3), "float32"), np.ones((2000, 2, 2, 3), "float32")
    layer = ShakeMix(seed=1)
    np.testing.assert_array_equal(numpy(layer([a, b])), 0.5)
    y = numpy(layer([a, b], training=True))
    shares = y[:, 0, 0, 0]
    np.testing.assert_allclose(y, np.broadcast_to(shares[:, None, None, None], y.shape), rtol=1e-5)
    assert 0 <= shares.min() < 0.01 and 0.99 < shares.max() <= 1
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.std() == pytest.approx(math.sqrt(1 / 12), abs=0.02)
    assert not np.array_equal(numpy(layer([a, b], training=True)), y)
    same = ShakeMix.from_config(layer.get_config())
    np.testing.assert_array_equal(numpy(same([a, b], training=True)), y)


def test_shake_mix_draws_gradients_apart():
    a, b = np.zeros((2000, 1), "float32"), np.ones((2000, 1), "float32")
    outputs = []

    def total(branches):
        outputs.append(ShakeMix(seed=1)(branches, training=True))
        return keras.ops.sum(outputs[0])

    first, second = gradients(total, [a, b])
    np.testing.assert_allclose(first + second, 1, rtol=1e-5)
    assert first.mean() == pytest.approx(0.5, abs=0.03)
    forward = numpy(ShakeMix(seed=1)([a, b], training=True))
    assert abs(np.corrcoef(second[:, 0], forward[:, 0])[0, 1]) < 0.1


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A network of `keras.applications` and its weights file."""
    model = keras.applications.ResNet50(
        weights=None, input_shape=SHAPE, classes=4, classifier_activation=None
    )
    file = tmp_path_factory.mktemp("pretrained") / "resnet50.h5"
    normalized(model).save(file)
    return model, file


@pytest.mark.long  # 25 million weights, as in the next
def test_imagenet_resnet_reads_the_weights_of_keras_applications(pretrained):
    original, file = pretrained
    model = registry.build("imagenet_resnet50", 4, SHAPE, weight_decay=0.01)
    load_initial_weights(model, file)
    np.testing.assert_allclose(
        numpy(model(images(2))), numpy(original(images(2))), rtol=1e-4, atol=1e-5
    )
    squares = sum(np.square(numpy(w).astype("float64")).sum() for w in original.trainable_weights)
    assert sum(map(float, model.losses)) == pytest.approx(0.01 / 2 * squares, rel=1e-5)
    assert {b.momentum for b in layers_of(model, keras.layers.BatchNormalization)} == {0.9}


@pytest.mark.long
def test_weights_files_that_do_not_fit(pretrained, tmp_path):
    _, file = pretrained
    for wrong in (file, tmp_path / "text.h5", tmp_path / "text.txt"):
        if wrong != file:
            wrong.write_text("not weights")
        with pytest.raises(ValueError, match=f"{wrong.name}.*network 'wrn10x1'") as error:
            load_initial_weights(plain("wrn10x1"), wrong)
        assert "\n" not in str(error.value)
    model = registry.build("vgg16bn", 7, SHAPE)
    for ending in (".keras", ".weights.h5"):
        more = tmp_path / f"more{ending}"
        (model.save if ending == ".keras" else model.save_weights)(more)
        load_initial_weights(model, str(more))
        with pytest.raises(ValueError, match=f"{more.name}.*'vgg16'.*84 arrays.*32"):
            load_initial_weights(plain("vgg16"), more)
    with pytest.raises(FileNotFoundError, match="no file of weights.*missing.h5"):
        load_initial_weights(plain("wrn10x1"), tmp_path / "missing.h5")


def test_with_weight_decay_of_a_nested_network(tmp_path):
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    )
    inputs = keras.Input((4,))
    outputs = keras.layers.Dense(2, kernel_regularizer="l1")(inner(inputs))
    model = keras.Model(inputs, outputs)
    for value in (0, 0.5):
        made = with_weight_decay(model, value, momentum=0.8)
        assert made.layers[1].layers[-1].momentum == 0.8
        for a, b in zip(made.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        squares = sum(np.square(numpy(w)).sum() for w in model.trainable_weights)
        assert sum(map(float, made.losses)) == pytest.approx(value / 2 * squares, rel=1e-5)
    assert inner.layers[-1].momentum == 0.99 and len(model.losses) == 1
    made.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    assert list(map(float, loaded.losses)) == list(map(float, made.losses))
    assert loaded.layers[1].layers[-1].momentum == 0.8


def test_options():
    assert registry.options("resnet20") == ["skips"]
    assert registry.options("wrn28x10") == ["dropout"]
    assert registry.options("fc") == ["units", "width"]
    with pytest.raises(ValueError, match="network 'fc'. Received: 'depth'. Expected: 'units'"):
        registry.build("fc", 10, SHAPE, depth=2)
    with pytest.raises(ValueError, match="'vgg16'. Received: 'width'. Expected: none"):
        registry.build("vgg16", 10, SHAPE, width=2)
    with pytest.raises(ValueError, match="Received: 'depth'. Expected: 'skips'"):
        registry.build("resnet20", 10, SHAPE, depth=8)


@pytest.mark.parametrize(
    "name, options",
    [
        ("3conv3fc", {"width": "wide"}),
        ("fc", {"units": 8}),
        ("fc", {"units": ["x"]}),
        ("resnet8", {"skips": "False"}),
        ("resnet8", {"skips": 0}),
        ("pyramidnet11", {"alpha": True}),
    ],
)
def test_options_of_another_kind(name, options):
    ((option, value),) = options.items()
    message = f"'{option}' of the network '{name}' cannot be {value!r}. Expected.*default"
    with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
        registry.build(name, 10, SHAPE, **options)


def test_options_of_a_users_own_builder(monkeypatch):
    taken = []

    def build(num_classes, input_shape, weight_decay=0.0, scales=(0.5, 1), names=("a",), head=None):
        taken.append((scales, names, head))
        return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten()])

    monkeypatch.setitem(registry._BUILDERS, "own", build)
    own = functools.partial(registry.build, "own", 10, SHAPE)
    own(scales=[0.5, 1.0], names=["b", "c"])
    assert taken.pop() == ([0.5, 1.0], ["b", "c"], None)
    for head in ("wide", 3):
        own(head=head)
        assert taken.pop()[2] == head
    with pytest.raises(ValueError, match="'scales'.*cannot be 0.5"):
        own(scales=0.5)


@pytest.mark.parametrize(
    "made", [None, (1, 2), keras.layers.Dense(2), keras.Sequential([keras.layers.Dense(2)])]
)
def test_a_users_own_builder_must_return_a_built_network(monkeypatch, made):
    monkeypatch.setitem(registry._BUILDERS, "own", lambda num_classes, input_shape: made)
    words = f"'own' must return a built keras.Model.*Received: {type(made).__name__}"
    with pytest.raises(ValueError, match=words):
        registry.build("own", 10, SHAPE)


def test_width_scales_the_fully_connected_layers():
    model = registry.build("3conv3fc", 10, SHAPE, width=0.3)
    units = [layer.units for layer in layers_of(model, keras.layers.Dense)]
    assert units == [300, 300, 10]
    filters = [layer.filters for layer in layers_of(model, keras.layers.Conv2D)]
    assert filters == [32, 64, 128]


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="'lenet'.*3conv3fc.*fc.*preresnet<depth>.*x<width>"):
        registry.build("lenet", 10, SHAPE)
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
        registry.register("fc")(quick)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("vgg17", {}, "16 or 19. Received: depth=17"),
        ("resnet21", {}, "6 n . 2. Received: depth=21. Nearest: 20 and 26"),
        ("resnet2", {}, "Nearest: 8"),
        ("wrn28x0", {}, "width=0"),
        ("wrn29x1", {}, "Nearest: 28 and 34"),
        ("pyramidnet12", {}, "Nearest: 11 and 20"),
        ("pyramidnet11", {"alpha": -1}, "alpha=-1"),
        ("shakeshake8x3", {}, "even width.*width=3"),
        ("densenet161", {"blocks": (1, 0)}, "blocks="),
        ("imagenet_resnet34", {}, "50, 101 or 152. Received: depth=34"),
    ],
)
def test_members_that_no_family_has(name, options, message):
    with pytest.raises(ValueError, match=message):
        registry.build(name, 10, SHAPE, **options)


@pytest.mark.parametrize(
    "name, smallest",
    [
        ("vgg16", 32),
        ("vgg19bn", 32),
        ("resnet8", 4),
        ("wrn10x1", 4),
        ("pyramidnet11", 4),
        ("shakeshake8x4", 4),
        ("densenet161", 32),
        ("imagenet_resnet50", 32),
    ],
)
def test_images_that_are_too_small(name, smallest):
    with pytest.raises(ValueError, match=f"at least {smallest} x {smallest}"):
        registry.build(name, 10, (smallest - 1, smallest, 3))
