"""Ensembles against members that predict one by one through the plain model."""

import functools
import os
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
from full_disk import full_disk
from keras import layers
from model_zoo import ZOO, assert_near, assert_same, numpy, snapshot, some
from programs import snapshot as files_in

import mc_tf
from mc_tf.ensemble import (
    Ensemble,
    MemberFiles,
    evaluate_members,
    fit_temperature,
    scores,
    temperatures_from_loss,
)
from mc_tf.storage.snapshots import save_snapshot, take_snapshot
from mc_tf.weights.flat import flat_weights, state_variables

MODELS = [
    "dense",
    "conv_bn",
    "dropout",
    "shared",
    "nested",
    "embedding_lstm",
    "subclassed",
    "unregistered",
    "mixed",
]
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's own"
)


def softmax(z):
    z = np.exp(z.astype("float64") - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def networks(name, count=3):
    return [ZOO[name].model(seed) for seed in range(count)]


def expected(models, x):
    """Softmax of each model's own logits, in float64."""
    return np.stack([softmax(numpy(model(x, training=False))) for model in models])


@functools.cache
def looked_at(name, count):
    return networks(name, count)


def small(name="dense", count=3, **kwargs):
    """Members for tests that do not change them, and a new ensemble."""
    models = looked_at(name, count)
    return list(models), Ensemble(ZOO[name].model(99), models, output="logits", **kwargs)


class Counted:
    """Batches that count how often they were read completely."""

    def __init__(self, x, y, size=4, stop=None):
        self.x, self.y, self.size, self.stop, self.passes = x, y, size, stop, 0

    def __iter__(self):
        for first in range(0, len(self.y), self.size):
            yield self.x[first : first + self.size], self.y[first : first + self.size]
        self.passes += 1
        if self.passes == self.stop:
            raise KeyboardInterrupt


# Scores.


def test_scores_against_the_definitions():
    rng = np.random.default_rng(0)
    p, y = softmax(3 * rng.standard_normal((200, 4))), rng.integers(0, 4, 200)
    onehot = np.eye(4)[y]
    found = scores.score(p, y)
    assert found["accuracy"] == np.mean(np.argmax(p, 1) == y)
    assert found["error"] == pytest.approx(100 * (1 - found["accuracy"]))
    assert found["loss"] == pytest.approx(-np.mean((onehot * np.log(p)).sum(1)))
    assert found["brier"] == pytest.approx(np.mean(((p - onehot) ** 2).sum(1)))
    total = 0.0
    for low, high in zip(np.arange(15) / 15, np.arange(1, 16) / 15):
        inside = (p.max(1) > low) & (p.max(1) <= high)
        if inside.any():
            right = np.mean(np.argmax(p, 1)[inside] == y[inside])
            total += inside.mean() * abs(right - p.max(1)[inside].mean())
    assert found["calibration_error"] == pytest.approx(total)


def test_scores_of_one_sigmoid_are_those_of_two_classes():
    p, y = np.array([[0.2], [0.9], [0.6]]), np.array([0, 1, 0])
    assert scores.score(p, y) == scores.score(np.hstack([1 - p, p]), y)


def test_a_label_of_probability_zero_has_a_finite_loss():
    assert 700 < scores.negative_log_likelihood([[1.0, 0.0]], [1]) < 710


def test_disagreement():
    predictions = np.eye(3)[np.array([[0, 1, 2, 0], [0, 1, 1, 1], [0, 1, 2, 0]])]
    matrix = scores.disagreement_matrix(predictions)
    assert_near(matrix, np.array([[0, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0]]))
    assert scores.disagreement(predictions[0], predictions[1]) == 0.5


@pytest.mark.parametrize("labels", [[0], [0, 2], [0, -1], [0.5, 1]])
def test_labels_that_do_not_fit(labels):
    with pytest.raises(ValueError, match="Received"):
        scores.accuracy([[0.5, 0.5], [0.5, 0.5]], labels)


def test_scores_of_a_regression():
    assert mc_tf.ensemble.mean_squared_error([[1.0], [3.0]], [1, 1]) == 2.0
    found = mc_tf.ensemble.gaussian_negative_log_likelihood([0.0, 1.0], [1.0, 4.0], [1.0, 3.0])
    assert found == pytest.approx(np.mean([0.5, np.log(2) + 0.5]) + 0.5 * np.log(2 * np.pi))


# Predictions.


# Kinds of code that `map` or a state might not reach; each takes a second to trace.
@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    "name", some(MODELS, ["conv_bn", "embedding_lstm", "subclassed", "unregistered", "mixed"])
)
def test_averages_the_members_probabilities(name):
    case, models = ZOO[name], networks(name)
    code = case.model(99)
    before = snapshot(code)
    ensemble = Ensemble(code, models, output="logits")
    x, _ = case.data(7)
    each = expected(models, x)
    tolerance = 1e-5 if name != "mixed" else 1e-3
    assert_near(ensemble.member_predictions(x), each, tolerance)
    found = numpy(ensemble(x))
    assert found.dtype == np.float32
    assert_near(found, each.mean(0), tolerance)
    assert_same(before, snapshot(code))
    assert ensemble.num_members == 3 and not ensemble.trainable_variables


