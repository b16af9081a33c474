"""Whole networks on a curve: every model of the zoo, and the parts of the contract on a few."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import (
    BATCH,
    LIGHT,
    NAMES,
    ZOO,
    assert_near,
    assert_same,
    flat,
    gradients,
    long_under_jax,
    numpy,
    scramble,
    snapshot,
    some,
    total_loss,
)

from mc_tf import (
    Bezier,
    CurveLayer,
    CurveModel,
    Ensemble,
    PolyChain,
    Segment,
    connect,
    update_batch_norm,
)

CURVES = {
    "bezier1": lambda: Bezier(1),
    "bezier3": lambda: Bezier(3),
    "polychain2": lambda: PolyChain(2),
    "segment": lambda: Segment(),
}


def pair(name):
    return ZOO[name].model(1), ZOO[name].model(2)


def joined(name, curve=None, **kwargs):
    start, end = pair(name)
    return connect(start, end, curve or Bezier(1), **kwargs)


def scatter(curve_model, seed=0):
    """Moves the bends off the segment."""
    rng = np.random.default_rng(seed)
    for point in curve_model.curve_layer.points[1:-1]:
        point.assign(numpy(point) + 0.1 * rng.standard_normal(point.shape).astype("float32"))


def phi(curve_model, t):
    """The weights at `t`, by numpy."""
    points = numpy(curve_model.control_points()).astype("float64")
    return numpy(curve_model.curve.coefficients(t)).astype("float64") @ points


def copy_state(source, target):
    """Gives `target` all variables of `source` that are not trainable."""
    for a, b in zip(source.non_trainable_variables, target.non_trainable_variables):
        b.assign(numpy(a))


def compiled(name, curve=None, optimizer=None, **kwargs):
    curve_model = joined(name, curve, **kwargs)
    curve_model.compile(optimizer or keras.optimizers.SGD(0.05), ZOO[name].loss())
    return curve_model


def call(model, case, x, **kwargs):
    """Runs at inference and restores the state (a stateful LSTM moves it)."""
    with keras.StatelessScope():
        return model(x, training=False, **kwargs)


# Every model.


# The networks whose state, outputs or precision `fit` and `predict` treat differently. The tests
# below cover every network, without compiling.
LIVED = (
    "conv_bn",
    "stateful_lstm",
    "subclassed",
    "unregistered",
    "two_inputs",
    "mixed",
)


@pytest.mark.parametrize("name", some(NAMES, LIVED, ("stateful_lstm", "subclassed")))
def test_a_life_of_training_leaves_the_given_models_alone(name):
    """connect, fit, evaluate, predict, point: the zoo under plain Keras."""
    case = ZOO[name]
    start, end = pair(name)
    given = snapshot(start), snapshot(end)
    flags = [[v.trainable for v in m.variables] for m in (start, end)]
    curve_model = connect(start, end, Bezier(1))
    # With two hundred layers, tracing would take much longer than the two steps.
    curve_model.compile(keras.optimizers.Adam(0.01), case.loss(), run_eagerly=case.heavy)
    x, y = case.data(2 * BATCH)
    before = numpy(curve_model.control_points())
    np.testing.assert_allclose(before[1], (before[0] + before[2]) / 2, atol=1e-6)

    history = curve_model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    after = numpy(curve_model.control_points())
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[2], before[2])
    np.testing.assert_array_equal(after[0], flat(start).astype("float32"))
    np.testing.assert_array_equal(after[2], flat(end).astype("float32"))
    assert np.abs(after[1] - before[1]).max() > 1e-4

    curve_model.t = 0.3
    if name in ("stateful_lstm", "subclassed", "two_inputs", "mixed"):
        loss = curve_model.evaluate(x, y, batch_size=BATCH, verbose=0)
        assert np.isfinite(loss).all()
    curve_model.reset_state()
    predicted = curve_model.predict(x, batch_size=BATCH, verbose=0)
    curve_model.reset_state()

    into = case.model(3)
    point = curve_model.point(0.3, into=into)
    assert point is into
    # Not by `predict`, which would be compiled, and carries no recurrent state on JAX.
    halves = [
        point(keras.tree.map_structure(lambda a, part=part: a[part], x))
        for part in (slice(BATCH), slice(BATCH, None))
    ]
    outputs = zip(*map(keras.tree.flatten, halves))
    expected = [np.concatenate([numpy(first), numpy(second)]) for first, second in outputs]
    assert_near(predicted, expected, case.tolerance)

    assert_same(given[0], snapshot(start))
    assert_same(given[1], snapshot(end))
    assert flags == [[v.trainable for v in m.variables] for m in (start, end)]


KINDS = [(name, "bezier1") for name in LIGHT] + [
    (name, kind) for name in ("dense", "conv_bn") for kind in CURVES if kind != "bezier1"
]


# Under JAX: state in both ways, dropout and an added loss, and a chain.
COMPILED = [("conv_bn", "bezier1"), ("subclassed", "bezier1"), ("dense", "polychain2")]


@pytest.mark.parametrize("name, kind", some(KINDS, KINDS, COMPILED))
def test_points_of_the_curve_are_ordinary_models(name, kind):
    """At both ends the endpoints themselves; in between, `point(t)` has the weights phi(t)."""
    case, start, end = ZOO[name], *pair(name)
    curve_model = connect(start, end, CURVES[kind]())
    scatter(curve_model)
    x, _ = case.data(BATCH)
    point = curve_model.point(0.4) if case.clones else curve_model.point(0.4, case.model(3))
    assert type(point) is type(start)
    assert point is not start
    assert not {id(v) for v in point.variables} & {id(v) for v in start.variables}
    assert [v.trainable for v in point.variables] == [v.trainable for v in start.variables]
    np.testing.assert_allclose(flat(point), phi(curve_model, 0.4), atol=1e-6)
    found = call(curve_model, case, x, t=0.4)
    assert_near(found, call(point, case, x), case.tolerance)
    for t, model in ((0.0, start), (1.0, end)):
        assert curve_model.point(t, into=point) is point
        np.testing.assert_array_equal(flat(point), flat(model))
        copy_state(start, model)
        found = call(curve_model, case, x, t=t)
        assert_near(found, call(model, case, x), 1e-6)


@pytest.mark.parametrize(
    "name, bends", [(name, 1) for name in LIGHT] + [("dense", 0), ("conv_bn", 3)]
)
def test_no_second_copy_of_the_weights(name, bends):
    start, end = pair(name) if bends == 1 else [ZOO[name].model(1)] * 2
    curve_model = connect(start, end, Bezier(bends))
    weights = sum(int(np.prod(v.shape)) for v in start.trainable_variables)
    state = sum(int(np.prod(v.shape)) for v in start.variables) - weights
    state += 2 * 4 * BATCH if name == "stateful_lstm" else 0  # Keras does not list it
    count = sum(int(np.prod(v.shape)) for v in curve_model.variables)
    assert count <= (bends + 2) * weights + state + 10
    assert len({id(v) for v in curve_model.variables}) == len(curve_model.variables)
    assert sum(int(np.prod(v.shape)) for v in curve_model.trainable_variables) == bends * weights
    mine = {id(v) for v in curve_model.variables}
    assert not any(id(v) in mine for v in start.variables + end.variables)


@pytest.mark.usefixtures("eagerly")
@long_under_jax
@pytest.mark.parametrize("name", some(["conv_bn", "stateful_lstm", "subclassed"], ["conv_bn"]))
def test_weights_file_round_trips_after_training_and_training_goes_on(name, tmp_path):
    case = ZOO[name]
    x, y = case.data(2 * BATCH)
    curve_model = compiled(name, optimizer=keras.optimizers.Adam(0.01))
    curve_model.fit(x, y, batch_size=BATCH, verbose=0)
    curve_model.t = 0.25
    curve_model.save_weights(tmp_path / "a.weights.h5")
    other = compiled(name, optimizer=keras.optimizers.Adam(0.01))
    scatter(other)
    other.load_weights(tmp_path / "a.weights.h5")
    assert_same(snapshot(curve_model), snapshot(other))
    assert other.t == 0.25
    other.fit(x, y, batch_size=BATCH, verbose=0)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    "name",
    some(
        ["dense", "nested", "stateful_lstm", "subclassed", "two_inputs", "mixed", "frozen"],
        ["stateful_lstm", "subclassed", "two_inputs"],
        ["stateful_lstm"],
    ),
)
def test_keras_file_round_trips_after_training_and_training_goes_on(name, tmp_path):
    """Weights, state, position, optimizer: the next epoch is the same one."""
    case = ZOO[name]
    x, y = case.data(2 * BATCH)
    curve_model = compiled(name, PolyChain(2), keras.optimizers.SGD(0.01, momentum=0.9), seed=5)
    curve_model.fit(x, y, batch_size=BATCH, verbose=0)
    curve_model.t = 0.25
    curve_model.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    assert type(loaded) is CurveModel
    assert repr(loaded.curve) == "PolyChain(num_bends=2)"
    assert loaded.t == 0.25
    assert_same(snapshot(curve_model), snapshot(loaded))
    assert_same(
        [numpy(v) for v in curve_model.optimizer.variables],
        [numpy(v) for v in loaded.optimizer.variables],
    )
    assert [v.path for v in loaded.trainable_variables] == [
        v.path for v in curve_model.trainable_variables
    ]
    # PyTorch's dropout has no seed.
    again = keras.callbacks.LambdaCallback(on_train_begin=lambda _: keras.utils.set_random_seed(0))
    for model in (curve_model, loaded):
        model.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False, callbacks=[again])
    for a, b in zip(snapshot(curve_model), snapshot(loaded)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@long_under_jax
def test_a_class_that_keras_cannot_save(tmp_path):
    """One clear line for `.keras` and `point(t)`; weights and `into` work."""
    curve_model = compiled("unregistered")
    with pytest.raises(ValueError, match="Unregistered.*cannot be saved whole.*save_weights"):
        curve_model.save(tmp_path / "a.keras")
    with pytest.raises(ValueError, match="Unregistered.*into="):
        curve_model.point(0.5)
    curve_model.save_weights(tmp_path / "a.weights.h5")
    other = compiled("unregistered")
    scatter(other)
    other.load_weights(tmp_path / "a.weights.h5")
    assert_same(snapshot(curve_model), snapshot(other))


# Training.


def test_bends_lie_on_the_segment_in_order():
    start, end = pair("dense")
    points = numpy(connect(start, end, Bezier(4)).control_points())
    expected = np.linspace(flat(start), flat(end), 6)
    np.testing.assert_allclose(points, expected, atol=1e-6)
    np.testing.assert_array_equal(points[[0, -1]], expected[[0, -1]].astype("float32"))


def test_bends_from_given_models():
    start, end = pair("conv_bn")
    bends = [ZOO["conv_bn"].model(seed) for seed in (7, 8)]
    kept = [snapshot(m) for m in bends]
    points = numpy(connect(start, end, PolyChain(2), bends=bends).control_points())
    np.testing.assert_array_equal(points[1], flat(bends[0]).astype("float32"))
    np.testing.assert_array_equal(points[2], flat(bends[1]).astype("float32"))
    for before, model in zip(kept, bends):
        assert_same(before, snapshot(model))
    with pytest.raises(ValueError, match="2 bends.*1 models"):
        connect(start, end, PolyChain(2), bends=bends[:1])
    with pytest.raises(ValueError, match=r"bends\[1\].*architecture"):
        connect(start, end, PolyChain(2), bends=[bends[0], ZOO["dense"].model(1)])


class Weightless(keras.Model):
    """Gives its weight back: the output shows where on the curve it runs."""

    def build(self, shape):
        self.w = self.add_weight(shape=(), name="w")
        self.built = True

    def call(self, x):
        return x * 0 + self.w


def ruler(**kwargs):
    """A curve model whose output is `t` itself."""
    models = Weightless(), Weightless()
    for value, model in enumerate(models):
        model.build((None, 1))
        model.w.assign(value)
    return connect(*models, Segment(), **kwargs)


def test_each_training_batch_draws_its_own_position():
    curve_model = ruler(fix_end=False, seed=3)
    seen = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    # The loss is the output: `t`, averaged over the batches of the epoch so far.
    curve_model.compile(keras.optimizers.SGD(0.0), lambda y, p: ops.mean(p))
    curve_model.fit(np.ones((60, 1)), np.ones((60, 1)), batch_size=1, callbacks=[Spy()], verbose=0)
    count = np.arange(1, 61)
    drawn = np.diff(np.concatenate([[0], np.array(seen) * count]))
    assert len(np.unique(drawn.round(4))) > 55
    assert drawn.min() >= -1e-3 and drawn.max() <= 1.001
    assert drawn.min() < 0.15 and drawn.max() > 0.85
    assert abs(drawn.mean() - 0.5) < 0.15


def test_one_position_for_all_examples_of_a_training_batch():
    found = numpy(ruler()(np.ones((50, 1)), training=True))
    assert len(np.unique(found)) == 1


def test_a_position_for_each_replica_is_that_of_the_batch_on_one_device():
    x, found = np.ones((1, 1)), {}
    for position_per in ("batch", "replica"):
        model = ruler(seed=1, position_per=position_per)
        found[position_per] = [float(numpy(model(x, training=True)).item()) for _ in range(4)]
        assert model.get_config()["position_per"] == position_per
    assert found["batch"] == found["replica"]
    with pytest.raises(ValueError, match="'batch', 'replica' or 'layer'. Received: 'example'"):
        ruler(position_per="example")


def test_a_seed_repeats_the_positions():
    x = np.ones((1, 1))

    def draw(seed):
        model = ruler(seed=seed)
        return [float(numpy(model(x, training=True)).item()) for _ in range(4)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert len(set(draw(1))) == 4


def test_inference_runs_at_the_position_that_was_set_or_passed():
    curve_model, x = ruler(), np.ones((2, 1), "float32")
    assert curve_model.t == 0.0
    curve_model.t = 0.3
    assert curve_model.t == pytest.approx(0.3)
    np.testing.assert_allclose(numpy(curve_model(x)), 0.3, rtol=1e-6)
    np.testing.assert_allclose(curve_model.predict(x, verbose=0), 0.3, rtol=1e-6)
    curve_model.t = 0.9  # predict is compiled by now: it must see the new one
    np.testing.assert_allclose(curve_model.predict(x, verbose=0), 0.9, rtol=1e-6)
    np.testing.assert_allclose(numpy(curve_model(x, t=0.6)), 0.6, rtol=1e-6)
    np.testing.assert_allclose(numpy(curve_model(x, t=0.6, training=True)), 0.6, rtol=1e-6)
    np.testing.assert_allclose(numpy(curve_model(x)), 0.9, rtol=1e-6)


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan"), [0.1, 0.2]], ids=str)
def test_bad_positions_are_refused(t):
    curve_model, x = ruler(), np.ones((2, 1), "float32")
    curve_model.t = 0.5
    with pytest.raises(ValueError, match="`t`"):
        curve_model.t = t
    assert curve_model.t == 0.5
    with pytest.raises(ValueError, match="`t`"):
        curve_model(x, t=t)
    with pytest.raises(ValueError, match="`t`"):
        curve_model.point(t)


GRADIENTS = [
    *(("dense", "bezier3"), ("subclassed", "polychain2"), ("dense", "polychain2")),
    *((name, "bezier3") for name in ("conv_bn", "shared", "subclassed", "two_inputs")),
]


@pytest.mark.parametrize(
    "name, kind",
    some(
        GRADIENTS,
        GRADIENTS[2:],
        [("subclassed", "bezier3")],
    ),
)
def test_gradient_of_a_bend_is_its_coefficient_times_the_gradient_at_the_point(name, kind):
    """With regularizers and `add_loss`; free endpoints get theirs as well."""
    case = ZOO[name]
    curve_model = joined(name, CURVES[kind](), fix_start=False, fix_end=False)
    scatter(curve_model)
    x, y = case.data(BATCH)
    losses = case.loss()

    def loss(y, outputs):
        if isinstance(losses, list):
            return sum(f(a, b) for f, a, b in zip(losses, y, outputs))
        return losses(y, outputs)

    t = 0.4
    plain = case.model(3)
    curve_model.point(t, into=plain)
    points = curve_model.trainable_variables
    assert len(points) == curve_model.curve.num_points
    start_values = [numpy(v) for v in plain.trainable_variables]
    at_point = gradients(
        lambda v: total_loss(plain, plain.trainable_variables, v, x, y, loss, training=False),
        start_values,
    )
    at_point = np.concatenate([g.ravel() for g in at_point])
    found = gradients(
        lambda v: total_loss(curve_model, points, v, x, y, loss, training=False, t=t),
        [numpy(v) for v in points],
    )
    assert np.abs(at_point).max() > 1e-3
    for j, c in enumerate(numpy(curve_model.curve.coefficients(t))):
        np.testing.assert_allclose(found[j], c * at_point, rtol=1e-3, atol=1e-5)
    # The loss itself, its regularizers and `add_loss` at phi(t).
    np.testing.assert_allclose(
        numpy(total_loss(curve_model, points, points, x, y, loss, training=False, t=t)),
        numpy(total_loss(plain, plain.trainable_variables, start_values, x, y, loss)),
        rtol=1e-5,
    )


def test_fixed_ends_are_not_trainable_and_free_ends_are():
    def names(**kwargs):
        return [v.name for v in joined("dense", Bezier(2), **kwargs).trainable_variables]

    assert names() == ["bend_1", "bend_2"]
    assert names(fix_start=False) == ["start", "bend_1", "bend_2"]
    assert names(fix_end=False) == ["bend_1", "bend_2", "end"]
    curve_model = compiled("dense", fix_start=False)
    before = numpy(curve_model.control_points())
    x, y = ZOO["dense"].data()
    curve_model.fit(x, y, batch_size=BATCH, verbose=0)
    after = numpy(curve_model.control_points())
    assert np.abs(after - before)[0].max() > 0 and np.abs(after - before)[1].max() > 0
    np.testing.assert_array_equal(after[2], before[2])


def test_one_training_step_against_numpy():
    """SGD on the whole curve, the position known: bend -= rate * c_1(t) * gradient."""
    curve_model = joined("dense")
    x, y = ZOO["dense"].data(BATCH)
    drawn = []

    class Recorded(Bezier):
        def _coefficients(self, t):
            c = super()._coefficients(t)
            drawn.append(c)
            return c

    curve_model.curve_layer.curve = Recorded(1)
    curve_model.compile(keras.optimizers.SGD(0.1), ZOO["dense"].loss(), run_eagerly=True)
    before = numpy(curve_model.control_points())
    curve_model.train_on_batch(x, y)
    moved = (before - numpy(curve_model.control_points()))[1]
    if keras.backend.backend() == "jax":
        pytest.skip("JAX traces the step, eager or not")
    c = numpy(drawn[-1])[0]
    plain = ZOO["dense"].model(3)
    for variable, value in zip(
        plain.trainable_variables, curve_model.curve_layer.layout.unpack(c @ before)
    ):
        variable.assign(value)
    gradient = gradients(
        lambda v: total_loss(
            plain, plain.trainable_variables, v, x, y, ZOO["dense"].loss(), training=True
        ),
        [numpy(v) for v in plain.trainable_variables],
    )
    expected = 0.1 * c[1] * np.concatenate([g.ravel() for g in gradient])
    np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-7)


def test_regularizers_are_evaluated_at_the_point_not_at_the_control_points():
    curve_model = joined("dense", Bezier(2))
    scatter(curve_model)
    x, y = ZOO["dense"].data(BATCH)
    curve_model(x, t=0.4, training=True)
    expected = 0.01 * np.square(phi(curve_model, 0.4)).sum()
    np.testing.assert_allclose(float(sum(curve_model.losses)), expected, rtol=1e-5)
    curve_model.compile(loss=lambda y, p: 0 * ops.sum(p))
    curve_model.t = 0.8
    found = curve_model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(found, 0.01 * np.square(phi(curve_model, 0.8)).sum(), rtol=1e-5)


class Quartic(keras.regularizers.Regularizer):
    def __call__(self, weights):
        return ops.sum(weights**4)


def test_regularizers_of_every_sort():
    """Runs of L2 with different factors, L1, L1L2, one of the user's, none."""

    def make():
        model = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.1)),
                layers.Dense(
                    4, bias_regularizer="l1", kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)
                ),
                layers.Dense(
                    4,
                    kernel_regularizer=keras.regularizers.L2(0.1),
                    bias_regularizer=keras.regularizers.L2(0.3),
                ),
                layers.Dense(2, kernel_regularizer=Quartic()),
            ]
        )
        scramble(model, np.random.randint(1000))
        return model

    curve_model = connect(make(), make(), Bezier(1))
    x = np.ones((2, 3), "float32")
    point = curve_model.point(0.3, into=make())
    point(x)
    curve_model(x, t=0.3)
    np.testing.assert_allclose(float(sum(curve_model.losses)), float(sum(point.losses)), rtol=1e-5)


