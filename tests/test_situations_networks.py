"""When two networks are the same, wherever they are compared; and what copies leave out."""

import enum
import functools
import json
import os
import sys
import types

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import some

import mc_tf
from mc_tf import Bezier, CurveModel, Ensemble, Line, Plane, PolyChain, Rays, connect
from mc_tf.landscape import principal_directions, random_direction
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.snapshots import (
    Snapshot,
    load_snapshot,
    read_snapshot,
    save_snapshot,
    take_snapshot,
)
from mc_tf.weights.architecture import describe
from mc_tf.weights.compatibility import check_same_architecture, check_same_fixed
from mc_tf.weights.flat import flat_weights
from mc_tf.weights.moving_state import moved_by_training

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = X[:, :3].argmax(-1)
RNG = np.random.default_rng(1)
register = keras.saving.register_keras_serializable("situations")


def numpy(value):
    return np.array(ops.convert_to_numpy(value))


def near(first, second, tolerance=1e-5):
    np.testing.assert_allclose(numpy(first), numpy(second), rtol=tolerance, atol=tolerance)


# Layers of users.


@register
class Unnamed(layers.Layer):
    """Its weights have no names, as in Keras' guide."""

    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer="random_normal")
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal")

    def call(self, x):
        return ops.matmul(x, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@register
class Features(layers.Layer):
    """Random features: weights that are never trained."""

    def build(self, shape):
        self.w = self.add_weight(
            shape=(shape[-1], 6), initializer="random_normal", trainable=False, name="projection"
        )

    def call(self, x):
        return ops.cos(ops.matmul(x, self.w))


@register
class Centered(layers.Layer):
    """A moving average of the user's own."""

    def build(self, shape):
        self.mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False)

    def call(self, x, training=None):
        if training:
            self.mean.assign(0.5 * self.mean + 0.5 * ops.mean(x, axis=0))
        return x - self.mean


@register
class Quantizer(layers.Layer):
    """Statistics that an outer layer moves, held by an inner one."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.book = layers.Dense(4, use_bias=False, trainable=False)

    def build(self, shape):
        self.book.build(shape)

    def call(self, x, training=None):
        if training:
            self.book.kernel.assign(0.9 * self.book.kernel + 0.1 * ops.mean(x))
        return self.book(x)


class Scaled(layers.Layer):
    """No configuration: its setting is code."""

    def __init__(self, function, factor=1.0):
        super().__init__()
        self.function = function
        self.factor = factor

    def call(self, x):
        return self.function(x) * self.factor


@register
class Branches(keras.Model):
    def __init__(self, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.activation = activation
        self.first = layers.Dense(4, activation=activation)
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, x, training=None):
        return self.head(self.norm(self.first(x), training=training))


class Own(keras.Model):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.features = Features()
        self.head = layers.Dense(3)

    def call(self, x):
        return self.head(self.function(self.features(x)))


class Kept(keras.Model):
    """Keeps a setting of any kind under a name that is private."""

    def __init__(self, setting, use=lambda setting, x: x):
        super().__init__()
        self._setting = setting
        self.use = use
        self.head = layers.Dense(3)

    def call(self, x):
        slope = getattr(self._setting, "slope", 1.0)
        return self.head(slope * self.use(self._setting, x))


class Renamed(keras.Model):
    """Keras knows only the constructor's arguments (none); the setting comes afterwards."""

    def __init__(self):
        super().__init__()
        self.scale = 1.0
        self.head = layers.Dense(3)

    def call(self, x):
        return self.head(self.scale * x)


class Fourier(layers.Layer):
    """Random features in an array, which its configuration does not hold."""

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.features = np.random.default_rng(seed).normal(size=(4, 5)).astype("float32")

    def call(self, x):
        return ops.cos(x @ self.features)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


class Kind(enum.Enum):
    SIGMOID = 1
    TANH = 2


def settings(**fields):
    return types.SimpleNamespace(**fields)


def rescaled(scale):
    model = Renamed()
    model.scale = scale
    return called(model)


def columns(start):
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(3)(inputs[:, start : start + 2]))


def net(*middle, head=3):
    return keras.Sequential([keras.Input((4,)), *middle, layers.Dense(head)])


def called(model):
    model(X[:2])
    return model


def image_net(*middle):
    image = layers.Reshape((2, 2, 1))
    return net(image, *middle, layers.GlobalAveragePooling2D())


def graph(crossed):
    inputs = keras.Input((4,))
    a = layers.Dense(4)(inputs)
    b = layers.Dense(4)(a)
    joined = layers.Subtract()([b, a] if crossed else [a, b])
    return keras.Model(inputs, layers.Dense(3)(joined))


def operations(function):
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(3)(function(layers.Dense(4)(inputs))))


def shared(times):
    inputs = keras.Input((4,))
    layer, x = layers.Dense(4), inputs
    for _ in range(times):
        x = layer(x)
    return keras.Model(inputs, layers.Dense(3)(x))


def scaled_by(factor):
    return net(layers.Lambda(lambda v: v * factor))


def frozen_call(training):
    inputs = keras.Input((4,))
    kwargs = {"training": False} if training is False else {}
    x = layers.BatchNormalization()(inputs, **kwargs)
    return keras.Model(inputs, layers.Dense(3)(x))


def act(name):
    return net(layers.Dense(4, activation=name))


