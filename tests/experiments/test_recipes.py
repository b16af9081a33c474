"""The recipes: each tried, their settings, kill and resume, and the comparison with targets."""

import concurrent.futures
import csv
import dataclasses
import io
import json
import os
import re

import keras
import numpy as np
import pytest
from programs import DATA_DIR, REPO, needs_tensorflow, run, snapshot, start
from recipes import ALL, FOLDER, of_kind, recipe, recipe_list, steps

from mc_tf import CurveEvaluation, data
from mc_tf.experiments import (
    Connect,
    CurveEnsembles,
    Experiment,
    Network,
    Pairs,
    Saved,
    Step,
    Train,
    run_experiment,
    two_networks_of_widths,
)
from mc_tf.experiments.parts import curve_files
from mc_tf.experiments.recipes import load_recipe, with_setting
from mc_tf.experiments.smoke import made_small
from mc_tf.experiments.targets import (
    Row,
    append_results,
    compare,
    format_rows,
    published,
)
from mc_tf.models.zoo import registry
from mc_tf.training import TrainingOptions

pytestmark = needs_tensorflow

# Recipes that compare ensembles or look at loss surfaces have separate test files.
RECIPES = of_kind("curve_seeds", "widths")
RESUMED = "mnist_trivial_curve"  # small, and with a curve of each kind: fixed, trivial, trained
# One is tried by default, all with `-m ''`. Other tests here try chains of several seeds with
# ensembles and pairs, widths and the digits; `tests/data/test_text.py` tries a curve of a text.
KINDS = (RESUMED,)
# Tests that share a run are one group; the others may go to any worker.
TRIED = [
    pytest.param(
        name,
        marks=[
            *([pytest.mark.xdist_group("resumed")] if name == RESUMED else []),
            *([] if name in KINDS else [pytest.mark.long]),
        ],
    )
    for name in RECIPES
]


def smoke(name, workdir, *more):
    """Flags that try a recipe."""
    if name == "imagenet_resnet50" and (DATA_DIR / "imagenet2012").is_dir():
        more = (f"--data_dir={DATA_DIR}", *more)
    files = (f"--workdir={workdir}", f"--results_file={workdir}/results.csv")
    return (f"--recipe={name}", "--smoke", "--verbose=0", *files, *more)


