"""The table of calibration and uncertainty at equal cost: its trainings, steps and numbers."""

import json

import numpy as np
import pytest
from programs import needs_tensorflow, run
from recipes import of_kind, recipe, steps

from mc_tf import data
from mc_tf.ensemble import EnsembleEvaluation, OutOfDistributionEvaluation, score
from mc_tf.experiments import (
    Experiment,
    Network,
    Train,
    Uncertainty,
    UncertaintyTable,
    last,
    run_experiment,
    uncertainty_at_equal_cost,
)
from mc_tf.experiments.parts.shifted_data import CORRUPTIONS
from mc_tf.training import TrainingOptions

pytestmark = needs_tensorflow

METHODS = ["Single network", "SWA", "SWAG", "Subspace"]
METHODS += ["SSE", "FGE", "Independent networks", "Curve", "Simplexes"]
FILES = ["single", "swa-network", "swag", "subspace", "sse", "fge", "ind", "curve-ensemble"]
FILES += ["simplex"]
SETTINGS = {
    "sse_cycles": 2,
    "fge_start": 2,
    "fge": {"epochs": 2, "cycle_epochs": 2},
    "swa": {"learning_rate": 0.02, "start": 8},
    "espro": {"epochs": 3, "training": TrainingOptions(1, 0.1), "num_vertices": 1},
    "curve_points": 3,
}


@pytest.mark.parametrize("name", of_kind("curve_points"))
def test_methods_cost_the_same(name):
    budgets, made = recipe(name).settings["budgets"], steps(name)
    options = {n: step.training for n, step in made.items() if hasattr(step, "training")}
    one = recipe(name).settings["training"].epochs
    for repetition in range(recipe(name).settings["repetitions"]):
        folder = f"repetition-{repetition}"

        def epochs(*names):
            return sum(options[f"{folder}/{n}"].epochs for n in names)  # noqa: B023

        every = range(budgets)
        assert epochs("long") == epochs("swa") == budgets * one
        assert epochs(*(f"ind-{k}" for k in every)) == epochs(*(f"sse-{k}" for k in every))
        assert epochs("ind-0", "ind-1", "curve") == budgets * one
        for k in every:
            begin = made[f"{folder}/fge-{k}"].begin
            assert begin.training == f"{folder}/ind-{k}"
            assert begin.number + epochs(f"fge-{k}") == one
            vertices = made[f"{folder}/espro-{k}"].num_vertices
            assert epochs(f"espro-{k}-first") + vertices * epochs(f"espro-{k}") == one
        sampled = [made[f"{folder}/uncertainty/{n}"] for n in ("swag", "subspace")]
        assert {step.saved.training for step in sampled} == {f"{folder}/swa"}  # no other training
    (table,) = (step for step in made.values() if isinstance(step, UncertaintyTable))
    assert list(table.of) == METHODS
    repetitions = recipe(name).settings["repetitions"]
    assert {len(names) for names in table.of.values()} == {repetitions}
    seeds = {o.seed for n, o in options.items() if "ind-" in n}
    assert len(seeds) == budgets * repetitions