def test_one_member():
    models, ensemble = small(count=1)
    x, y = ZOO["dense"].data(6)
    assert_near(ensemble(x), expected(models, x)[0])
    result = ensemble.evaluate_members((x, y), verbose=0)
    assert np.isnan(result.mean_disagreement)


def test_a_matrix_and_half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    finally:
        keras.config.set_dtype_policy("float32")
    x = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
    matrix = np.random.default_rng(1).standard_normal((5, 8)).astype("float32")
    ensemble = Ensemble(model, matrix, output="logits")
    logits = np.stack([x @ w[:6].reshape(3, 2) + w[6:] for w in matrix])
    assert numpy(ensemble(x)).dtype == np.float32
    assert_near(ensemble(x), softmax(logits).mean(0), 1e-2)
    assert_near(numpy(ensemble(x)).sum(1), np.ones(4), 1e-6)


def test_compile_evaluate_and_save_as_any_model(tmp_path):
    models, ensemble = small()
    x, y = ZOO["dense"].data(8)
    ensemble.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    found = ensemble.evaluate(x, y, verbose=0, return_dict=True)
    wanted = scores.score(expected(models, x).mean(0), y)
    assert_near([found["loss"], found["accuracy"]], [wanted["loss"], wanted["accuracy"]])
    ensemble.save(tmp_path / "e.keras")
    loaded = keras.saving.load_model(tmp_path / "e.keras")
    assert_near(loaded.evaluate(x, y, verbose=0, return_dict=True), found)
    assert_near(loaded.predict(x, verbose=0), expected(models, x).mean(0))


def test_binary():
    def make(seed):
        keras.utils.set_random_seed(seed)
        return keras.Sequential([keras.Input((3,)), layers.Dense(1, activation="sigmoid")])

    models = [make(seed) for seed in range(3)]
    ensemble = Ensemble(models[0], models, temperatures=[1, 2, 4])
    x = np.random.default_rng(0).standard_normal((20, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    logits = np.stack([x @ numpy(m.layers[0].kernel) for m in models]).astype("float64")
    each = 1 / (1 + np.exp(-logits / np.array([1, 2, 4])[:, None, None]))
    assert_near(ensemble(x), each.mean(0))
    ensemble.compile(loss="binary_crossentropy")
    loss = scores.score(each.mean(0), y)["loss"]
    assert ensemble.evaluate(x, y[:, None], verbose=0) == pytest.approx(loss, rel=1e-4)
    result = ensemble.evaluate_members((x, y[:, None]), verbose=0)
    assert result.scores["loss"] == pytest.approx(loss, rel=1e-5)
    assert_near(result.disagreement, scores.disagreement_matrix(each))


def test_regression():
    def make(seed):
        keras.utils.set_random_seed(seed)
        return keras.Sequential([keras.Input((3,)), layers.Dense(1)])

    models = [make(seed) for seed in range(3)]
    ensemble = Ensemble(models[0], models, output="regression")
    x, y = np.ones((4, 3), "float32"), np.arange(4.0)
    each = np.stack([numpy(m(x)) for m in models])
    assert_near(ensemble(x), each.mean(0))
    result = ensemble.evaluate_members((x, y), verbose=0)
    assert result.disagreement is None
    assert result.scores["loss"] == pytest.approx(np.mean((each.mean(0)[:, 0] - y) ** 2))
    mean, variance = each.mean(0)[:, 0], each.var(0)[:, 0]
    np.testing.assert_allclose(result.variance, variance, rtol=1e-4)
    expected = np.mean(0.5 * np.log(2 * np.pi * variance) + (mean - y) ** 2 / (2 * variance))
    assert result.scores["negative_log_likelihood"] == pytest.approx(expected, rel=1e-4)
    assert np.isnan(result.cumulative["negative_log_likelihood"][0])


# Kinds of outputs.


def test_the_output_is_told_by_the_network_or_its_loss():
    model = ZOO["dense"].model(0)
    with pytest.raises(ValueError, match="output='logits'"):
        Ensemble(model, [model])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert Ensemble(model, [model]).output_kind == "logits"
    assert repr(Ensemble(model, [model])) == "<Ensemble: 1 member, logits>"
    assert repr(Ensemble(model, [model, model])) == "<Ensemble: 2 members, logits>"
    last = layers.Softmax()(model.output)
    assert Ensemble(keras.Model(model.input, last), 1).output_kind == "probabilities"
    nested = keras.Sequential([keras.Input((5,)), keras.Model(model.input, last)])
    assert Ensemble(nested, 1).output_kind == "probabilities"
    several = keras.Model(model.input, layers.Dense(4, activation="sigmoid")(model.output))
    with pytest.raises(ValueError, match="exclude each other"):
        Ensemble(several, 1)
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    assert Ensemble(model, 1).output_kind == "multilabel_logits"
    with pytest.raises(ValueError, match="binary loss on 3 outputs: labels that do not exclude"):
        Ensemble(model, 1, output="logits")
    with pytest.raises(ValueError, match="'logits', 'probabilities', 'regression'"):
        Ensemble(model, 1, output="classes")
    for last in (layers.Dense(3, "softmax"), layers.Dense(1, "sigmoid"), layers.Softmax()):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3), last])
        with pytest.raises(ValueError, match="softmax or sigmoid.*output='probabilities'"):
            Ensemble(model, 1, output="logits")