def setting(*changes):
    return [f"--set={change}" for change in changes]


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """Function from a recipe's name to the directory in which it was tried, once."""
    folders = {}

    def folder(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp("smoke") / name
            run("reproduce", *smoke(name, folders[name]))
        return folders[name]

    return folder


def comparison(folder):
    return json.loads((folder / "comparison.json").read_text())["rows"]


def statistics(values):
    """Min, max and the trapezoid rule over equally spaced positions."""
    mean = ((values[1:] + values[:-1]) / 2).mean()
    return {"min": values.min(), "max": values.max(), "mean": mean}


# Every recipe.


@pytest.mark.parametrize("name", TRIED)
def test_smoke(tried, name):
    folder = tried(name)
    plan, rows = recipe(name), comparison(folder)
    found = {(row["curve"], row["value"], row["statistic"]): row for row in rows}
    for target in plan.targets:
        assert np.isfinite(found[target]["obtained"])
    assert all(row["target"] is None for row in rows)  # no published numbers for 64 digits
    labels = {row["curve"].split()[-1].split("-")[0] for row in rows}
    assert labels >= {"single", *plan.settings["curves"]}
    for (curve, value, statistic), row in found.items():
        *width, label = curve.split() if " of " not in curve else [curve]
        path = folder.joinpath("-".join(width), label, "evaluation.npz")
        if path.exists() and statistic in ("min", "max", "mean"):
            with np.load(path) as stored:
                expected = statistics(stored[f"value:{value}"])[statistic]
            assert row["obtained"] == pytest.approx(expected, rel=1e-9)
    each = [f"{path.name}/curves" for path in folder.glob("width-*")]
    assert len(each) == min(len(plan.settings.get("widths", ())), 2)
    for figure in ["widths", *each] if each else ["curves"]:
        assert (folder / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{figure}.svg").stat().st_size > 10_000
    if plan.settings.get("ensemble_points"):
        assert (folder / "ensembles.png").read_bytes().startswith(b"\x89PNG")
    if plan.settings.get("pair_points"):
        assert (folder / "pairs.png").read_bytes().startswith(b"\x89PNG")
        for curve in (*plan.settings["curves"], "random-segment"):
            with np.load(folder / curve / "pairs.npz") as stored:
                assert stored["pair_error"].shape == (3,)
                assert stored["pair_error"][0] == stored["single_error"][0]
    with open(folder / "results.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["obtained"] for row in table] == [str(row["obtained"]) for row in rows]
    assert {row["recipe"] for row in table} == {f"smoke/{name}"}
    assert not list(folder.rglob(".*"))  # temporary files


@pytest.mark.long
def test_widths_are_drawn_beside_each_other(tmp_path, eagerly):
    """Figure 7: the steps of each width in a separate folder, and one figure of all widths."""
    few = TrainingOptions(1, 0.1, batch_size=16)
    made = two_networks_of_widths(Network("fc"), few, few, widths=(0.02, 0.04), num_points=3)
    small = data.load("digits").first(32, 32)
    rows = run_experiment(Experiment(made), small, tmp_path, say=str, verbose=0)
    found = {(row.curve, row.value, row.statistic): row.obtained for row in rows}
    for width, units in ((0.02, 10), (0.04, 20)):
        folder = tmp_path / f"width-{width}"
        shape = keras.models.load_model(folder / "end" / "model.keras").weights[0].shape
        assert tuple(shape) == (64, units)
        worst = CurveEvaluation.load(folder / "bezier" / "evaluation")["train_loss"].max()
        assert found[f"width {width} bezier", "train_loss", "max"] == worst
    assert (tmp_path / "widths.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ALL)
def test_recipe_says_what_it_is(name):
    title, _ = recipe_list.read_recipes(FOLDER)[name]
    assert re.match(r"\S.{10,}", title) and recipe(name).title == title
    assert re.match(r"[\d.]+ (hour|minute|day)s? on ", recipe(name).cost)


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_whole(name):
    for smoke in (False, True):
        every = steps(name, smoke=smoke).values()
        trained = [step for step in every if isinstance(step, Train)]
        joined = [step for step in every if isinstance(step, Connect)]
        assert len({step.training.seed for step in trained}) == 2 and joined
        for step in trained:
            assert set(step.begin.options) <= set(registry.options(step.begin.name))
            assert not smoke or step.training.epochs == 1
        assert not smoke or all(step.training.epochs == 1 for step in joined)
        assert not smoke or all(step.num_points == 3 for step in joined)


# Network, rate, weight decay, epochs, rate and epochs of curves, from the reference implementation.
# The paper does not give them.
PAPER = {
    "table2_cifar10_vgg16": ("vgg16", 0.05, 5e-4, 200, 0.015, 600),
    "table2_cifar100_vgg16": ("vgg16", 0.05, 5e-4, 200, 0.015, 600),
    "table2_cifar10_resnet158": ("resnet158", 0.1, 3e-4, 150, 0.03, 200),
    "table2_cifar100_resnet164": ("preresnet164", 0.1, 3e-4, 150, 0.03, 200),
    "table2_cifar10_wrn28x10": ("wrn28x10", 0.1, 5e-4, 200, 0.03, 200),
}


@pytest.mark.parametrize("name", PAPER)
def test_settings_of_the_paper(name):
    every = steps(name)
    start, end = every["start"], every["end"]
    one, network = start.training, start.begin
    found = [every[family] for family in ("segment", "bezier", "polychain")]
    for step in found:
        curve = step.training
        given = (network.name, one.learning_rate, network.weight_decay, one.epochs)
        assert (*given, curve.learning_rate, curve.epochs) == PAPER[name]
        for options in (one, end.training, curve):
            assert (options.batch_size, options.momentum) == (128, 0.9)
            assert (options.schedule, options.final_ratio) == ("piecewise_linear", 0.01)
        assert (step.num_bends, step.num_points, step.num_train) == (1, 121, None)
        assert (step.start, step.end) == (Saved("start"), Saved("end"))
    data = recipe(name).settings["data"]
    assert data.name == name.split("_")[1] and data.use_test
    assert (data.normalization == "vgg") == ("vgg" in name)


def test_settings_of_the_large_language_model():
    every = steps("table3_ptb_lstm_large")
    one, curve = every["start"].training, every["bezier"].training
    # The TensorFlow tutorial's rate 1, norm 10 and decay 1 / 1.15 for a sum over 35 steps.
    given = (every["start"].begin.name, one.epochs, one.learning_rate)
    assert given == ("lstm_large", 55, 35 * 1)
    assert one.clip_norm == pytest.approx(10 / 35, rel=1e-5)
    assert one.decay_factor == pytest.approx(1 / 1.15, rel=1e-5)
    assert (one.schedule, one.decay_epochs, one.momentum) == ("exponential", (14,), 0)
    assert curve.schedule == "piecewise_linear"


# Settings.


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("training.epochs=3", lambda s: s["training"].epochs == 3),
        ("training.learning_rate=1", lambda s: s["training"].learning_rate == 1.0),
        ("training.save_every_steps=7", lambda s: s["training"].save_every_steps == 7),
        ("training.tensorboard=true", lambda s: s["training"].tensorboard is True),
        ("curves=[segment]", lambda s: s["curves"] == ("segment",)),
        ("curves=segment", lambda s: s["curves"] == ("segment",)),
        ("curve_seeds=[5, 6]", lambda s: s["curve_seeds"] == (5, 6)),
        ("num_train=none", lambda s: s["num_train"] is None),
        ("num_train=100", lambda s: s["num_train"] == 100),
        ("network.options.width=0.5", lambda s: s["network"].options == {"width": 0.5}),
        ("network.name=fc", lambda s: s["network"].name == "fc"),
        ("data.use_test=false", lambda s: not s["data"].use_test),
    ],
)
def test_a_setting_is_changed(change, found):
    settings = {**recipe("digits").settings, "num_train": None}
    changed = with_setting(settings, change)
    assert found(changed) and (found(settings) == (change == "num_train=none"))
    assert [n for n in settings if settings[n] != changed[n]] in (
        [change.split(".")[0].split("=")[0]],
        [],
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("epochs=3", "'epochs=3'.*there is no 'epochs'.*training"),
        ("training.epoch=3", "there is no 'epoch'.*epochs"),
        ("training.epochs", "NAME=VALUE"),
        ("training=3", "with a dot: epochs"),
        ("training.epochs=x", "a whole number.*'x'"),
        ("training.epochs=1.5", "a whole number"),
        ("training.epochs=true", "a whole number"),
        ("training.epochs=-1", "epochs must be at least 0"),
        ("training.learning_rate=fast", "a number"),
        ("training.learning_rate=NaN", "finite"),
        ("training.schedule=cosine", "cosine.*exponential"),
        ("network.name=3", "a text"),
        ("num_points.more=3", "nothing is inside"),
        ("data.use_test=1", "true or false"),
    ],
)
def test_what_is_no_setting_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        recipe("digits").experiment([change])


OWN = """
from mc_tf.experiments import Data, Network, Recipe, two_networks
from mc_tf.training import TrainingOptions

ONE = TrainingOptions(30, 0.05, batch_size=64, seed=1)
GIVEN = {"network": Network("convnet"), "training": ONE, "curve_training": ONE}
mine = Recipe(
    "Mine: something of my own", two_networks, Data("digits"), **GIVEN, curves=("segment",), %s
)
"""


def test_a_recipe_of_ones_own(tmp_path):
    path, folder = tmp_path / "own.py", tmp_path / "it"
    path.write_text(OWN % "")
    run("reproduce", *smoke(str(path), folder, *setting("network.name=fc")))
    assert (folder / "segment" / "curve.keras").exists() and not (folder / "bezier").exists()
    with open(folder / "results.csv", newline="") as file:
        assert {row["recipe"] for row in csv.DictReader(file)} == {"smoke/mine network.name=fc"}
    assert recipe_list.find_recipe(FOLDER, str(path)) == ("mine", str(path))


@pytest.mark.parametrize(
    ("text", "asked", "words"),
    [
        ("DATA = 3", "", "is not a recipe: it needs `NAME = Recipe"),
        (
            OWN % "" + "other = Recipe('Other', two_networks)",
            "",
            "names: mine, other. Use .*:NAME",
        ),
        (OWN % "", ":other", "'.*other'. The nearest names: mine"),
    ],
)
def test_files_that_have_no_such_recipe_are_refused(tmp_path, text, asked, words):
    path = tmp_path / "own.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        recipe_list.find_recipe(FOLDER, f"{path}{asked}")


def test_what_is_no_recipe_is_refused(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("mine = print('Mine')")
    with pytest.raises(ValueError, match="is not a recipe: it needs"):
        recipe_list.find_recipe(FOLDER, str(path))
    path.write_text(OWN % "" + "N = Network('fc')")  # no second recipe
    assert recipe_list.find_recipe(FOLDER, str(path))[0] == "mine"
    path.write_text("def Recipe(title): pass\nmine = Recipe('Mine')")
    with pytest.raises(ValueError, match="'mine' of .* is not a mc_tf.experiments.Recipe: None"):
        load_recipe(*reversed(recipe_list.find_recipe(FOLDER, str(path))))
    with pytest.raises(TypeError, match="unexpected.*'widht'|multiple|widht"):
        path.write_text(OWN % "widht=3")
        load_recipe(path, "mine")


def test_the_guides_recipe_with_a_step_of_its_own(tmp_path):
    text = (REPO / "docs" / "recipes.md").read_text()
    path = tmp_path / "mine.py"
    wide, mine = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    path.write_text(wide)
    assert load_recipe(path, "wide").experiment()[1].title == "Digits: a wide network"
    path.write_text(mine)
    small = ("training.batch_size=256", "network.options.units=[4]")
    run(
        "reproduce", f"--recipe={path}", f"--workdir={tmp_path}/it", "--verbose=0", *setting(*small)
    )
    (row,) = comparison(tmp_path / "it")
    first, last = (
        keras.saving.load_model(tmp_path / "it" / "sgd" / name).get_weights()
        for name in ("model-0001.keras", "model.keras")
    )
    moved = np.linalg.norm(np.concatenate([(a - b).ravel() for a, b in zip(first, last)]))
    assert row["obtained"] == pytest.approx(moved, rel=1e-5) and moved > 0
    # The commands in the guide.
    for name, change in re.findall(r"--recipe=(\w+) .*?--set=(\S+)", text):
        recipe(name).experiment([change])


@dataclasses.dataclass(frozen=True)
class Own(Step):
    """A step of a user: a reference to a network and to a curve, and numbers."""

    network: Saved
    curves: dict
    num_points: int = 61
    size: int = 9
    refers_to = ("curves",)


def test_a_step_of_ones_own_in_a_smoke_run():
    training = TrainingOptions(200, 0.1)
    bezier = Connect("bezier", Saved("a"), Saved("b"), "bezier", training)
    own = Own("own", Saved("a", "checkpoint", 100), {"Bezier": ("bezier",)})
    assert own.needs == ["a", "bezier"]
    made = Experiment((*(Train(n, A.begin, training) for n in "ab"), bezier, own))
    *_, small = made_small(made).steps
    assert small == Own("own", Saved("a", "checkpoint", 1), {"Bezier": ("bezier",)}, 3, 9)


TRAINING = TrainingOptions(4, 0.1)
A, B = (Train(name, recipe("digits").settings["network"], TRAINING) for name in "ab")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: Experiment((A, A)), "have the name 'a'"),
        (lambda: Experiment((Train("a b", A.begin, TRAINING),)), "'a b' cannot be the name"),
        (lambda: Experiment((Train("a", Saved("z"), TRAINING),)), "'a' needs 'z'.*none"),
        (
            lambda: Experiment((A, Connect("c", Saved("a"), Saved("b"), "bezier", TRAINING))),
            "'c' needs 'b'.*There are: a",
        ),
        (lambda: Connect("c", Saved("a"), Saved("b"), "spline", TRAINING), "'spline'.*polychain"),
        (
            lambda: Connect("c", Saved("a"), Saved("b"), "bezier", TRAINING, num_points=1),
            "num_points.*at least 2",
        ),
        (lambda: Saved("a", "best"), "`kind` must be one of last, checkpoint.*'best'"),
        (lambda: CurveEnsembles("e", "c", 1), "num_points.*at least 2"),
        (lambda: Pairs("p", "c", 1.5), "num_points.*whole"),
    ],
)
def test_bad_experiments_are_refused(made, words):
    with pytest.raises(ValueError, match=words):
        made()


