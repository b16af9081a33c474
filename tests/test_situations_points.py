"""A point of a curve is a set of weights with all that belongs to them (docs/curves.md)."""

import copy
import warnings

import keras
import numpy as np
import pytest
from keras import constraints, layers, ops
from model_zoo import assert_same, numpy, some

import mc_tf
from mc_tf import (
    Bezier,
    Combination,
    Curve,
    CurveModel,
    PolyChain,
    connect,
    evaluate_curve,
    update_batch_norm,
)
from mc_tf.layers import CurveBatchNormalization, CurveDense, set_position

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype("float32")
Y = RNG.integers(0, 3, 24)
TENSORFLOW = keras.backend.backend() == "tensorflow"


def loss():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(seed, first=None, trained=True):
    """A network that begins with the given layer and satisfies its constraints, as if trained."""
    keras.utils.set_random_seed(seed)
    first = layers.Dense(5) if first is None else first()
    model = keras.Sequential([keras.Input((4,)), first, layers.Dense(3)])
    for variable in model.trainable_variables if trained else ():
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    return model


def curve_of(first=None, curve=None, optimizer=None, trained=True, **kwargs):
    ends = network(1, first, trained), network(2, first, trained)
    curve_model = connect(*ends, curve or Bezier(1), seed=0, **kwargs)
    curve_model.compile(optimizer or keras.optimizers.SGD(0.5), loss(), run_eagerly=True)
    return curve_model


def points(curve_model):
    return [numpy(p) for p in curve_model.curve_layer.points]


def fit(curve_model, **kwargs):
    return curve_model.fit(X, Y, batch_size=12, verbose=0, **kwargs)


# Constraints.


def mask_corner(weight):
    """A pruning mask as a constraint: the first row is zero."""
    return weight * np.array([[0.0], [1.0], [1.0], [1.0]], "float32")


CONVEX = {
    "non_neg": (constraints.NonNeg, lambda k: k.min() >= 0),
    "max_norm": (
        lambda: constraints.MaxNorm(0.5),
        lambda k: np.linalg.norm(k, axis=0).max() <= 0.5 + 1e-5,
    ),
    "min_max_norm_from_0": (
        lambda: constraints.MinMaxNorm(0.0, 0.4),
        lambda k: np.linalg.norm(k, axis=0).max() <= 0.4 + 1e-5,
    ),
    "mask": (lambda: mask_corner, lambda k: (k[0] == 0).all() and (k[1:] != 0).any()),
}


@pytest.mark.parametrize(
    "name, curve",
    [
        *(
            pytest.param(name, Bezier(1), marks=() if name == "mask" else pytest.mark.long)
            for name in CONVEX
        ),
        *(("max_norm", PolyChain(2)), ("non_neg", Combination(3))),
    ],
    ids=repr,
)
def test_convex_constraints_hold_at_every_point(name, curve):
    make, holds = CONVEX[name]
    ends = [network(s, lambda: layers.Dense(5, kernel_constraint=make())) for s in (1, 2, 3)]
    bends = ends[2:] if isinstance(curve, Combination) else None
    curve_model = connect(*ends[:2], curve, bends=bends, seed=0)
    curve_model.compile(keras.optimizers.SGD(0.8), loss(), run_eagerly=True)
    before = points(curve_model)
    fit(curve_model, epochs=2)
    assert np.abs(points(curve_model)[1] - before[1]).max() > 1e-2
    where = np.eye(3)[1], np.full(3, 1 / 3)
    for t in where if curve.position_shape else (0.0, 0.2, 0.5, 0.9, 1.0):
        flat = numpy(curve_model.curve_layer.flat_weights_at(np.float32(t)))
        assert holds(flat[:20].reshape(4, 5)), t


def test_without_the_mechanism_the_constraint_would_not_hold():
    """The trainings above do run into the constraint."""
    curve_model = curve_of(lambda: layers.Dense(5, kernel_constraint="non_neg"))
    free = curve_of()
    free.set_weights(curve_model.get_weights())
    fit(free, epochs=4)
    assert points(free)[1][:20].min() < 0


NOT_CONVEX = {
    "unit_norm": constraints.UnitNorm,
    "min_max_norm": lambda: constraints.MinMaxNorm(0.5, 1.0),
    "in_part": lambda: constraints.MinMaxNorm(0.0, 0.5, rate=0.5),
    "own": lambda: lambda w: ops.sign(w),
}