# Members, from everywhere.


@pytest.mark.usefixtures("eagerly")
def test_members_from_files_models_and_vectors(tmp_path):
    model, *models = networks("conv_bn", 6)
    model.compile("adam", "mse")  # an optimizer in the file of weights is left alone
    model.optimizer.build(model.trainable_variables)
    models[1].compile("adam", "mse")
    models[1].optimizer.build(models[1].trainable_variables)
    models[1].optimizer.iterations.assign(7)
    before = snapshot(model) + [numpy(v) for v in model.optimizer.variables]
    models[0].save(tmp_path / "a.keras")
    models[1].save_weights(tmp_path / "b.weights.h5")
    save_snapshot(tmp_path / "c.npz", take_snapshot(models[2]))
    members = [
        tmp_path / "a.keras",
        str(tmp_path / "b.weights.h5"),
        tmp_path / "c.npz",
        models[3],
        take_snapshot(models[4]),
        flat_weights(models[0]),
    ]
    ensemble = Ensemble(model, members, output="logits")
    x, _ = ZOO["conv_bn"].data(5)
    each = expected(models, x)
    found = ensemble.member_predictions(x)
    assert_near(found[:5], each)
    assert np.abs(found[5] - each[0]).max() > 1e-4  # statistics are the model's
    assert_same(before, snapshot(model) + [numpy(v) for v in model.optimizer.variables])
    copy = ensemble.member(-2)
    assert copy is not model
    assert_same(snapshot(copy), snapshot(models[4]))
    larger = ensemble.add(models[3])
    assert (ensemble.num_members, larger.num_members) == (6, 7)
    assert_near(larger.member_predictions(x)[6], each[3])


def test_snapshots_are_matched_by_name_too():
    """Gains are not mistaken for offsets of the same shape."""

    class Affine(layers.Layer):
        def __init__(self, *names):
            super().__init__()
            self.names = names

        def build(self, shape):
            self.numbers = [self.add_weight(name=name, shape=(3,)) for name in self.names]

        def call(self, x):
            return x

    def model(*names):
        return keras.Sequential([keras.Input((3,)), Affine(*names), layers.Dense(2)])

    member = take_snapshot(model("beta", "gamma"))
    with pytest.raises(ValueError, match="first differ at variable 0: '.*beta'.*'.*gamma'"):
        member.check_fits(model("gamma", "beta"))
    member.check_fits(model("beta", "gamma"))
    member.check_fits(model("beta_1", "gamma_17"))  # numbers are Keras' own


def test_members_of_a_model_that_cannot_be_copied(tmp_path):
    models = networks("unregistered")
    models[1].save_weights(tmp_path / "b.weights.h5")
    ensemble = Ensemble(models[2], [models[0], tmp_path / "b.weights.h5"], output="logits")
    with pytest.raises(ValueError, match="assign_member"):
        ensemble.member(0)
    into = ensemble.assign_member(1, into=models[0])
    assert_same(snapshot(into), snapshot(models[1]))
    with pytest.raises(ValueError, match="register_keras_serializable"):
        ensemble.save(tmp_path / "e.keras")


def narrow(model):
    return keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.Dense(3)])


def deeper(model):
    """All weights of the model, and more of them."""
    return keras.Model(model.input, layers.Dense(3)(model.output))


@pytest.mark.parametrize("other", [narrow, deeper])
@pytest.mark.parametrize("kind", ["model", "npz", "keras", "weights.h5", "vector"])
def test_members_that_do_not_fit(other, kind, tmp_path):
    model = ZOO["dense"].model(0)
    member, path = other(model), tmp_path / f"member.{kind}"
    if kind == "npz":
        save_snapshot(path, take_snapshot(member))
    elif kind == "keras":
        member.save(path)
    elif kind == "weights.h5":
        member.save_weights(path)
    member = {"model": member, "vector": flat_weights(member)}.get(kind, path)
    before = snapshot(model)
    with pytest.raises(ValueError, match="first differ|has shape") as caught:
        Ensemble(model, [model, member], output="logits")
    assert "member 1" in str(caught.value)
    assert_same(before, snapshot(model))


