"""Units found in networks: a random order of every group leaves what the network computes."""

import keras
import numpy as np
import pytest
from keras import layers
from layer_zoo import NETWORKS, inputs_of
from model_zoo import NAMES, ZOO, numpy, some

import mc_tf
from mc_tf.alignment.networks import Networks
from mc_tf.alignment.permutation import Permutable, free_groups, random_orders
from mc_tf.alignment.units import find_units
from mc_tf.models.zoo import registry
from mc_tf.weights.flat import state_variables

TOLERANCE = 1e-5
IMAGES = {
    "fc": {},
    "3conv3fc": {"width": 0.2},
    "convnet": {},
    "preresnet8": {},
    "preresnet11": {},
    "resnet8": {},
    "wrn10x1": {"dropout": 0.3},
    "pyramidnet11": {"alpha": 12},
    "shakeshake8x4": {},
    "densenet161": {"blocks": (1, 1, 1, 1)},
    "vgg16": {},
    "vgg16bn": {},
    "imagenet_resnet50": {},
}
QUICK_IMAGES = ["3conv3fc", "preresnet8", "wrn10x1", "pyramidnet11", "shakeshake8x4"]
APPLICATIONS = {  # name -> size of the images
    **{"MobileNetV2": 32, "MobileNetV3Small": 32, "EfficientNetV2B0": 32, "ConvNeXtTiny": 32},
    **{"ResNet50": 32, "ResNet50V2": 32, "DenseNet121": 32, "NASNetMobile": 32},
    **{"InceptionV3": 75, "Xception": 71},
}


def all_variables(model):
    return [*model.trainable_variables, *state_variables(model)]


def scrambled(model, inputs=None, seed=0):
    """The model with random numbers everywhere: ones and zeros would hide faults.

    Statistics are about the inputs', if given, so that deep networks do not fade, and
    never so small that they blow up rounding errors.
    """
    rng = np.random.default_rng(seed)
    for variable in all_variables(model):
        if not keras.backend.is_float_dtype(variable.dtype):
            continue
        value, positive = numpy(variable), "variance" in variable.path or "stddev" in variable.path
        scale = 0.1 * (value.std() or 1) if value.ndim > 1 else 0.3
        moved = value + scale * rng.standard_normal(value.shape)
        moved = rng.uniform(0.5, 1.5, value.shape) if positive else moved
        variable.assign(moved.astype("float32"))
    if inputs is not None:
        mc_tf.update_batch_norm(model, inputs)
        for variable in all_variables(model):
            if variable.path.endswith("moving_variance"):
                value = numpy(variable)
                factors = rng.uniform(0.4, 0.6, value.shape)
                variable.assign(((value + value.mean()) * factors).astype("float32"))
    return model


def permute(model, seed=3):
    """Puts the units of every group in a random order, in the model itself.

    Returns:
        `(groups, moved)`: sizes of the groups, and the share of numbers that are others now.
    """
    units = find_units(model)
    weights = [(weight.variable, Permutable(weight)) for weight in units.weights]
    groups = free_groups(each for _, each in weights)
    orders = random_orders(groups, seed)
    moved = []
    for variable, each in weights:
        before = keras.ops.convert_to_numpy(variable)
        value = each.given_back(each.reordered(each.laid_out(before), orders))
        variable.assign(value)
        moved.append((np.asarray(value) != np.asarray(before)).ravel())
    return [group.size for group in groups], np.concatenate(moved).mean()


def outputs(model, inputs):
    """What the model computes, from the state that it is in, which stays."""
    kept = [(v, keras.ops.convert_to_numpy(v)) for v in all_variables(model)]
    found = [numpy(y) for y in keras.tree.flatten(model(inputs, training=False))]
    for variable, value in kept:
        variable.assign(value)
    return found


def check_twin(model, inputs, tolerance=TOLERANCE):
    """The random twin computes the same; returns the sizes of the groups."""
    before = outputs(model, inputs)
    sizes, moved = permute(model)
    for one, two in zip(before, outputs(model, inputs), strict=True):
        assert np.ptp(one, axis=0).max() > 1e-4 * np.abs(one).max(), "the outputs never change"
        assert np.abs(one - two).max() <= tolerance * np.abs(one).max()
    assert (moved > 0) == bool(sizes)
    return sizes


def check_recovery(model, seed=3):
    """A randomly permuted copy is matched back, exactly."""
    pair = Networks([model, model], ("first", "second"))
    orders = random_orders(pair.groups, seed)
    pair.values[1] = pair.reordered(1, orders)
    found = pair.match(0, 1, None, "weights", 0)
    after = pair.reordered(1, found)
    for place, each in pair.compared:
        assert np.array_equal(after[place], pair.values[0][place]), each.name


@pytest.mark.parametrize("name", NETWORKS)
def test_each_layer(name):
    make, sizes = NETWORKS[name]
    model = scrambled(make())
    found = check_twin(model, inputs_of(model))
    assert sorted(found) == sorted(sizes)
    if found:
        check_recovery(model)