@pytest.mark.parametrize(
    "name, train",
    [*((name, "fit") for name in NOT_CONVEX), ("unit_norm", "train_on_batch"), ("own", "call")],
)
def test_other_constraints_are_refused_before_training(name, train):
    curve_model = curve_of(lambda: layers.Dense(5, kernel_constraint=NOT_CONVEX[name]()))
    before = points(curve_model)
    assert np.isfinite(curve_model.evaluate(X, Y, verbose=0))  # no training, no refusal
    with pytest.raises(ValueError, match="constraint .* of the weight .*kernel"):
        if train == "fit":
            fit(curve_model)
        elif train == "train_on_batch":
            curve_model.train_on_batch(X, Y)
        else:
            curve_model(X, training=True)
    assert_same(before, points(curve_model))


@pytest.mark.parametrize("fixed", [True, False])
def test_ends_that_violate_their_constraint(fixed):
    """A fixed one is refused; a free one is made to satisfy it, as in Keras."""
    curve_model = curve_of(
        lambda: layers.Dense(5, kernel_constraint="non_neg"),
        trained=False,
        fix_start=fixed,
        fix_end=fixed,
    )
    if fixed:
        with pytest.raises(ValueError, match="`start` does not satisfy.*fix_start=False"):
            fit(curve_model)
    else:
        fit(curve_model)
        assert min(p[:20].min() for p in points(curve_model)) >= 0


@keras.saving.register_keras_serializable("mc_tf_tests")
class Parabola(Curve):
    """Passes through its bend, with negative coefficients on the way."""

    def _coefficients(self, t):
        return ops.stack(
            [(1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)],
            axis=-1,
        )


def test_a_family_that_leaves_convex_sets():
    fit(curve_of(curve=Parabola(1)))  # nothing to keep
    curve_model = curve_of(lambda: layers.Dense(5, kernel_constraint="non_neg"), Parabola(1))
    with pytest.raises(ValueError, match="Parabola.*negative"):
        fit(curve_model)


# Metrics that layers keep.


class Watched(layers.Dense):
    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, inputs):
        outputs = super().call(inputs)
        self.seen.update_state(ops.abs(outputs))
        return outputs


def nested():
    return keras.Sequential([keras.Input((4,)), Watched(5)])


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="Keras fails in plain networks, too")
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(lambda: Watched(5), marks=pytest.mark.long, id="layer"),
        pytest.param(nested, id="nested model"),
    ],
)
def test_metrics_of_layers_are_those_of_the_plain_network(first):
    ends = network(1, first), network(2, first)
    curve_model = connect(*ends)
    for model in (*ends, curve_model):
        model.compile(keras.optimizers.SGD(0.0), loss(), metrics=["accuracy"])
    scores = [model.evaluate(X, Y, verbose=0, return_dict=True) for model in ends]
    assert "seen" in scores[0]
    result = evaluate_curve(curve_model, (X, Y), (X, Y), num_points=2)
    for t, expected in enumerate(scores):
        curve_model.t = t
        found = curve_model.evaluate(X, Y, verbose=0, return_dict=True)
        assert found == pytest.approx(expected)
        assert result["test_seen"][t] == pytest.approx(expected["seen"])
    history = curve_model.fit(X, Y, batch_size=24, verbose=0).history["seen"]
    assert history[0] > 0


# Optimizers.


def decaying(**kwargs):
    return keras.optimizers.AdamW(0.1, weight_decay=0.5, **kwargs)


def excluded(names=None, variables=None):
    optimizer = decaying()
    optimizer.exclude_from_weight_decay(var_names=names, var_list=variables)
    return optimizer


def flat_loss(y_true, y_pred):
    return 0.0 * ops.sum(y_pred, -1)


NAMES = [None, ["bias"], ["kernel"], ["kernel", "bias"], ["none"]]


