"""Recipes of regressions with posteriors: tried, resumed, and their scores."""

import dataclasses
import re

import keras
import numpy as np
import pytest
from programs import needs_tensorflow
from recipes import of_kind, recipe, steps
from scipy.stats import norm

import mc_tf
from mc_tf.data import load, stand_in
from mc_tf.experiments import Experiment, run_experiment
from mc_tf.experiments.parts.curve_files import save_functions
from mc_tf.experiments.steps.regressions import _scores

pytestmark = needs_tensorflow
RECIPES = of_kind("num_splits")
TRIED = [pytest.param(n, marks=[pytest.mark.long] * (n != "uci_yacht")) for n in RECIPES]


@pytest.mark.parametrize("name", TRIED)
def test_smoke(name, tmp_path):
    def tried(steps, data="uci:yacht"):
        return run_experiment(Experiment(steps), stand_in(data), tmp_path, say=str, verbose=0)

    made = tuple(steps(name, smoke=True).values())
    rows = tried(made)
    found = {(row.curve, row.value, row.statistic): row.obtained for row in rows}
    assert {label for label, *_ in found} == {"sgd", "swag", "pca slice", "pca variational"}
    for target in recipe(name).targets:
        assert np.isfinite(found[target])
    before = (tmp_path / "split-00.npz").read_bytes()
    assert tried(made) == rows and (tmp_path / "split-00.npz").read_bytes() == before
    with pytest.raises(ValueError, match="holds scores of .*units=50.*but this is .*units=7"):
        tried([dataclasses.replace(made[0], units=7)])
    with pytest.raises(ValueError, match="one real target, such as 'uci:boston'.*'digits'"):
        tried(made, "digits")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_the_splits_of_the_literature(name):
    every = steps(name)
    assert [step.split for step in every.values()] == list(range(20))
    assert len(recipe(name).targets) >= 4 and re.match(r"uci_\w+", name)
    assert recipe(name).settings["data"].name == name.replace("_", ":")
    assert len(steps(name, smoke=True)) == 1


def test_scores_are_those_of_the_mixture():
    data = load("regression", use_test=True)
    rng = np.random.default_rng(0)
    mean, variance = rng.normal(size=(3, 60)), rng.uniform(0.1, 1, (3, 60))
    y = data.y_test[:, 0]
    log_likelihood, coverage, root = _scores(np.stack([mean, variance], -1), data)
    density = norm.pdf(y, mean, variance**0.5).mean(0)
    assert log_likelihood == pytest.approx(np.log(density).mean())
    assert root == pytest.approx(np.sqrt(((y - mean.mean(0)) ** 2).mean()))
    assert 0 < coverage <= 1


def outputs(weights, x):
    """A network with one input, one hidden layer of 3 units and one output, in numpy."""
    kernel, bias, last, offset = np.split(weights, [3, 6, 9])
    return np.maximum(x[:, None] * kernel + bias, 0) @ last + offset


def curve(curve_family):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1)]
    first = keras.Sequential([keras.Input((1,)), *layers])
    made = mc_tf.connect(first, keras.models.clone_model(first), curve_family)
    made.compile("sgd", "mse")
    for index in range(len(made.curve_layer.points)):
        values = np.random.default_rng(index).normal(0, 0.7, 10).astype("float32")
        made.curve_layer.set_point(index, values)
    return made


def test_the_band_of_functions_is_that_of_the_posterior_in_the_plane(tmp_path):
    data = dataclasses.replace(load("regression", use_test=True), noise=1.0)
    bezier = curve(mc_tf.Bezier(1))
    save_functions(bezier, data, tmp_path / "f.npz", num_inputs=20)
    found = dict(np.load(tmp_path / "f.npz"))
    start, bend, end = (np.asarray(p, "float64") for p in bezier.curve_layer.points)
    shift, middle = (start + end) / 2, (start + 2 * bend + end) / 4
    axis = np.linspace(-4, 4, 81)
    places = [(a, b) for a in axis for b in axis]
    weights = [shift + a * (end - shift) + b * (middle - shift) for a, b in places]
    x, y = data.x_train[:, 0], data.y_train[:, 0]
    logs = [norm.logpdf(y, outputs(w, x)).sum() for w in weights]
    logs = np.array(logs) + norm.logpdf(places).sum(1)
    share = np.exp(logs - logs.max())
    share /= share.sum()
    each = np.array([outputs(w, found["grid"]) for w in weights])
    mean = share @ each
    spread = np.sqrt(share @ (each - mean) ** 2)
    assert np.abs(found["mean"] - mean).max() < 0.4 * spread.max()  # 200 samples
    half = norm.ppf(0.975) * np.sqrt(spread**2 + 1)
    np.testing.assert_allclose((found["high"] - found["low"]) / 2, half, rtol=0.1)
    np.testing.assert_allclose(found["high"] + found["low"], 2 * found["mean"], rtol=1e-4)


def test_no_band_without_known_noise_or_one_bend(tmp_path):
    known = load("regression", use_test=True)
    unknown = dataclasses.replace(known, noise=None)
    cases = ((mc_tf.Bezier(1), unknown), (mc_tf.Segment(), known))
    for number, (family, data) in enumerate(cases):
        save_functions(curve(family), data, tmp_path / f"{number}.npz", num_points=3, num_inputs=5)
        assert "mean" not in np.load(tmp_path / f"{number}.npz").files