@pytest.mark.parametrize("kind", ["npz", "keras", "weights.h5"])
def test_damaged_and_missing_files(kind, tmp_path):
    model, path = ZOO["dense"].model(0), tmp_path / f"member.{kind}"
    with pytest.raises(FileNotFoundError, match="member"):
        Ensemble(model, [path], output="logits")
    if kind == "npz":
        save_snapshot(path, take_snapshot(model))
    else:
        model.save(path) if kind == "keras" else model.save_weights(path)
    path.write_bytes(path.read_bytes()[:300])
    before = snapshot(model)
    with pytest.raises(ValueError, match="300 bytes"):
        Ensemble(model, [path], output="logits")
    assert_same(before, snapshot(model))


def test_an_average_is_not_said_to_be_damaged(tmp_path):
    model = ZOO["dense"].model(0)
    np.savez(tmp_path / "average.npz", mean=np.zeros(3), count=2)
    with pytest.raises(ValueError, match="not a snapshot: it holds mean, count.*swa.keras"):
        Ensemble(model, [tmp_path / "average.npz"], output="logits")


def test_a_file_of_an_unregistered_class_cannot_be_a_member_but_the_model_can(tmp_path):
    class Own(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(np.zeros((1, 2), "float32"))
    model.save(tmp_path / "member.keras")
    words = "member.keras' \\(member 0\\).*not registered.*loaded model itself"
    with pytest.raises(ValueError, match=words):
        Ensemble(model, [tmp_path / "member.keras"], output="logits")
    assert Ensemble(model, [model], output="logits").num_members == 1


def test_other_mistakes(tmp_path):
    model = ZOO["dense"].model(0)
    for members in ([], 0):
        with pytest.raises(ValueError, match="at least one member"):
            Ensemble(model, members, output="logits")
    with pytest.raises(ValueError, match=r"\.npz"):
        Ensemble(model, ["weights.txt"], output="logits")
    with pytest.raises(ValueError, match="NaN"):
        Ensemble(model, [flat_weights(model) * np.nan], output="logits")
    with pytest.raises(ValueError, match="one output"):
        Ensemble(ZOO["two_inputs"].model(0), 1, output="logits")
    with pytest.raises(ValueError, match="stateful=False"):
        Ensemble(ZOO["stateful_lstm"].model(0), 1, output="logits")
    with pytest.raises(ValueError, match="not built"):
        Ensemble(keras.Sequential([layers.Dense(2)]), 1, output="logits")
    ensemble = Ensemble(model, 2, output="logits")
    for temperatures in ([1.0], [1.0, 0.0], [1.0, np.inf]):
        with pytest.raises(ValueError, match="2 positive numbers"):
            ensemble.temperatures = temperatures
    with pytest.raises(ValueError, match="members 0 to 1"):
        ensemble.member(2)
    x, y = ZOO["dense"].data(8)
    with pytest.raises(ValueError, match="not compiled.*evaluate_members"):
        ensemble.evaluate(x, y, verbose=0)
    with pytest.raises(TypeError, match="`cache` must be a path"):
        ensemble.evaluate_members(x, y)  # for (x, y)


# Saving.


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", ["subclassed", "mixed"])
def test_a_saved_ensemble_predicts_the_same(name, tmp_path):
    _, ensemble = small(name, temperatures=[1, 2, 3])
    x, _ = ZOO[name].data(5)
    wanted = numpy(ensemble(x))
    ensemble.save(tmp_path / "e.keras")
    loaded = keras.saving.load_model(tmp_path / "e.keras")
    assert_same([wanted], [numpy(loaded(x))])
    assert_same(snapshot(ensemble), snapshot(loaded))
    assert loaded.output_kind == "logits"
    again = Ensemble.from_config(ensemble.get_config())
    assert again.num_members == 3
    ensemble.save_weights(tmp_path / "e.weights.h5")
    again.load_weights(tmp_path / "e.weights.h5")
    assert_same([wanted], [numpy(again(x))])


# Curves.


@pytest.mark.usefixtures("eagerly")
def test_an_ensemble_of_points_of_a_curve():
    start, end = networks("conv_bn", 2)
    curve = mc_tf.connect(start, end, mc_tf.Bezier(1))
    curve.curve_layer.points[1].assign_add(0.1 * np.ones(curve.curve_layer.points[1].shape))
    curve.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, _ = ZOO["conv_bn"].data(9)
    ensemble = Ensemble.from_curve(curve, 3)
    points = [curve.point(t) for t in (0, 0.5, 1)]
    assert_near(ensemble.member_predictions(x), expected(points, x))
    before = snapshot(start)
    assert ensemble.update_batch_norm(x, batch_size=4, verbose=0) == 1
    for point in points:
        mc_tf.update_batch_norm(point, x, batch_size=4)
    assert_near(ensemble.member_predictions(x), expected(points, x))
    assert_same(before, snapshot(start))
    drawn = np.random.default_rng(0).uniform(size=4)
    assert Ensemble.from_curve(curve, drawn).num_members == 4
    with pytest.raises(ValueError, match="at least 2"):
        Ensemble.from_curve(curve, 1)
    with pytest.raises(ValueError, match="1.5"):
        Ensemble.from_curve(curve, [0.5, 1.5])


def test_update_batch_norm_that_fails_changes_nothing():
    _, ensemble = small("conv_bn")
    before = snapshot(ensemble)

    class Broken:
        def __iter__(self):
            yield ZOO["conv_bn"].data(4)
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        ensemble.update_batch_norm(Broken(), verbose=0)
    assert_same(before, snapshot(ensemble))
    assert small("dense")[1].update_batch_norm(ZOO["dense"].data(), verbose=0) == 0


# Evaluation and its cache.


def test_scores_of_members_and_of_the_growing_ensemble(tmp_path):
    models, ensemble = small("conv_bn", temperatures=[1, 2, 3])
    x, y = ZOO["conv_bn"].data(30)
    result = ensemble.evaluate_members((x, y), batch_size=8, verbose=0)
    logits = np.stack([numpy(m(x, training=False)) for m in models])
    each = softmax(logits / np.array([1, 2, 3])[:, None, None])
    for m in range(3):
        own, grown = scores.score(each[m], y), scores.score(each[: m + 1].mean(0), y)
        for key in own:
            assert result.members[key][m] == pytest.approx(own[key], rel=1e-4, abs=1e-6)
            assert result.cumulative[key][m] == pytest.approx(grown[key], rel=1e-4, abs=1e-6)
    matrix = scores.disagreement_matrix(each)
    assert_near(result.disagreement, matrix)
    assert result.mean_disagreement == pytest.approx(
        (matrix[0, 1] + matrix[0, 2] + matrix[1, 2]) / 3
    )
    assert_near(result.predictions, ensemble(x))
    groups, heads, *rows = result.table().splitlines()
    assert (
        groups.split() == ["member", "ensemble"] and heads.split()[:4] == "n error (%) loss".split()
    )
    for m, row in enumerate(rows):
        parts = (result.members, result.cumulative)
        shown = [part[name][m] for part in parts for name in ("error", "loss", "calibration_error")]
        assert row.split() == [str(m + 1), *(f"{value:.4f}" for value in shown)]
    assert len({len(line) for line in (groups, heads, *rows)}) == 1 and len(rows) == 3
    result.save(tmp_path / "result.npz")
    with np.load(tmp_path / "result.npz") as stored:
        assert_near(stored["cumulative:loss"], result.cumulative["loss"])
    onehot = ensemble.evaluate_members((x, np.eye(3)[y]), verbose=0)
    assert_near(onehot.members["loss"], result.members["loss"])


def test_the_cache_saves_passes(tmp_path):
    models, ensemble = small(count=2)
    data = Counted(*ZOO["dense"].data(10))
    first = ensemble.evaluate_members(data, tmp_path / "cache", verbose=0)
    assert data.passes == 2
    ensemble.temperatures = [2, 2]  # temperatures come after the cache
    again = ensemble.evaluate_members(data, tmp_path / "cache", verbose=0)
    assert data.passes == 2
    assert again.scores["loss"] != first.scores["loss"]
    ensemble.fit_temperature(data, cache=tmp_path / "cache", verbose=0)
    assert data.passes == 2
    larger = ensemble.add(ZOO["dense"].model(7))
    larger.temperatures = [1, 1, 1]
    grown = larger.evaluate_members(data, tmp_path / "cache", verbose=0)
    assert data.passes == 3
    assert_near(grown.cumulative["loss"][:2], first.cumulative["loss"])
    # Another network with the same weights is another member; other batches are the same data.
    linear = keras.Sequential([keras.Input((5,)), layers.Dense(6), layers.Dense(3)])
    other = Ensemble(linear, ensemble.members, output="logits")
    sizes = Counted(data.x, data.y, size=3)
    other.evaluate_members(sizes, tmp_path / "cache", verbose=0)
    assert sizes.passes == 2
    ensemble.evaluate_members(sizes, tmp_path / "cache", verbose=0)
    assert sizes.passes == 2


def test_a_full_disk_leaves_the_predictions_that_are_there(tmp_path):
    models, ensemble = small("dense")
    dataset = ZOO["dense"].data(11)
    Ensemble(models[0], models[:2], output="logits").evaluate_members(dataset, tmp_path, verbose=0)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with full_disk(), pytest.raises(OSError, match="File too large. What was written before"):
        ensemble.evaluate_members(dataset, tmp_path, verbose=0)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    found = ensemble.evaluate_members(dataset, tmp_path, verbose=0)
    np.testing.assert_array_equal(
        found.predictions, ensemble.evaluate_members(dataset, verbose=0).predictions
    )


@pytest.mark.usefixtures("eagerly")
def test_members_in_files(tmp_path):
    models, ensemble = small("conv_bn")
    files = [tmp_path / "a.npz", tmp_path / "b.keras", tmp_path / "c.weights.h5"]
    save_snapshot(files[0], take_snapshot(models[0]))
    models[1].save(files[1])
    models[2].save_weights(files[2])
    dataset = ZOO["conv_bn"].data(11)
    wanted = ensemble.evaluate_members(dataset, verbose=0)
    networks = MemberFiles(models[0], files, output="logits")
    found = evaluate_members(networks, dataset, verbose=0)
    np.testing.assert_array_equal(found.predictions, wanted.predictions)
    np.testing.assert_array_equal(found.disagreement, wanted.disagreement)
    np.testing.assert_array_equal(
        fit_temperature(networks, dataset, verbose=0),
        ensemble.fit_temperature(dataset, verbose=0),
    )
    with pytest.raises(FileNotFoundError, match="There is no file.*missing.npz"):
        MemberFiles(models[0], [files[0], "missing.npz"], output="logits")
    with pytest.raises(ValueError, match="`files` is empty"):
        MemberFiles(models[0], [], output="logits")
    files[1].write_bytes(files[1].read_bytes()[:500])
    with pytest.raises(ValueError, match="b.keras"):  # before any pass over the data
        MemberFiles(models[0], files, output="logits")


def test_the_cache_knows_a_member_again_from_a_file(tmp_path):
    data = Counted(*ZOO["dropout"].data(10))
    members = []
    for index, model in enumerate(networks("dropout", 2)):
        members.append(tmp_path / f"{index}.keras")
        model.save(members[-1])
    for seed in (3, 4):  # Keras gives the layers new names and dropout a new seed
        ensemble = Ensemble(ZOO["dropout"].model(seed), members, output="logits")
        ensemble.evaluate_members(data, tmp_path / "cache", verbose=0)
        assert data.passes == 2


@on_tensorflow
def test_the_cache_with_data_sets_of_tensorflow(tmp_path):
    import tensorflow as tf

    _, ensemble = small()
    x, y = ZOO["dense"].data(20)
    data = tf.data.Dataset.from_tensor_slices((x, y))
    result = ensemble.evaluate_members(data.batch(4), tmp_path, verbose=0)
    for batches in (data.batch(4), data.batch(7)):
        again = ensemble.evaluate_members(batches, tmp_path, verbose=0)
        assert_same([result.predictions], [again.predictions])
    with pytest.raises(ValueError, match="another data set, of 20 examples"):
        ensemble.evaluate_members(data.take(10).batch(4), tmp_path, verbose=0)


def test_a_killed_evaluation_goes_on(tmp_path):
    _, ensemble = small()
    killed = Counted(*ZOO["dense"].data(10), stop=2)
    with pytest.raises(KeyboardInterrupt):
        ensemble.evaluate_members(killed, tmp_path, verbose=0)
    rest = Counted(killed.x, killed.y)
    found = ensemble.evaluate_members(rest, tmp_path, verbose=0)
    assert rest.passes == 2  # the second was stopped before it was written
    assert_near(found.members["loss"], ensemble.evaluate_members(rest, verbose=0).members["loss"])
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
    # A file that is damaged is computed again; half a file of a killed process goes.
    members = sorted(tmp_path.glob("member-*"))
    (tmp_path / f".{members[0].stem}-abcdefgh.npz").write_bytes(b"half a file")
    members[0].write_bytes(members[0].read_bytes()[:100])
    ensemble.evaluate_members(rest, tmp_path, verbose=0)
    assert rest.passes == 6
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


CHANGES = ["inputs", "labels", "later labels", "later labels of a stream", "fewer", "more"]


@pytest.mark.parametrize("change", CHANGES)
def test_another_data_set_is_refused(change, tmp_path):
    _, ensemble = small()
    x, y = ZOO["dense"].data(20)
    ensemble.evaluate_members((x[:10], y[:10]), tmp_path, batch_size=4, verbose=0)
    size = {"fewer": 9, "more": 11}.get(change, 10)
    x, y = x[:size].copy(), y[:size].copy()
    if change == "inputs":
        x[3] += 1
    elif change == "labels":
        y[0] = 1 - y[0]
    elif change == "later labels":
        y[9] = 1 - y[9]
    data = (x, y)
    if change == "later labels of a stream":
        y[9] = 1 - y[9]
        data = Counted(x, y)
        ensemble.evaluate_members(data, tmp_path, verbose=0)  # not noticed, as the docstring says
        ensemble = ensemble.add(ZOO["dense"].model(5))  # so that there is a pass
    with pytest.raises(ValueError, match="another data set, of 10 examples"):
        ensemble.evaluate_members(data, tmp_path, batch_size=4, verbose=0)


def test_data_in_another_order_at_each_pass_is_refused():
    _, ensemble = small()
    x, y = ZOO["dense"].data(12)

    class Shuffled:
        offset = 0

        def __iter__(self):
            self.offset += 1
            yield np.roll(x, self.offset, 0), np.roll(y, self.offset)

    with pytest.raises(ValueError, match="shuffle"):
        ensemble.evaluate_members(Shuffled(), verbose=0)
    with pytest.raises(ValueError, match="no labels"):
        ensemble.evaluate_members(x, verbose=0)


# Temperatures.


def test_temperatures_divide_the_logits():
    for name in ("dense", "probabilities"):
        models, ensemble = small("dense", temperatures=[0.5, 1, 3])
        x, _ = ZOO["dense"].data(6)
        logits = np.stack([numpy(m(x)) for m in models])
        if name == "probabilities":
            models = [keras.Model(m.input, layers.Softmax()(m.output)) for m in models]
            ensemble = Ensemble(models[0], models, temperatures=[0.5, 1, 3])
        each = softmax(logits / np.array([0.5, 1, 3])[:, None, None])
        assert_near(ensemble(x), each.mean(0))
        assert_near(ensemble.member_predictions(x), each)


def test_temperatures_from_loss():
    assert_near(temperatures_from_loss([0.4, 0.2, 0.6]), np.array([2, 1, 3]))
    assert_near(temperatures_from_loss([0.4, 0.1], power=0.5), np.array([2, 1]))
    for losses in ([0.1, 0.0], [], [np.nan]):
        with pytest.raises(ValueError, match="positive"):
            temperatures_from_loss(losses)


def overconfident(scales, size=4000):
    """Members that multiply calibrated logits by known factors, with labels drawn from them."""
    rng = np.random.default_rng(0)
    x = 2 * rng.standard_normal((size, 3)).astype("float32")
    y = (softmax(x).cumsum(1) < rng.uniform(size=(size, 1))).sum(1)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3, use_bias=False)])
    members = np.stack([scale * np.eye(3).ravel() for scale in scales]).astype("float32")
    return Ensemble(model, members, output="logits"), (x, y)