@pytest.mark.parametrize("names", some(NAMES, (NAMES[1], NAMES[4])), ids=str)
def test_weight_decay_of_each_weight_is_that_of_keras(names):
    """A step without gradient: decay alone."""
    if names == NAMES[3] and keras.backend.backend() == "torch":
        pytest.skip("Keras fails on PyTorch where no weight of a plain network decays")
    plain, start = network(1), network(1)
    for model in (plain, start):
        for variable in model.trainable_variables:
            variable.assign(np.full(variable.shape, 2.0, "float32"))
    plain.compile(excluded(names), flat_loss, run_eagerly=True)
    plain.fit(X, Y, batch_size=24, verbose=0)
    curve_model = connect(start, start)
    curve_model.compile(excluded(names), flat_loss, run_eagerly=True)
    curve_model.fit(X, Y, batch_size=24, verbose=0)
    expected = np.concatenate([numpy(v).ravel() for v in plain.trainable_variables])
    np.testing.assert_allclose(points(curve_model)[1], expected, rtol=1e-6)


def test_weights_excluded_by_variable_and_whole_points():
    start = network(1)
    kept = start.layers[1].kernel
    curve_model = connect(start, start)
    curve_model.compile(excluded(variables=[kept]), flat_loss, run_eagerly=True)
    before = points(curve_model)[1]
    fit(curve_model)
    ratio = points(curve_model)[1] / np.where(before == 0, 1, before)
    first = 25  # the first layer's kernel and bias come before it
    np.testing.assert_allclose(ratio[first : first + 15], 1, rtol=1e-6)
    assert (ratio[:20] < 0.95).all()
    optimizer = excluded(variables=curve_model.trainable_variables)
    curve_model.compile(optimizer, flat_loss, run_eagerly=True)
    before = points(curve_model)[1]
    fit(curve_model)
    np.testing.assert_array_equal(points(curve_model)[1], before)


OTHERS = {
    "end": lambda start, end: end.layers[0].kernel,
    "a third network": lambda start, end: network(3).layers[0].kernel,
}


@pytest.mark.parametrize("train", [fit, lambda model: model.train_on_batch(X, Y)])
@pytest.mark.parametrize("find", OTHERS.values(), ids=OTHERS)
def test_weights_of_another_network_are_not_excluded_in_silence(find, train):
    start, end = network(1), network(2)
    curve_model = connect(start, end)
    known = [start.layers[1].bias, curve_model.trainable_variables[0]]
    optimizer = excluded(variables=[*known, find(start, end)])
    curve_model.compile(keras.optimizers.LossScaleOptimizer(optimizer), loss(), run_eagerly=True)
    before = points(curve_model)
    with pytest.raises(ValueError, match=r"curve_model\.network"):
        train(curve_model)
    assert_same(points(curve_model), before)
    curve_model.compile(excluded(variables=known), loss(), run_eagerly=True)
    train(curve_model)


def test_decay_under_a_loss_scale():
    """Keras wraps the optimizer of float16 networks."""
    start = network(1)
    curve_model = connect(start, start)
    before = points(curve_model)[1]
    optimizer = keras.optimizers.LossScaleOptimizer(excluded(["kernel"]))
    curve_model.compile(optimizer, flat_loss, run_eagerly=True)
    fit(curve_model)
    after = points(curve_model)[1]
    np.testing.assert_array_equal(after[:20], before[:20])


def test_clipnorm_clips_each_weight_by_its_own_norm():
    start = network(1)
    plain = network(1)
    plain.compile(keras.optimizers.SGD(1.0, clipnorm=0.01), loss(), run_eagerly=True)
    curve_model = connect(start, start, Bezier(0 + 1))
    curve_model.compile(keras.optimizers.SGD(1.0, clipnorm=0.01), loss(), run_eagerly=True)
    before = points(curve_model)[1]
    plain.fit(X, Y, batch_size=24, verbose=0)
    curve_model.fit(X, Y, batch_size=24, verbose=0)
    expected = np.concatenate([numpy(v).ravel() for v in plain.trainable_variables])
    # All gradients are longer than 0.01, at phi(t) times a coefficient as well.
    np.testing.assert_allclose(points(curve_model)[1] - before, expected - before, atol=1e-6)


