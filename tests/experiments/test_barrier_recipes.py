"""Recipes of barriers: each tried, and instability analysis against trainings by hand."""

import json

import numpy as np
import pytest
from programs import needs_tensorflow, run
from recipes import of_kind, recipe, steps

from mc_tf import CurveEvaluation, data
from mc_tf.experiments import Barriers, Experiment, Network, Saved, Train, run_experiment
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.training import TrainingOptions

pytestmark = needs_tensorflow

RECIPES = of_kind("repair", "factors", "starts", "pairs")
LONG = ("barrier_mnist", "barrier_width_mnist", "instability_mnist", "aligned_curves_cifar10")
TRIED = [pytest.param(name, marks=[pytest.mark.long][: name in LONG]) for name in RECIPES]


def comparison(folder):
    rows = json.loads((folder / "comparison.json").read_text())["rows"]
    return {(row["curve"], row["value"], row["statistic"]): row["obtained"] for row in rows}


@pytest.mark.parametrize("name", TRIED)
def test_smoke(name, tmp_path):
    files = (f"--workdir={tmp_path}/it", f"--results_file={tmp_path}/results.csv")
    run("reproduce", f"--recipe={name}", "--smoke", "--verbose=0", *files)
    found, every = comparison(tmp_path / "it"), steps(name, smoke=True)
    barriers = [step for step in every.values() if isinstance(step, Barriers)]
    assert barriers
    for step in barriers:
        keys = {"as trained": ""} | ({"aligned": "-aligned"} if step.align else {})
        keys |= {"repaired": "-repaired"} if step.repair else {}
        for key, ending in keys.items():
            values = CurveEvaluation.load(tmp_path / "it" / f"{step.name}{ending}")["test_error"]
            height = values.max() - max(values[0], values[-1])
            obtained = found[f"{step.prefix}{key}", "test_error", "barrier"]
            assert obtained == pytest.approx(height, abs=1e-9)
    figures = {step.name for step in every.values() if hasattr(step, "kind")}
    assert figures
    for figure in figures:
        assert (tmp_path / "it" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_whole(name):
    """Its networks are trained with different seeds; in a smoke run everything is small."""
    for smoke in (False, True):
        every = steps(name, smoke=smoke)
        for step in every.values():
            if isinstance(step, Barriers):
                one, two = (every[each.training] for each in (step.first, step.second))
                assert one.training.seed != two.training.seed and one.begin == two.begin
                assert not smoke or step.num_points == 3


def test_settings_of_the_paper():
    """Ainsworth et al. (2023), section 5: three hidden layers of 512 units, Adam."""
    step = steps("barrier_mnist")["first"]
    chosen = step.training
    assert step.begin.options["units"] == [512, 512, 512]
    assert (chosen.optimizer, chosen.learning_rate, chosen.batch_size) == ("adam", 0.001, 500)


def test_instability_shares_the_beginning():
    """The two children of each start have the same epochs in all, from the same network."""
    plan = recipe("instability_mnist")
    total, every = plan.settings["training"].epochs, steps("instability_mnist")
    for start in plan.settings["starts"]:
        children = [every[f"from-{start}/{k}"] for k in (1, 2)]
        assert {child.training.epochs for child in children} == {total - start}
        begin = Saved("trunk", "checkpoint", start) if start else Saved("initial")
        assert {child.begin for child in children} == {begin}
    with pytest.raises(ValueError, match="schedule='constant'.*'step'"):
        plan.experiment(["training.decay_epochs=[3]", "training.schedule=step"])


def test_barrier_of_two_trainings(tmp_path, eagerly):
    """Against the networks between the saved ones, evaluated by Keras one by one."""
    few = TrainingOptions(2, 0.01, batch_size=32, optimizer="adam", seed=1)
    network = Network("fc", options={"units": [8]})
    second = Train("b", network, TrainingOptions(2, 0.01, batch_size=32, seed=2))
    steps = Train("a", network, few), second
    step = Barriers("barrier", Saved("a"), Saved("b"), align="weights", num_points=3)
    small = data.load("digits").first(64, 64)
    rows = run_experiment(Experiment((*steps, step)), small, tmp_path, say=str, verbose=0)
    found = {(row.curve, row.value, row.statistic): row.obtained for row in rows}
    ends = [load_checkpoint(tmp_path / name / "model.keras") for name in "ab"]
    weights = [each.get_weights() for each in ends]
    losses = []
    for t in (0, 0.5, 1):
        ends[0].set_weights([(1 - t) * one + t * two for one, two in zip(*weights)])
        losses.append(ends[0].evaluate(small.test_batches(), verbose=0, return_dict=True)["loss"])
    height = losses[1] - max(losses[0], losses[2]) if losses[1] > max(losses) - 1e-9 else 0.0
    assert found["as trained", "test_loss", "barrier"] == pytest.approx(height, abs=1e-5)
    apart = np.sqrt(sum(np.sum((one - two) ** 2) for one, two in zip(*weights)))
    assert found["as trained", "distance", ""] == pytest.approx(apart, rel=1e-5)
    assert found["aligned", "distance", ""] <= apart
    again = run_experiment(Experiment((*steps, step)), small, tmp_path, say=str, verbose=0)
    assert again == rows


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="num_points.*at least 2"):
        Barriers("b", Saved("a"), Saved("b"), num_points=1)
    with pytest.raises(ValueError, match="align must be weights or activations.*'both'"):
        Barriers("b", Saved("a"), Saved("b"), align="both")
    with pytest.raises(ValueError, match="num_train"):
        Barriers("b", Saved("a"), Saved("b"), num_train=0)