def test_fit_temperature_finds_the_factors():
    ensemble, data = overconfident([1, 3, 0.5])
    found = ensemble.fit_temperature(data, verbose=0)
    np.testing.assert_allclose(found, [1, 3, 0.5], rtol=0.1)
    losses = ensemble.evaluate_members(data, verbose=0).members["loss"]
    for factor in (0.97, 1.03):  # it is the minimum
        ensemble.temperatures = factor * found
        assert (ensemble.evaluate_members(data, verbose=0).members["loss"] > losses).all()


def test_labels_of_a_temperature():
    ensemble, (x, y) = overconfident([2], size=200)
    found = ensemble.fit_temperature((x, y), verbose=0)
    np.testing.assert_array_equal(
        ensemble.fit_temperature((x, y.astype("float32")), verbose=0), found
    )
    for bad in (-1, 3, 0.5):
        wrong = np.where(np.arange(len(y)) == 7, bad, y)
        for per_member in (True, False):
            with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
                ensemble.fit_temperature((x, wrong), per_member=per_member, verbose=0)
    np.testing.assert_array_equal(ensemble.temperatures, found)


def test_fit_one_temperature_for_all():
    ensemble, data = overconfident([4, 4])
    found = ensemble.fit_temperature(data, per_member=False, verbose=0)
    np.testing.assert_allclose(found, [4, 4], rtol=0.1)
    with pytest.raises(ValueError, match="classifiers"):
        Ensemble(ensemble.model, 2, output="regression").fit_temperature(data)


