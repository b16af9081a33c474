"""`merge` and `greedy_soup`: ordinary models out, whatever networks go in."""

import re
import warnings

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import NAMES, ZOO, assert_same, flat, long_under_jax, numpy, snapshot, some

import mc_tf
from mc_tf import merging
from mc_tf.storage.snapshots import save_snapshot, take_snapshot

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((60, 4)).astype("float32"), RNG.integers(0, 3, 60).astype("int32")
DATA = (X, Y)
LOSS = keras.losses.SparseCategoricalCrossentropy


def network(seed, norm=False, units=8, compiled=True, **options):
    keras.utils.set_random_seed(seed)
    parts = [keras.Input((4,)), layers.Dense(units, "tanh", **options)]
    parts += [layers.BatchNormalization()] if norm else []
    model = keras.Sequential([*parts, layers.Dense(3)])
    if compiled:
        adam = keras.optimizers.Adam(0.03)
        model.compile(adam, LOSS(from_logits=True), metrics=["accuracy"])
    return model


def fine_tuned(base, seed, size=0.1):
    """A copy near a base, with its own statistics."""
    rng = np.random.default_rng(seed)
    model = keras.models.clone_model(base)
    for ours, theirs in zip(model.variables, base.variables):
        if "float" in ours.dtype:
            step = size * rng.standard_normal(ours.shape) * (3 if rng.random() < 0.3 else 1)
            value = numpy(theirs) + (abs(step) if "variance" in ours.name else step)
            ours.assign(value.astype("float32"))
    model.compile("sgd", LOSS(from_logits=True), metrics=["accuracy"])
    return model


@pytest.fixture
def family():
    base = network(0)
    return base, [fine_tuned(base, seed) for seed in range(1, 4)]


@pytest.fixture
def normalized():
    base = network(0, norm=True)
    return base, [fine_tuned(base, seed, 0.5) for seed in range(1, 4)]


