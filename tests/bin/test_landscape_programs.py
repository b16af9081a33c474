"""eval_grid and recipes on loss surfaces: files, kill and resume, shards, bad input."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
from programs import (
    assert_refused,
    done,
    needs_tensorflow,
    run,
    run_all,
    run_table,
    start,
    temporary_files,
)
from recipes import of_kind, steps

from mc_tf import CurveEvaluation, GridEvaluation, data, update_batch_norm
from mc_tf.callbacks import snapshot_files
from mc_tf.experiments import (
    Connect,
    Experiment,
    Film,
    Grid,
    Network,
    Saved,
    Surface,
    Train,
    average,
    checkpoint,
    last,
    members,
    run_experiment,
)
from mc_tf.experiments.steps.step import networks_in
from mc_tf.models.zoo import registry
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.snapshots import read_snapshot, save_snapshot, take_snapshot
from mc_tf.training import TrainingOptions
from mc_tf.weights.flat import flat_weights

pytestmark = [needs_tensorflow, pytest.mark.xdist_group("landscape")]

RECIPES = of_kind("grid")
NETWORK = ("--network=fc", "--batch_size=256")
SIZES = ("small", "large")  # of the batches of a recipe


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two networks, a third training in cycles with its members, a curve; one with other layers."""
    folder = tmp_path_factory.mktemp("landscape")
    train = {
        name: (f"--workdir={folder}/{name}", *NETWORK, "--epochs=1", f"--seed={seed}")
        for seed, name in enumerate(("a", "b"))
    }
    run_all("train", train)
    cycles = ("--schedule=linear_cycle", "--cycle_epochs=1", "--snapshots")
    run("train", f"--workdir={folder}/c", *NETWORK, "--epochs=4", "--seed=3", *cycles)
    run("train", f"--workdir={folder}/other", "--epochs=0")
    ends = (f"--start={folder}/a/model.keras", f"--end={folder}/b/model.keras")
    run("connect", f"--workdir={folder}/bezier", "--batch_size=256", "--epochs=1", *ends)
    return folder


def networks(root, *names):
    return f"--networks={','.join(f'{name}={root}/{name}/model.keras' for name in names)}"


def plane(root, output, *more):
    few = ("--shape=4,3", "--num_train_examples=64", "--num_test_examples=32", "--verbose=0")
    return (networks(root, "a", "b", "c"), f"--output={output}", *few, *more)


@pytest.fixture(scope="module")
def whole(root):
    """A plane through three networks, and the output of the program."""
    printed = run("eval_grid", *plane(root, root / "plane"))
    return GridEvaluation.load(root / "plane"), printed


def test_plane_through_three_files(root, whole):
    result, printed = whole
    assert result.complete and result.shape == (4, 3)
    flats = [flat_weights(load_checkpoint(root / f"{n}/model.keras")) for n in "abc"]
    distance = np.linalg.norm(flats[1].astype("float64") - flats[0])
    np.testing.assert_allclose(result.marks["b"], [distance, 0], rtol=1e-6)
    summary = json.loads((root / "plane.json").read_text())
    assert summary["description"]["networks"]["a"] == f"{root}/a/model.keras"
    assert summary["description"]["train_examples"] == 64
    assert summary["minimum"]["test_error"] == result["test_error"].min()
    assert re.search(rf"test error +{result['test_error'].min():.4f}", printed)
    assert not temporary_files(root)