# Export.

SERVE = """
import sys
sys.modules["keras"] = sys.modules["mc_tf"] = None  # importing them raises ImportError
import numpy as np
import tensorflow as tf
directory = sys.argv[1]
serve = tf.saved_model.load(directory + "/served").signatures["serving_default"]
with np.load(directory + "/data.npz") as data:
    for size in (1, int(data["size"])):
        inputs = {k[2:]: tf.constant(data[k][:size]) for k in data.files if k.startswith("x:")}
        found = serve(**inputs)
        assert sorted(found) == sorted(k[2:] for k in data.files if k.startswith("y:")), found
        for name, value in found.items():
            wanted = data["y:" + name][:size]
            assert value.dtype == wanted.dtype, (name, value.dtype)
            np.testing.assert_allclose(value.numpy(), wanted, rtol=1e-6, atol=1e-6)
assert not [name for name in sys.modules if name.startswith(("keras.", "mc_tf."))]
"""


def serve(directory, inputs, outputs):
    """Compares an export with numbers in a process that has only TensorFlow."""
    arrays = {f"x:{key}": value for key, value in inputs.items()}
    arrays |= {f"y:{key}": value for key, value in outputs.items()}
    size = len(next(iter(inputs.values())))
    np.savez(directory / "data.npz", size=size, **arrays)
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [sys.executable, "-c", SERVE, str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=directory)
    assert done.returncode == 0, done.stderr[-2000:]