@pytest.mark.parametrize("name", ["Adafactor", "Lamb", "Muon", "MultiOptimizer"])
def test_optimizers_that_look_at_single_weights_are_refused(name):
    cls = getattr(keras.optimizers, name, None)
    if cls is None:
        pytest.skip(f"this Keras has no {name}")
    if name == "MultiOptimizer":
        optimizer = cls(keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1)))
    else:
        optimizer = cls(learning_rate=0.1)
    curve_model = curve_of(optimizer=optimizer)
    before = points(curve_model)
    for train in (fit, lambda model: model.train_on_batch(X, Y)):
        with pytest.raises(ValueError, match=f"{type(optimizer).__name__}.*one vector"):
            train(curve_model)
    assert_same(before, points(curve_model))


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=1.0),
        pytest.param(lambda: keras.optimizers.Adam(0.01, clipvalue=0.1), marks=pytest.mark.long),
        lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5),
        lambda: decaying(gradient_accumulation_steps=2),
        pytest.param(lambda: keras.optimizers.Lion(0.01, weight_decay=0.1), marks=pytest.mark.long),
    ],
    ids=["global_clipnorm", "clipvalue", "ema", "accumulation", "lion"],
)
def test_optimizers_that_treat_numbers_alike_train(make):
    curve_model = curve_of(optimizer=make())
    before = points(curve_model)
    fit(curve_model, epochs=2)
    after = points(curve_model)
    assert np.isfinite(after).all() and np.abs(after[1] - before[1]).max() > 1e-4
    assert_same([before[0], before[2]], [after[0], after[2]])


# What layers do to their own weights.


class Masked(layers.Dense):
    """Prunes: multiplies by a mask, in the computation or by assignment."""

    def __init__(self, units, assign=False, **kwargs):
        super().__init__(units, **kwargs)
        self.assign = assign

    def build(self, shape):
        super().build(shape)
        self.mask = self.add_weight(
            name="mask", shape=self.kernel.shape, trainable=False, initializer="ones"
        )
        self.mask.assign(np.tri(*self.kernel.shape, dtype="float32"))

    def call(self, x):
        if self.assign:
            self.kernel.assign(self.kernel * self.mask)
            return super().call(x)
        return ops.matmul(x, self.kernel * self.mask) + self.bias


class Counting(layers.Dense):
    """Keeps its own statistic."""

    def build(self, shape):
        super().build(shape)
        self.calls = self.add_weight(name="calls", shape=(), trainable=False, initializer="zeros")

    def call(self, x, training=None):
        if training:
            self.calls.assign(self.calls + 1)
        return super().call(x)


@pytest.mark.parametrize(
    "first",
    [
        lambda: layers.SpectralNormalization(layers.Dense(5)),
        lambda: Masked(5, assign=True),
    ],
    ids=["spectral", "pruned"],
)
def test_assignments_to_trainable_weights_are_refused_before_training(first):
    curve_model = curve_of(first)
    before = points(curve_model)
    with pytest.raises(ValueError, match="assigns to its own trainable weight.*kernel"):
        curve_model(X, training=True)
    assert_same(before, points(curve_model))
    assert np.isfinite(curve_model.evaluate(X, Y, verbose=0))
    plain = network(3, first)
    found = curve_model(X, t=0.3, training=False)
    weights = curve_model.curve_layer.weights_at(0.3)
    for variable, value in zip(plain.trainable_variables, weights, strict=True):
        variable.assign(numpy(value))
    np.testing.assert_allclose(numpy(found), numpy(plain(X, training=False)), rtol=1e-4, atol=1e-5)


def test_fit_refuses_assignments_with_the_same_word():
    curve_model = curve_of(lambda: layers.SpectralNormalization(layers.Dense(5)))
    with pytest.raises(ValueError, match="assigns to its own trainable weight"):
        fit(curve_model)


def test_masks_in_the_computation_and_statistics_of_own_layers():
    curve_model = curve_of(lambda: Masked(5))
    fit(curve_model)
    found = numpy(curve_model(X, t=0.4, training=False))
    kernel, bias, *rest = map(
        numpy, curve_model.curve_layer.layout.unpack(curve_model.curve_layer.flat_weights_at(0.4))
    )
    expected = (X @ (kernel * np.tri(4, 5)) + bias) @ rest[0] + rest[1]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    curve_model = curve_of(lambda: Counting(5), trained=False)
    fit(curve_model, epochs=3)
    assert float(numpy(curve_model.curve_layer.state[0])) == 6  # of 3 epochs of 2 batches
    assert float(numpy(curve_model.network.layers[0].calls)) == 0


class Stopped(layers.Dense):
    """Changes gradients, not values."""

    def call(self, x):
        kernel = ops.stop_gradient(self.kernel)
        return ops.matmul(x, kernel) + self.bias