# The program.


def test_data_that_are_judged_by_another_metric(tmp_path):
    given = setting("data.name=regression", "network.name=fc", "curves=segment")
    out = run("reproduce", *smoke("digits", tmp_path), *given)
    assert "test root mean squared error" in out
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_weights_of_the_whole_network_are_left_out_of_a_small_one():
    given = "network.initial_weights=resnet50.h5"
    for smoke, weights in ((False, "resnet50.h5"), (True, None)):
        every = steps("imagenet_resnet50", given, smoke=smoke)
        assert every["start"].begin.initial_weights == weights


def flags_of_chains(folder):
    """Flags for two chains and the ensembles on them."""
    path = folder.parent / "chains.py"
    path.write_text(OWN % 'targets={"endpoints": {"distance": 9}}')
    given = ("network.name=fc", "curves=[segment,polychain]", "curve_seeds=[5,6,7]")
    more = ("num_bends=2", "ensemble_points=3", "pair_points=3", "curve_training.learning_rate=0.5")
    return smoke(str(path), folder, *setting(*given, *more))


@pytest.fixture(scope="module")
def chains_folder(tmp_path_factory):
    """Chains that differ in their seed, and the ensembles of the networks on each."""
    folder = tmp_path_factory.mktemp("chains")
    run("reproduce", *flags_of_chains(folder))
    return folder