NOTHING = ("shared", "unregistered", "frozen")  # all units are inputs, outputs, or frozen


@pytest.mark.parametrize("name", NAMES)
def test_zoo(name):
    case = ZOO[name]
    model, inputs = scrambled(case.make()), case.data(4)[0]
    found = check_twin(model, inputs, max(TOLERANCE, case.tolerance if name == "mixed" else 0))
    if name not in NOTHING:
        assert found
        check_recovery(model)


@pytest.fixture
def precise():
    """Double precision: in deep networks rounding errors grow, and faults do not hide in them."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield 1e-9
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others lack this precision")
@pytest.mark.parametrize("name", some(list(IMAGES), QUICK_IMAGES))
def test_registered_networks(name, precise, eagerly):
    model = registry.build(name, 10, (32, 32, 3), **IMAGES[name])
    inputs = inputs_of(model, 4)
    assert len(check_twin(scrambled(model, inputs), inputs, precise)) > 1
    check_recovery(model)


def test_registered_language_model():
    model = scrambled(registry.build("lstm_small", 11, (6,), batch_size=4, units=12))
    words = np.random.default_rng(0).integers(0, 11, (4, 6))
    assert check_twin(model, words) == [12, 12, 12]
    check_recovery(model)


@pytest.mark.long
@pytest.mark.parametrize("name", APPLICATIONS)
def test_applications(name, precise):
    size = APPLICATIONS[name]
    model = getattr(keras.applications, name)(
        input_shape=(size, size, 3), weights=None, classes=10, classifier_activation=None
    )
    inputs = inputs_of(model, 4)
    assert len(check_twin(scrambled(model, inputs), inputs, precise)) > 20

    check_recovery(model)


# What stays.


def fixed(model):
    pair = Networks([model, model], ("first", "second"))
    return pair.alignment(1, {}, pair.values[0]).fixed


@pytest.mark.parametrize(
    "name, reason",
    {
        "slow": "Slow 'slow",
        "numbered": "a constant of the graph",
        "lambdas": "the order matters to Flip",
        "transformer": "rows that are looked up",
    }.items(),
)
def test_what_stays_is_named(name, reason):
    found = fixed(NETWORKS[name][0]())
    assert any(each.startswith(reason) for each in found)
    assert all(axis.rsplit(", axis ", 1)[1].isdigit() for axes in found.values() for axis in axes)


def test_finding_leaves_no_trace():
    model = NETWORKS["gated"][0]()
    part = model.layers[1]
    before = len(part.out._inbound_nodes), model.losses
    find_units(model)
    assert (len(part.out._inbound_nodes), model.losses) == before
    assert "add_loss" not in vars(part)


# A rule of one's own.


class Doubled(layers.Layer):
    """Its call says nothing that can be followed."""

    def build(self, shape):
        self.factors = self.add_weight(shape=(shape[-1],), initializer="normal")

    def call(self, x):
        return ops_of(x) * self.factors

    def compute_output_shape(self, shape):
        return shape


def ops_of(x):
    return x + 0 * x if keras.ops.is_tensor(x) else x.numpy()


def doubled_network():
    return keras.Sequential([keras.Input((4,)), layers.Dense(6), Doubled(), layers.Dense(3)])


def test_own_rule():
    assert check_twin(scrambled(doubled_network()), np.eye(4, dtype="float32")) == []

    class Known(Doubled):
        pass

    @mc_tf.alignment.register(Known)
    def known(layer, units, x):
        units.weight(layer.factors, [x[-1]])
        return x

    model = keras.Sequential([keras.Input((4,)), layers.Dense(6), Known(), layers.Dense(3)])
    assert check_twin(scrambled(model), np.eye(4, dtype="float32")) == [6]


@pytest.mark.parametrize(
    "rule, reason",
    {
        "forgets": (lambda layer, units, x: x, "nothing is known of its weight"),
        "wrong shape": (
            lambda layer, units, x: [units.weight(layer.factors, [x[-1]]), x[0]][1:],
            "its rule finds the shape",
        ),
        "fails": (lambda layer, units, x: x[7], "index out of range"),
        "other weight": (
            lambda layer, units, x: units.weight(layer.factors, [units.new(5)]),
            "not of the sizes [5]",
        ),
    }.values(),
)
def test_rules_that_are_wrong_fix_what_they_touch(rule, reason):
    class Wrong(Doubled):
        pass

    mc_tf.alignment.register(Wrong)(rule)
    hidden = [layers.Dense(6), Wrong(), layers.Dense(5), layers.Dense(3)]
    model = keras.Sequential([keras.Input((4,)), *hidden])
    assert any(reason in each for each in fixed(model))
    assert check_twin(scrambled(model), np.eye(4, dtype="float32")) == [5]


def test_rules_are_for_layers():
    with pytest.raises(ValueError, match="must be Keras layers. Received: <class 'int'>"):
        mc_tf.alignment.register(int)