def test_layers_that_change_gradients():
    curve_model = curve_of(lambda: Stopped(5), trained=False)
    before = points(curve_model)[1]
    fit(curve_model)
    change = np.abs(points(curve_model)[1] - before)
    assert (change[:20] == 0).all() and (change[20:25] > 0).all()


# `trainable`, changed after connecting.


USES = {
    "fit": lambda c, path: fit(c),
    "train_on_batch": lambda c, path: c.train_on_batch(X, Y),
    "call": lambda c, path: c(X, training=True),
    "point": lambda c, path: c.point(0.5),
    "into": lambda c, path: c.point(0.5, into=network(3)),
    "save": lambda c, path: c.save(path / "a.keras"),
    "clone": lambda c, path: keras.models.clone_model(c),
    "export": lambda c, path: c.export(path / "a"),
}


@pytest.mark.parametrize("use", some(USES, ("fit", "call", "into", "save", "export")))
def test_freezing_after_connecting_is_refused(use, tmp_path):
    """A point would silently have the weights of other layers."""
    curve_model = curve_of(trained=False)
    curve_model.network.layers[0].trainable = False
    with pytest.raises(ValueError, match="`trainable` of .* was changed.*kernel.*was trainable"):
        USES[use](curve_model, tmp_path)
    curve_model.network.layers[0].trainable = True
    assert curve_model.point(0.5).built


def test_thawing_after_connecting_is_refused():
    ends = [network(seed, trained=False) for seed in (1, 1)]
    for model in ends:
        model.layers[0].trainable = False
    curve_model = connect(*ends)
    ends[0].layers[0].trainable = True
    with pytest.raises(ValueError, match="was not trainable before"):
        curve_model.point(0.5)


def test_weights_that_keras_overwrites_with_their_gradient():
    ends = [network(seed, trained=False) for seed in (1, 2)]
    ends[0].layers[0].kernel.overwrite_with_gradient = True
    curve_model = connect(*ends)
    curve_model.compile("sgd", loss(), run_eagerly=True)
    with pytest.raises(ValueError, match="overwrites .*kernel.* with its gradient"):
        fit(curve_model)


# Files.


def trained_curve(fitted=True):
    def first():
        return layers.BatchNormalization()

    curve_model = curve_of(first, PolyChain(2), keras.optimizers.Adam(0.05), trained=False)
    if fitted:
        fit(curve_model)
        curve_model.t = 0.25
    return curve_model


@pytest.fixture(scope="module")
def trained():
    """Saved in many ways, never changed."""
    return trained_curve()


def everything(curve_model):
    drawn = curve_model.curve_layer._seed_generator.state
    return [numpy(v) for v in (*curve_model.variables, drawn)]


def by_keras_file(curve_model, path):
    curve_model.save(path / "a.keras")
    return keras.saving.load_model(path / "a.keras")


def by_weights(curve_model, path):
    other = trained_curve(False)
    curve_model.save_weights(path / "a.weights.h5")
    other.load_weights(path / "a.weights.h5")
    return other


def by_shards(curve_model, path):
    other = trained_curve(False)
    curve_model.save_weights(path / "a.weights.json", max_shard_size=2e-7)
    assert len(list(path.glob("a_*.weights.h5"))) > 1
    other.load_weights(path / "a.weights.json")
    return other


def by_legacy_file(curve_model, path):
    curve_model.save(path / "a.h5")
    return keras.saving.load_model(path / "a.h5", custom_objects={"CurveModel": CurveModel})


def by_checkpoint(curve_model, path):
    import tensorflow as tf

    other = trained_curve(False)
    saved = tf.train.Checkpoint(curve_model).save(path / "a")
    tf.train.Checkpoint(other).restore(saved).assert_existing_objects_matched()
    return other


def by_deepcopy(curve_model, path):
    return copy.deepcopy(curve_model)


WAYS = [by_keras_file, by_weights, by_shards, by_checkpoint, by_deepcopy]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_format_keeps_points_state_position_and_draws(way, trained, tmp_path):
    if way is by_checkpoint and not TENSORFLOW:
        pytest.skip("tf.train.Checkpoint is TensorFlow's own")
    before = everything(trained)
    assert any((a != b).any() for a, b in zip(before, everything(trained_curve(False))))
    loaded = way(trained, tmp_path)
    assert loaded.t == 0.25
    assert_same(before, everything(loaded))


