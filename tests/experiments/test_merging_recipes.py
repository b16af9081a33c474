"""The recipes that merge networks: their steps, one of them tried, and the choices of `Merge`."""

import json

import numpy as np
import pytest
from programs import needs_tensorflow, run
from recipes import of_kind, recipe, steps

from mc_tf import data, merging
from mc_tf.experiments import Experiment, Merge, Network, Train, last, run_experiment
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.training import TrainingOptions
from mc_tf.weights.flat import flat_weights

pytestmark = needs_tensorflow

RECIPES = of_kind("merging")
ROWS = ["base", "best member", "mean of members", "ensemble"]


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_whole(name):
    for smoke in (False, True):
        every = steps(name, smoke=smoke)
        base, *tuned, merged = every.values()
        assert isinstance(merged, Merge) and len(tuned) == (2 if smoke else 5)
        assert all(step.begin == last("base") for step in tuned)
        assert len({step.training.seed for step in (base, *tuned)}) == 1 + len(tuned)
        assert len({step.training.learning_rate for step in tuned}) == len(tuned)
        assert {step.num_train for step in tuned} == {merged.num_train}
        assert set(merged.methods) == {"uniform", "greedy", "task_arithmetic", "ties", "dare"}
        assert not smoke or all(step.training.epochs == 1 for step in (base, *tuned))
    given = recipe(name).settings
    assert given["num_pretraining"] < given["num_train"] and given["data"].use_test


@pytest.mark.long
def test_smoke(tmp_path):
    files = (f"--workdir={tmp_path}", f"--results_file={tmp_path}/results.csv")
    out = run("reproduce", "--recipe=merging_digits", "--smoke", "--verbose=0", *files)
    rows = json.loads((tmp_path / "comparison.json").read_text())["rows"]
    errors = {row["curve"]: row["obtained"] for row in rows}
    methods = list(recipe("merging_digits").settings["merging"])
    assert list(errors) == [*ROWS, *methods]
    stored = json.loads((tmp_path / "merged" / "scores.json").read_text())
    assert {label: stored[label]["test_error"] for label in errors} == errors
    assert len(stored["members"]) == 2
    best = min(one["validation_error"] for one in stored["members"])
    assert stored["best member"]["validation_error"] == best
    assert stored["greedy"]["validation_error"] <= best
    assert stored["ties"]["options"].keys() == {"density", "scale"}
    for method in methods:
        assert f"{method:<18}" in out
        load_checkpoint(tmp_path / "merged" / f"{method}.keras")


FEW = TrainingOptions(2, 0.1, batch_size=16)


def made(**merging):
    base = Train("base", Network("fc", {"units": (4,)}), FEW, num_train=32)
    tuned = [Train(f"tuned-{k}", last("base"), TrainingOptions(1, 0.1 * k)) for k in (1, 2)]
    return (
        base,
        *tuned,
        Merge("merged", (last("tuned-1"), last("tuned-2")), last("base"), **merging),
    )


def test_numbers_come_from_the_networks(tmp_path, eagerly):
    small = data.load("digits", use_test=True).first(96, 64)
    ways = {"uniform": {}, "ties": {"density": 0.5, "scale": (0.5, 50.0)}}
    said = []
    arguments = (Experiment(made(methods=ways, num_train=64)), small, tmp_path)
    rows = run_experiment(*arguments, say=said.append, verbose=0)
    found = {row.curve: row.obtained for row in rows}
    stored = json.loads((tmp_path / "base" / "settings.json").read_text())
    assert stored["train_examples"] == 32
    weights = {
        name: flat_weights(load_checkpoint(tmp_path / name / "model.keras"))
        for name in ("base", "tuned-1", "tuned-2")
    }
    base, *members = weights.values()
    kept = {
        name: flat_weights(load_checkpoint(tmp_path / "merged" / f"{name}.keras")) for name in ways
    }
    np.testing.assert_allclose(kept["uniform"], np.mean(members, 0), atol=1e-6)
    chosen = json.loads((tmp_path / "merged" / "scores.json").read_text())["ties"]["options"]
    assert chosen["density"] == 0.5 and chosen["scale"] in (0.5, 50.0)
    expected = merging.ties(members, base, 0.5, chosen["scale"])
    np.testing.assert_allclose(kept["ties"], expected, rtol=1e-4, atol=1e-6)
    model = load_checkpoint(tmp_path / "merged" / "uniform.keras")
    accuracy = model.evaluate(small.test_batches(), verbose=0, return_dict=True)["accuracy"]
    assert found["uniform"] == pytest.approx(100 * (1 - accuracy))
    assert found.keys() == {*ROWS, *ways}
    again = run_experiment(*arguments, say=said.append, verbose=0)
    assert [row.obtained for row in again] == [row.obtained for row in rows]


@pytest.mark.parametrize(
    "steps, message",
    [
        (lambda: made(methods={"mean": {}}), "no way to merge.*'mean'"),
        (lambda: made(methods={}, num_train=96), "num_train.*96"),
        (lambda: (Train("base", Network("fc"), FEW, num_train=97),), "between 1 and 96"),
    ],
)
def test_bad_steps_are_refused_before_any_work(steps, message, tmp_path):
    small = data.load("digits", use_test=True).first(96, 64)
    with pytest.raises(ValueError, match=message):
        run_experiment(Experiment(steps()), small, tmp_path / "it", say=str, verbose=0)
    assert not (tmp_path / "it" / "base").exists()