def test_losses_do_not_pile_up_over_calls():
    curve_model = joined("subclassed")
    x, _ = ZOO["subclassed"].data(BATCH)
    for _ in range(3):
        curve_model(x, t=0.5)
        assert len(curve_model.losses) == 2  # `add_loss` and the L2 of the head


def test_dropout_is_on_in_training_only_and_draws_anew():
    curve_model = joined("dropout")
    x, _ = ZOO["dropout"].data(BATCH)
    outputs = [numpy(curve_model(x, t=0.5, training=True)) for _ in range(2)]
    assert not np.allclose(*outputs)
    outputs = [numpy(curve_model(x, t=0.5)) for _ in range(2)]
    np.testing.assert_array_equal(*outputs)


def test_moving_statistics_follow_in_training_and_stay_at_inference():
    curve_model = joined("conv_bn")
    x, _ = ZOO["conv_bn"].data(BATCH)
    state = [numpy(v) for v in curve_model.curve_layer.state]
    np.testing.assert_array_equal(state[0], numpy(curve_model.network.layers[1].moving_mean))
    curve_model(x, t=0.5)
    assert_same(state, [numpy(v) for v in curve_model.curve_layer.state])
    curve_model(x, t=0.5, training=True)
    plain = curve_model.point(0.5)
    copy_state(curve_model.network, plain)
    plain(x, training=True)
    assert_near(curve_model.curve_layer.state, plain.non_trainable_variables, 1e-5)
    assert not np.allclose(numpy(curve_model.curve_layer.state[0]), state[0])