DIFFERENT = {
    "activation of a layer": (lambda: act("relu"), lambda: act("tanh"), "activation.*relu.*tanh"),
    "activation layer": (
        lambda: net(layers.Activation("relu")),
        lambda: net(layers.Activation("elu")),
        "activation: 'relu' in `start`, 'elu' in `end`",
    ),
    "class without weights": (
        lambda: net(layers.ReLU()),
        lambda: net(layers.ELU()),
        "of class ReLU.*of class ELU",
    ),
    "slope": (
        lambda: net(layers.LeakyReLU(0.1)),
        lambda: net(layers.LeakyReLU(0.3)),
        "negative_slope: 0.1 .*0.3",
    ),
    "epsilon": (
        lambda: net(layers.BatchNormalization(epsilon=1e-3)),
        lambda: net(layers.BatchNormalization(epsilon=1e-5)),
        "epsilon: 0.001 .*1e-05",
    ),
    "strides": (
        lambda: image_net(layers.Conv2D(2, 1, strides=1)),
        lambda: image_net(layers.Conv2D(2, 1, strides=2)),
        r"strides",
    ),
    "padding": (
        lambda: image_net(layers.Conv2D(2, 2, padding="same")),
        lambda: image_net(layers.Conv2D(2, 2, padding="valid")),
        "padding: 'same' .*'valid'",
    ),
    "dilation": (
        lambda: image_net(layers.Conv2D(2, 2, padding="same", dilation_rate=1)),
        lambda: image_net(layers.Conv2D(2, 2, padding="same", dilation_rate=2)),
        "dilation_rate",
    ),
    "pooling": (
        lambda: image_net(layers.MaxPooling2D(2)),
        lambda: image_net(layers.AveragePooling2D(2)),
        "MaxPooling2D.*AveragePooling2D",
    ),
    "axis": (
        lambda: net(layers.Reshape((2, 2)), layers.Softmax(1), layers.Flatten()),
        lambda: net(layers.Reshape((2, 2)), layers.Softmax(2), layers.Flatten()),
        "axis: 1 .*2",
    ),
    "a layer more without weights": (
        lambda: net(layers.ReLU()),
        lambda: net(layers.ReLU(), layers.Flatten()),
        "class Dense.*class Flatten|class Flatten|graph",
    ),
    "inside a wrapper": (
        lambda: net(
            layers.Reshape((2, 2)),
            layers.TimeDistributed(layers.Dense(2, "relu")),
            layers.Flatten(),
        ),
        lambda: net(
            layers.Reshape((2, 2)),
            layers.TimeDistributed(layers.Dense(2, "tanh")),
            layers.Flatten(),
        ),
        "relu.*tanh",
    ),
    "which layer feeds which": (lambda: graph(False), lambda: graph(True), "step 3 of its graph"),
    "how often it is called": (lambda: shared(1), lambda: shared(2), "graph"),
    "operations": (
        lambda: operations(lambda x: ops.relu(x)),
        lambda: operations(lambda x: ops.tanh(x)),
        "Relu 2.*Tanh 2",
    ),
    "constants of operations": (
        lambda: operations(lambda x: x * 2.0),
        lambda: operations(lambda x: x * 3.0),
        "2.0 in.*3.0",
    ),
    "code of a lambda": (
        lambda: net(layers.Lambda(lambda v: v * 2)),
        lambda: net(layers.Lambda(lambda v: v * 3)),
        "function",
    ),
    "what a lambda closes over": (lambda: scaled_by(2), lambda: scaled_by(3), "function"),
    "arguments of a lambda": (
        lambda: net(layers.Lambda(times, arguments={"by": 2})),
        lambda: net(layers.Lambda(times, arguments={"by": 3})),
        "arguments.by: 2 .*3",
    ),
    "a function of the user's": (
        lambda: net(layers.Dense(4, activation=functions()[0])),
        lambda: net(layers.Dense(4, activation=functions()[1])),
        "activation",
    ),
    "a layer without configuration": (
        lambda: net(Scaled(lambda v: v, 1.0)),
        lambda: net(Scaled(lambda v: v, 2.0)),
        "factor: 1.0 .*2.0",
    ),
    "code of a layer without configuration": (
        lambda: net(Scaled(lambda v: v)),
        lambda: net(Scaled(lambda v: -v)),
        "function",
    ),
    "a subclassed model": (
        lambda: called(Branches("relu")),
        lambda: called(Branches("tanh")),
        "activation: 'relu' .*'tanh'",
    ),
    "a subclassed model without configuration": (
        lambda: called(Own(lambda v: v)),
        lambda: called(Own(lambda v: v + 1)),
        "function",
    ),
    "a normalization that is held fixed": (
        lambda: frozen_call(None),
        lambda: frozen_call(False),
        "graph",
    ),
    "a model within": (
        lambda: net(keras.Sequential([keras.Input((4,)), layers.ReLU()])),
        lambda: net(keras.Sequential([keras.Input((4,)), layers.ELU()])),
        "ReLU.*ELU",
    ),
    "slices of a graph": (lambda: columns(0), lambda: columns(2), "graph: 0 .*2"),
    "a setting that is private": (
        lambda: called(Kept(1.0)),
        lambda: called(Kept(2.0)),
        "setting: 1.0 .*2.0",
    ),
    "a function of Keras'": (
        lambda: called(Kept(keras.activations.relu)),
        lambda: called(Kept(keras.activations.tanh)),
        "setting: 'relu' .*'tanh'",
    ),
    "settings in a dict": (
        lambda: called(Kept({"slope": 0.1})),
        lambda: called(Kept({"slope": 0.3})),
        "setting.slope: 0.1 .*0.3",
    ),
    "settings in an object": (
        lambda: called(Kept(settings(slope=0.1))),
        lambda: called(Kept(settings(slope=0.3))),
        "setting.slope: 0.1 .*0.3",
    ),
    "a member of an enumeration": (
        lambda: called(Kept(Kind.SIGMOID)),
        lambda: called(Kept(Kind.TANH)),
        "setting: 'SIGMOID' .*'TANH'",
    ),
    "a setting made after the constructor": (
        lambda: rescaled(1.0),
        lambda: rescaled(2.0),
        "scale: 1.0 .*2.0",
    ),
    "random features in an array": (
        lambda: net(Fourier(seed=1)),
        lambda: net(Fourier(seed=2)),
        "features",
    ),
    "units": (
        lambda: net(Unnamed(4)),
        lambda: net(Unnamed(5)),
        r"weight 0.*\(4, 4\).*\(4, 5\)",
    ),
    "a layer that is itself on a curve": (
        lambda: net(mc_tf.CurveLayer(layers.Dense(4, "relu"), Bezier(1))),
        lambda: net(mc_tf.CurveLayer(layers.Dense(4, "tanh"), Bezier(1))),
        "relu.*tanh",
    ),
}


def times(x, by):
    return x * by


