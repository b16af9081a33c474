"""Small models of every kind that the library must take, and tools to compare them.

`ZOO` maps a name to a `Case`; the conformance tests run over all of them.
"""

import contextlib
import dataclasses
import typing

import keras
import numpy as np
import pytest
from keras import layers, ops

BATCH = 4

compiles = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch runs functions as they are"
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A model with data for it.

    Attributes:
        make: function without arguments that makes a new built model.
        x, y: functions `(rng, size)` that make inputs and targets.
        loss: what `compile` takes.
        clones: whether Keras can copy the model.
        heavy: whether the expensive checks leave it out.
        fixed_batch: whether it takes batches of `BATCH` examples only.
        tolerance: how far equal computations may differ.
    """

    name: str
    make: typing.Callable
    x: typing.Callable
    y: typing.Callable
    loss: typing.Any
    clones: bool = True
    heavy: bool = False
    fixed_batch: bool = False
    tolerance: float = 1e-4

    def model(self, seed):
        """A model whose weights and normalization statistics are all random."""
        keras.utils.set_random_seed(seed)
        model = self.make()
        scramble(model, seed)
        return model

    def data(self, size=2 * BATCH, seed=0):
        """Inputs and targets."""
        rng = np.random.default_rng(seed)
        return self.x(rng, size), self.y(rng, size)


def scramble(model, seed):
    """Moves all weights off their initial values, frozen ones excepted."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        value = numpy(variable)
        variable.assign(value + 0.1 * rng.standard_normal(value.shape).astype("float32"))
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization) and layer.trainable:
            mean, variance = layer.moving_mean, layer.moving_variance
            mean.assign(0.1 * rng.standard_normal(mean.shape).astype("float32"))
            variance.assign(rng.uniform(0.5, 1.5, variance.shape).astype("float32"))


# Tools.


def numpy(value):
    """A variable or tensor as a new numpy array."""
    value = np.array(ops.convert_to_numpy(value))
    return value.astype("float32") if value.dtype.name == "bfloat16" else value


def snapshot(model):
    """All variables of a model as numpy arrays."""
    return [numpy(v) for v in model.variables]


def assert_same(before, after):
    """Bit for bit."""
    assert len(before) == len(after)
    for index, (a, b) in enumerate(zip(before, after)):
        np.testing.assert_array_equal(a, b, err_msg=f"variable {index}")


def assert_near(a, b, tolerance=1e-5):
    """Two nested structures of numbers."""
    a, b = keras.tree.flatten(a), keras.tree.flatten(b)
    assert len(a) == len(b)
    for x, y in zip(a, b):
        np.testing.assert_allclose(numpy(x), numpy(y), rtol=tolerance, atol=tolerance)


def flat(model):
    """The trainable weights as one float64 vector."""
    return np.concatenate([numpy(v).ravel() for v in model.trainable_variables]).astype("float64")


def gradients(function, values):
    """Gradients of a scalar function of a list of tensors, as numpy arrays."""
    values = [ops.convert_to_tensor(v) for v in values]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(values)
            result = function(values)
        found = tape.gradient(result, values, unconnected_gradients="zero")
    elif keras.backend.backend() == "torch":
        import torch

        values = [v.detach().requires_grad_() for v in values]
        found = torch.autograd.grad(function(values), values, allow_unused=True)
        found = [torch.zeros_like(v) if g is None else g for v, g in zip(values, found)]
    else:
        import jax

        found = jax.grad(function)(values)
    return [numpy(g) for g in found]


def total_loss(model, variables, values, x, y, loss, **kwargs):
    """Loss with the model's own losses, at other values of its variables."""
    with keras.StatelessScope(list(zip(variables, values)), collect_losses=True):
        outputs = model(x, **kwargs)
        terms = [ops.cast(v, "float32") for v in model.losses]
        return loss(y, outputs) + sum(terms, ops.zeros(()))


# Which tests run.