@pytest.mark.long
@pytest.mark.parametrize("name", of_kind("curve_points"))
def test_smoke(name, tmp_path):
    """Every file and number of a small run."""
    files = (f"--workdir={tmp_path}/run", f"--results_file={tmp_path}/results.csv")
    out = run("reproduce", f"--recipe={name}", "--smoke", "--verbose=0", *files)
    folder = tmp_path / "run"
    for figure in ("reliability", "risk-coverage", "corruptions"):
        assert (folder / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    table = json.loads((folder / "table.json").read_text())
    text = (folder / "table.md").read_text()
    assert text in out and "NaN" not in text and "nan" not in text
    head, line, *lines = text.splitlines()
    assert head.startswith("| | error (%) | NLL | Brier | ECE | ACE | AURC | entropy |")
    assert set(line) <= set("| -")
    assert [row.split(" | ")[0].strip("| ") for row in lines] == METHODS
    assert len({row.count("|") for row in (head, line, *lines)}) == 1
    rows = json.loads((folder / "comparison.json").read_text())["rows"]
    found = {(row["curve"], row["value"]): row["obtained"] for row in rows}
    for method, name in zip(METHODS, FILES, strict=True):
        path = folder / "repetition-0" / "uncertainty" / name
        result = EnsembleEvaluation.load(path.with_suffix(".npz"))
        outside = OutOfDistributionEvaluation.load(f"{path}-outside.npz")
        for key, value in {**result.scores, **outside.scores}.items():
            assert table[method][key] == [pytest.approx(value)]
        assert found[method, "test_error"] == pytest.approx(result.scores["error"])
        with np.load(f"{path}-corrupted.npz") as stored:
            assert stored["error"].shape == (len(CORRUPTIONS), 5)
            assert table[method]["corrupted_error"] == [pytest.approx(stored["error"].mean())]
    assert table["Single network"]["mutual_information"] == [0]


def test_numbers_of_corrupted_images(tmp_path):
    """Each kind and strength has its own data set, and the table has their mean."""
    few = TrainingOptions(1, 0.1, batch_size=32)
    networks = [Train(f"run-{k}", Network("fc", {"units": [8]}), few) for k in range(2)]
    saved = tuple(last(step.name) for step in networks)
    evaluated = Uncertainty("pair", "Pair", saved=saved, num_corrupted=20)
    table = UncertaintyTable("table", {"Pair": ("pair",)})
    digits, found = data.load("digits").first(64, 40), {}

    def say(line):
        found[len(found)] = line

    made = Experiment((*networks, evaluated, table))
    rows = run_experiment(made, digits, tmp_path, say=say, verbose=0)
    assert {row.curve for row in rows} == {"Pair"} and "| Pair |" in list(found.values())[-1]
    with np.load(tmp_path / "pair-corrupted.npz") as stored:
        assert stored["corruption"].tolist() == list(CORRUPTIONS)
        import keras

        each = [keras.models.load_model(tmp_path / f"run-{k}" / "model.keras") for k in range(2)]
        for place in ((0, 4), (1, 0), (3, 2)):
            some = digits.corrupted(CORRUPTIONS[place[0]], place[1] + 1)
            x = some.normalize(some.x_test[:20])
            p = np.mean([keras.ops.softmax(m(x)) for m in each], axis=0)
            wanted = score(p, some.y_test[:20])
            assert stored["error"][place] == pytest.approx(wanted["error"])
            assert stored["loss"][place] == pytest.approx(wanted["loss"], rel=1e-4)
    (_, scores) = json.loads((tmp_path / "table.json").read_text()).popitem()
    assert "auroc_entropy" not in json.dumps(scores)  # no other data


BAD = {
    "budgets": ({"budgets": 2}, "`budgets` must be at least 3"),
    "FGE": ({"fge_start": 1}, "FGE must end with its budget of 4 epochs"),
    "SSE": ({"sse_cycles": 9}, "less than the number of cycles"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings(name):
    change, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        uncertainty_at_equal_cost(Network("fc"), TrainingOptions(4, 0.1), **{**SETTINGS, **change})


def test_data_without_images_and_a_missing_data_set_end_before_any_work(tmp_path):
    few = Train("a", Network("fc"), TrainingOptions(1, 0.1))
    step = Uncertainty("b", "B", saved=(last("a"),), outside="nothing")
    made = Experiment((few, step))
    with pytest.raises(ValueError, match="nothing"):
        run_experiment(made, data.load("digits"), tmp_path, verbose=0)
    with pytest.raises(ValueError, match="only for classifiers"):
        run_experiment(made, data.load("regression"), tmp_path, verbose=0)
    x, y = np.zeros((8, 3)), np.arange(8) % 2
    vectors = data.ArrayData("vectors", 2, x, y, x, y)
    with pytest.raises(ValueError, match="for images in memory.*'vectors'"):
        run_experiment(made, vectors, tmp_path, verbose=0)
    assert not list(tmp_path.glob("[ab]*"))