def functions():
    """Two of one name."""

    def activation(x):
        return x

    first = activation

    def activation(x):  # noqa: F811
        return -x

    return first, activation


# By default one row of each way to tell networks apart: a setting, a class, a graph, code, state.
DIFFER = some(
    DIFFERENT,
    (
        *("activation of a layer", "class without weights", "a layer more without weights"),
        *("inside a wrapper", "which layer feeds which", "operations", "constants of operations"),
        *("what a lambda closes over", "a function of the user's", "a layer without configuration"),
        *("a subclassed model", "a subclassed model without configuration", "a model within"),
        *("slices of a graph", "a setting that is private", "settings in an object", "units"),
        *("random features in an array", "a layer that is itself on a curve"),
    ),
)


@pytest.mark.parametrize("name", DIFFER)
def test_what_computes_otherwise_is_another_network(name):
    one, two, words = DIFFERENT[name]
    with pytest.raises(ValueError, match=f"(?s)same architecture.*{words}"):
        check_same_architecture(one(), two())


SAME = {
    "unnamed weights": lambda k: net(Unnamed(4), layers.ReLU(), Unnamed(4)),
    "names": lambda k: net(layers.Dense(4, name=f"mine_{k}"), layers.ReLU(name=f"other{k}")),
    "one lambda": lambda k: net(layers.Lambda(lambda v: v * 2)),
    "one closure": lambda k: scaled_by(2.0),
    "dropout of another rate": lambda k: net(layers.Dropout(0.1 + 0.3 * k)),
    "dropout within": lambda k: net(
        layers.Reshape((2, 2)), layers.LSTM(3, dropout=0.1 * k, recurrent_dropout=0.1)
    ),
    "initializers and seeds": lambda k: net(
        layers.Dense(4, kernel_initializer=keras.initializers.GlorotNormal(seed=k))
    ),
    "weight decay": lambda k: net(layers.Dense(4, kernel_regularizer=keras.regularizers.L2(k))),
    "constraints": lambda k: net(
        layers.Dense(4, kernel_constraint=keras.constraints.MaxNorm(1 + k))
    ),
    "momentum": lambda k: net(layers.BatchNormalization(momentum=0.9 + 0.01 * k)),
    "operations": lambda k: operations(lambda x: ops.relu(x) * 2.0),
    "a layer used elsewhere too": lambda k: used_elsewhere(k),
    "subclassed": lambda k: called(Branches("relu")),
    "without configuration": lambda k: net(Scaled(identity, 2.0)),
    "partial": lambda k: net(Scaled(functools.partial(times, by=2))),
    "moving averages of the user's": lambda k: moved(net(Centered())),
    # In a graph, Keras' `fit` calls it in training mode all the same.
    "a normalization called as at inference": lambda k: filled(frozen_call(False), k),
    "that an outer layer moves": lambda k: moved(net(Quantizer())),
    "batch normalization": lambda k: moved(net(layers.BatchNormalization())),
    "of a subclassed model": lambda k: moved(called(Branches("relu"))),
    "two inputs": lambda k: two_inputs(),
    "settings of a program": lambda k: called(
        Kept(settings(slope=0.1, directory=f"runs/{k}", rate=0.1 + k, seed=k))
    ),
    "one array": lambda k: net(Fourier(seed=1)),
    "columns": lambda k: columns(1),
}


def identity(v):
    return v


def used_elsewhere(k):
    inputs = keras.Input((4,))
    layer = layers.Dense(4)
    for _ in range(k):
        layer(keras.Input((4,)))
    return keras.Model(inputs, layers.Dense(3)(layer(inputs)))


def two_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    return keras.Model({"a": a, "b": b}, layers.Dense(3)(layers.Concatenate()([a, b])))


def moved(model):
    """With other values of state variables, as after a separate training run."""
    rng = np.random.default_rng(moved.calls)
    moved.calls += 1
    for v in model.non_trainable_variables:
        v.assign(rng.uniform(0.5, 1, v.shape))
    return model


moved.calls = 0


# By default one row of each reason to be equal: names, code, what only training uses, state.
EQUAL = some(
    SAME,
    (
        *("unnamed weights", "names", "one closure", "dropout within", "constraints", "operations"),
        *("a layer used elsewhere too", "subclassed", "moving averages of the user's"),
        *("that an outer layer moves", "settings of a program", "one array"),
    ),
)


@pytest.mark.parametrize("name", EQUAL)
def test_what_computes_the_same_is_one_network(name):
    first, second = SAME[name](0), SAME[name](1)
    curve_model = connect(first, second)
    for t, network in ((0.0, first), (1.0, second)):
        np.testing.assert_array_equal(
            numpy(curve_model.curve_layer.flat_weights_at(t)), flat_weights(network)
        )


def test_a_curve_of_unnamed_weights_ends_in_its_end():
    first, second = SAME["unnamed weights"](0), SAME["unnamed weights"](1)
    near(connect(first, second).point(1.0)(X), second(X))


# Everywhere networks meet.


def relu_and_tanh(*shared_layers):
    return [net(layers.Dense(4, activation=name)) for name in ("relu", "tanh")]


def in_file(model, path, kind):
    path = str(path / f"member.{kind}")
    if kind == "npz":
        save_snapshot(path, take_snapshot(model))
    else:
        model.save(path)
    return path