def test_legacy_files_keep_all_but_the_draws(trained, tmp_path):
    """Like the files of Keras: they hold no dropout seeds either."""
    loaded = by_legacy_file(trained, tmp_path)
    assert loaded.t == 0.25
    assert_same(*([numpy(v) for v in model.weights] for model in (trained, loaded)))


@pytest.mark.parametrize("extra", [False, True])
def test_files_travel_between_backends(extra):
    """TensorFlow lists the counter of draws among the variables, the others do not."""
    layer, other = (trained_curve(False).curve_layer for _ in range(2))
    layer.points[1].assign(numpy(layer.points[1]) + 1)
    count = len(layer.points) + 1 + len(layer.state)  # `t` is the one more
    store = {}
    layer.save_own_variables(store)
    stored = {str(i): numpy(store[str(i)]) for i in range(count)}
    stored["drawn"] = np.array([3, 4], "uint32")
    if extra:
        stored[str(count)] = stored["drawn"]
    other.load_own_variables(stored)
    assert_same(*([numpy(v) for v in (*part.points, *part.state)] for part in (layer, other)))
    np.testing.assert_array_equal(numpy(other._seed_generator.state), [3, 4])
    del stored["0"], stored["1"]
    with pytest.raises(ValueError, match="expected .* variables"):
        other.load_own_variables(stored)


@pytest.mark.skipif(not TENSORFLOW, reason="a SavedModel is TensorFlow's own")
@pytest.mark.parametrize("t", some((0.0, 0.5), (0.5,)))
def test_export_of_a_curve_is_the_network_at_t(t, tmp_path):
    import tensorflow as tf

    curve_model = trained_curve()
    curve_model.t = t
    curve_model.export(str(tmp_path / "a"), verbose=False)
    curve_model.point(t).export(str(tmp_path / "b"), verbose=False)
    served = [tf.saved_model.load(str(tmp_path / name)) for name in "ab"]
    found, expected = (model.serve(X) for model in served)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found, numpy(curve_model(X)), rtol=1e-5, atol=1e-6)


# Points that are not numbers, and the user's own families of curves.


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_curve_hands_out_no_point(value, tmp_path):
    curve_model = curve_of(trained=False)
    flat = points(curve_model)[1]
    flat[3] = value
    curve_model.curve_layer.points[1].assign(flat)
    curve_model.compile(loss=loss())
    with pytest.raises(ValueError, match="bend_1.*1 NaN or infinite"):
        evaluate_curve(curve_model, (X, Y), (X, Y), num_points=3, verbose=0)
    for t in (0.0, 0.5):
        with pytest.raises(ValueError, match="bend_1.*1 NaN or infinite"):
            curve_model.point(t)
    with pytest.raises(ValueError, match="finite"):
        curve_model.curve_layer.set_point(1, flat)


class Wrong(Curve):
    """A family whose coefficients a test chooses."""

    def __init__(self, kind):
        super().__init__(1)
        self.kind = kind

    def _coefficients(self, t):
        good = ops.stack([1 - t, 0 * t, t], axis=-1)
        return {
            "transposed": lambda: ops.stack([1 - t, 0 * t, t]),
            "too few": lambda: good[:, :2],
            "no batch": lambda: good[0],
            "list": lambda: [1 - t, 0 * t, t],
            "none": lambda: None,
            "nan": lambda: good * float("nan"),
            "numpy": lambda: np.array([[1.0, 0.0, 0.0]], "float32"),
        }[self.kind]()


@pytest.mark.parametrize("kind", ["transposed", "too few", "no batch", "list", "none", "nan"])
def test_wrong_coefficients_say_what_is_expected(kind):
    match = "finite" if kind == "nan" else r"Wrong.*\(B, 3\).*\(1, 3\)"
    with pytest.raises(ValueError, match=match):
        Wrong(kind).coefficients(0.5)
    curve_model = connect(network(1, trained=False), network(2, trained=False), Wrong(kind))
    for use in (curve_model.point, curve_model.curve_layer.flat_weights_at):
        with pytest.raises(ValueError, match=match):
            use(0.5)
    assert tuple(Wrong("numpy").coefficients(0.5).shape) == (3,)


class Unregistered(Bezier):
    """A user's own family."""