@on_tensorflow
def test_an_export_serves_without_keras(tmp_path):
    models, ensemble = small("conv_bn", count=12, temperatures=np.linspace(1, 3, 12))
    x, _ = ZOO["conv_bn"].data(11)
    ensemble.export(tmp_path / "served")
    each, mean = ensemble.member_predictions(x), ensemble.predict(x, verbose=0)
    chosen = mean.argmax(1)
    differs = (each.argmax(2) != chosen).mean(0).astype("float32")
    assert differs.any()
    outputs = {"probabilities": mean, "class": chosen.astype("int64"), "disagreement": differs}
    serve(tmp_path, {"inputs": x}, outputs)


@on_tensorflow
@pytest.mark.parametrize("name", ["dict", "subclassed", "binary", "regression"])
def test_exports_of_every_kind(name, tmp_path):
    import tensorflow as tf

    example = None
    if name == "dict":
        both = ZOO["two_inputs"].model(0)
        model, output = keras.Model(both.input, both.outputs[0]), "logits"
        x = ZOO["two_inputs"].data(5)[0]
    elif name == "binary":
        last = layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input((3,), name="measured"), last])
        x, output = np.ones((4, 3), "float32"), None
    elif name == "regression":
        model, (x, _), output = ZOO["dense"].model(0), ZOO["dense"].data(5), "regression"
    else:
        model, (x, _), output = ZOO[name].model(0), ZOO[name].data(5), "logits"
        example = x[:1]
    rng = np.random.default_rng(0)
    shape = (3, flat_weights(model).size)
    members = rng.standard_normal(shape).astype("float32")
    ensemble = Ensemble(model, members, output=output)
    if name == "subclassed":
        with pytest.raises(ValueError, match="example"):
            ensemble.export(tmp_path / "served")
    ensemble.export(tmp_path / "served", example=example)
    function = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    inputs = x
    if not isinstance(x, dict):
        inputs = {"measured" if name == "binary" else "inputs": x}
    found = function(**{key: tf.constant(value) for key, value in inputs.items()})
    each = ensemble.member_predictions(x)
    if name == "regression":
        assert_near(found, {"mean": each.mean(0), "variance": each.var(0)}, 1e-5)
    else:
        mean = numpy(ensemble(x))
        assert_near(found["probabilities"], mean, 1e-6)
        chosen = mean[:, 0] > 0.5 if name == "binary" else mean.argmax(1)
        own = each[..., 0] > 0.5 if name == "binary" else each.argmax(2)
        assert_near(found["class"], chosen.astype("int64"))
        assert_near(found["disagreement"], (own != chosen).mean(0))