@pytest.mark.xdist_group("chains")
def test_given_flags_win_and_two_chains_differ(chains_folder):
    """Flags may come in any order. Section 4: distances between bends with different seeds."""
    chains = [
        np.array(
            curve_files.load_curve(chains_folder / f"polychain-{seed}/curve.keras").control_points()
        )
        for seed in (5, 6, 7)
    ]
    assert chains[0].shape == (4, 64 * 500 + 500 + 500 * 500 + 500 + 500 * 10 + 10)
    apart = [np.linalg.norm(first - second) for first, second in zip(*chains[:2])]
    assert apart[0] == apart[3] == 0 and min(apart[1:3]) > 1e-3
    found = {(row["curve"], row["value"]): row for row in comparison(chains_folder)}
    assert {name for name, value in found if value == "distance"} == {
        "endpoints",
        *(f"bends of polychain {pair}" for pair in ("5 and 6", "5 and 7", "6 and 7")),
    }
    distance = found["bends of polychain 5 and 6", "distance"]
    assert distance["obtained"] == pytest.approx(np.mean(apart[1:3]), rel=1e-4)
    ends = found["endpoints", "distance"]
    assert ends["obtained"] == pytest.approx(np.linalg.norm(chains[0][3] - chains[0][0]), rel=1e-4)
    assert ends["target"] is distance["target"] is None  # of a smoke run
    assert {curve for curve, _ in found} >= {"single", "polychain-5", "polychain-6"}
    assert not (chains_folder / "bezier").exists()