MEETINGS = {
    "connect": lambda a, b, path: connect(a, b),
    "bends": lambda a, b, path: connect(a, a, bends=[b]),
    "point into": lambda a, b, path: connect(a, a).point(0.5, into=b),
    "set_point": lambda a, b, path: connect(a, a).curve_layer.set_point(1, b),
    "Ensemble": lambda a, b, path: Ensemble(a, [a, b], output="logits"),
    "Ensemble, .keras": lambda a, b, path: Ensemble(
        a, [in_file(b, path, "keras")], output="logits"
    ),
    "Ensemble, .npz": lambda a, b, path: Ensemble(a, [in_file(b, path, "npz")], output="logits"),
    "Ensemble, Snapshot": lambda a, b, path: Ensemble(a, [take_snapshot(b)], output="logits"),
    "add": lambda a, b, path: Ensemble(a, 1, output="logits").add(b),
    "MemberFiles": lambda a, b, path: mc_tf.ensemble.MemberFiles(
        a, [in_file(b, path, "npz")], output="logits"
    ),
    "assign_member": lambda a, b, path: Ensemble(a, 1, output="logits").assign_member(0, b),
    "load_snapshot": lambda a, b, path: load_snapshot(a, in_file(b, path, "npz")),
    "assign_to": lambda a, b, path: take_snapshot(a).assign_to(b),
    "Line.through": lambda a, b, path: Line.through(a, b),
    "Line.through, a vector first": lambda a, b, path: Plane.through(flat_weights(a) + 1, a, b),
    "Plane.through": lambda a, b, path: Plane.through(a, flat_weights(a) + 1, b),
    "project": lambda a, b, path: along(a).project(b),
    "mark": lambda a, b, path: along(a).mark("b", b),
    "mark_path": lambda a, b, path: along(a).mark_path("b", [b]),
    "mark_curve": lambda a, b, path: along(a).mark_curve("b", connect(b, b)),
    "Surface.model": lambda a, b, path: along(a).model(b),
    "Rays": lambda a, b, path: Rays(a, [flat_weights(a)]).model(b),
    "evaluate_grid": lambda a, b, path: mc_tf.evaluate_grid(b, along(a), (X, Y), None),
    "principal_directions": lambda a, b, path: principal_directions([a, a, b]),
    "their origin": lambda a, b, path: principal_directions([a, a], origin=b),
}


def along(network):
    return Line.along(network, flat_weights(network))


@pytest.mark.parametrize("place", MEETINGS)
def test_networks_that_compute_otherwise_do_not_meet(place, tmp_path):
    a, b = relu_and_tanh()
    with pytest.raises(ValueError, match="(?s)relu.*tanh|tanh.*relu"):
        MEETINGS[place](a, b, tmp_path)


FIXED = {
    "random features": lambda k: net(Features()),
    "of a subclassed model": lambda k: called(Own(identity)),
    "a frozen layer": lambda k: net(layers.Dense(4, trainable=False)),
    "a frozen normalization": lambda k: filled(net(layers.BatchNormalization(trainable=False)), k),
}


def filled(model, k):
    for v in model.non_trainable_variables:
        v.assign(ops.full(v.shape, 1.0 + k))
    return model


ON_CURVES = [name for name in MEETINGS if name in (
    "connect", "bends", "set_point", "Line.through", "Plane.through", "project", "mark",
    "mark_curve", "Surface.model", "evaluate_grid", "principal_directions", "their origin",
)]  # fmt: skip


@pytest.mark.parametrize("name", FIXED)
def test_numbers_that_training_does_not_move_are_one_on_a_curve(name):
    a, b = FIXED[name](0), FIXED[name](1)
    with pytest.raises(ValueError, match="frozen weight '.*' differs between `start` and `end`"):
        connect(a, b)
    for one, two in zip(b.non_trainable_variables, a.non_trainable_variables):
        one.assign(two)
    near(connect(a, b)(X, t=1.0), b(X))


@pytest.mark.parametrize(
    "place", some(ON_CURVES, ("connect", "set_point", "mark", "evaluate_grid"))
)
def test_they_are_everywhere_on_curves_and_surfaces(place, tmp_path):
    a, b = FIXED["random features"](0), FIXED["random features"](1)
    with pytest.raises(ValueError, match="frozen weight '.*projection' differs"):
        MEETINGS[place](a, b, tmp_path)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one backend is enough")
def test_quantized_kernels_are_compared():
    pair = [net(layers.Dense(4)) for _ in "ab"]
    for model in pair:
        model.layers[0].quantize("int8")
    with pytest.raises(ValueError, match="frozen weight '.*kernel' differs"):
        connect(*pair)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("kind", ["model", "keras", "npz", "weights.h5", "snapshot"])
def test_members_keep_their_own_fixed_numbers(kind, tmp_path):
    a, b = FIXED["random features"](0), FIXED["random features"](1)
    if kind == "weights.h5":
        member = str(tmp_path / "b.weights.h5")
        b.save_weights(member)
    else:
        member = {"model": b, "snapshot": take_snapshot(b)}.get(kind)
        member = in_file(b, tmp_path, kind) if member is None else member
    ensemble = Ensemble(a, [a, member], output="logits")
    expected = np.mean([numpy(ops.softmax(each(X))) for each in (a, b)], axis=0)
    near(ensemble(X), expected)
    near(ensemble.member(1)(X), b(X))
    near(ensemble.assign_member(1, into=net(Features()))(X), b(X))


def test_a_point_brings_its_fixed_numbers_along():
    a, other = net(Features()), net(Features())
    near(connect(a, a).point(0.5, into=other)(X), a(X))


def test_what_moves_is_seen_and_not_listed():
    model = net(Features(), Centered(), layers.BatchNormalization(), layers.Dropout(0.1))
    names = [v.path.split("/")[-2] for v in moved_by_training(model, model.non_trainable_variables)]
    expected = ["centered", *["batch_normalization"] * 2, "seed_generator"]
    assert [name.rstrip("_0123456789") for name in names] == expected


def test_a_layer_that_cannot_be_run_alone_tells_by_its_arguments():
    class Opaque(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(4,), trainable=False, initializer="random_normal")

        def call(self, x, training=None):
            return x + float(np.asarray(x).sum()) * self.w

    class Deaf(Opaque):
        def call(self, x):
            return x + float(np.asarray(x).sum()) * self.w

    for cls, count in ((Opaque, 1), (Deaf, 0)):
        layer = cls()
        layer.build((None, 4))
        assert len(moved_by_training(layer, layer.non_trainable_variables)) == count


# Snapshots.


def test_statistics_within_time_distributed_of_a_sequential_network_are_moved():
    norm = layers.TimeDistributed(layers.BatchNormalization())
    model = keras.Sequential([keras.Input((3, 2)), norm])
    assert moved_by_training(model, model.non_trainable_variables) == model.non_trainable_variables