def quietly(function, *args, **kwargs):
    """A call that must not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return function(*args, **kwargs)


METHODS = {
    "uniform": (lambda w, b: merging.uniform(w), {}),
    "task_arithmetic": (lambda w, b: merging.task_arithmetic(w, b, 0.3), {"scale": 0.3}),
    "ties": (lambda w, b: merging.ties(w, b, 0.5, 0.9), {"density": 0.5, "scale": 0.9}),
    "dare": (
        lambda w, b: merging.task_arithmetic(merging.dare(w, b, 0.3, 5), b, 0.4),
        {"drop": 0.3, "seed": 5},
    ),
    "dare_ties": (
        lambda w, b: merging.ties(merging.dare(w, b, 0.3, 0), b, 1.0, 1.0),
        {"drop": 0.3},
    ),
}


@pytest.mark.parametrize("method", some(list(METHODS), list(METHODS), ["ties"]))
def test_methods(method, family):
    base, models = family
    before = [snapshot(model) for model in (base, *models)]
    formula, options = METHODS[method]
    given = {} if method == "uniform" else {"base": base}
    merged = quietly(mc_tf.merge, models, method, **given, **options)
    expected = formula(np.stack([flat(model) for model in models]), flat(base))
    np.testing.assert_allclose(flat(merged), expected, rtol=1e-5, atol=1e-6)
    assert type(merged) is keras.Sequential and merged.compiled
    assert type(merged.optimizer) is keras.optimizers.SGD  # as the first
    for values, model in zip(before, (base, *models)):
        assert_same(values, snapshot(model))
    merged.fit(X, Y, epochs=1, verbose=0)


def test_slerp(family):
    base, models = family
    merged = mc_tf.merge(models[:2], "slerp", t=0.25)
    expected = merging.slerp([flat(model) for model in models[:2]], t=0.25)
    np.testing.assert_allclose(flat(merged), expected, rtol=1e-5, atol=1e-6)
    merged = mc_tf.merge(models[:2], "slerp", base)
    expected = merging.slerp([flat(model) for model in models[:2]], flat(base))
    np.testing.assert_allclose(flat(merged), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", some(NAMES, ("dense", "conv_bn"), jax=("dense",)))
def test_any_network(name):
    case = ZOO[name]
    models = [case.model(seed) for seed in range(2)]
    into = None if case.clones else case.model(2)
    if name == "frozen":
        models[1].layers[0].set_weights(models[0].layers[0].get_weights())
        models[1].layers[1].set_weights(models[0].layers[1].get_weights())
    x, y = case.data()
    models[0].compile(loss=case.loss())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        merged = mc_tf.merge(models, validation=(x, y), batch_size=4, into=into, verbose=0)
    mean = np.mean([flat(model) for model in models], axis=0)
    np.testing.assert_allclose(flat(merged), mean, rtol=case.tolerance, atol=case.tolerance)
    merged.predict(x, batch_size=4, verbose=0)


# What is no weight.


def statistics(model):
    return [numpy(v) for v in model.layers[1].non_trainable_variables]


def test_statistics_are_averaged_with_a_warning(normalized):
    base, models = normalized
    with pytest.warns(UserWarning, match="has batch normalization.*pass `batch_norm_data`"):
        merged = mc_tf.merge(models)
    for found, each in zip(statistics(merged), zip(*map(statistics, models))):
        np.testing.assert_allclose(found, np.mean(each, 0), rtol=1e-5)
    with pytest.warns(UserWarning, match="has batch normalization"):
        merged = mc_tf.merge(models[:2], "slerp", base, t=0.25)
    for found, (one, two) in zip(statistics(merged), zip(*map(statistics, models[:2]))):
        np.testing.assert_allclose(found, 0.75 * one + 0.25 * two, rtol=1e-5)


@pytest.mark.parametrize("method", ["uniform", "ties"])
def test_statistics_are_estimated_on_data(method, normalized):
    base, models = normalized
    given = {} if method == "uniform" else {"base": base}
    merged = quietly(mc_tf.merge, models, method, batch_norm_data=X, **given)
    kernel, bias = (numpy(v) for v in merged.layers[0].weights)
    hidden = np.tanh(X @ kernel + bias)
    mean, variance = statistics(merged)
    np.testing.assert_allclose(mean, hidden.mean(0), atol=1e-5)
    np.testing.assert_allclose(variance, hidden.var(0), atol=1e-5)


def test_frozen_weights_must_be_equal():
    base = network(0)
    base.layers[0].trainable = False
    models = [keras.models.clone_model(base) for _ in range(2)]
    for model in models:
        model.set_weights(base.get_weights())
        model.layers[1].kernel.assign_add(np.ones((8, 3)))
    merged = mc_tf.merge(models)
    np.testing.assert_array_equal(numpy(merged.layers[0].kernel), numpy(base.layers[0].kernel))
    models[1].layers[0].bias.assign(np.ones(8))
    with pytest.raises(ValueError, match="frozen weight '.*bias' differs between model 0 and mo"):
        mc_tf.merge(models)
    models[1].layers[0].bias.assign(np.zeros(8))
    base.layers[0].kernel.assign_add(np.ones((4, 8)))
    with pytest.raises(ValueError, match="frozen weight .* differs between model 0 and `base`"):
        mc_tf.merge(models, "ties", base)


class Counting(keras.layers.Layer):
    """Counts its calls in training, and keeps a moving maximum."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), dtype="int64", trainable=False, name="calls")
        self.most = self.add_weight((), "zeros", trainable=False, name="most")

    def call(self, x, training=False):
        if training:
            self.calls.assign_add(1)
            self.most.assign(keras.ops.maximum(self.most, keras.ops.max(x)))
        return x

    def compute_output_shape(self, shape):
        return shape


@long_under_jax
def test_other_variables_are_those_of_the_first_with_a_warning():
    models = [keras.Sequential([keras.Input((4,)), Counting(), layers.Dense(2)]) for _ in "ab"]
    quietly(mc_tf.merge, models)
    models[0].layers[0].calls.assign(3)
    with pytest.warns(UserWarning, match="updates .*counting.*/calls, which no formula merges"):
        merged = mc_tf.merge(models)
    assert int(merged.layers[0].calls) == 3


