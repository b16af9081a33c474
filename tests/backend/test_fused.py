"""Batch normalization by one operation trains as Keras' several do."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import assert_same, numpy, some

from mc_tf import Bezier, Ensemble, connect, fused_batch_norm, update_batch_norm
from mc_tf.backend import ops as backend

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
on_tensorflow = pytest.mark.skipif(not ON_TENSORFLOW, reason="JAX joins the operations itself")
RNG = np.random.default_rng(0)
X = RNG.normal(1, 2, (24, 6, 6, 3)).astype("float32")
Y = RNG.integers(0, 4, 24)


def network(norm=layers.BatchNormalization, seed=1, **options):
    """Nested, with a layer that is called twice."""
    keras.utils.set_random_seed(seed)
    shared = norm(**options)
    inner = keras.Sequential([keras.Input((6, 6, 8)), layers.Conv2D(8, 3), norm(**options)])
    given = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(given)
    x = inner(shared(ops.sin(shared(x))))
    return keras.Model(given, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def compiled(model, **options):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    model.compile(optimizer, loss, **{"jit_compile": not ON_TENSORFLOW, **options})
    return model


def trained(model, size=24):
    x, y = X[:size], Y[:size]
    history = model.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    return history.history["loss"], [numpy(v) for v in model.variables]


def step(model):
    """One step without compiling, where that is quicker."""
    compiled(model, run_eagerly=ON_TENSORFLOW).train_on_batch(X, Y)


def norms(model):
    flat = model._flatten_layers()
    return [part for part in flat if isinstance(part, layers.BatchNormalization)]


def assert_close(one, other):
    for a, b in zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


TOGETHER = [{"momentum": 0.5, "epsilon": 1e-5, "scale": False}, {"axis": 1, "center": False}]


@pytest.mark.parametrize(
    "options",
    some(
        [{}, {"scale": False}, {"center": False}, *TOGETHER],
        TOGETHER,
    ),
    ids=str,
)
def test_training_is_that_of_keras(options):
    expected = trained(compiled(network(**options)))
    model = compiled(network(**options))
    with fused_batch_norm(model) as count:
        assert_close(trained(model), expected)
    assert count == (2 if ON_TENSORFLOW else 0)


@on_tensorflow
@pytest.mark.parametrize(
    "options, wanted",
    [({}, True), ({"epsilon": 1e-7}, False), ({"dtype": "mixed_bfloat16"}, False)],
    ids=str,
)
def test_one_operation_is_what_runs_where_it_can(monkeypatch, options, wanted):
    found, given = [], backend.fused_batch_norm

    def spy(*args):
        found.append(given(*args))
        return found[-1]

    monkeypatch.setattr(backend, "fused_batch_norm", spy)
    model = network(**options)
    step(model)
    assert not found
    with fused_batch_norm(model):
        step(model)
    assert {values is not None for values in found} == {wanted}


@pytest.mark.parametrize(
    "xla",
    [pytest.param(False, id="graph"), pytest.param(True, id="XLA", marks=pytest.mark.long)],
)
def test_curves_train_with_it(monkeypatch, xla):
    def losses():
        curve = connect(network(seed=1), network(seed=2), Bezier(1), seed=3)
        # XLA compiles each batch size separately: use only one.
        return trained(compiled(curve, jit_compile=xla or not ON_TENSORFLOW), 10 if xla else 24)

    fused = losses()
    with monkeypatch.context() as patched:
        patched.setattr(backend, "fused_batch_norm", lambda *args: None)
        assert_close(fused, losses())


def test_layers_are_as_before_afterwards_also_after_an_error(tmp_path):
    model = compiled(network())
    with pytest.raises(KeyError), fused_batch_norm(model):
        model.save(tmp_path / "inside.keras")
        raise KeyError
    assert not any("call" in vars(norm) for norm in norms(model))
    loaded = keras.saving.load_model(tmp_path / "inside.keras")
    assert_same([numpy(v) for v in loaded.variables], [numpy(v) for v in model.variables])


def test_members_are_those_of_keras():
    members = [network(seed=seed) for seed in (1, 2)]
    for member in members:
        step(member)
    ensemble = Ensemble(members[0], members, output="logits")
    wanted = [ops.softmax(member(X, training=False)) for member in members]
    found = ensemble.predict(X, verbose=0)
    np.testing.assert_allclose(found, np.mean([numpy(w) for w in wanted], 0), atol=1e-5)


def test_statistics_can_be_estimated_within():
    model, other = compiled(network()), compiled(network())
    update_batch_norm(other, X)
    with fused_batch_norm(model):
        update_batch_norm(model, X)
    assert_close([numpy(v) for v in model.variables], [numpy(v) for v in other.variables])


def test_frozen_layers_stay_as_they_are():
    model = network()
    for norm in norms(model):
        norm.trainable = False
    before = [numpy(norm.moving_mean) for norm in norms(model)]
    with fused_batch_norm(compiled(model)):
        step(model)
    assert_same(before, [numpy(norm.moving_mean) for norm in norms(model)])


class OwnNormalization(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs + 1.0, training=training, mask=mask)


@pytest.mark.parametrize(
    "make",
    [
        lambda: compiled(network(OwnNormalization)),
        lambda: compiled(network(), jit_compile=True),
        lambda: keras.Sequential([keras.Input((3,)), layers.Dense(2)]),
    ],
    ids=["own call", "XLA", "none"],
)
def test_where_it_is_not_wanted_nothing_is_fused(make):
    with fused_batch_norm(make()) as count:
        assert count == 0