@on_tensorflow
def test_an_export_of_a_model_without_a_graph_needs_an_example(tmp_path):
    model = keras.Sequential([layers.Concatenate(), layers.Dense(2)])
    model([np.zeros((1, 2), "float32")] * 2)
    with pytest.raises(ValueError, match="no graph. Pass a batch.*example=x"):
        Ensemble(model, 1, output="logits").export(tmp_path / "served")


@on_tensorflow
def test_an_export_replaces_a_savedmodel_and_nothing_else(tmp_path):
    _, ensemble = small()
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    for path in (other, other / "notes.txt"):
        with pytest.raises(ValueError, match="not a SavedModel"):
            ensemble.export(path)
    assert (other / "notes.txt").read_text() == "mine"
    (tmp_path / "served").mkdir()
    for _ in range(2):
        ensemble.export(tmp_path / "served")
    assert (tmp_path / "served" / "saved_model.pb").exists()
    assert sorted(os.listdir(tmp_path)) == ["other", "served"]
    size = sum(v.size for v in map(numpy, [*ensemble.variables, *state_variables(ensemble)])) * 4
    variables = tmp_path / "served" / "variables" / "variables.data-00000-of-00001"
    assert variables.stat().st_size < size + 2000  # the members, and not the model's own weights


@on_tensorflow
def test_what_a_killed_export_left(tmp_path, monkeypatch):
    _, ensemble = small()
    ensemble.export(tmp_path / "served")
    before = files_in(tmp_path)
    # Killed after the old one was removed and before the new one was in its place.
    hidden = tmp_path / ".served-abcdefgh"
    (hidden / "new").mkdir(parents=True)
    (tmp_path / "served").rename(hidden / "old")
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ensemble.export(tmp_path / "served")
    assert files_in(tmp_path) == before


@on_tensorflow
def test_a_full_disk_while_exporting_leaves_what_was_there(tmp_path, monkeypatch):
    import tensorflow as tf

    _, ensemble = small()
    ensemble.export(tmp_path / "served")
    before = files_in(tmp_path)

    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(OSError, match="served.*No space left.*untouched"):
        ensemble.export(tmp_path / "served")
    assert files_in(tmp_path) == before


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="it exports there")
def test_an_export_needs_tensorflow(tmp_path):
    with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow"):
        small()[1].export(tmp_path / "served")