def test_an_unregistered_family_says_what_to_do_when_it_is_saved(tmp_path):
    curve_model = curve_of(curve=Wrong("numpy"), trained=False)
    with pytest.warns(UserWarning, match="Wrong is not registered.*register_keras_serializable"):
        with pytest.raises(ValueError, match="Wrong cannot be recreated.*get_config.*arguments"):
            curve_model.save(tmp_path / "a.keras")
    curve_model.save_weights(tmp_path / "a.weights.h5")

    curve_model = curve_of(curve=Unregistered(1), trained=False)
    with pytest.warns(UserWarning, match="custom_objects=.'Unregistered': Unregistered"):
        curve_model.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(
        tmp_path / "a.keras", custom_objects={"Unregistered": Unregistered}
    )
    assert_same(points(curve_model), points(loaded))
    with pytest.raises(TypeError, match="register_keras_serializable"):
        keras.saving.load_model(tmp_path / "a.keras")

    curve_model = curve_of(curve=Parabola(1), trained=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        curve_model.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    assert repr(loaded.curve) == "Parabola(num_bends=1)"


def test_hand_written_curve_layers_refuse_the_same():
    model = keras.Sequential([keras.Input((4,)), CurveDense(3, kernel_constraint="unit_norm")])
    model.compile("sgd", loss(), run_eagerly=True)
    with pytest.raises(ValueError, match="constraint UnitNorm"):
        model.fit(X, Y, verbose=0)
    model = keras.Sequential([keras.Input((4,)), CurveDense(3, kernel_constraint="non_neg")])
    model.compile(keras.optimizers.SGD(0.5), loss(), run_eagerly=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.fit(X, Y, verbose=0, epochs=2)
    assert numpy(model.layers[0].points[1])[:12].min() >= 0


def hand_written(nested=False):
    curve = PolyChain(1)
    inner = [
        CurveDense(5, curve=curve, kernel_regularizer="l2"),
        CurveBatchNormalization(curve=curve),
    ]
    if nested:
        inner = [keras.Sequential([keras.Input((4,)), *inner])]
    model = keras.Sequential(
        [keras.Input((4,)), *inner, layers.Dense(3), CurveDense(3, curve=curve)]
    )
    for part in model._flatten_layers():
        if hasattr(part, "points"):
            for index, point in enumerate(part.points):
                rng = np.random.default_rng(index)
                point.assign(rng.normal(size=point.shape).astype("float32"))
    model.compile(keras.optimizers.SGD(0.1), loss(), metrics=["accuracy"], run_eagerly=True)
    return model


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("nested", some((False, True), (True,)))
def test_hand_written_networks_are_evaluated_like_curves(nested):
    """The right values are those that Keras computes at each position."""
    model = hand_written(nested)
    before = [numpy(v) for v in model.variables]
    found = evaluate_curve(model, (X, Y), (X[:7], Y[:7]), num_points=3, verbose=0)
    assert_same(before, [numpy(v) for v in model.variables])
    for index, t in enumerate((0.0, 0.5, 1.0)):
        set_position(model, t)
        assert update_batch_norm(model, X) == 1
        loss_value, accuracy = model.evaluate(X[:7], Y[:7], verbose=0)
        np.testing.assert_allclose(found["test_loss"][index], loss_value, rtol=1e-4)
        np.testing.assert_allclose(found["test_error"][index], 100 * (1 - accuracy), atol=1e-3)


def test_hand_written_networks_of_several_curves():
    parts = [CurveDense(4, curve=PolyChain(1)), CurveDense(3, curve=Bezier(2))]
    model = keras.Sequential([keras.Input((4,)), *parts])
    model.compile(loss=loss())
    with pytest.raises(ValueError, match="share one curve.*PolyChain.*Bezier"):
        evaluate_curve(model, (X, Y), (X, Y), verbose=0)


def test_curve_layers_in_a_subclassed_model():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.head = mc_tf.CurveDense(8, activation="relu"), mc_tf.CurveDense(3)

        def call(self, x):
            return self.head(self.hidden(x))

    x = np.ones((5, 4), "float32")
    model = Subclassed()
    outputs = np.array(keras.ops.convert_to_numpy(model(x)))
    hidden, head = (
        keras.ops.convert_to_numpy(layer.points[0]) for layer in (model.hidden, model.head)
    )
    features = np.maximum(x @ hidden[:32].reshape(4, 8) + hidden[32:], 0)
    want = features @ head[:24].reshape(8, 3) + head[24:]
    np.testing.assert_allclose(outputs, want, atol=1e-5)
    assert len(model.trainable_variables) == 2
