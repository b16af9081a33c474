"""Recipes of regressions with posteriors: tried, resumed, and their scores."""

import dataclasses
import re

import numpy as np
import pytest
from programs import needs_tensorflow
from recipes import of_kind, recipe, steps
from scipy.stats import norm

from mc_tf.data import load, stand_in
from mc_tf.experiments import Experiment, run_experiment
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
