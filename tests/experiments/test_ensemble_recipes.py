"""Recipes that compare ensembles and averages: settings, two of them tried, numbers from files."""

import csv
import itertools
import json
import os
import re
import shutil

import numpy as np
import pytest
from programs import DATA_DIR, needs_tensorflow, run, snapshot
from recipes import of_kind, recipe, steps

from mc_tf import data
from mc_tf.callbacks import snapshot_files
from mc_tf.experiments import (
    Ensembles,
    Experiment,
    Network,
    Saved,
    Score,
    Train,
    average,
    equal_budgets,
    members,
    run_experiment,
    swa_training,
)
from mc_tf.models.zoo import registry
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.snapshots import read_snapshot
from mc_tf.training import TrainingOptions
from mc_tf.weights.flat import flat_weights

pytestmark = needs_tensorflow

RECIPES = of_kind("methods")


EXAMPLES = {"cifar": 50_000, "mnist": 60_000, "digits": 959}


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_whole(name):
    for smoke in (False, True):
        every = steps(name, smoke=smoke)
        trained = {n: step for n, step in every.items() if isinstance(step, Train)}
        for step in trained.values():
            if isinstance(step.begin, Network):
                assert set(step.begin.options) <= set(registry.options(step.begin.name))
            assert not smoke or step.training.epochs <= 4
        obtained = set()
        for step in every.values():
            if isinstance(step, Ensembles):
                obtained |= {f"{step.label}-{k + 1}" for k in range(len(step.budgets))}
                obtained |= {step.label, *["start"][: step.include_start]}
            elif isinstance(step, Score):
                obtained.add(step.label)
        whole = recipe(name)
        assert smoke or {curve for curve, _, _ in whole.targets} <= obtained
    assert re.search("digits|mnist|constant", name) or whole.targets
    for step in steps(name).values():
        options = step.training if isinstance(step, Train) else None
        if options and options.trajectory_every:  # figure 3 has the members, too
            size = next(number for word, number in EXAMPLES.items() if word in name)
            per_epoch = -(-size // options.batch_size)
            assert options.cycle_epochs * per_epoch // 2 % options.trajectory_every == 0


# Rate, weight decay, epochs, cycles of SSE; starts, cycle and rate of FGE (section 5, A.9).
PAPER = {
    "vgg16": (0.05, 5e-4, 200, 5, (120, 156), 2, 1e-2),
    "resnet164": (0.1, 3e-4, 150, 4, (125,), 4, 5e-2),
    "wrn28x10": (0.1, 5e-4, 200, 5, (120, 156), 4, 5e-2),
}


@pytest.mark.parametrize("network", PAPER)
@pytest.mark.parametrize("classes", [10, 100])
def test_settings_of_table_1(network, classes):
    name = f"table1_cifar{classes}_{network}"
    every = steps(name)
    rate, decay, epochs, cycles, starts, cycle, high = PAPER[network]
    for k in range(3):
        ind, sse = (every[f"repetition-0/{method}-{k}"] for method in ("ind", "sse"))
        one, sse = ind.training, sse.training
        assert (one.learning_rate, ind.begin.weight_decay, one.epochs) == (rate, decay, epochs)
        assert (one.batch_size, one.momentum, one.schedule) == (128, 0.9, "piecewise_linear")
        assert sse.schedule == "cosine_cycle" and sse.snapshots
        assert (sse.learning_rate, sse.cycle_epochs) == (rate, epochs // cycles)
        assert sse.epochs == cycles * sse.cycle_epochs <= epochs
        for begun in starts:
            step = every[f"repetition-0/fge-{k}-{begun}"]
            fge = step.training
            assert step.begin == Saved(ind.name, "checkpoint", begun)
            assert fge.schedule == "triangular_cycle" and fge.snapshots
            assert (fge.cycle_epochs, fge.learning_rate) == (cycle, high)
            assert (fge.min_learning_rate, fge.epochs) == (5e-4, 22)
            assert fge.seed == sse.seed == one.seed == 1 + k
    # No more than the budget: pretraining is shared by the runs from its checkpoints.
    assert max(starts) + len(starts) * fge.epochs <= epochs
    per_run = len(range(cycle // 2, fge.epochs + 1, cycle))
    assert len(starts) * per_run == {"vgg16": 22, "resnet164": 6, "wrn28x10": 12}[network]
    trained = [step for step in every.values() if isinstance(step, Train)]
    assert len(trained) == 3 * (2 + len(starts))


def test_settings_of_weight_averaging():
    every = steps("swa_cifar100_resnet164")
    options = every["repetition-0/swa"].training
    scored = [step.network for step in every.values() if isinstance(step, Score)]
    found = [saved.number for saved in scored if saved.kind == "average"]
    assert found == [150, 188, 225] and options.epochs == 225
    assert (options.schedule, options.swa_start, options.learning_rate) == ("swa", 126, 0.1)
    assert options.final_ratio * options.learning_rate == pytest.approx(0.05)
    one = every["repetition-0/ind-0"].training
    assert one.swa_start is None and one.schedule == "piecewise_linear"


@pytest.mark.parametrize("network", ["imagenet_resnet50", "cifar100_pyramidnet272"])
def test_settings_of_weight_averaging_after_a_training(network):
    every, whole = steps(f"swa_{network}"), recipe(f"swa_{network}")
    step, budget = every["repetition-0/swa"], whole.settings["training"].epochs
    options, epochs = step.training, whole.settings["swa_epochs"]
    given = "imagenet" in network
    begun = (
        whole.settings["network"] if given else Saved("repetition-0/ind-0", "checkpoint", budget)
    )
    assert step.begin == begun
    assert (options.schedule, options.swa_start) == ("linear_cycle", 0)
    assert options.epochs == max(epochs) and options.cycle_epochs < min(epochs)
    rate = whole.settings["training"].learning_rate
    assert 0 < options.min_learning_rate < options.learning_rate < rate
    obtained = {f"swa-{((0 if given else budget) + n) / budget:g}" for n in epochs}
    obtained |= {"start" if given else "ind-1"}
    assert {curve for curve, _, _ in whole.targets} == obtained


def smoke(name, workdir, *flags):
    files = (f"--workdir={workdir}", f"--results_file={workdir}/results.csv")
    more = ()
    if "imagenet" in name and (DATA_DIR / "imagenet2012").is_dir():
        more = (f"--data_dir={DATA_DIR}",)
    return run("reproduce", f"--recipe={name}", "--smoke", "--verbose=0", *files, *more, *flags)


def test_numbers_come_from_the_runs(tmp_path):
    out = smoke("digits_ensembles", tmp_path)
    rows = json.loads((tmp_path / "comparison.json").read_text())["rows"]
    found = {row["curve"]: row["obtained"] for row in rows if row["value"] == "test_error"}
    distances = {
        row["curve"]: row["obtained"] for row in rows if row["value"] == "distance_from_previous"
    }
    folder = tmp_path / "repetition-0"
    members = {
        "ind": [["ind-0"], ["ind-1"]],
        "sse": [snapshot_files(folder / f"sse-{run}" / "members") for run in range(2)],
        "fge": [snapshot_files(folder / f"fge-{run}-32" / "members") for run in range(2)],
    }
    assert [len(files) for files in members["sse"] + members["fge"]] == [3, 3, 3, 3]
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
    for budgets in ("1", "1.25", "1.5"):
        for name in ("swa", "last", "sgd"):
            said = re.search(rf"^{name} {budgets}: error (\S+) %", out, re.MULTILINE)
            assert found[f"{name}-{budgets}"] == pytest.approx(float(said[1]), abs=0.01)
    for figure in ("curves", "budgets", "trajectory"):
        assert (tmp_path / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "ind-0" / "trajectory").exists()
    with np.load(folder / "fge-0-32" / "trajectory-evaluation.npz") as stored:
        assert stored["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.long  # given weights on digits are below, records of images in test_recipes.py
def test_given_weights_on_imagenet(tmp_path):
    smoke("fge_imagenet_resnet50", tmp_path)
    rows = json.loads((tmp_path / "comparison.json").read_text())["rows"]
    found = {row["curve"]: row for row in rows if row["value"] == "test_error"}
    with np.load(tmp_path / "repetition-0" / "fge.npz") as stored:
        assert found["start"]["obtained"] == pytest.approx(stored["members:error"][0])
    with open(tmp_path / "results.csv", newline="") as file:
        names = {row["recipe"] for row in csv.DictReader(file)}
    assert names == {"smoke/fge_imagenet_resnet50"}
    assert all(0 <= row["obtained"] <= 100 for row in found.values())
    run_folder = tmp_path / "repetition-0" / "fge-0-0" / "members"
    names = [os.path.basename(path) for path in snapshot_files(run_folder, include_start=True)]
    assert names[0] == "start.npz" and len(names) == 3


FEW = TrainingOptions(2, 0.1, batch_size=32)
SMALL = Network("fc", {"units": (4,)})
CYCLES = {"epochs": 2, "cycle_epochs": 2, "max_learning_rate": 0.1, "min_learning_rate": 0.01}


def ran(made, folder, few=(96, 32)):
    """Obtained numbers by (label, value, statistic)."""
    rows = run_experiment(
        Experiment(made), data.load("digits").first(*few), folder, say=print, verbose=0
    )
    return {(row.curve, row.value, row.statistic): row.obtained for row in rows}


@pytest.mark.long  # averages begin late in tests/training/test_training.py, too
def test_averaging_after_a_training(tmp_path, eagerly):
    swa = {"learning_rate": 0.05, "cycle_epochs": 1, "min_learning_rate": 0.01}
    given = {"budgets": 1, "swa": swa, "swa_epochs": (2, 3), "pretraining": 2}
    found = ran(equal_budgets(SMALL, FEW, methods=("ind", "swa"), **given), tmp_path)
    errors = {label: number for (label, value, _), number in found.items() if value == "test_error"}
    # It begins after the two epochs of a budget, with that network.
    assert errors["start"] == errors["ind-1"]
    expected = {f"{n}-{b}" for n in ("swa", "last") for b in ("2", "2.5")}
    assert errors.keys() == {"ind-1", "start"} | expected
    folder = tmp_path / "repetition-0"
    stored = json.loads((folder / "swa" / "settings.json").read_text())
    given = str(folder / "ind-0" / "model.keras")
    assert stored["initial_weights"] == str(folder / "ind-0" / "model-0002.keras")
    assert (stored["schedule"], stored["cycle_epochs"]) == ("linear_cycle", 1)
    # The same from given weights, at a constant rate, and cycles of FGE.
    begin = Network("fc", SMALL.options, initial_weights=given)
    given_swa = {"swa": {"learning_rate": 0.05}, "swa_epochs": (2,), "pretraining": 0}
    given_fge = {"fge": CYCLES, "fge_starts": (0,), "include_start": True}
    methods = ("fge", "swa")
    made = equal_budgets(begin, FEW, methods=methods, budgets=1, **given_swa, **given_fge)
    found = ran(made, tmp_path / "given")
    assert found["start", "test_error", "mean"] == errors["start"]
    stored = json.loads((tmp_path / "given/repetition-0/swa/settings.json").read_text())
    assert stored["schedule"] == "constant" and "cycle_epochs" not in stored
    begun = load_checkpoint(tmp_path / "given/repetition-0/start/model.keras")
    np.testing.assert_array_equal(flat_weights(begun), flat_weights(load_checkpoint(given)))
    first = tmp_path / "given/repetition-0/fge-0-0/members/start.npz"
    np.testing.assert_array_equal(read_snapshot(first).weights, flat_weights(begun))
    with np.load(tmp_path / "given/repetition-0/fge.npz") as stored:
        assert errors["start"] == pytest.approx(stored["members:error"][0])


def test_networks_that_were_not_kept_are_named_before_any_work(tmp_path, eagerly):
    given = {"fge": CYCLES, "fge_starts": (1,)}

    def made(budgets, *methods):
        return equal_budgets(SMALL, FEW, budgets=budgets, methods=methods, **given)

    trained = [step for step in made(1, "ind") if step.name == "repetition-0/ind-0"]
    ran(tuple(trained), tmp_path)
    before = snapshot(tmp_path)
    folder = tmp_path / "repetition-0" / "ind-0"
    # The second budget is not trained, though it could be.
    with pytest.raises(FileNotFoundError) as caught:
        ran(made(2, "ind", "fge"), tmp_path)
    text = str(caught.value)
    assert f"'{folder}/model-0001.keras'" in text and "after epoch 1" in text
    assert f"Remove '{folder}'" in text
    assert snapshot(tmp_path) == before
    shutil.rmtree(folder)  # as the message says
    ran(made(1, "ind", "fge"), tmp_path)
    # Finished cycles no longer need the network.
    (folder / "model-0001.keras").unlink()
    ran(made(1, "ind", "fge"), tmp_path)


AVERAGED = TrainingOptions(6, 0.1, schedule="swa", swa_start=2, swa_every=2)
FOUR = TrainingOptions(4, 0.1)
SWA = {"swa": {"learning_rate": 0.1, "start": 2}, "swa_epochs": (4, 6)}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: equal_budgets(SMALL, FOUR, methods=("ind", "bagging")), "must be of.*bagging"),
        (lambda: equal_budgets(SMALL, FOUR, methods=()), "Methods must be of"),
        (lambda: equal_budgets(SMALL, FOUR, methods=("sse",)), "'sse' needs"),
        (lambda: equal_budgets(SMALL, FOUR, methods=("ind",), budgets=0), "budgets.*at least 1"),
        *(
            (
                lambda starts=starts: equal_budgets(
                    SMALL, FOUR, methods=("fge",), fge=CYCLES, fge_starts=starts
                ),
                words,
            )
            for starts, words in (
                ((5,), "FGE must start.*5"),
                ((), "FGE must start"),
                ((3, 2), "in their order.*3, 2"),
                ((2, 2), "different epochs.*2, 2"),
                ((-1,), "FGE must start.*-1"),
            )
        ),
        (
            lambda: equal_budgets(SMALL, FOUR, methods=("swa",), **SWA, pretraining=5),
            "averaging must start in the 4 epochs.*pretraining=5",
        ),
        (
            lambda: equal_budgets(SMALL, FOUR, **{**SWA, "swa_epochs": (0, 6)}, methods=("swa",)),
            "swa_epochs.*at least 1",
        ),
        (lambda: equal_budgets(SMALL, FOUR, methods=("swa",), swa_epochs=(4,)), "'swa' needs"),
        (lambda: equal_budgets(SMALL, FOUR, methods=("swa",), swa=SWA["swa"]), "'swa' needs"),
        (lambda: equal_budgets(SMALL, FOUR, methods=("sgd",)), "'sgd' needs"),
        (
            lambda: equal_budgets(SMALL, TrainingOptions(0, 0.1), methods=("ind",)),
            "at least 1 epoch",
        ),
        (lambda: swa_training(FOUR, 6, 0.1, start=7), "must start before training ends"),
    ],
)
def test_bad_plans_are_refused(made, words):
    with pytest.raises(ValueError, match=words):
        made()


@pytest.mark.parametrize(
    ("needed", "changes", "words"),
    [
        (average("a", 1), {}, "no average of 'a' after 1 epochs.*from epoch 2 to 6, every 2"),
        (average("a", 3), {}, "no average of 'a' after 3"),
        (Saved("a", "checkpoint", 7), {}, "'a' does not save.*a after 7 epochs"),
        (members("a"), {}, "'a' does not save.*members of a"),
        (Saved("a", "trajectory"), {}, "'a' does not save.*trajectory of a"),
        (average("a"), {"schedule": "constant", "swa_start": None}, "does not save.*average of a"),
    ],
)
def test_what_a_training_will_not_save_is_refused_before_it(tmp_path, needed, changes, words):
    options = TrainingOptions(**{**vars(AVERAGED), **changes})
    made = (Train("a", SMALL, options), Train("b", needed, FOUR))
    with pytest.raises(ValueError, match=words):
        ran(made, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cycle_epochs": 1}, "even number of steps.*7"),
        ({"max_learning_rate": 1e-5}, "rate"),
        ({"epochs": 1}, "No network would be saved.*step 14.*ends at step 7"),
    ],
)
def test_cycles_that_cannot_be_are_refused_before_any_training(tmp_path, changes, words):
    fge = {"epochs": 4, "max_learning_rate": 0.1, "cycle_epochs": 4, "min_learning_rate": 1e-3}
    fge |= changes
    one = TrainingOptions(4, 0.1, batch_size=32)
    made = equal_budgets(Network("fc"), one, methods=("fge",), fge=fge, fge_starts=(2,))
    with pytest.raises(ValueError, match=words):
        ran(made, tmp_path, (200, 50))  # seven steps an epoch
    assert not list(tmp_path.iterdir())


def test_only_classifiers_are_compared(tmp_path):
    made = equal_budgets(Network("fc"), FOUR, methods=("ind",))
    with pytest.raises(ValueError, match="scored by root_mean_squared_error"):
        run_experiment(Experiment(made), data.load("regression"), tmp_path)


@pytest.mark.long  # six trainings
def test_seeds_of_repetitions_and_epochs_of_several_starts(tmp_path, eagerly):
    """The data of the tables and figure 3: no two runs are equal, epochs are in order."""
    one = TrainingOptions(4, 0.1, batch_size=32)
    fge = {**CYCLES, "min_learning_rate": 0.0}
    settings = {"budgets": 1, "repetitions": 2, "fge": fge, "fge_starts": (1, 2)}
    found = ran(equal_budgets(SMALL, one, methods=("ind", "fge"), **settings), tmp_path)
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
    # From 1 and 2 epochs, half a cycle each; the second start after the first's two epochs.
    with np.load(tmp_path / "repetition-0" / "fge-epochs.npz") as stored:
        assert stored["epochs"].tolist() == [2, 5]