def test_stateful_lstm_carries_its_state_from_call_to_call():
    curve_model = joined("stateful_lstm")
    x, _ = ZOO["stateful_lstm"].data(BATCH)
    plain = curve_model.point(0.5)
    curve_model.t = 0.5
    first = numpy(curve_model(x))
    second = numpy(curve_model(x))
    assert not np.allclose(first, second)
    assert_near([first, second], [plain(x), plain(x)])
    curve_model.reset_state()
    np.testing.assert_array_equal(numpy(curve_model(x)), first)
    curve_model.reset_state()
    both = curve_model.predict(np.concatenate([x, x]), batch_size=BATCH, verbose=0)
    assert_near(both, np.concatenate([first, second]))
    for variable in curve_model.network.non_trainable_variables:
        if "state" in variable.path and variable.dtype == "float32":
            np.testing.assert_array_equal(numpy(variable), 0)


@pytest.mark.parametrize("functional", some([True, False], [True, False], [True]))
def test_masks_reach_the_loss(functional):
    """The loss of masked steps does not count, as for the plain model."""

    def make():
        inputs = keras.Input((4,), dtype="int32")
        body = [
            layers.Embedding(5, 3, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.Dense(3),
        ]
        if not functional:
            return keras.Sequential([inputs, *body])
        outputs = inputs
        for layer in body:
            outputs = layer(outputs)
        return keras.Model(inputs, outputs)

    start, end = make(), make()
    curve_model = connect(start, end)
    x = np.array([[1, 2, 0, 0], [3, 0, 0, 0]], "int32")
    y = np.random.default_rng(0).standard_normal((2, 4, 3)).astype("float32")
    for model in (start, curve_model):
        model.compile(loss="mse", jit_compile=False)
    found = curve_model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(found, start.evaluate(x, y, verbose=0), rtol=1e-5)
    outputs = numpy(start(x))
    assert found == pytest.approx(np.square(outputs - y)[x > 0].mean(), rel=1e-4)


def test_mixed_precision_keeps_its_control_points_in_float32():
    curve_model = joined("mixed")
    assert {v.dtype for v in curve_model.trainable_variables} == {"float32"}
    assert curve_model.network.layers[0].compute_dtype == "bfloat16"
    x, _ = ZOO["mixed"].data(BATCH)
    assert curve_model(x).dtype == curve_model.network(x).dtype


@long_under_jax
def test_a_curve_model_inside_another_model():
    """It is a Keras layer like others."""
    curve_model = joined("dense")
    inputs = keras.Input((5,))
    outer = keras.Model(inputs, layers.Softmax()(curve_model(inputs)))
    curve_model.t = 0.5
    x, y = ZOO["dense"].data()
    expected = curve_model.point(0.5).predict(x, verbose=0)
    expected = np.exp(expected) / np.exp(expected).sum(-1, keepdims=True)
    assert_near(outer.predict(x, verbose=0), expected)
    outer.compile("sgd", "sparse_categorical_crossentropy")
    outer.fit(x, y, verbose=0)


def test_frozen_weights_take_no_part():
    curve_model = compiled("frozen")
    assert curve_model.control_points().shape[1] == 6 * 3 + 3
    x, y = ZOO["frozen"].data()
    before = [numpy(v) for v in curve_model.curve_layer.state]
    curve_model.fit(x, y, batch_size=BATCH, verbose=0)
    assert_same(before, [numpy(v) for v in curve_model.curve_layer.state])


# Refusals.


def dense(units=3, activation=None, name=None, kind=layers.Dense, size=5, extra=0):
    sizes = [layers.Dense(4, name=name), kind(units)] + [layers.Dense(1)] * extra
    return keras.Sequential([keras.Input((size,)), *sizes])


def test_names_of_layers_may_differ():
    connect(dense(name="one"), dense(name="other"))


@pytest.mark.parametrize(
    "other, words",
    [
        (lambda: dense(units=4), [r"weight 2", r"kernel", r"\(4, 3\)", r"\(4, 4\)"]),
        (lambda: dense(size=6), [r"weight 0", r"\(5, 4\)", r"\(6, 4\)"]),
        (lambda: dense(extra=1), [r"weight 4", r"nothing", r"kernel"]),
        (lambda: ZOO["conv_bn"].model(1), [r"weight 0", r"Dense", r"Conv2D"]),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
def test_other_architectures_are_refused_with_the_first_difference(other, words, swap):
    models = [dense(), other()]
    with pytest.raises(ValueError, match="same architecture") as caught:
        connect(*(models[::-1] if swap else models))
    for word in words:
        assert __import__("re").search(word, str(caught.value)), str(caught.value)


def test_frozen_in_one_model_only_is_refused():
    start, end = dense(), dense()
    end.layers[0].trainable = False
    with pytest.raises(ValueError, match="same architecture.*not trainable"):
        connect(start, end)


def test_frozen_weights_that_differ_are_refused():
    start, end = ZOO["frozen"].model(1), ZOO["frozen"].model(2)
    end.layers[0].kernel.assign(ops.zeros((5, 6)))
    with pytest.raises(ValueError, match="frozen weight.*kernel"):
        connect(start, end)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("role", ["start", "end"])
def test_weights_that_are_not_finite_are_refused(value, role):
    models = {"start": dense(), "end": dense()}
    kernel = models[role].layers[1].kernel
    values = numpy(kernel)
    values[1, 1] = value
    kernel.assign(values)
    with pytest.raises(ValueError, match=f"`{role}`.*kernel.*1 NaN or infinite"):
        connect(models["start"], models["end"])


def test_a_curve_says_its_family_and_size():
    first, second = dense(units=3, size=5), dense(units=3, size=5)
    assert repr(connect(first, second)) == "<CurveModel: Bezier(num_bends=1), 39 weights>"


def test_unbuilt_models_are_refused():
    unbuilt = keras.Sequential([layers.Dense(3)])
    for models in ((unbuilt, dense()), (dense(), unbuilt)):
        with pytest.raises(ValueError, match="not built"):
            connect(*models)
    with pytest.raises(ValueError, match="not built"):
        CurveModel(unbuilt, Bezier(1))


def test_a_model_without_trainable_weights_is_refused():
    model = dense()
    model.trainable = False
    with pytest.raises(ValueError, match="no trainable weights"):
        connect(model, model)


def test_what_is_no_curve_is_refused():
    for wrong in (Bezier, "bezier"):
        with pytest.raises(ValueError, match="`curve` must be a curve, such as `Bezier"):
            connect(*pair("dense"), wrong)


@long_under_jax
def test_validation_at_a_fixed_endpoint_warns():
    curve_model = compiled("dense")
    x, y = ZOO["dense"].data(BATCH, 0)
    with pytest.warns(UserWarning, match="t = 0, an endpoint.*t = 0.5.*`loss`"):
        curve_model.fit(x, y, validation_data=(x, y), verbose=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        curve_model.fit(x, y, verbose=0)
        curve_model.t = 0.5
        curve_model.fit(x, y, validation_data=(x, y), verbose=0)
    assert not [one for one in caught if "endpoint" in str(one.message)]


@keras.saving.register_keras_serializable("test_curve_model")
class OwnLoss(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, *args, **kwargs):
        return 100.0


def test_a_loss_of_the_networks_own_warns():
    networks = [OwnLoss(), OwnLoss()]
    for network in networks:
        network(np.ones((1, 3), "float32"))
    with pytest.warns(UserWarning, match="own compute_loss, which a curve .* does not call"):
        connect(*networks)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        connect(*pair("subclassed"))


def test_layers_are_joined_as_models_are():
    first, second = layers.Dense(2), layers.Dense(2)
    x = np.ones((1, 3), "float32")
    for layer in (first, second):
        layer(x)
    np.testing.assert_allclose(numpy(connect(first, second)(x, t=1.0)), numpy(second(x)), rtol=1e-6)


def test_into_that_is_not_built_is_refused():
    class Other(OwnLoss):
        pass

    with pytest.raises(ValueError, match="`into` .*is not built"):
        joined("dense").point(0.5, into=Other())


def test_into_of_another_architecture_is_refused_unchanged():
    curve_model, other = joined("dense"), dense(units=7)
    before = snapshot(other)
    with pytest.raises(ValueError, match="`into`.*architecture|architecture.*`into`"):
        curve_model.point(0.5, into=other)
    assert_same(before, snapshot(other))


# Geometry.


def test_control_points_are_the_weights_in_order():
    start, end = pair("conv_bn")
    curve_model = connect(start, end, Bezier(1))
    points = numpy(curve_model.control_points())
    assert points.shape == (3, flat(start).size)
    np.testing.assert_array_equal(points[0], flat(start).astype("float32"))
    np.testing.assert_array_equal(points[2], flat(end).astype("float32"))


@pytest.mark.parametrize("kind", some(list(CURVES), list(CURVES), ["bezier3", "polychain2"]))
def test_length_matches_a_polyline_of_weight_vectors(kind):
    curve_model = joined("dense", CURVES[kind]())
    scatter(curve_model)
    polyline = phi(curve_model, np.linspace(0, 1, 601))
    expected = np.linalg.norm(np.diff(polyline, axis=0), axis=-1).sum()
    np.testing.assert_allclose(curve_model.length(), expected, rtol=1e-4)
    straight = np.linalg.norm(polyline[-1] - polyline[0])
    np.testing.assert_allclose(curve_model.length_ratio(), expected / straight, rtol=1e-4)


def test_length_ratio_of_straight_lines_is_one():
    for curve in (Segment(), Bezier(3), PolyChain(4)):
        np.testing.assert_allclose(joined("dense", curve).length_ratio(), 1, rtol=1e-5)


def test_length_of_a_chain_with_one_bend_moved_aside():
    """Two sides of a triangle."""
    start, end = pair("dense")
    curve_model = connect(start, end, PolyChain(1))
    w1, w2 = flat(start), flat(end)
    aside = np.random.default_rng(0).standard_normal(w1.size)
    bend = (w1 + w2) / 2 + aside
    curve_model.curve_layer.set_point(1, bend.astype("float32"))
    expected = np.linalg.norm(bend - w1) + np.linalg.norm(w2 - bend)
    np.testing.assert_allclose(curve_model.length(), expected, rtol=1e-5)
    ratio = expected / np.linalg.norm(w2 - w1)
    np.testing.assert_allclose(curve_model.length_ratio(), ratio, rtol=1e-5)


def test_length_far_from_the_origin():
    """Endpoints that almost coincide, far away: no cancellation."""
    start, end = dense(), dense()
    for model, shift in ((start, 0.0), (end, 0.5)):
        for variable in model.trainable_variables:
            variable.assign(np.full(variable.shape, 1000 + shift, "float32"))
    count = flat(start).size
    np.testing.assert_allclose(connect(start, end).length(), 0.5 * count**0.5, rtol=1e-3)


def test_the_ratio_of_a_closed_curve():
    model = dense()
    curve_model = connect(model, model, Bezier(1))
    assert curve_model.length_ratio() == 1  # it stays where it is
    assert curve_model.length() == 0


# The layer by itself.


def test_set_point_takes_models_arrays_and_vectors():
    curve_model = joined("dense")
    layer, other = curve_model.curve_layer, ZOO["dense"].model(9)
    for weights in (other, [numpy(v) for v in other.trainable_variables], flat(other)):
        layer.set_point(1, np.zeros(layer.layout.num_weights, "float32"))
        layer.set_point(1, weights)
        np.testing.assert_allclose(numpy(layer.points[1]), flat(other), rtol=1e-6)
    with pytest.raises(ValueError, match="shape"):
        layer.set_point(1, np.zeros(3))
    with pytest.raises(ValueError, match="weight arrays"):
        layer.set_point(1, [np.zeros(3)])
    with pytest.raises(ValueError, match="architecture"):
        layer.set_point(1, ZOO["conv_bn"].model(1))


@pytest.mark.parametrize("built", [True, False])
def test_curve_layer_around_a_single_layer(built):
    inner = layers.Dense(3)
    if built:
        inner.build((None, 2))
    layer = CurveLayer(inner, Bezier(1))
    x = np.ones((2, 2), "float32")
    assert tuple(layer(x, t=0.5).shape) == (2, 3)
    assert [v.name for v in layer.trainable_variables] == ["bend_1"]
    assert len(layer.points) == 3
    np.testing.assert_allclose(numpy(layer(x, t=0.5)), numpy(inner(x)), rtol=1e-5)


@long_under_jax
def test_curve_layer_around_a_layer_with_several_inputs():
    inner = layers.MultiHeadAttention(2, 3)
    x = np.random.default_rng(0).standard_normal((2, 4, 5)).astype("float32")
    expected = numpy(inner(x, x))
    layer = CurveLayer(inner, Bezier(1))
    np.testing.assert_allclose(numpy(layer(x, x, t=0.3)), expected, atol=1e-6)


def test_update_batch_norm_leaves_the_given_models_alone():
    start, end = pair("nested")
    before = snapshot(start), snapshot(end)
    curve_model = connect(start, end)
    curve_model.t = 0.5
    x, _ = ZOO["nested"].data()
    assert update_batch_norm(curve_model, x) == 1
    assert_same(before[0], snapshot(start))
    assert_same(before[1], snapshot(end))


def test_what_xla_cannot_compile_it_cannot_compile_on_a_curve():
    """Keras says so of an LSTM on a GPU, for instance."""

    def network():
        inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        inner.layers[0].supports_jit = False
        return keras.Sequential([keras.Input((2,)), inner, keras.layers.Dense(1)])

    for made in (
        connect(network(), network()),
        Ensemble(network(), [network()], output="regression"),
    ):
        with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
            made.compile("sgd", "mse", jit_compile=True)
        assert made.jit_compile is False