@pytest.mark.xdist_group("chains")
def test_ensembles_of_the_networks_on_each_trained_curve(chains_folder):
    """Section A.6; here at the positions at which curves are evaluated, and for three seeds."""
    found = {row["curve"]: row for row in comparison(chains_folder) if "ensemble" in row["curve"]}
    of_curves = [f"polychain-{s} {kind}ensemble" for s in (5, 6, 7) for kind in ("", "scaled ")]
    assert set(found) == {"single ensemble", *of_curves}
    assert {(row["value"], row["statistic"]) for row in found.values()} == {("test_error", "mean")}
    folder = chains_folder / "polychain-5"
    for name, kind, size in (
        ("polychain-5 ensemble", "ensemble", 3),
        ("polychain-5 scaled ensemble", "scaled-ensemble", 3),
        ("single ensemble", "ends", 2),
    ):
        with np.load(folder / f"ensemble-{kind}.npz") as stored:
            wrong = np.mean(stored["predictions"].argmax(-1) != stored["labels"])
            assert len(stored["members:error"]) == size
        assert found[name]["obtained"] == pytest.approx(100 * wrong)
    scaled = json.loads((folder / "ensemble-scaled-ensemble.json").read_text())
    with np.load(folder / "evaluation.npz") as stored:
        losses = stored["value:train_loss"]
    np.testing.assert_allclose(scaled["temperatures"], losses / losses.min(), rtol=1e-5)
    for figure in ("ensembles", "pairs"):
        assert (chains_folder / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    for curve in ("segment", "polychain-5", "random-segment"):
        with np.load(chains_folder / curve / "pairs.npz") as stored:
            assert stored["pair_error"].shape == (3,)
            assert stored["pair_error"][0] == stored["single_error"][0]
    before = snapshot(chains_folder)
    run("reproduce", *flags_of_chains(chains_folder))
    assert snapshot(chains_folder) == before


def test_ensembles_on_the_curves_of_a_text_are_refused(tmp_path):
    given = setting("ensemble_points=4")
    ended = start("reproduce", *smoke("ptb_lstm_small", tmp_path / "it", *given)).wait()
    (line,) = ended.errors
    assert ended.code == 1 and "perplexity" in line and "ensemble_points" in line
    assert not (tmp_path / "it" / "start").exists()


@pytest.mark.xdist_group("resumed")
def test_killed_recipe_goes_on(tried, tmp_path):
    first = tmp_path / "start" / "model.keras"
    flags = smoke(RESUMED, tmp_path)
    start("reproduce", *flags).kill_when(first.exists)
    before = first.read_bytes()
    assert not (tmp_path / "comparison.json").exists()
    assert recipe_list.state(tmp_path).startswith("begun: 1 networks, 0 curves")
    run("reproduce", *flags)
    assert first.read_bytes() == before
    assert comparison(tmp_path) == comparison(tried(RESUMED))
    assert recipe_list.state(tmp_path) == "done"


@pytest.mark.xdist_group("resumed")
def test_finished_recipe_is_left_as_it_is(tried):
    folder = tried(RESUMED)
    before = snapshot(folder)
    run("reproduce", *smoke(RESUMED, folder))
    assert snapshot(folder) == before


def test_list(tmp_path):
    """Without TensorFlow, whose import takes seconds."""
    runs = {"digits": "comparison.json", "table2_mnist_fc": "start/model.keras"}
    for name, file in runs.items():
        path = tmp_path / "runs" / name / file
        path.parent.mkdir(parents=True)
        path.write_text("")
    ended = start("reproduce", "--list", directory=tmp_path).wait()
    assert (ended.code, ended.errors) == (0, [])
    lines = {line.split()[0]: line for line in ended.out.splitlines()}
    assert list(lines) == list(ALL)
    expected = {"digits": "done", "table2_mnist_fc": "begun: 1 networks, 0 curves, 0 evaluations"}
    for name, (title, _) in recipe_list.read_recipes(FOLDER).items():
        rest = lines[name].split(maxsplit=1)[1]
        assert rest.startswith(expected.get(name, "not begun"))
        assert rest.endswith(title)
    elsewhere = ("--list", f"--workdir={tmp_path}/runs")
    assert start("reproduce", *elsewhere).wait().out == ended.out
    with pytest.raises(ValueError, match="'table9'.*nearest names: table2_mnist_fc, .*--list"):
        recipe_list.find_recipe(FOLDER, "table9")


# Targets.


def made_up(values, length_ratio=1.25):
    """An evaluation of three positions, twice as far apart at the end."""
    result = CurveEvaluation(np.linspace(0, 1, 3))
    result.set_geometry([1.0, 2.0], 3.0, length_ratio)
    for index, value in enumerate(values):
        result.record(index, {"train_loss": value / 10, "test_accuracy": 1 - value / 100})
    return result


def compared(curves, more=None, targets=None, publish=True):
    """Rows by key of evaluations of curves by label, and of other numbers."""
    numbers, shown = {}, set()
    for index, (label, result) in enumerate(curves.items()):
        ends = None if index else "single"
        step = Connect(label, Saved("a"), Saved("b"), "bezier", TRAINING, ends_label=ends)
        values = step.values(result)
        numbers |= values
        shown |= {key for key in values if step.is_shown(*key[1:])}
    numbers |= more or {}
    rows = compare(numbers, shown | set(more or ()), published(targets or {}), publish)
    return {(row.curve, row.value, row.statistic): row for row in rows}


def test_published_numbers():
    numbers = {
        "bezier": {"test_error": {"max": 7.01, "int": 6}, "length_ratio": 1.5},
        "width 0.3 bezier": {"test_loss": {"int": 2}},
        "bends of polychain": {"distance": 29.6},
        "segment": {"train_loss": (1, 4), "test_error": (1, 2, 3, 4), "train_error": (1, 2, 4)},
        "fge-1": {"test_error": 5.5},
        "swa-1": 4.5,
    }
    assert published(numbers) == {
        ("bezier", "test_error", "max"): 7.01,
        ("bezier", "test_error", "int"): 6.0,
        ("bezier", "length_ratio", ""): 1.5,
        ("width 0.3 bezier", "test_loss", "int"): 2.0,
        ("bends of polychain", "distance", ""): 29.6,
        ("segment", "train_loss", "min"): 1.0,
        ("segment", "train_loss", "max"): 4.0,
        **{
            ("segment", "test_error", n): v
            for n, v in zip(("min", "int", "mean", "max"), (1.0, 2.0, 3.0, 4.0))
        },
        ("segment", "train_error", "min"): 1.0,
        ("segment", "train_error", "int"): 2.0,
        ("segment", "train_error", "max"): 4.0,
        ("fge-1", "test_error", "mean"): 5.5,
        ("swa-1", "test_error", "mean"): 4.5,
    }


def test_comparison():
    results = {"segment": made_up([4, 9, 5], 1.0), "bezier": made_up([4, 6, 5])}
    targets = {
        "single": {"test_error": {"min": 3}},
        "bezier": {"train_loss": {"mean": 0.5}, "length_ratio": 1.5},
    }
    rows = compared(results, {("endpoints", "distance", ""): 12.0}, targets)
    expected = {
        ("single", "test_error", "min"): (3.0, 4),
        ("single", "test_error", "max"): (None, 5),
        ("segment", "test_error", "max"): (None, 9),
        ("segment", "test_error", "int"): (None, (1 * 6.5 + 2 * 7) / 3),
        ("segment", "length_ratio", ""): (None, 1),
        ("bezier", "test_error", "int"): (None, (1 * 5 + 2 * 5.5) / 3),
        ("bezier", "train_loss", "mean"): (0.5, 0.525),
        ("bezier", "train_loss", "max"): (None, 0.6),
        ("bezier", "length_ratio", ""): (1.5, 1.25),
        ("endpoints", "distance", ""): (None, 12),
    }
    for key, (target, obtained) in expected.items():
        assert rows[key].target == target
        assert rows[key].obtained == pytest.approx(obtained, rel=1e-6)
    assert ("segment", "train_loss", "mean") not in rows  # neither a usual value nor a target
    curves = [key[0] for key in rows]
    assert curves == sorted(curves, key=["single", "segment", "bezier", "endpoints"].index)
    smoke = compared(results, {("endpoints", "distance", ""): 12.0}, targets, publish=False)
    assert smoke.keys() == rows.keys() and {row.target for row in smoke.values()} == {None}


def test_target_that_is_not_obtained_is_shown():
    wanted = {"polychain": {"test_error": {"max": 7}}, "bezier": {"test_error": {"max": 6.5}}}
    rows = list(compared({"bezier": made_up([4, 6, 5])}, targets=wanted).values())
    assert rows[-1] == Row("polychain", "test_error", "max", 7.0, None)
    head, *lines = format_rows(rows).splitlines()
    assert head.split() == ["target", "obtained"]
    assert lines[-1].split() == ["polychain", "test", "error", "max", "7", "-"]
    (line,) = [line for line in lines if "test error max" in line and line.startswith("bezier")]
    assert line.split() == ["bezier", "test", "error", "max", "6.5", "6"]
    assert len({len(line) for line in (head, *lines)}) == 1


def test_results_are_added_once(tmp_path):
    path = tmp_path / "results.csv"
    rows = [Row("single", "test_error", "max", 7.0, 6.5), Row("bezier", "x", "", None, None)]
    append_results(path, "one", rows)
    first = path.read_bytes()
    append_results(path, "one", rows)
    assert path.read_bytes() == first
    append_results(path, "one", [Row("single", "test_error", "max", 7.0, 6.25)])
    append_results(path, "two", rows)
    assert path.read_bytes().startswith(first)
    table = list(csv.DictReader(io.StringIO(path.read_text())))
    found = [(row["recipe"], row["curve"], row["target"], row["obtained"]) for row in table]
    assert found == [
        ("one", "single", "7.0", "6.5"),
        ("one", "bezier", "", ""),
        ("one", "single", "7.0", "6.25"),
        ("two", "single", "7.0", "6.5"),
        ("two", "bezier", "", ""),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"]) for row in table)
    assert os.listdir(tmp_path) == ["results.csv"]


def test_recipes_that_end_together_all_add_their_results(tmp_path):
    path, rows = tmp_path / "results.csv", [Row("single", "test_error", "max", 7.0, 6.5)]
    recipes = [f"recipe {i}" for i in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda recipe: append_results(path, recipe, rows), recipes))
    table = list(csv.DictReader(io.StringIO(path.read_text())))
    assert sorted(row["recipe"] for row in table) == sorted(recipes)
    assert os.listdir(tmp_path) == ["results.csv"]


def test_results_are_kept_if_writing_fails(tmp_path):
    path = tmp_path / "results.csv"
    append_results(path, "one", [Row("single", "test_error", "max", 7.0, 6.5)])
    before = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        append_results(path, "\ud800", [Row("bezier", "test_error", "max", 7.0, 6.5)])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["results.csv"]