def test_snapshots_of_earlier_versions_have_no_architecture(tmp_path):
    a, b = relu_and_tanh()
    old = take_snapshot(a)
    old = Snapshot(old.weights, old.state, old.layout, {"step": 3})
    save_snapshot(tmp_path / "old.npz", old)
    assert read_snapshot(tmp_path / "old.npz").architecture is None
    assert load_snapshot(b, tmp_path / "old.npz") == {"step": 3}
    np.testing.assert_array_equal(flat_weights(b), old.weights)


def test_snapshots_of_unnamed_weights_fit_another_instance(tmp_path):
    a, b = net(Unnamed(4)), net(Unnamed(4))
    save_snapshot(tmp_path / "a.npz", take_snapshot(a))
    load_snapshot(b, tmp_path / "a.npz")
    near(b(X), a(X))


# Compile settings.


def plain_loss(y, p):
    return ops.mean(ops.square(p), axis=-1)


def plain_metric(y, p):
    return ops.mean(p)


@register
class Parent(keras.Model):
    """A subclassed model with a compiled model in it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = compiled(net(head=4), plain_loss)
        self.head = layers.Dense(3)

    def call(self, x):
        return self.head(self.inner(x))


def compiled(model, loss=None, metrics=(plain_metric,)):
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=list(metrics))
    return model


def nested_compiled():
    return compiled(net(compiled(net(head=4), plain_loss)))


COMPILED = {
    "metric": lambda: compiled(net()),
    "loss": lambda: compiled(net(), plain_loss),
    "lambda": lambda: compiled(net(), metrics=[lambda y, p: ops.mean(p)]),
    "subclassed": lambda: compiled(called(Branches("relu"))),
    "a compiled model within": nested_compiled,
    "within a subclassed one": lambda: compiled(called(Parent())),
}


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    "name", some(COMPILED, ("metric", "a compiled model within", "within a subclassed one"))
)
def test_compile_settings_stay_where_they_are(name, tmp_path):
    a, b = COMPILED[name](), COMPILED[name]()
    for v in [*a.non_trainable_variables, *b.non_trainable_variables]:
        v.assign(ops.ones(v.shape, v.dtype))
    curve_model = connect(a, b)
    point = curve_model.point(1.0)
    near(point(X), b(X))
    ensemble = Ensemble(a, [a, b], output="logits")
    near(ensemble.member(1)(X), b(X))
    for number, model in enumerate((curve_model, ensemble)):
        model.save(tmp_path / f"{number}.keras")
        for compile in (False, True):
            loaded = keras.saving.load_model(tmp_path / f"{number}.keras", compile=compile)
            near(loaded(X), model(X))
    assert a.compiled and a.get_compile_config is not None and "get_config" not in vars(a)
    assert load_checkpoint(tmp_path / "0.keras", compile=False).network.compiled is False


@pytest.mark.usefixtures("eagerly")
def test_a_point_evaluates_as_its_network():
    a = compiled(net(), plain_loss)
    point = connect(a, a).point(0.0)
    expected = a.evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(point.evaluate(X, Y, verbose=0), expected, rtol=1e-5)
    assert point.optimizer is not a.optimizer
    assert not connect(net(), net()).point(0.0).compiled


def test_files_with_compile_settings_of_earlier_versions_load(tmp_path):
    a = compiled(net())
    curve_model = connect(a, a)
    config = {**curve_model.get_config(), "network": keras.saving.serialize_keras_object(a)}
    assert "compile_config" in config["network"]
    assert not CurveModel.from_config(config).network.compiled


@pytest.mark.usefixtures("eagerly")
def test_a_loaded_curve_lends_its_plane_what_it_was_compiled_with(tmp_path):
    rng = np.random.default_rng(1)
    a, b, c = (net() for _ in range(3))
    curve_model = connect(a, b, bends=[c])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    curve_model.compile("sgd", loss)
    curve_model.save(tmp_path / "c.keras")
    plane = Plane.of_curve(keras.saving.load_model(tmp_path / "c.keras"))
    model = plane.model()
    model.t = plane.coefficients(plane.marks["end"])
    x = rng.normal(size=(8, 4)).astype("float32")
    y = rng.integers(0, 3, 8)
    b.compile("sgd", loss)
    np.testing.assert_allclose(
        model.evaluate(x, y, verbose=0), b.evaluate(x, y, verbose=0), rtol=1e-4
    )


# Code in networks.

SCALE = 3.0


def custom(x):
    return ops.maximum(x, 0) * SCALE


class NotRegistered(layers.Layer):
    def call(self, x):
        return x * 2


CLONED = {
    "lambda": lambda: net(layers.Lambda(lambda v: v * SCALE)),
    "closure": lambda: scaled_by(2.5),
    "named function": lambda: net(layers.Lambda(custom)),
    "activation": lambda: net(layers.Dense(4, activation=custom)),
    "lambda as activation": lambda: net(layers.Dense(4, activation=lambda v: v * SCALE)),
    "within": lambda: net(keras.Sequential([keras.Input((4,)), layers.Lambda(lambda v: v * 2)])),
    "wrapped": lambda: net(
        layers.Reshape((2, 2)),
        layers.TimeDistributed(layers.Lambda(lambda v: v * SCALE)),
        layers.Flatten(),
    ),
    "functional": lambda: operations(layers.Lambda(lambda v: custom(v))),
    "class that is not registered": lambda: net(NotRegistered()),
    "output_shape": lambda: net(
        layers.Lambda(lambda v: v * SCALE, output_shape=lambda shape: shape)
    ),
}


@pytest.mark.parametrize(
    "name", some(CLONED, ("closure", "activation", "within", "functional", "output_shape"))
)
def test_a_copy_calls_the_same_code(name):
    a, b = CLONED[name](), CLONED[name]()
    near(connect(a, b).point(1.0)(X), b(X))
    near(Ensemble(a, [a, b], output="logits").member(1)(X), b(X))
    assert all("get_config" not in vars(part) for part in a._flatten_layers())


def test_why_there_is_no_copy_is_said_truly():
    model = net(Scaled(lambda v: v))
    with pytest.raises(ValueError, match="get_config.*into=another_instance") as caught:
        connect(model, model).point(0.5)
    assert "Its class must be registered" not in str(caught.value)


def test_a_lambda_in_a_sound_file_is_said_to_be_one(tmp_path):
    a = net(layers.Lambda(lambda v: v * 2))
    path = in_file(a, tmp_path, "keras")
    for load in (load_checkpoint, lambda path: Ensemble(a, [path], output="logits")):
        with pytest.raises(ValueError, match="lambda.*enable_unsafe_deserialization") as caught:
            load(path)
        assert "damaged" not in str(caught.value)
    curve_file = str(tmp_path / "curve.keras")
    connect(a, a).save(curve_file)
    with pytest.raises(ValueError, match="lambda.*enable_unsafe_deserialization"):
        load_checkpoint(curve_file)
    loaded = keras.saving.load_model(curve_file, safe_mode=False)
    near(loaded(X), a(X))
    member = keras.saving.load_model(path, safe_mode=False)
    near(Ensemble(a, [member], output="logits").member(0)(X), a(X))


@pytest.mark.parametrize("layer", [NotRegistered, lambda: layers.Dense(4, activation=custom)])
def test_what_must_be_registered_is_named(layer, tmp_path):
    path = in_file(net(layer()), tmp_path, "keras")
    with pytest.raises(ValueError, match="not known here.*'(NotRegistered|custom)'.*register"):
        load_checkpoint(path)
    inner = in_file(net(keras.Sequential([keras.Input((4,)), layer()])), tmp_path, "keras")
    with pytest.raises(ValueError, match="not known here.*'(NotRegistered|custom)'.*register"):
        load_checkpoint(inner)


# A curve is no network, and a network no curve.

MANY = {
    "connect": lambda many, a, path: connect(a, many),
    "connect, start": lambda many, a, path: connect(many, a),
    "bends": lambda many, a, path: connect(a, a, bends=[many]),
    "into": lambda many, a, path: connect(a, a).point(0.5, into=many),
    "set_point": lambda many, a, path: connect(a, a).curve_layer.set_point(0, many),
    "CurveModel": lambda many, a, path: CurveModel(many, Bezier(1)),
    "Ensemble": lambda many, a, path: Ensemble(many, 2, output="logits"),
    "member": lambda many, a, path: Ensemble(a, [many], output="logits"),
    "member in a file": lambda many, a, path: Ensemble(
        a, [in_file(many, path, "keras")], output="logits"
    ),
    "assign_member": lambda many, a, path: Ensemble(a, 1, output="logits").assign_member(0, many),
    "snapshot": lambda many, a, path: take_snapshot(a).assign_to(many),
    "Line": lambda many, a, path: Line.through(a, many),
    "Rays": lambda many, a, path: Rays(many, [flat_weights(a)]),
    "along": lambda many, a, path: Line.along(many, flat_weights(a)),
    "mark": lambda many, a, path: along(a).mark("many", many),
    "surface": lambda many, a, path: along(a).model(many),
    "random_direction": lambda many, a, path: random_direction(many),
}


@pytest.mark.parametrize(  # one check refuses both
    "kind, place",
    [
        pytest.param(kind, place, marks=() if k % 2 == (kind == "curve") else pytest.mark.long)
        for kind in ("curve", "ensemble")
        for k, place in enumerate(MANY)
    ],
)
def test_many_networks_are_not_taken_for_one(place, kind, tmp_path):
    a = net()
    many = connect(a, a) if kind == "curve" else Ensemble(a, 2, output="logits")
    words = r"curve_model.point\(t\)" if kind == "curve" else r"ensemble.member\(m\)"
    with pytest.raises(ValueError, match=f"must be one network.*{words}"):
        MANY[place](many, a, tmp_path)


ONE = {
    "from_curve": lambda a: Ensemble.from_curve(a, 3, output="logits"),
    "evaluate_curve": lambda a: mc_tf.evaluate_curve(a, (X, Y), (X, Y)),
    "of_curve": lambda a: Plane.of_curve(a),
    "mark_curve": lambda a: along(a).mark_curve("a", a),
    "project_curve": lambda a: along(a).project_curve(a, [0.5]),
}


@pytest.mark.parametrize("place", ONE)
def test_one_network_is_not_taken_for_a_curve(place):
    with pytest.raises(ValueError, match="must be a `CurveModel`.*connect"):
        ONE[place](net())


def test_fixed_numbers_of_a_curve_are_its_own_not_its_codes(tmp_path):
    a = net(Features())
    connect(a, a).save(tmp_path / "c.keras")
    loaded = keras.saving.load_model(tmp_path / "c.keras")
    loaded.curve_layer.set_point(1, a)  # features come from the curve, not from the code
    with pytest.raises(ValueError, match="projection' differs"):
        loaded.curve_layer.set_point(1, net(Features()))
    check_same_fixed(a, loaded.network, ("a", "b"), theirs=loaded.curve_layer.state)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="data needs TensorFlow")
def test_files_of_curves_and_of_networks_are_told_apart(tmp_path):
    from mc_tf import data, training
    from mc_tf.experiments.parts.curve_files import load_curve
    from mc_tf.experiments.parts.ensemble_files import load_ensemble
    from mc_tf.experiments.parts.surface_files import surface_from_files

    digits = data.load("digits")
    sizes = [keras.Input(digits.input_shape), layers.Flatten(), layers.Dense(10)]
    a = keras.Sequential(sizes)
    network, curve = str(tmp_path / "model.keras"), str(tmp_path / "curve.keras")
    a.save(network)
    connect(a, a).save(curve)
    options = training.TrainingOptions(1, 0.1)
    refused = [
        lambda: training.train_curve(tmp_path / "c", digits, curve, network, Bezier(1), options),
        lambda: training.train_curve(tmp_path / "c", digits, network, curve, Bezier(1), options),
        lambda: training.train_network(
            tmp_path / "n", digits, None, options, initial_weights=curve
        ),
        lambda: load_ensemble([curve]),
        lambda: load_ensemble([curve], network=network),
        lambda: surface_from_files("line", {"a": network, "b": curve}),
        lambda: surface_from_files("line", {"a": curve, "b": network}),
    ]
    for number, attempt in enumerate(refused):
        with pytest.raises(ValueError, match=r"must be one network.*curve_model.point\(t\)"):
            attempt()
            print(number)
    with pytest.raises(ValueError, match="model.keras' holds a Sequential, not a curve"):
        load_curve(network)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one backend is enough")
def test_words_that_count_otherwise_are_another_preprocessing():
    import tensorflow as tf

    def reader(texts):
        words = layers.TextVectorization(output_mode="tf_idf", name="words")
        words.adapt(tf.constant(texts))
        inputs = keras.Input((), dtype="string")
        return keras.Model(inputs, layers.Dense(2)(words(inputs)))

    first, second = reader(["a b", "a a", "a"]), reader(["a b", "a b a", "a"])
    assert first.layers[1].get_vocabulary() == second.layers[1].get_vocabulary()
    with pytest.raises(ValueError, match="'words' was adapted to other data"):
        connect(first, second)
    with pytest.raises(ValueError, match="'words'.*: adapted to"):
        take_snapshot(first).check_fits(second)


def test_paths_that_stand_for_no_network_say_what_to_give(tmp_path):
    network = net()
    network.save(tmp_path / "a.keras")
    with pytest.raises(ValueError, match=r"pattern '.*\*\.keras'"):
        Ensemble(network, tmp_path, output="logits")
    assert Ensemble(network, f"{tmp_path}/*.keras", output="logits").num_members == 1
    with pytest.raises(ValueError, match=r"load_model\('.*a\.keras'\)"):
        Line.through(f"{tmp_path}/a.keras", network)


# Members that differ only in training behavior: each predicts the same as its own network.

IMAGE = (6, 6, 3)


def attending(kind, *arguments):
    def make(k):
        inputs = keras.Input((6, 4))
        layer = kind(*arguments, dropout=0.3 * k)
        attention = kind.__name__ in ("Attention", "AdditiveAttention")
        hidden = layer([inputs, inputs]) if attention else layer(inputs, inputs)
        hidden = layers.BatchNormalization()(layers.Flatten()(hidden))
        return keras.Model(inputs, layers.Dense(2)(hidden))

    return make


def stacked(make, shape=(6, 4)):
    """Network number `k` has the layer `make(0.3 * k)`; for 0 it draws no random numbers."""

    def model(k):
        last = [layers.Flatten(), layers.BatchNormalization(), layers.Dense(2)]
        return keras.Sequential([keras.Input(shape), make(0.3 * k), *last])

    return model


TRAINING_ONLY = {
    "multi-head attention": attending(layers.MultiHeadAttention, 2, 3),
    "grouped attention": attending(layers.GroupQueryAttention, 2, 2, 1),
    "attention": attending(layers.Attention),
    "additive attention": attending(layers.AdditiveAttention),
    "Dropout": stacked(layers.Dropout),
    "SpatialDropout1D": stacked(layers.SpatialDropout1D),
    "SpatialDropout2D": stacked(layers.SpatialDropout2D, IMAGE),
    "AlphaDropout": stacked(layers.AlphaDropout),
    "GaussianDropout": stacked(layers.GaussianDropout),
    "GaussianNoise": stacked(layers.GaussianNoise),
    "dropout of each word": stacked(lambda r: layers.TimeDistributed(layers.Dropout(r))),
    "dropout in a network": stacked(
        lambda r: keras.Sequential([layers.Dense(3), layers.Dropout(r)])
    ),
    "LSTM": stacked(lambda r: layers.LSTM(3, dropout=r)),
    "LSTM, recurrent": stacked(lambda r: layers.LSTM(3, recurrent_dropout=r)),
    "GRU": stacked(lambda r: layers.GRU(3, dropout=r, recurrent_dropout=r)),
    "SimpleRNN": stacked(lambda r: layers.SimpleRNN(3, dropout=r)),
    "Bidirectional": stacked(lambda r: layers.Bidirectional(layers.LSTM(3, dropout=r))),
    "cells": stacked(
        lambda r: layers.RNN([layers.LSTMCell(3, dropout=r), layers.GRUCell(3, dropout=r)])
    ),
    "ConvLSTM1D": stacked(lambda r: layers.ConvLSTM1D(2, 2, dropout=r), (3, 6, 2)),
    "flips": stacked(lambda r: layers.RandomFlip("vertical" if r else "horizontal"), IMAGE),
    "rotations": stacked(layers.RandomRotation, IMAGE),
    "contrast": stacked(layers.RandomContrast, IMAGE),
}  # fmt: skip


IN_FILES = [
    (name, kind)
    for name in ("multi-head attention", "Dropout", "LSTM", "cells")
    for kind in ("snapshot", "keras", "weights")
]


# Members that draw random numbers in different ways.
KEPT = (
    "multi-head attention",
    "SpatialDropout2D",
    "LSTM, recurrent",
    "dropout in a network",
    "flips",
)
ROWS = some(
    [*((name, "model") for name in TRAINING_ONLY), *IN_FILES],
    [
        *((name, "model") for name in KEPT),
        *(("Dropout", kind) for kind in ("snapshot", "keras", "weights")),
    ],
)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name, kind", ROWS)
def test_members_may_differ_in_what_acts_in_training_only(name, kind, tmp_path):
    models = [TRAINING_ONLY[name](k) for k in (0, 1, 2)]
    for model in models[:2]:  # own statistics, which must not be mistaken for seeds
        normalization = next(x for x in model.layers if isinstance(x, layers.BatchNormalization))
        normalization.moving_variance.assign(RNG.uniform(1, 2, normalization.moving_mean.shape))
    x = RNG.uniform(size=(3, *models[0].input_shape[1:])).astype("float32")
    wanted = [numpy(model(x, training=False)) for model in models]
    members = models
    if kind == "snapshot":
        members = [take_snapshot(model) for model in models]
    elif kind != "model":
        members = [tmp_path / f"{k}.{kind.replace('weights', 'weights.h5')}" for k in range(3)]
        for model, path in zip(models, members):
            model.save(path) if kind == "keras" else model.save_weights(path)
    for code in models[:2]:
        found = mc_tf.Ensemble(code, members, output="regression").member_predictions(x)
        near(found, wanted)


def test_a_snapshot_of_a_network_with_another_dropout_fits():
    one, two = TRAINING_ONLY["Dropout"](0), TRAINING_ONLY["Dropout"](1)
    x = RNG.uniform(size=(3, 6, 4)).astype("float32")
    for first, second in ((one, two), (two, one)):
        take_snapshot(first).assign_to(second)
        near(second(x), first(x))


def test_a_random_crop_is_compared():
    one, two = (keras.Sequential([keras.Input(IMAGE), layers.RandomCrop(k, 2)]) for k in (2, 3))
    with pytest.raises(ValueError, match="same architecture.*height"):
        check_same_architecture(one, two)


def placed(folder):
    """Everything that a user may mistake for the file of a network."""
    model = net()
    model.save(folder / "a.keras")
    model.save(folder / "a.h5")
    model.save_weights(folder / "a.weights.h5")
    (folder / "a.weights.h5").rename(folder / "weights.h5")
    model.save_weights(folder / "a.weights.h5")
    mc_tf.connect(model, net()).save_weights(folder / "curve.weights.h5")
    save_snapshot(folder / "a.npz", take_snapshot(model))
    for name in ("exported", "run", "empty"):
        (folder / name).mkdir()
    (folder / "exported/saved_model.pb").touch()
    model.save(folder / "run/model.keras")
    (folder / "a").write_bytes((folder / "a.keras").read_bytes())
    (folder / "a.txt").write_text("a")
    return model


WHOLE = ["a.keras", "a.h5"]
OTHER_PATHS = {
    "a.weights.h5": r"weights only.*load_weights",
    "weights.h5": r"weights only.*load_weights",
    "curve.weights.h5": r"weights only.*load_weights",
    "a.npz": r"load_snapshot",
    "exported": r"SavedModel.*\.keras",
    "run": r"directory.*run/model\.keras",
    "empty": r"directory.*\.keras",
    "a": r"a' does not end in `\.keras`.*give it that name",
    "a.txt": r"does not end in `\.keras`",
    "missing.keras": r"no model file.*missing\.keras",
    "missing": r"no model file",
}


def test_files_of_every_kind_where_networks_meet(tmp_path):
    """For anything but the file of a whole network, the error names its kind and what to pass."""
    model = placed(tmp_path)
    meetings = {
        "start": lambda path: connect(path, model),
        "end": lambda path: connect(model, path),
        "bend": lambda path: connect(model, model, bends=[path]),
    }
    for place, meet in meetings.items():
        for name in WHOLE:
            for path in (tmp_path / name, str(tmp_path / name)):
                points = numpy(meet(path).control_points())
                np.testing.assert_array_equal(points[0 if place == "start" else -1], points[0])
        for name, words in OTHER_PATHS.items():
            kind = ValueError if os.path.isfile(tmp_path / name) else FileNotFoundError
            with pytest.raises(kind, match=words):
                meet(tmp_path / name)
    for name, words in OTHER_PATHS.items():
        kinds = (ValueError, FileNotFoundError)
        with pytest.raises(kinds, match="Weights are" if "missing" in name else words):
            Line.through(tmp_path / name, model)
    with pytest.raises(ValueError, match=r"keras\.saving\.load_model"):
        mc_tf.update_batch_norm(str(tmp_path / "a.keras"), np.zeros((2, 4)))


def counted(function, calls):
    def count(*arguments):
        calls.append(arguments[0])
        return function(*arguments)

    return count


@pytest.mark.parametrize("bends", [0, 3])
def test_connect_describes_each_network_once(bends, monkeypatch):
    described, checked = [], []
    for module in ("mc_tf.weights.compatibility", "mc_tf.models.connect"):
        module = sys.modules[module]
        monkeypatch.setattr(module, "describe", counted(module.describe, described))
    one = sys.modules["mc_tf.weights.compatibility"]
    monkeypatch.setattr(one, "check_one_network", counted(one.check_one_network, checked))
    start, end, *others = [net() for _ in range(2 + bends)]
    given = {"curve": Bezier(bends), "bends": others} if bends else {}
    curve_model = connect(start, end, **given)
    assert {id(each): sum(each is d for d in described) for each in described} == {
        id(each): 1 for each in (start, end, *others)
    }
    assert all(sum(each is c for c in checked) == 1 for each in (end, *others))
    if bends:
        points = numpy(curve_model.control_points())
        for point, model in zip(points, (start, *others, end)):
            np.testing.assert_array_equal(point, flat_weights(model))


def of_members(activation):
    members = [net(act(activation)) for _ in range(2)]
    return Ensemble(members[0], members, output="logits")


def on_curve(activation, curve=None, **kwargs):
    return connect(net(act(activation)), net(act(activation)), curve, **kwargs)


OURS = {
    "curve": (lambda: on_curve("relu"), lambda: on_curve("tanh"), "activation: 'relu' in the file"),
    "ensemble": (lambda: of_members("relu"), lambda: of_members("tanh"), "activation: 'relu'"),
    "family": (lambda: on_curve("relu"), lambda: on_curve("relu", PolyChain(1)), "PolyChain"),
    "ends": (lambda: on_curve("relu"), lambda: on_curve("relu", fix_start=False), "fix_start"),
}


@pytest.mark.parametrize("make, other, words", OURS.values(), ids=OURS)
def test_our_files_of_weights_know_their_network(make, other, words, tmp_path):
    path, model = tmp_path / "a.weights.h5", make()
    model.save_weights(path)
    for load in (keras.Model.load_weights, type(model).load_weights):  # Keras reads them, too
        again = make()
        load(again, path)
        for ours, theirs in zip(model.weights, again.weights):
            np.testing.assert_array_equal(numpy(ours), numpy(theirs))
    with pytest.raises(ValueError, match=words):
        other().load_weights(path)
    keras.Model.save_weights(model, path, overwrite=True)  # as earlier versions did
    make().load_weights(path)


def test_a_description_does_not_hold_code_of_the_library():
    """Which is another in the next version."""
    code = json.dumps(describe(connect(net(), net())))
    assert "code of Python" not in code and '"Dense"' in code