@contextlib.contextmanager
def uncompiled():
    """TensorFlow runs functions eagerly; under JAX, they stay compiled."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def some(rows, keep, jax=None):
    """Rows for `parametrize`: those in `keep` always run, the others are `long`.

    Under JAX, where compiling takes longer, `jax` replaces `keep` if it is given.
    """
    if jax is not None and keras.backend.backend() == "jax":
        keep = jax
    if keras.backend.backend() == "torch":  # which lacks some of the models
        keep = [row for row in keep if row in rows]
    assert all(row in rows for row in keep), "no such row"
    return [row if row in keep else _long(row) for row in rows]


# For tests that do not depend on the backend (files, warnings, refusals), or whose code other tests
# also run under JAX, where each test has its own functions to compile.
long_under_jax = pytest.mark.long if keras.backend.backend() == "jax" else lambda test: test


def _long(row):
    if hasattr(row, "marks"):  # a `pytest.param`
        return pytest.param(*row.values, marks=[*row.marks, pytest.mark.long], id=row.id)
    return pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=pytest.mark.long)


# Data.


def vectors(*shape):
    return lambda rng, size: rng.standard_normal((size, *shape)).astype("float32")


def tokens(length, vocabulary):
    return lambda rng, size: rng.integers(1, vocabulary, (size, length)).astype("int32")


def classes(count):
    return lambda rng, size: rng.integers(0, count, (size,)).astype("int32")


def _crossentropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# Models.


def _dense():
    def options():
        return {"kernel_regularizer": "l2", "bias_regularizer": "l2"}

    inputs = keras.Input((5,))
    hidden = layers.Dense(6, activation="relu", **options())(inputs)
    return keras.Model(inputs, layers.Dense(3, **options())(hidden))


def _conv_bn():
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, padding="same", kernel_regularizer=keras.regularizers.L1(0.01)),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )


def _dropout():
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(3),
        ]
    )


def _nested():
    inner = keras.Sequential(
        [keras.Input((6,)), layers.Dense(6), layers.BatchNormalization()], name="inner"
    )
    inputs = keras.Input((5,))
    middle = keras.Input((6,))
    block = keras.Model(middle, layers.Add()([middle, inner(middle)]), name="block")
    hidden = block(layers.Dense(6, activation="relu")(inputs))
    return keras.Model(inputs, layers.Dense(3)(hidden))


def _shared():
    inputs = keras.Input((5,))
    shared = layers.Dense(5, activation="tanh", kernel_regularizer="l2")
    return keras.Model(inputs, layers.Dense(3)(shared(shared(inputs))))


def _embedding_lstm():
    return keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            layers.Embedding(9, 5, mask_zero=True),
            layers.LSTM(6),
            layers.Dense(3),
        ]
    )


def _gru():
    return keras.Sequential([keras.Input((4, 3)), layers.GRU(5), layers.Dense(3)])


def _stateful_lstm():
    return keras.Sequential(
        [
            keras.Input(batch_shape=(BATCH, 3, 2)),
            layers.LSTM(4, stateful=True),
            layers.Dense(3),
        ]
    )


@keras.saving.register_keras_serializable("mc_tf_tests")
class Subclassed(keras.Model):
    """A layer used twice, LSTM, BN, dropout and its own loss."""

    def __init__(self, units=5, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.shared = layers.Dense(units, activation="tanh")
        self.norm = layers.BatchNormalization()
        self.drop = layers.Dropout(0.3)
        self.lstm = layers.LSTM(units)
        self.head = layers.Dense(3, kernel_regularizer="l2")

    def call(self, inputs, training=None):
        hidden = self.shared(self.shared(inputs))
        hidden = self.drop(self.norm(hidden, training=training), training=training)
        hidden = self.lstm(hidden)
        self.add_loss(0.01 * ops.mean(ops.square(hidden)))
        return self.head(hidden)

    def build(self, input_shape):
        self.shared.build(input_shape)
        hidden = (*input_shape[:-1], self.units)
        self.norm.build(hidden)
        self.lstm.build(hidden)
        self.head.build((input_shape[0], self.units))
        self.built = True

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def _subclassed():
    model = Subclassed()
    model.build((None, 4, 5))
    return model


class Unregistered(keras.Model):
    """Keras can neither copy nor save this one: its argument is code."""

    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        self.shared = layers.Dense(5)
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, inputs, training=None):
        hidden = self.activation(self.shared(self.shared(inputs)))
        return self.head(self.norm(hidden, training=training))


def _unregistered():
    model = Unregistered(lambda x: ops.tanh(x))
    model(np.zeros((1, 5), "float32"))
    return model


def _two_inputs():
    first, second = keras.Input((3,), name="first"), keras.Input((2,), name="second")
    joined = layers.Concatenate()([layers.Dense(4)(first), second])
    return keras.Model(
        {"first": first, "second": second},
        [layers.Dense(3, name="left")(joined), layers.Dense(1, name="right")(joined)],
    )


def _mixed():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return keras.Sequential(
            [
                keras.Input((5,)),
                layers.Dense(6, activation="relu"),
                layers.BatchNormalization(),
                layers.Dense(3, dtype="float32"),
            ]
        )
    finally:
        keras.config.set_dtype_policy(before)


def _frozen():
    body = layers.Dense(6, activation="relu", kernel_initializer="ones", trainable=False)
    norm = layers.BatchNormalization(trainable=False)
    return keras.Sequential([keras.Input((5,)), body, norm, layers.Dense(3)])


def _mobilenet():
    """The first blocks of a network of `keras.applications`: one of each kind of layer in it."""
    whole = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), alpha=0.35, weights=None, include_top=False
    )
    hidden = layers.GlobalAveragePooling2D()(whole.get_layer("block_2_add").output)
    return keras.Model(whole.input, layers.Dense(4)(hidden))


def _two_losses():
    return [_crossentropy(), keras.losses.MeanSquaredError()]


CASES = [
    Case("dense", _dense, vectors(5), classes(3), _crossentropy),
    Case("conv_bn", _conv_bn, vectors(6, 6, 2), classes(3), _crossentropy),
    Case("dropout", _dropout, vectors(5), classes(3), _crossentropy),
    Case("nested", _nested, vectors(5), classes(3), _crossentropy),
    Case("shared", _shared, vectors(5), classes(3), _crossentropy),
    Case("embedding_lstm", _embedding_lstm, tokens(4, 9), classes(3), _crossentropy),
    Case("gru", _gru, vectors(4, 3), classes(3), _crossentropy),
    Case(
        "stateful_lstm", _stateful_lstm, vectors(3, 2), classes(3), _crossentropy, fixed_batch=True
    ),
    Case("subclassed", _subclassed, vectors(4, 5), classes(3), _crossentropy),
    Case("unregistered", _unregistered, vectors(5), classes(3), _crossentropy, clones=False),
    Case(
        "two_inputs",
        _two_inputs,
        lambda rng, size: {
            "first": vectors(3)(rng, size),
            "second": vectors(2)(rng, size),
        },
        lambda rng, size: [classes(3)(rng, size), vectors(1)(rng, size)],
        _two_losses,
    ),
    Case("mixed", _mixed, vectors(5), classes(3), _crossentropy, tolerance=2e-2),
    Case("frozen", _frozen, vectors(5), classes(3), _crossentropy),
    Case("mobilenet", _mobilenet, vectors(32, 32, 3), classes(4), _crossentropy, heavy=True),
]
ZOO = {case.name: case for case in CASES}
# Compiling takes long under JAX: one model of each kind there, all models under TensorFlow.
_KINDS = ("dense", "conv_bn", "dropout", "shared", "embedding_lstm", "stateful_lstm", "subclassed")
NAMES = list(ZOO if keras.backend.backend() == "tensorflow" else _KINDS)
LIGHT = [name for name in NAMES if not ZOO[name].heavy]