def test_networks_may_be_moved(root, whole, tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()
        shutil.copy(root / name / "model.keras", tmp_path / name)
    shutil.copy(root / "plane.npz", tmp_path)
    (tmp_path / "settings.json").write_text("[1]")  # not the settings of a run
    printed = run("eval_grid", *plane(tmp_path, tmp_path / "plane"))
    assert printed.splitlines()[:-1] == whole[1].splitlines()[:-1]
    found = GridEvaluation.load(tmp_path / "plane")
    for name in found.names:
        np.testing.assert_array_equal(found[name], whole[0][name])
    assert found.description["networks"]["a"] == f"{tmp_path}/a/model.keras"
    assert found.description["kind"] == "plane"


@pytest.mark.long  # lines and rays are in tests/landscape/test_landscape.py
def test_other_surfaces(root):
    """Of a curve, a line with a mark, rays, random directions, and of a training."""
    out = root / "others"
    few = ("--num_train_examples=32", "--num_test_examples=32", "--verbose=0", "--shape=2")
    flags = {
        "curve": ("--surface=curve_plane", f"--curve_file={root}/bezier/curve.keras"),
        "line": (
            "--surface=line",
            networks(root, "a", "b"),
            f"--marks=c={root}/c/model.keras",
            "--mark_mean",
        ),
        "rays": ("--surface=rays", networks(root, "other"), "--num_rays=3", "--limits=0,4"),
        "random": ("--surface=random_plane", networks(root, "a"), "--eigenvalues"),
        "training": ("--surface=trajectory", f"--networks=c={root}/c"),
    }
    run_all("eval_grid", {k: (*f, f"--output={out}/{k}", *few) for k, f in flags.items()})
    found = {name: GridEvaluation.load(out / name) for name in flags}
    assert all(result.description["test_examples"] == 32 for result in found.values())
    drawn = ("normalization", "ignore", "seed")
    made = {n: [r.description.get(key) for key in ("kind", *drawn)] for n, r in found.items()}
    assert made == {
        "curve": ["curve_plane", None, None, None],
        "line": ["line", None, None, None],
        "rays": ["rays", "unit", [], 0],
        "random": ["random_plane", "filter", ["bias", "batch_norm"], 0],
        "training": ["trajectory", None, None, None],
    }
    assert found["line"].description["seeds of networks"] == {"a": 0, "b": 1}
    assert found["curve"].description["curve"] == f"{root}/bezier/curve.keras"
    curve = found["curve"]
    assert {*curve.marks} == {"start", "end", "bend"} and curve.paths["Bezier"].shape == (61, 2)
    assert curve.projection_error["Bezier"].max() < 1e-4
    line = found["line"]
    assert line.shape == (2,) and line.projection_error["c"] > 0
    np.testing.assert_allclose(line.marks["mean"], line.marks["b"] / 2, rtol=1e-5)
    other = load_checkpoint(root / "other" / "model.keras")
    digits = data.load("digits")  # statistics of batch normalization are estimated at each point
    update_batch_norm(other, digits.batch_norm_data(num_examples=32))
    scores = other.evaluate(digits.test_batches(num_examples=32), verbose=0, return_dict=True)
    np.testing.assert_allclose(found["rays"]["test_loss"][0], scores["loss"], rtol=1e-4)
    assert found["rays"].shape == (2, 3) and found["rays"].axes[0].tolist() == [0, 4]
    np.testing.assert_allclose(found["random"].axes, [[-1, 1], [-1, 1]])
    high, low = (found["random"][f"train_{end}_eigenvalue"] for end in ("largest", "smallest"))
    assert (high > low).all()
    members = snapshot_files(root / "c" / "members")
    (path,) = found["training"].paths.values()
    assert len(path) == len(members) == 4
    np.testing.assert_allclose(path[-1], 0, atol=1e-5)
    apart = read_snapshot(members[0]).weights - read_snapshot(members[-1]).weights
    (lost,) = [v for k, v in found["training"].projection_error.items() if "trajectory" in k]
    length = np.hypot(np.linalg.norm(path[0]), lost[0])
    np.testing.assert_allclose(length, np.linalg.norm(apart), rtol=1e-4)
    assert found["training"].projection_error["end"] == 0 and {*found["training"].marks} == {
        "start",
        "end",
    }


@pytest.mark.long  # tests/survival kills it, too
def test_a_killed_grid_goes_on(root, whole, tmp_path):
    flags = plane(root, tmp_path / "plane")
    start("eval_grid", *flags).kill_when(lambda: done(tmp_path / "plane.npz").any())
    some = done(tmp_path / "plane.npz")
    assert not some.all()
    run("eval_grid", *flags)
    again = GridEvaluation.load(tmp_path / "plane")
    for name in whole[0].names:
        np.testing.assert_array_equal(again[name], whole[0][name])
    assert not temporary_files(tmp_path)


def test_parts_are_joined(root, whole, tmp_path):
    output = tmp_path / "plane"
    parts = {str(i): plane(root, output, f"--shard={i}/2") for i in (1, 2)}
    assert "part 1/2" in run("eval_grid", *parts["1"])
    refused = start("eval_grid", f"--output={output}", "--merge=2").wait()
    assert refused.code == 1 and "plane-2-of-2.npz" in refused.errors[0]
    run("eval_grid", *parts["2"])
    assert "test error" in run("eval_grid", f"--output={output}", "--merge=2")
    joined = GridEvaluation.load(output)
    for name in whole[0].names:
        np.testing.assert_array_equal(joined[name], whole[0][name])


OUT = "--output={root}/new/plane"
A, B = "A={root}/a/model.keras", "B={root}/b/model.keras"
ABC = f"--networks={A},{B},C={{root}}/c/model.keras"
BAD = {
    "too few": ([OUT, f"--networks={A},{B}"], "'plane' needs three networks.*2 networks"),
    "the same twice": ([OUT, f"--networks={A},{B},C={{root}}/a/model.keras"], "A and C are the s"),
    "one label": ([OUT, f"--networks={A},{A}"], "Two files have the label 'A'"),
    "no networks": ([OUT], "'plane' needs three networks. Received: none"),
    "no curve": ([OUT, "--surface=curve_plane"], "'curve_plane' needs a curve.*none"),
    "missing": ([OUT, f"--networks={A},{B},{{root}}/none.keras"], "none.keras"),
    "another network": (
        [OUT, f"--networks={A},{B},{{root}}/other/model.keras"],
        "same architecture|does not fit",
    ),
    "another data set": (
        [OUT, ABC, "--dataset=pydoc"],
        "pydoc",
    ),
    "shape": ([OUT, ABC, "--shape=3,3,3"], "2 numbers"),
    "not a number": ([OUT, f"--networks={A}", "--shape=x"], "--shape must be whole numbers"),
    "shard": ([OUT, f"--networks={A}", "--shard=2"], "shard must be I/N"),
    "beyond": (
        [OUT, ABC, "--shape=2", "--shard=3/2"],
        r"A shard is \(i, n\)",
    ),
    "two shards": (
        [OUT, ABC, "--shape=2", "--shard=1/2", "--shard=2/2"],
        "shard=2/2: already defined as 1/2",
    ),
    "two at once": ([OUT, "--merge=2", "--shard=1/2"], "--merge joins parts"),
    "nothing to join": ([OUT, "--merge=2"], "2 are missing"),
    "another grid": (
        ["--output={root}/plane", ABC, "--shape=5"],
        "results of another grid",
    ),
    "marks on rays": (
        [OUT, f"--networks={A}", "--surface=rays", f"--marks={B}"],
        "Networks cannot be marked on rays",
    ),
    "mean of a curve": (
        [OUT, "--surface=curve_plane", "--curve_file={root}/bezier/curve.keras", "--mark_mean"],
        "no networks with a mean",
    ),
    "a mark called mean": (
        [OUT, ABC, "--mark_mean", "--marks=mean={root}/a/model.keras"],
        "have the label 'mean'",
    ),
    "unwritable": ([f"--networks={A}", "--output={root}/file/x"], "Cannot write"),
}


@pytest.fixture(scope="module")
def refused(root, whole):
    (root / "file").write_text("a regular file")
    table = {name: ("eval_grid", *row) for name, row in BAD.items()}
    return run_table(table, root, root=root)


@pytest.mark.parametrize("case", BAD)
def test_bad_input(refused, case):
    assert_refused(*refused[case])


# Recipes.


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_whole(name):
    for smoke in (False, True):
        every = steps(name, smoke=smoke).values()
        trained = {step.name: step for step in every if isinstance(step, Train)}
        assert any(isinstance(step, Surface) for step in every)
        different = [(step.begin, step.training) for step in trained.values()]
        assert not any(one in different[:index] for index, one in enumerate(different))
        used = [saved for step in every for saved in networks_in(step)]
        for step in every:  # no surface goes through one network twice
            saved = step.networks.values() if isinstance(step, Surface) else ()
            plain = [s for s in saved if s.kind in ("last", "checkpoint")]
            places = [(s.training, s.number or trained[s.training].training.epochs) for s in plain]
            assert len(set(places)) == len(places)
        for run_name, step in trained.items():
            assert any(saved.training == run_name for saved in used)
            if isinstance(step.begin, Network):
                assert set(step.begin.options) <= set(registry.options(step.begin.name))
            assert not smoke or step.training.epochs <= 4
        for saved in used:
            options = trained[saved.training].training
            if saved.kind == "checkpoint":
                assert 0 < saved.number <= options.epochs
            if saved.kind == "member":
                assert 0 < saved.number <= options.epochs // options.cycle_epochs


def test_a_recipe_from_start_to_end(tmp_path):
    files = (f"--workdir={tmp_path}", f"--results_file={tmp_path}/results.csv")
    out = run("reproduce", "--recipe=digits_planes", "--smoke", "--verbose=0", *files)
    assert f"{tmp_path}/rays.png" in out.splitlines()[-1]
    rows = json.loads((tmp_path / "comparison.json").read_text())["rows"]
    found = {(row["curve"], row["value"], row["statistic"]): row["obtained"] for row in rows}
    for name in ("optima", "bezier", "line", "rays", "random"):
        grid = GridEvaluation.load(tmp_path / "surfaces" / name)
        assert found[f"surfaces/{name}", "train_loss", "max"] == grid["train_loss"].max()
        assert found[f"surfaces/{name}", "test_error", "min"] == grid["test_error"].min()
    out = re.findall(r"^a: error ([0-9.]+) %", out, re.MULTILINE)
    assert [f"{found['a', 'test_error', 'mean']:.2f}"] == out
    chain = CurveEvaluation.load(tmp_path / "chain" / "evaluation")
    found_members = snapshot_files(tmp_path / "swa" / "members", include_start=True)
    assert len(chain.t) == 2 * (len(found_members) - 1) + 1  # each member and each middle
    line = GridEvaluation.load(tmp_path / "surfaces" / "line")
    assert {*line.marks} == {"a", "SWA"}
    bezier = GridEvaluation.load(tmp_path / "surfaces" / "bezier")
    assert {"Bezier"} == {*bezier.paths}
    frames = [GridEvaluation.load(tmp_path / "surfaces" / f"bezier-000{k}") for k in (1, 2)]
    for frame in frames:  # a plane each, within the same limits
        np.testing.assert_allclose(
            [axis[[0, -1]] for axis in frame.axes], [a[[0, -1]] for a in bezier.axes]
        )
    assert frames[0].marks["bend"][1] != frames[1].marks["bend"][1]
    for figure in ("curves", "planes-train_loss", "lines-test_error", "rays", "relief-random"):
        assert (tmp_path / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / f"{figure}.svg").stat().st_size > 5_000
    assert (tmp_path / "film.gif").read_bytes().startswith(b"GIF")
    assert not list(tmp_path.rglob(".*"))


def test_batch_sizes_differ_in_small():
    every = steps("sharpness_mnist", smoke=True)
    small, large = (every[name].training.batch_size for name in SIZES)
    assert large == 2 * small


@pytest.mark.long  # another recipe is run above
def test_batch_sizes_are_compared_in_small(tmp_path):
    files = (f"--workdir={tmp_path}", f"--results_file={tmp_path}/results.csv")
    run("reproduce", "--recipe=sharpness_mnist", "--smoke", "--verbose=0", *files)
    small, large = (json.loads((tmp_path / n / "settings.json").read_text()) for n in SIZES)
    assert large["batch_size"] == 2 * small["batch_size"]
    line = GridEvaluation.load(tmp_path / "surfaces" / "with_weight_decay")
    assert {*line.marks} == {"Small batches", "Large batches"}
    for figure in ("lines-train_loss", "random-lines-test_error"):
        assert (tmp_path / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def test_members_on_a_chain_are_evaluated_at_their_positions():
    """Settings of section A.10, and of weight averaging's figures."""
    every = steps("a10_fge_chain_cifar100_resnet164")
    options = every["fge"].training
    assert (options.schedule, options.cycle_epochs, options.epochs) == ("triangular_cycle", 4, 22)
    assert (options.learning_rate, options.min_learning_rate) == (0.05, 5e-4)
    assert every["fge"].begin == checkpoint("sgd", 125)
    assert every["chain"].networks == (members("fge"),)


FEW = TrainingOptions(4, 0.1)
AB = tuple(Train(name, Network("fc"), FEW) for name in "ab")
BEZIER = Connect("j", last("a"), last("b"), "bezier", FEW)
PLANE = Surface("surfaces/j", "curve_plane", curve="j")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: Surface("s", "cube", (last("a"),)), "Unknown surface 'cube'"),
        (lambda: Surface("s", "curve_plane", (last("a"),)), "needs a curve.*: a"),
        (lambda: Surface("s", "plane", (last("a"), last("b"))), "needs three networks.*: a, b"),
        (lambda: Surface("s", "trajectory", (last("a"), last("b"))), "at least three networks"),
        (lambda: Surface("s", "rays", (last("a"),), marks=(last("b"),)), "marked on the rays 's'"),
        (lambda: Surface("s", "curve_plane", curve="j", mark_mean=True), "has no mean"),
        (lambda: Grid(ray_length=0.0), "must have an extent above 0"),
        (lambda: Grid(shape=0), "shape.*at least 1"),
        (lambda: Grid(shape=(3, 10**6)), "shape.*at most 10000"),
        (lambda: Grid(line_points=1), "line_points.*at least 2"),
        (lambda: Film("film", "surfaces/j", shape=1), "shape.*at least 2"),
        (lambda: Experiment((*AB, PLANE)), "'surfaces/j' needs 'j'"),
        (
            lambda: Experiment((*AB, Surface("s", "rays", (Saved("z"),)))),
            "'s' needs 'z'.*There are: a, b",
        ),
        (lambda: TrainingOptions(4, 0.1, schedule="step"), "decay_epochs"),
    ],
)
def test_bad_experiments_are_refused(made, words):
    with pytest.raises(ValueError, match=words):
        made()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((BEZIER, PLANE, Film("film", "surfaces/j")), "keeps every epoch.*the curve 'j'"),
        (
            (Surface("s", "line", (last("a"), last("b"))), Film("film", "s")),
            "needs the plane of a curve.*no curve",
        ),
        *(
            ((Surface("s", "rays", (saved,)),), f"'a' does not save.*{saved}")
            for saved in (
                checkpoint("a", 9),
                Saved("a", "member", 1),
                members("a"),
                Saved("a", "trajectory"),
                average("a"),
            )
        ),
        ((Surface("s", "rays", (last("a"),), grid=Grid(num_train=10**6)),), "959.*1000000"),
    ],
)
def test_experiments_that_cannot_be_are_refused_before_any_work(tmp_path, more, words):
    with pytest.raises(ValueError, match=words):
        run_experiment(Experiment((*AB, *more)), data.load("digits"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_network_beside_a_member_and_a_path_with_an_equals_sign(root, whole, tmp_path):
    folder = tmp_path / "rate=0.1"
    shutil.copytree(root / "a", folder)
    weights = take_snapshot(keras.saving.load_model(folder / "model.keras"))
    (folder / "members").mkdir()
    member = folder / "members" / "snapshot-00000001.npz"
    save_snapshot(member, weights)
    for name in (member, f"it={member}"):
        few = ("--shape=2", "--num_train_examples=64", "--num_test_examples=32", "--verbose=0")
        flags = (f"--networks={name}", "--surface=random_line", *few)
        run("eval_grid", f"--output={tmp_path}/line", *flags)


def test_options_of_a_network_in_a_training():
    every = steps("skips_cifar10_resnet56")
    assert every["plain"].begin.options == {"skip_connections": False}
    assert every["skips"].begin.options == {}
    shape = data.load("digits").input_shape
    with_skips = registry.build("preresnet8", 10, shape)
    without = registry.build("preresnet8", 10, shape, skip_connections=False)
    added = [layer for layer in without.layers if isinstance(layer, keras.layers.Add)]
    assert without.output_shape == with_skips.output_shape == (None, 10)
    assert not added and without.count_params() < with_skips.count_params()