def test_constraints_hold():
    base = network(0, kernel_constraint="non_neg")
    models = [fine_tuned(base, seed) for seed in (1, 2)]
    merged = mc_tf.merge(models, "task_arithmetic", base, scale=-3.0)
    kernel = numpy(merged.layers[0].kernel)
    assert kernel.min() == 0 and kernel.max() > 0
    assert numpy(merged.layers[1].kernel).min() < 0


# What networks can be given as.


@long_under_jax
def test_files_and_ensembles(family, tmp_path, monkeypatch):
    base, models = family
    expected = np.mean([flat(model) for model in models], axis=0)
    models[0].save(tmp_path / "a.keras")
    models[1].save_weights(tmp_path / "b.weights.h5")
    save_snapshot(tmp_path / "c.npz", take_snapshot(models[2]))
    base.save(tmp_path / "base.keras")
    monkeypatch.chdir(tmp_path)
    ensemble = mc_tf.Ensemble(models[0], models, output="logits")
    as_given = {
        "files": ["a.keras", "b.weights.h5", tmp_path / "c.npz"],
        "a mixture": [models[0], "b.weights.h5", flat(models[2])],
        "an ensemble": ensemble,
    }
    for given in as_given.values():
        merged = mc_tf.merge(given)
        np.testing.assert_allclose(flat(merged), expected, rtol=1e-5, atol=1e-6)
        assert merged.compiled and type(merged.optimizer) is keras.optimizers.SGD
    merged = mc_tf.merge(ensemble, "ties", "base.keras")
    values = merging.ties(np.stack([flat(model) for model in models]), flat(base))
    np.testing.assert_allclose(flat(merged), values, rtol=1e-5, atol=1e-6)
    mc_tf.merge(["b.weights.h5", "c.npz"], "ties", base)
    with pytest.raises(ValueError, match="No network is among `models`.*mc_tf.Ensemble"):
        mc_tf.merge(["b.weights.h5", "c.npz"])


def test_into(family):
    base, models = family
    merged = mc_tf.merge(models, into=base)
    assert merged is base
    np.testing.assert_allclose(flat(base), np.mean([flat(m) for m in models], 0), atol=1e-6)


def relabelled(model, order):
    """The same function with its hidden units in another order."""
    other = keras.models.clone_model(model)
    kernel, bias, second, last = model.get_weights()
    other.set_weights([kernel[:, order], bias[order], second[order], last])
    other.compile("sgd", LOSS(from_logits=True), metrics=["accuracy"])
    return other


@pytest.mark.parametrize("with_base", [False, True])
def test_aligned(family, with_base):
    base, models = family
    order = np.random.default_rng(3).permutation(8)
    moved = [models[0], relabelled(models[1], order), relabelled(models[2], order[::-1])]
    given = {"base": base} if with_base else {}
    method = "ties" if with_base else "uniform"
    apart = mc_tf.merge(moved, method, **given)
    merged = mc_tf.merge(moved, method, align=True, **given)
    expected = mc_tf.merge(models, method, **given)
    np.testing.assert_allclose(flat(merged), flat(expected), atol=1e-5)
    assert np.abs(flat(apart) - flat(expected)).max() > 0.1


# Evaluation.


def loss_of(weights, x=X, y=Y):
    kernel, bias, second, last = weights
    logits = np.tanh(x @ kernel + bias) @ second + last
    logits -= logits.max(1, keepdims=True)
    return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y])


def test_report_before_the_merge(family, capsys):
    _, models = family
    merged = quietly(mc_tf.merge, models, validation=DATA)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["loss", "accuracy"]
    assert [line[:20].strip() for line in lines[1:]] == [
        *("model 0", "model 1", "halfway to model 0", "model 2", "halfway to model 0"),
        "merged: uniform",
    ]
    weights = [model.get_weights() for model in models]
    halves = [[(a + b) / 2 for a, b in zip(weights[0], weights[m])] for m in (1, 2)]
    each = [weights[0], weights[1], halves[0], weights[2], halves[1], merged.get_weights()]
    for line, values in zip(lines[1:], each):
        assert float(line.split()[-2]) == pytest.approx(loss_of(values), abs=2e-4)
    mc_tf.merge(models, validation=DATA, verbose=0)
    assert capsys.readouterr().out == ""


