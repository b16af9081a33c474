"""Recipes that compare ensembles and averages: settings, two of them tried, numbers from files."""

import csv
import itertools
import json
import os
import re
import shutil

import numpy as np
import pytest
from programs import DATA_DIR, REPO, needs_tensorflow, run, snapshot, start

from mc_tf import data
from mc_tf.callbacks import snapshot_files
from mc_tf.experiments.ensemble_experiment import EnsembleExperiment, run_ensembles
from mc_tf.experiments.ensemble_runs import EnsembleRuns
from mc_tf.models.zoo import registry
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.snapshots import read_snapshot
from mc_tf.training import TrainingOptions
from mc_tf.weights.flat import flat_weights

pytestmark = needs_tensorflow

RECIPES = {
    path.stem: path
    for path in sorted((REPO / "bin" / "recipes").glob("*.flags"))
    if "--methods" in path.read_text()
}


EXAMPLES = {"cifar": 50_000, "mnist": 60_000, "digits": 959}


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_whole(parsed, name):
    for smoke in (False, True):
        plan = parsed(name, *["--smoke"][:smoke])
        assert set(plan.network_options) <= set(registry.options(plan.network))
        settings = [plan.training, plan.sse, plan.fge, plan.swa]
        assert not smoke or max(options.epochs for options in settings if options) <= 4
    plan = parsed(name)
    numbers = range(1, plan.budgets + 1)
    ensembles = {*plan.methods} - {"swa", "sgd"}
    obtained = {f"{method}-{k}" for method in ensembles for k in numbers}
    obtained |= {f"swa-{plan.budgets_of(epochs)}" for epochs in plan.swa_epochs}
    obtained |= ensembles  # disagreement, distance
    obtained |= {"start"} if plan.include_start or plan.swa_pretraining is not None else set()
    assert {target.curve for target in plan.targets} <= obtained
    assert re.search("digits|mnist|constant", name) or plan.targets
    if plan.fge and plan.fge.trajectory_every:  # figure 3 has the members, too
        size = next(number for word, number in EXAMPLES.items() if word in name)
        steps = -(-size // plan.fge.batch_size)
        assert plan.fge.cycle_epochs * steps // 2 % plan.fge.trajectory_every == 0


# Rate, weight decay, epochs, cycles of SSE; starts, cycle and rate of FGE (section 5, A.9).
PAPER = {
    "vgg16": (0.05, 5e-4, 200, 5, (120, 156), 2, 1e-2),
    "resnet164": (0.1, 3e-4, 150, 4, (125,), 4, 5e-2),
    "wrn28x10": (0.1, 5e-4, 200, 5, (120, 156), 4, 5e-2),
}


@pytest.mark.parametrize("network", PAPER)
@pytest.mark.parametrize("classes", [10, 100])
def test_settings_of_table_1(parsed, network, classes):
    plan = parsed(f"table1_cifar{classes}_{network}")
    rate, decay, epochs, cycles, starts, cycle, high = PAPER[network]
    one, sse, fge = plan.training, plan.sse, plan.fge
    assert (one.learning_rate, plan.weight_decay, one.epochs) == (rate, decay, epochs)
    assert (one.batch_size, one.momentum, one.schedule) == (128, 0.9, "piecewise_linear")
    assert sse.schedule == "cosine_cycle" and sse.snapshots
    assert (sse.learning_rate, sse.cycle_epochs) == (rate, epochs // cycles)
    assert sse.epochs == cycles * sse.cycle_epochs <= epochs
    assert fge.schedule == "triangular_cycle" and fge.snapshots
    assert (plan.fge_starts, fge.cycle_epochs, fge.learning_rate) == (starts, cycle, high)
    assert (fge.min_learning_rate, fge.epochs) == (5e-4, 22)
    # No more than the budget: pretraining is shared by the runs from its checkpoints.
    assert max(starts) + len(starts) * fge.epochs <= epochs
    per_run = len(range(cycle // 2, fge.epochs + 1, cycle))
    assert len(starts) * per_run == {"vgg16": 22, "resnet164": 6, "wrn28x10": 12}[network]
    assert plan.budgets == 3


def test_settings_of_weight_averaging(parsed):
    plan = parsed("swa_cifar100_resnet164")
    options = plan.swa
    assert plan.swa_epochs == (150, 188, 225) and options.epochs == 225
    assert (options.schedule, options.swa_start, options.learning_rate) == ("swa", 126, 0.1)
    assert options.final_ratio * options.learning_rate == pytest.approx(0.05)
    assert plan.training.swa_start is None and plan.training.schedule == "piecewise_linear"


@pytest.mark.parametrize("network", ["imagenet_resnet50", "cifar100_pyramidnet272"])
def test_settings_of_weight_averaging_after_a_training(parsed, network):
    plan = parsed(f"swa_{network}")
    options, budget = plan.swa, plan.training.epochs
    assert plan.swa_pretraining == (0 if "imagenet" in network else budget)
    assert (options.schedule, options.swa_start) == ("linear_cycle", 0)
    assert options.epochs == max(plan.swa_epochs) and options.cycle_epochs < min(plan.swa_epochs)
    assert 0 < options.min_learning_rate < options.learning_rate < plan.training.learning_rate
    obtained = {f"swa-{(plan.swa_pretraining + n) / budget:g}" for n in plan.swa_epochs}
    obtained |= {"ind-1" if plan.swa_pretraining else "start"}
    assert {target.curve for target in plan.targets} == obtained


def smoke(name, workdir, *flags):
    files = (f"--workdir={workdir}", f"--results_file={workdir}/results.csv")
    more = ()
    if "imagenet" in name and (DATA_DIR / "imagenet2012").is_dir():
        more = (f"--data_dir={DATA_DIR}",)
    return run("reproduce", f"--recipe={name}", "--smoke", "--verbose=0", *files, *more, *flags)


def test_numbers_come_from_the_runs(tmp_path):
    out = smoke("digits_ensembles", tmp_path)
    rows = json.loads((tmp_path / "comparison.json").read_text())
    found = {row["curve"]: row["obtained"] for row in rows if row["value"] == "test_error"}
    distances = {
        row["curve"]: row["obtained"] for row in rows if row["value"] == "distance_from_previous"
    }
    folder = tmp_path / "repetition-0"
    members = {
        "ind": [["ind-0"], ["ind-1"]],
        "sse": [snapshot_files(folder / f"sse-{run}" / "members") for run in range(2)],
        "fge": [snapshot_files(folder / f"fge-{run}-1" / "members") for run in range(2)],
    }
    assert [len(files) for files in members["sse"] + members["fge"]] == [2, 2, 1, 1]
    for method, of_runs in members.items():
        with np.load(folder / f"{method}.npz") as stored:
            errors, predictions = stored["cumulative:error"], stored["predictions"]
            wrong = 100 * np.mean(predictions.argmax(-1) != stored["labels"])
        assert found[f"{method}-1"] == errors[len(of_runs[0]) - 1]
        assert found[f"{method}-2"] == errors[len(of_runs[0]) + len(of_runs[1]) - 1]
        assert found[f"{method}-2"] == pytest.approx(wrong)
        if method != "ind":
            steps = []  # from one member of a run to its next
            for run in of_runs:
                weights = [read_snapshot(file).weights.astype("float64") for file in run]
                steps += [np.linalg.norm(b - a) for a, b in itertools.pairwise(weights)]
            assert distances.get(method) == (pytest.approx(np.mean(steps)) if steps else None)
        with np.load(folder / f"{method}-epochs.npz") as stored:
            np.testing.assert_array_equal(stored["error"], errors)
            assert (np.diff(stored["epochs"]) > 0).all()
            assert stored["member_error"].shape == errors.shape
    for budgets in ("1", "1.5", "2"):
        for name in ("swa", "last", "sgd"):
            said = re.search(rf"^{name} {budgets}: error (\S+) %", out, re.MULTILINE)
            assert found[f"{name}-{budgets}"] == pytest.approx(float(said[1]), abs=0.01)
    for figure in ("curves", "budgets", "trajectory"):
        assert (tmp_path / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "ind-0" / "trajectory").exists()
    with np.load(folder / "fge-0-1" / "trajectory-evaluation.npz") as stored:
        assert stored["step"].tolist() == [1, 2, 3, 4]
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.long  # given weights on digits are below, records of images in test_recipes.py
def test_given_weights_on_imagenet(tmp_path):
    average = ("--methods=fge,swa", "--swa_pretraining=0", "--swa_epochs=5", "--swa_cycle_epochs=1")
    smoke("fge_imagenet_resnet50", tmp_path, *average)
    rows = json.loads((tmp_path / "comparison.json").read_text())
    found = {row["curve"]: row for row in rows if row["value"] == "test_error"}
    assert found["start"]["target"] == 23.87 and found["fge-1"]["target"] == 23.31
    with np.load(tmp_path / "repetition-0" / "fge.npz") as stored:
        assert found["start"]["obtained"] == pytest.approx(stored["members:error"][0])
    assert {"swa-1", "last-1"} < found.keys()
    with open(tmp_path / "results.csv", newline="") as file:  # says with which flags
        names = {row["recipe"] for row in csv.DictReader(file)}
    assert names == {f"smoke/fge_imagenet_resnet50 {' '.join(average)}"}
    assert all(0 <= row["obtained"] <= 100 for row in found.values())
    run_folder = tmp_path / "repetition-0" / "fge-0-0" / "members"
    names = [os.path.basename(path) for path in snapshot_files(run_folder, include_start=True)]
    assert names == ["start.npz", "snapshot-00000002.npz"]


@pytest.mark.long  # averages begin late in tests/test_training.py, too
def test_averaging_after_a_training(tmp_path):
    cycles = (
        "--swa_epochs=20,30",
        "--swa_pretraining=9",
        "--swa_cycle_epochs=10",
        "--swa_min_learning_rate=0.01",
    )
    whole = "--network=fc"  # and no other one for --smoke, so that weights given below fit
    smoke("digits_ensembles", tmp_path, "--methods=ind,swa", "--budgets=1", whole, *cycles)
    rows = json.loads((tmp_path / "comparison.json").read_text())
    found = {row["curve"]: row["obtained"] for row in rows if row["value"] == "test_error"}
    # It begins after the two epochs that a budget has here, with that network.
    assert found["start"] == found["ind-1"]
    budgets = ("2", "2.5")
    assert found.keys() == {"ind-1", "start"} | {
        f"{n}-{b}" for n in ("swa", "last") for b in budgets
    }
    folder = tmp_path / "repetition-0"
    stored = json.loads((folder / "swa" / "settings.json").read_text())
    given = folder / "ind-0" / "model.keras"
    assert stored["initial_weights"] == str(given)
    assert (stored["schedule"], stored["cycle_epochs"]) == ("linear_cycle", 1)
    # The same from given weights, at a constant rate, and cycles of FGE.
    flags = (f"--initial_weights={given}", "--swa_pretraining=0", cycles[0], whole)
    cyclic = ("--methods=swa,fge", "--fge_starts=0", "--include_start", "--budgets=1")
    out = smoke("digits_ensembles", tmp_path / "given", *flags, *cyclic)
    rows = json.loads((tmp_path / "given" / "comparison.json").read_text())
    assert found["start"] in [row["obtained"] for row in rows if row["curve"] == "start"]
    assert "random weights" not in out
    stored = json.loads((tmp_path / "given/repetition-0/swa/settings.json").read_text())
    assert stored["schedule"] == "constant" and "cycle_epochs" not in stored
    begun = load_checkpoint(tmp_path / "given/repetition-0/start/model.keras")
    np.testing.assert_array_equal(flat_weights(begun), flat_weights(load_checkpoint(given)))
    first = tmp_path / "given/repetition-0/fge-0-0/members/start.npz"
    np.testing.assert_array_equal(read_snapshot(first).weights, flat_weights(begun))
    with np.load(tmp_path / "given/repetition-0/fge.npz") as stored:
        assert found["start"] == pytest.approx(stored["members:error"][0])


@pytest.mark.long  # a training of a minute for one line
def test_networks_that_were_not_kept_are_named_before_any_work(tmp_path):
    flags = ("--recipe=digits_ensembles", "--smoke", "--verbose=0", f"--workdir={tmp_path}/it")
    flags += (f"--results_file={tmp_path}/results.csv",)
    run("reproduce", *flags, "--methods=ind", "--budgets=1")
    before = snapshot(tmp_path)
    # The second budget is not trained, though it could be.
    ended = start("reproduce", *flags, "--methods=ind,fge", "--budgets=2").wait()
    (line,) = ended.errors
    assert ended.code == 1 and ended.out == ""
    folder = tmp_path / "it" / "repetition-0" / "ind-0"
    assert f"'{folder}/model-0001.keras'" in line and "after epoch 1, from which FGE starts" in line
    assert f"Remove '{folder}'" in line and "--fge_starts" in line and "--methods" in line
    assert snapshot(tmp_path) == before
    shutil.rmtree(folder)  # as it says
    run("reproduce", *flags, "--methods=ind,fge", "--budgets=1")
    # Cycles that are done need the network no more.
    (folder / "model-0001.keras").unlink()
    run("reproduce", *flags, "--methods=ind,fge", "--budgets=1")


AVERAGED = TrainingOptions(6, 0.1, schedule="swa", swa_start=2, swa_every=2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ("ind", "bagging")}, "Methods must be of.*bagging"),
        ({"methods": ()}, "Methods must be of"),
        ({"methods": ("sse",)}, "'sse' needs"),
        ({"fge": TrainingOptions(2, 0.1), "fge_starts": (5,)}, "FGE must start.*5"),
        ({"fge": TrainingOptions(2, 0.1)}, "FGE must start"),
        ({"fge": TrainingOptions(2, 0.1), "fge_starts": (3, 2)}, "in their order.*3, 2"),
        ({"fge": TrainingOptions(2, 0.1), "fge_starts": (2, 2)}, "different epochs.*2, 2"),
        (
            {"methods": ("ind",), "swa_pretraining": 5},
            "averaging must begin in the 4 epochs.*swa_pretraining=5",
        ),
        (
            {"methods": ("swa",), "swa": TrainingOptions(6, 0.1), "swa_epochs": (4, 5)},
            "ends after 6 epochs.*4, 5",
        ),
        ({"methods": ("ind",), "training": TrainingOptions(0, 0.1)}, "at least 1 epoch"),
        (
            {"methods": ("swa",), "swa": AVERAGED, "swa_epochs": (1, 3, 6)},
            "no average after 1, 3 epochs.*from epoch 2 on, after each 2",
        ),
    ],
)
def test_bad_plans_are_refused(changes, words):
    plan = {"network": "fc", "training": TrainingOptions(4, 0.1), "methods": ("ind", "fge")}
    with pytest.raises(ValueError, match=words):
        EnsembleExperiment(**{**plan, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cycle_epochs": 1}, "even number of steps.*7"),
        ({"learning_rate": 1e-5}, "rate"),
        ({"epochs": 1}, "No network would be saved.*step 14.*ends at step 7"),
    ],
)
def test_cycles_that_cannot_be_are_refused_before_any_training(tmp_path, changes, words):
    digits = data.load("digits").first(200, 50)  # seven steps an epoch
    settings = {"epochs": 4, "learning_rate": 0.1, "batch_size": 32, "snapshots": True}
    settings |= {"schedule": "triangular_cycle", "cycle_epochs": 4, "min_learning_rate": 1e-3}
    fge = TrainingOptions(**{**settings, **changes})
    one = TrainingOptions(4, 0.1, batch_size=32)
    plan = EnsembleExperiment("fc", one, ("fge",), fge=fge, fge_starts=(2,))
    with pytest.raises(ValueError, match=words):
        run_ensembles(plan, digits, tmp_path, say=print)
    assert not list(tmp_path.iterdir())


def test_only_classifiers_are_compared(tmp_path):
    plan = EnsembleExperiment("fc", TrainingOptions(4, 0.1), ("ind",))
    with pytest.raises(ValueError, match="judged by root_mean_squared_error"):
        run_ensembles(plan, data.load("regression"), tmp_path)


@pytest.mark.long  # six trainings
def test_seeds_of_repetitions_and_epochs_of_several_starts(tmp_path, eagerly):
    """What the tables and figure 3 are made of: no two trainings alike, epochs in their order."""
    digits = data.load("digits").first(96, 32)
    one = TrainingOptions(4, 0.1, batch_size=32, verbose=0)
    cycles = {"schedule": "triangular_cycle", "cycle_epochs": 2, "snapshots": True}
    fge = TrainingOptions(2, 0.1, batch_size=32, verbose=0, **cycles)
    plan = EnsembleExperiment(
        "fc",
        one,
        ("ind", "fge"),
        budgets=1,
        repetitions=2,
        fge=fge,
        fge_starts=(1, 2),
        network_options={"units": (4,)},
    )
    found = {
        (row.curve, row.value, row.statistic): row.obtained
        for row in run_ensembles(plan, digits, tmp_path, say=print)
    }
    each = []
    for repetition in range(2):
        with np.load(tmp_path / f"repetition-{repetition}" / "ind.npz") as stored:
            each.append(stored["cumulative:error"][0])
    assert found["ind-1", "test_error", "mean"] == pytest.approx(np.mean(each))
    assert found["ind-1", "test_error", "std"] == pytest.approx(np.std(each, ddof=1))
    seeds = [
        json.loads(path.read_text())["seed"] for path in tmp_path.glob("*/ind-*/settings.json")
    ]
    assert len(set(seeds)) == 2
    runs = EnsembleRuns(plan, digits, tmp_path / "repetition-0", 0, say=print)
    runs.evaluate_fge()
    # From 1 and 2 epochs, half a cycle each; the second start after the first's two epochs.
    assert runs.epochs["FGE"]["epochs"].tolist() == [2, 5]