@long_under_jax
@pytest.mark.parametrize("metrics", [["accuracy"], []])
def test_large_barriers_are_told(metrics):
    """A network without errors, and a copy with its two units exchanged."""
    first, data = network(0, units=2), (X, X[:, :2].argmax(1))
    kernel, second = np.zeros((4, 2)), [[5, 0, -5], [0, 5, -5]]
    kernel[:2] = 3 * np.eye(2)
    first.set_weights([kernel, np.zeros(2), np.array(second), np.zeros(3)])
    second = relabelled(first, [1, 0])
    for model in (first, second):
        model.compile("sgd", LOSS(from_logits=True), metrics=metrics)
    name = "accuracy" if metrics else "loss"
    told = f"worse than both: halfway from model 0 to model 1, the {name} is .*align=True"
    with pytest.warns(UserWarning, match=told):
        mc_tf.merge([first, second], validation=data, verbose=0)
    with pytest.warns(UserWarning, match=told):
        mc_tf.greedy_soup([first, second], data, verbose=0)
    aligned = quietly(mc_tf.merge, [first, second], validation=data, align=True, verbose=0)
    np.testing.assert_allclose(numpy(aligned(X)), numpy(first(X)), atol=1e-4)


# Greedy soups.


def soup_by_hand(models, value):
    """Kept networks, by Keras' own evaluation of averages."""
    order = sorted(range(len(models)), key=lambda m: -value(models[m].get_weights()))
    kept = order[:1]
    for m in order[1:]:
        mean = lambda ms: [np.mean(each, 0) for each in zip(*(models[k].get_weights() for k in ms))]
        if value(mean([*kept, m])) >= value(mean(kept)):
            kept.append(m)
    return kept


@pytest.mark.parametrize("seed", [0, 1])
def test_greedy_soup(seed, capsys):
    base = network(seed)
    data = (X, numpy(base(X)).argmax(1))
    models = [fine_tuned(base, 10 * seed + k, size) for k, size in enumerate((0.05, 0.1, 0.1, 2.0))]
    kept = soup_by_hand(models, lambda weights: -loss_of(weights, *data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the far one
        soup = mc_tf.greedy_soup(models, data, "loss")
    expected = np.mean([flat(models[m]) for m in kept], axis=0)
    np.testing.assert_allclose(flat(soup), expected, rtol=1e-5, atol=1e-6)
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"kept: {', '.join(f'model {m}' for m in kept)}"
    assert 3 not in kept and soup.compiled
    best = min(loss_of(model.get_weights(), *data) for model in models)
    assert loss_of(soup.get_weights(), *data) <= best


@long_under_jax
@pytest.mark.parametrize("data", [None, X])
def test_greedy_soup_is_never_below_its_best_network(data, normalized):
    """With its own statistics, and by Keras' own evaluation."""
    _, models = normalized
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        soup = mc_tf.greedy_soup(models, DATA, batch_norm_data=data, verbose=0)
    scores = [model.evaluate(X, Y, verbose=0)[1] for model in (*models, soup)]
    assert scores[3] >= max(scores[:3]) - 1e-6


def test_soup_of_one_network_keeps_its_statistics(normalized):
    base, _ = normalized
    data, far = (X, numpy(base(X)).argmax(1)), [fine_tuned(base, 5, 5.0), base]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        soup = mc_tf.greedy_soup(far, data, batch_norm_data=X, verbose=0)
    for found, expected in zip(statistics(soup), statistics(base)):
        np.testing.assert_array_equal(found, expected)


# Bad input.


def given_family():
    base = network(0)
    return base, [fine_tuned(base, seed) for seed in (1, 2)]


BAD = {
    "other architecture": (lambda b, m: mc_tf.merge([m[0], network(1, units=9)]), "same architec"),
    "one network": (lambda b, m: mc_tf.merge(m[:1]), "two networks or more. Received: 1"),
    "one network in a soup": (lambda b, m: mc_tf.greedy_soup(m[0], DATA), "two networks or more"),
    "none": (lambda b, m: mc_tf.merge([]), "`models` is empty"),
    "no models": (lambda b, m: mc_tf.merge(3), "`models` must be a list of networks.*3"),
    "no model": (lambda b, m: mc_tf.merge([m[0], 3]), "A member is a path.*member 1: 3"),
    "a curve": (lambda b, m: mc_tf.merge([m[0], mc_tf.connect(*m)]), "one network"),
    "not built": (lambda b, m: mc_tf.merge([keras.Sequential([layers.Dense(2)])] * 2), "not built"),
    "no base": (lambda b, m: mc_tf.merge(m, "ties"), "'ties' needs `base`"),
    "other base": (lambda b, m: mc_tf.merge(m, "ties", network(0, units=9)), "`base`.*architec"),
    "base of uniform": (lambda b, m: mc_tf.merge(m, base=b), "'uniform' has no `base`"),
    "method": (lambda b, m: mc_tf.merge(m, "mean"), "`method` must be one of uniform, .*'mean'"),
    "two networks": (lambda b, m: mc_tf.merge(*m), r"in one list: `merge\(\[first, second\]\)`"),
    "greedy": (lambda b, m: mc_tf.merge(m, "greedy"), "mc_tf.greedy_soup"),
    "option": (lambda b, m: mc_tf.merge(m, scale=1), "'uniform' has no option `scale`.*shares"),
    "density": (lambda b, m: mc_tf.merge(m, "ties", b, density=2), "`density` must be.*density=2"),
    "drop": (lambda b, m: mc_tf.merge(m, "dare", b, drop=1), "`drop` must be below 1"),
    "shares": (lambda b, m: mc_tf.merge(m, shares=[1, 1]), "2 numbers of sum 1"),
    "three by slerp": (lambda b, m: mc_tf.merge([b, *m], "slerp"), "between two networks"),
    "into": (lambda b, m: mc_tf.merge(m, into=network(0, units=9)), "`into`.*architecture|into"),
    "metric": (lambda b, m: mc_tf.greedy_soup(m, DATA, "auc"), "`metric` must be one of.*'auc'"),
    "no labels": (lambda b, m: mc_tf.merge(m, validation=X), "`validation` has inputs without"),
    "no data": (lambda b, m: mc_tf.merge(m, validation="x"), "`validation` must be arrays"),
    "batch size": (lambda b, m: mc_tf.merge(m, batch_size=0), "`batch_size` must be"),
    "missing file": (lambda b, m: mc_tf.merge(["none.keras"]), "no model file 'none.keras'"),
}


@long_under_jax
@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, message = BAD[case]
    with pytest.raises((ValueError, FileNotFoundError), match=message) as error:
        call(*given_family())
    assert len(str(error.value).splitlines()) == 1


def test_data_of_another_shape(normalized):
    _, models = normalized
    wrong = (np.zeros((10, 5), "float32"), np.zeros(10, "int32"))
    with pytest.raises(ValueError, match=r"(?s)\(None, 4\).*\(10, 5\)|4.*5"):
        mc_tf.merge(models, batch_norm_data=wrong)
    with pytest.raises(ValueError, match=r"(?s)\(None, 4\).*\(10, 5\)|4.*5"):
        mc_tf.merge(models, validation=wrong, batch_norm_data=X)


def test_network_that_is_not_compiled():
    models = [network(seed, compiled=False) for seed in range(3)]
    assert not mc_tf.merge(models).compiled
    with pytest.raises(ValueError, match=re.escape("is not compiled: call `compile(loss=...")):
        mc_tf.greedy_soup(models, DATA)


def test_weights_that_are_not_finite(family):
    _, models = family
    models[1].layers[0].bias.assign(np.full(8, np.nan))
    with pytest.raises(ValueError, match="member 1 must be finite"):
        mc_tf.merge(models)
