"""The programs in bin/: the whole chain, kill and resume, bad input."""

import io
import json
import pathlib
import re
import shutil
import zipfile

import h5py
import numpy as np
import pytest
from programs import (
    COMPUTES_BFLOAT16,
    DATA_DIR,
    arrays,
    assert_refused,
    assert_same_arrays,
    command,
    done,
    history,
    needs_tensorflow,
    run,
    run_all,
    run_table,
    snapshot,
    start,
    temporary_files,
)

PROGRAMS = (
    "train",
    "connect",
    "eval_curve",
    "plot",
    "demo",
    "reproduce",
    "eval_barrier",
    "fge",
    "sse",
    "swa",
    "eval_ensemble",
    "eval_mean_prediction",
    "eval_pairs",
    "eval_trajectory",
    "export_ensemble",
    "merge",
    "report",
)
EPOCHS = 6
POINTS = 21
NETWORK = ("--batch_size=256", f"--epochs={EPOCHS}")
GRID = (f"--num_points={POINTS}", "--num_train_examples=300")

pytestmark = [needs_tensorflow, pytest.mark.xdist_group("programs")]  # they share endpoints


# Damaging files, reading output.


def set_nan(path, copy):
    """Copies a `.keras` file with a NaN in its first weight array."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w") as target:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "model.weights.h5":
                buffer = io.BytesIO(content)
                with h5py.File(buffer, "r+") as file:
                    file["layers/conv2d/vars/0"][0, 0, 0, 0] = np.nan
                content = buffer.getvalue()
            target.writestr(name, content)


def cut(path, copy):
    """Copies the first half of a file."""
    content = pathlib.Path(path).read_bytes()
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(content[: len(content) // 2])
    return copy


def epochs_printed(out):
    return [int(epoch) for epoch in re.findall(r"^Epoch (\d+)/", out, re.MULTILINE)]


# The chain, once for all tests.


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def networks(root):
    """Two trained networks and the output of the programs."""
    seeds = {"a": 1, "b": 2}
    flags = {name: (f"--workdir={root}/{name}", f"--seed={seed}") for name, seed in seeds.items()}
    return run_all("train", {name: (*given, *NETWORK) for name, given in flags.items()})


@pytest.fixture(scope="module")
def other_network(root):
    """An untrained network of another kind."""
    ended = start("train", f"--workdir={root}/other", "--network=fc", "--epochs=0").wait()
    assert ended.code == 0, ended.err
    assert ended.errors == []
    return ended.out


def connect_flags(root, workdir, curve, *more):
    return (
        f"--workdir={workdir}",
        f"--start={root}/a/model.keras",
        f"--end={root}/b/model.keras",
        f"--curve={curve}",
        *NETWORK,
        *more,
    )


@pytest.fixture(scope="module")
def curves(root, networks):
    """A curve of each family and the output of the programs."""
    more = {"bezier": ["--num_bends=2"], "polychain": ["--epochs=1"], "segment": []}
    flags = {name: connect_flags(root, root / name, name, *more[name]) for name in more}
    return run_all("connect", flags)


@pytest.fixture(scope="module")
def evaluations(root, curves):
    """Evaluations of the curves and the output of the programs."""
    more = {"bezier": [], "polychain": ["--num_points=3"], "segment": ["--num_points=3"]}
    flags = {
        name: (f"--curve_file={root}/{name}/curve.keras", *GRID, *more[name]) for name in curves
    }
    return run_all("eval_curve", flags)


def test_train_writes_network_and_history(root, networks):
    for name, out in networks.items():
        assert epochs_printed(out) == list(range(1, EPOCHS + 1))
        assert re.search(rf"/{name}/model\.keras: validation error \d+\.\d\d %, loss \d", out)
        rows = history(root / name)
        assert [int(row["epoch"]) for row in rows] == list(range(EPOCHS))
        assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
        assert arrays(root / name / "model.keras")["optimizer/vars/0"] == 4 * EPOCHS
        assert temporary_files(root / name) == []
    rates = [float(row["learning_rate"]) for row in history(root / "a")]
    np.testing.assert_allclose(rates[:3] + rates[-1:], [0.05, 0.05, 0.05, 0.0005], rtol=1e-6)


@pytest.mark.long  # tests/models/test_curve_model.py trains in it
def test_train_in_bfloat16(tmp_path):
    flags = ("--network=fc", "--batch_size=256", "--epochs=1", "--seed=1")
    folders = tmp_path / "rounded", tmp_path / "exact"
    # A command as a user types it: the graph optimizer, which rounds, is on.
    silent = ("--auto_bfloat16", "--verbose=0")
    ended = command("train", f"--workdir={folders[0]}", *flags, *silent)
    assert ended.code == 0, ended.err
    assert ended.errors == []
    run("train", f"--workdir={folders[1]}", *flags)
    found = arrays(folders[0] / "model.keras")
    assert {value.dtype.name for value in found.values() if value.dtype.kind == "f"} == {"float32"}
    rounded, exact = (float(history(folder)[0]["loss"]) for folder in folders)
    assert rounded == pytest.approx(exact, rel=0.01)
    if COMPUTES_BFLOAT16:
        assert rounded != pytest.approx(exact, rel=1e-5)


def test_finished_training_is_left_as_it_is(root, networks):
    before = snapshot(root / "a")
    out = run("train", f"--workdir={root}/a", "--seed=1", *NETWORK)
    assert epochs_printed(out) == []
    described, result = out.splitlines()  # network and data, and the result
    assert "weights" in described and result == networks["a"].splitlines()[-1]
    assert snapshot(root / "a") == before


def test_train_without_epochs_saves_initial_network(root, other_network):
    assert "validation error" in other_network
    assert sorted(p.name for p in (root / "other").iterdir()) == ["model.keras", "settings.json"]


def test_connect_writes_curves(root, networks, curves):
    for name, out in curves.items():
        found = re.search(r"curve\.keras: (\w+)\(.*length (\S+), length ratio (\S+)", out)
        assert found[1].lower() == name
        assert float(found[3]) == 1 if name == "segment" else float(found[3]) >= 1
    assert epochs_printed(curves["bezier"]) == list(range(1, EPOCHS + 1))
    assert epochs_printed(curves["segment"]) == []
    assert not (root / "segment" / "history.csv").exists()
    # Its ends are the two networks: the last weights are the last layer's biases.
    points = [v for v in arrays(root / "bezier/curve.keras").values() if v.size > 10_000]
    for name in "ab":
        bias = arrays(root / name / "model.keras")["layers/dense/vars/1"]
        assert any(np.array_equal(point[-len(bias) :], bias) for point in points)


def test_evaluation_prints_table_and_writes_files(root, curves, evaluations):
    columns = ["Start", "End", "Min", "Int", "Mean", "Max", "Barrier"]
    for name, out in evaluations.items():
        described, head, *rows, last, files = out.splitlines()
        network, examples, _, place = described.split("; ")
        assert re.fullmatch(r"\w+\(.*\) of convnet: [\d,]+ weights", network)
        assert examples == "digits: 300 training and 239 validation examples"
        assert place == f"writes {root}/{name}/evaluation.npz"
        assert head.split() == columns
        table = {row[:14].strip(): [float(x) for x in row[14:].split()] for row in rows}
        assert list(table) == ["train loss", "train error", "test loss", "test error"]
        for begin, end, low, integral, mean, high, barrier in table.values():
            assert low <= min(begin, end) <= max(begin, end) <= high
            assert low <= integral <= high and low <= mean <= high
            assert barrier == pytest.approx(high - max(begin, end), abs=2e-4)
        assert re.fullmatch(r"length \S+, length ratio \S+", last)
        path = root / name / "evaluation"
        assert files == f"{path}.npz, {path}.json"
        count = POINTS if name == "bezier" else 3
        with np.load(f"{path}.npz") as stored:
            assert stored["done"].all()
            np.testing.assert_array_equal(stored["t"], np.linspace(0, 1, count))
            found = stored["value:test_error"]
            assert found.shape == (count,) and found.dtype == "float64"
            assert found.max() == pytest.approx(table["test error"][5], abs=1e-4)
        summary = json.loads(pathlib.Path(f"{path}.json").read_text())
        assert summary["description"]["data"] == "digits"
        assert summary["num_points"] == count
        assert temporary_files(root / name) == []
    # All curves have the same ends.
    ends = {name: [out.splitlines()[2][14:34]] for name, out in evaluations.items()}
    assert ends["bezier"] == ends["polychain"] == ends["segment"]


@pytest.mark.parametrize("layers", [False, pytest.param(True, marks=pytest.mark.long)])
def test_barrier(root, networks, tmp_path, layers):
    """Batch normalization after each convolution leaves nothing to repair."""
    ends = (f"--first={root}/a/model.keras", f"--second={root}/b/model.keras")
    flags = (*ends, "--align", "--repair", "--num_points=3", "--num_train_examples=300")
    flags += ("--layers",) * layers
    out = run("eval_barrier", *flags, f"--output={tmp_path}/it", "--title=Digits")
    assert "<Alignment: " in out and out.splitlines()[-1] == f"{tmp_path}/it.npz, {tmp_path}/it.png"
    found = {}
    for name in ("it", "it-aligned", "it-repaired", *["it-conv2d"] * layers):
        with np.load(tmp_path / f"{name}.npz") as stored:
            found[name] = stored["value:test_loss"]
        heading = name.partition("-")[2] or "as trained"
        assert re.search(rf"^{heading}\b", out, re.MULTILINE)
    # The aligned network computes what the second does.
    np.testing.assert_allclose(found["it"][[0, -1]], found["it-aligned"][[0, -1]], rtol=1e-3)
    np.testing.assert_allclose(found["it-aligned"], found["it-repaired"], rtol=1e-3)
    if layers:
        assert found["it"][0] == pytest.approx(found["it-conv2d"][0], rel=1e-5)
    for figure in ("it.png", *["it-layers.png"] * layers):
        assert (tmp_path / figure).read_bytes().startswith(b"\x89PNG")
    before = snapshot(tmp_path)
    run("eval_barrier", *flags, f"--output={tmp_path}/it", "--title=Digits")
    assert snapshot(tmp_path) == before


def test_connect_aligned(root, networks, curves, tmp_path):
    """The end is another order of the same network."""
    flags = connect_flags(root, tmp_path / "it", "segment", "--align")
    run("connect", *flags)
    plain, aligned = (
        sorted((v for v in arrays(path / "curve.keras").values() if v.size > 10_000), key=np.sum)
        for path in (root / "segment", tmp_path / "it")
    )
    assert len(plain) == len(aligned) == 2
    differ = [not np.array_equal(one, two) for one, two in zip(plain, aligned)]
    assert sum(differ) == 1
    one, two = (each[differ.index(True)] for each in (plain, aligned))
    np.testing.assert_array_equal(np.sort(one), np.sort(two))
    ended = start("connect", *flags[:-1]).wait()
    (line,) = ended.errors
    assert ended.code == 1 and "align" in line


@pytest.mark.parametrize("ending, magic", [("png", b"\x89PNG\r\n\x1a\n"), ("svg", b"<?xml")])
def test_plot(root, evaluations, tmp_path, ending, magic):
    files = ",".join(f"{name.capitalize()}={root}/{name}/evaluation.npz" for name in evaluations)
    figure = tmp_path / "new" / f"curves.{ending}"
    out = run("plot", "curve", f"--results={files}", f"--figure={figure}", "--title=Digits")
    assert out.strip() == str(figure)
    assert figure.read_bytes().startswith(magic)
    assert figure.stat().st_size > 10_000
    assert temporary_files(figure.parent) == []


def test_demo(tmp_path):
    flags = ("--epochs=1", "--curve_epochs=1", "--num_points=2")
    out = run("demo", f"--workdir={tmp_path}/demo", *flags)
    for name, about in {"segment": "", "bezier": " (1 epochs)"}.items():
        begun = f"Connecting by '{name}'{about} ...\nEvaluating '{name}' at 2 positions ..."
        assert begun in out
    for name in ("Segment", "Bezier", "Polychain"):
        assert re.search(rf"\n{name}\n +Start +End +Min .*\ntrain loss ", out)
        assert done(tmp_path / "demo" / name.lower() / "evaluation.npz").tolist() == [True] * 2
    for name in ("curves.png", "curves.svg"):
        assert f"Figure: {tmp_path}/demo/{name}" in out
        assert (tmp_path / "demo" / name).stat().st_size > 10_000


# Help.

HELP = {
    "train": ("Trains one network", {"dataset": "digits", "epochs": "30", "network": "convnet"}),
    "connect": ("Joins two trained networks", {"curve": "bezier", "num_bends": "1"}),
    "eval_curve": ("Evaluates loss and error along a curve", {"num_points": "61"}),
    "eval_barrier": ("Evaluates the segment between two networks", {"num_points": "25"}),
    "plot": (
        "Draws figures from result files",
        {"axis_label": "coordinate on the line", "scale": "log", "frames_per_second": "5.0"},
    ),
    "demo": ("Demonstration on the embedded digits", {"workdir": "runs/demo"}),
    "reproduce": (
        "Reproduces a published result",
        {"verbose": "2"},
    ),
    "fge": ("Fast geometric ensembling", {"cycle_epochs": "4", "schedule": "triangular_cycle"}),
    "sse": ("Snapshot ensembles", {"cycle_epochs": "6", "schedule": "cosine_cycle"}),
    "swa": ("Stochastic weight averaging", {"swa_every": "1", "schedule": "swa"}),
    "eval_ensemble": ("Evaluates an ensemble", {"num_points": "50"}),
    "eval_mean_prediction": ("Compares mean predictions of an ensemble", {"batch_size": "500"}),
    "eval_pairs": ("Ensembles of two networks", {"num_points": "21"}),
    "eval_trajectory": ("Learning rate, error and distance", {"batch_size": "500"}),
    "export_ensemble": ("Writes an ensemble as one TensorFlow SavedModel", {}),
    "merge": ("Merges the weights of several networks into one", {"method": "uniform"}),
    "report": ("Writes a report of a directory of runs", {}),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_help(program):
    ended = command(program, "--help")
    purpose, defaults = HELP[program]
    assert ended.code == 0
    assert ended.err == ""
    assert ended.out.startswith(purpose)
    assert re.search(rf"python bin/{program}\.py .*--", ended.out)  # an example
    for name, default in defaults.items():
        assert re.search(rf"--{name}: [^-]*\(default: '{default}'\)", ended.out), name
    explained = set(re.findall(r"--(?:\[no\])?(\w+)", ended.out))
    if program in ("train", "connect"):  # flags that programs share, too
        shared = {"workdir", "data_dir", "image_size", "seed", "schedule", "optimizer", "clip_norm"}
        assert shared <= explained
    if program == "plot":
        kinds = "curve line plane surface film ensembles curve_ensembles pairs trajectory"
        kinds = f"{kinds} mean_prediction widths barrier barriers layers"
        for kind in kinds.split():
            assert re.search(rf"\n  {kind} +\w.*: eval_\w+\.py\n", ended.out), kind
        assert "--values: For curve, line" in ended.out and "train_loss; for curve and" in ended.out
    if program == "train":
        assert {"network_option", "initial_weights", "weight_decay"} <= explained


# Kill and resume.


@pytest.mark.long  # tests/survival kills it, too
def test_killed_training_goes_on(root, networks, tmp_path):
    flags = (f"--workdir={tmp_path}", "--seed=1", "--save_every=2", *NETWORK)
    start("train", *flags).kill_when(lambda: len(history(tmp_path)) >= 3)
    reached = int(arrays(tmp_path / "model.keras")["optimizer/vars/0"]) // 4
    assert 2 <= reached < EPOCHS
    leftover = tmp_path / ".model-0a1b2c3d.keras"
    leftover.write_bytes(b"half a file")
    out = run("train", *flags)
    assert epochs_printed(out) == list(range(reached + 1, EPOCHS + 1))
    assert_same_arrays(tmp_path / "model.keras", root / "a" / "model.keras")
    assert out.splitlines()[-1].split(": ")[1] == networks["a"].splitlines()[-1].split(": ")[1]
    assert temporary_files(tmp_path) == []
    assert_same_history(tmp_path, root / "a")


@pytest.mark.long  # tests/survival kills it, too
def test_killed_connection_goes_on(root, curves, tmp_path):
    flags = connect_flags(root, tmp_path, "bezier", "--num_bends=2")
    before = snapshot(root)
    # In the middle of writing a checkpoint.
    start("connect", *flags).kill_when(
        lambda: len(history(tmp_path)) >= 3 and any(tmp_path.glob(".mc_tf-*-curve.keras"))
    )
    reached = int(arrays(tmp_path / "curve.keras")["optimizer/vars/0"]) // 4
    assert 2 <= reached < EPOCHS
    (tmp_path / ".curve-0a1b2c3d.keras").write_bytes(b"half a file")
    out = run("connect", *flags)
    assert epochs_printed(out) == list(range(reached + 1, EPOCHS + 1))
    assert_same_arrays(tmp_path / "curve.keras", root / "bezier" / "curve.keras")
    assert out.splitlines()[-1].split(": ")[1] == curves["bezier"].splitlines()[-1].split(": ")[1]
    assert temporary_files(tmp_path) == []
    assert_same_history(tmp_path, root / "bezier")
    assert snapshot(root) == before  # the networks, above all


def test_diverging_training_ends_with_a_line_and_saves_nothing(tmp_path):
    ended = start("train", f"--workdir={tmp_path}", "--learning_rate=1e20", "--epochs=2").wait()
    assert ended.code == 1
    assert len(ended.errors) == 1
    assert re.search("Training diverged.*smaller learning rate", ended.errors[0])
    assert not (tmp_path / "model.keras").exists()


def assert_same_history(folder, uninterrupted):
    """Each epoch once, in order."""
    assert len(history(folder)) == EPOCHS
    assert history(folder) == history(uninterrupted)


@pytest.mark.long  # tests/survival kills it, too
def test_killed_evaluation_goes_on(root, evaluations, tmp_path):
    flags = (
        f"--curve_file={root}/bezier/curve.keras",
        f"--output={tmp_path}/evaluation",
        *GRID,
    )
    file = tmp_path / "evaluation.npz"
    start("eval_curve", *flags).kill_when(lambda: done(file).sum() >= 3)
    with np.load(file) as stored:
        before = dict(stored)
    count = int(before["done"].sum())
    assert before["done"].tolist() == [True] * count + [False] * (POINTS - count)
    assert np.isnan(before["value:test_loss"][count:]).all()
    assert not (tmp_path / "evaluation.json").exists()
    # Existing points are kept unchanged: this mark must survive.
    marked = before["value:train_accuracy"][0] = 123.0
    np.savez(file, **before)
    (tmp_path / ".evaluation-0a1b2c3d.npz").write_bytes(b"half a file")
    ended = start("eval_curve", *flags).wait()
    assert ended.code == 0, ended.err
    assert f" {count}/{POINTS} " in ended.err  # the progress bar begins there
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evaluation.json", "evaluation.npz"]
    with np.load(file) as stored, np.load(root / "bezier/evaluation.npz") as expected:
        assert sorted(stored.files) == sorted(expected.files)
        for name in stored.files:
            values = stored[name]
            if name == "value:train_accuracy":
                assert values[0] == marked
                values, wanted = values[1:], expected[name][1:]
            else:
                wanted = expected[name]
            np.testing.assert_array_equal(values, wanted, err_msg=name)
    assert ended.out.splitlines()[1:-1] == evaluations["bezier"].splitlines()[1:-1]


# Bad input.


@pytest.fixture(scope="module")
def broken(root, networks, other_network, curves, evaluations):
    """Files and directories that programs must refuse."""
    folder = root / "broken"
    (folder / "empty").mkdir(parents=True)
    (folder / "file").write_text("a regular file")
    cut(root / "a/model.keras", folder / "cut.keras")
    set_nan(root / "a/model.keras", folder / "nan.keras")
    cut(root / "bezier/evaluation.npz", folder / "cut.npz")
    for name, file in (("a", "model.keras"), ("bezier", "curve.keras")):
        shutil.copytree(root / name, folder / name)
        cut(root / name / file, folder / name / file)
    shutil.copytree(root / "segment", root / "whole")
    settings = json.loads((root / "whole" / "settings.json").read_text())
    settings = {**settings, "test": "test", "train_examples": 1198}
    del settings["checksum"]
    (root / "whole" / "settings.json").write_text(json.dumps(settings))
    (root / "other.csv").write_text("a,b\n1,2\n")
    with np.load(root / "segment/evaluation.npz") as stored:
        content = dict(stored)
    content["done"] = np.array([True, True, False])
    np.savez(folder / "incomplete.npz", **content)
    return folder


ENDS = ("--start={root}/a/model.keras", "--end={root}/b/model.keras")
NEW = "--workdir={root}/new"
CURVE = "--curve_file={root}/bezier/curve.keras"
FIGURE = "--figure={root}/new.png"
DIGITS = "--recipe=digits"
SWEEP = ("--recipe=mnist_width_sweep", "--set=data.name=digits", "--set=num_train=none")
BAD = {
    "train: unknown data set": ("train", [NEW, "--dataset=svhn"], "'svhn'.*digits"),
    "train: data set not there": (
        "train",
        [NEW, "--dataset=cifar10", "--data_dir={broken}/empty"],
        "'cifar10' is not prepared.*--data_dir",
    ),
    "train: no data directory": (
        "train",
        [NEW, "--dataset=cifar10", "--data_dir={broken}/none"],
        "broken/none' is not a directory",
    ),
    "train: unknown network": ("train", [NEW, "--network=resnt"], "'resnt'.*convnet"),
    "train: unwritable": ("train", ["--workdir={broken}/file/x"], "Cannot write.*file/x"),
    "train: another run's directory": (
        "train",
        ["--workdir={root}/a", "--seed=5", *NETWORK],
        "seed=1.*seed=5",
    ),
    "train: fewer examples": (
        "train",
        ["--workdir={root}/a", "--seed=1", *NETWORK, "--num_train_examples=500"],
        "holds a run with train_examples=959.*train_examples=500",
    ),
    "train: cut checkpoint": (
        "train",
        ["--workdir={broken}/a", "--seed=1", *NETWORK],
        "broken/a/model.keras' is damaged",
    ),
    "train: best by the test set": (
        "train",
        [NEW, "--keep_best", "--use_test"],
        "keep_best chooses by validation examples.*use_test",
    ),
    "connect: cycles": (
        "connect",
        [
            NEW,
            "--start={root}/a/model.keras",
            "--end={root}/b/model.keras",
            *("--epochs=1", "--schedule=triangular_cycle", "--cycle_epochs=1", "--batch_size=400"),
        ],
        "even number of steps",
    ),
    "report: no directory": ("report", [], "one directory: report.py WORKDIR"),
    "report: two directories": ("report", ["a", "--workdir=b"], "one directory"),
    "train: rates of another schedule": (
        "train",
        [NEW, "--decay_epochs=3,5"],
        "--decay_epochs is for the schedules step and exponential.*--schedule=piecewise_linear",
    ),
    "train: clipping to nothing": ("train", [NEW, "--clip_norm=0"], "clip_norm must be positive"),
    "train: no units": (
        "train",
        [NEW, "--network=fc", "--network_option=units=[4, 0]"],
        "units must be positive.*4, 0",
    ),
    "train: no channels": (
        "train",
        [NEW, "--network=preresnet8", "--network_option=width=0.01"],
        "width must leave at least one of 16 units",
    ),
    "eval_curve: all were trained on": (
        "eval_curve",
        ["--curve_file={root}/whole/curve.keras", "--output={root}/new"],
        "trained on 1198 examples of digits, of which only 959",
    ),
    "reproduce: results in another file": (
        "reproduce",
        [NEW, DIGITS, "--smoke", "--results_file={root}/other.csv"],
        "other.csv' is not a file of results: it has the columns a, b",
    ),
    "reproduce: a width that leaves nothing": (
        "reproduce",
        [NEW, *SWEEP, "--set=widths=[0.02,0.0001]"],
        "width must leave at least one",
    ),
    "reproduce: a setting of another recipe": (
        "reproduce",
        [NEW, "--recipe=digits_ensembles", "--set=curves=bezier"],
        "'curves=bezier' is invalid: .*no 'curves'.*sse_cycles",
    ),
    "reproduce: a flag that became a setting": (
        "reproduce",
        [NEW, DIGITS, "--epochs=3"],
        "'epochs'.*--set=training.epochs=3",
    ),
    "reproduce: results in a directory": (
        "reproduce",
        [NEW, DIGITS, "--smoke", "--results_file={root}"],
        "--results_file must be a file",
    ),
    "train: no directory": ("train", [], "--workdir"),
    "train: epochs": ("train", [NEW, "--epochs=-1"], "epochs=-1"),
    "train: argument": ("train", [NEW, "more"], "unexpected argument 'more'"),
    "train: unknown flag": ("train", [NEW, "--epoch=3"], "'epoch'"),
    "train: network option without a value": (
        "train",
        [NEW, "--network_option=width"],
        "NAME=VALUE.*'width'",
    ),
    "train: unknown network option": (
        "train",
        [NEW, "--network=fc", "--network_option=nonsense=1"],
        "'nonsense'.*'units'",
    ),
    "train: kind of a network option": (
        "train",
        [NEW, "--network=preresnet8", "--network_option=skip_connections=no"],
        "'skip_connections'.*'preresnet8'.*'no'.*True",
    ),
    "train: no decay epochs": ("train", [NEW, "--schedule=exponential"], "decay_epochs"),
    "train: decay epochs": (
        "train",
        [NEW, "--schedule=step", "--decay_epochs=x"],
        "--decay_epochs.*whole.*x",
    ),
    "train: missing weights": (
        "train",
        [NEW, "--initial_weights={root}/none.h5"],
        "no file of weights.*none.h5",
    ),
    "train: weights of another network": (
        "train",
        [NEW, "--initial_weights={root}/other/model.keras"],
        "other/model.keras' does not hold the weights.*'convnet'",
    ),
    "train: text not there": (
        "train",
        [NEW, "--dataset=ptb", "--data_dir={broken}/empty"],
        "not in '.*/empty'.*--data_dir.*pydoc",
    ),
    "train: network for texts": (
        "train",
        [NEW, "--network=lstm_small"],
        "lstm_small reads text.*--dataset=ptb or pydoc",
    ),
    "train: network for images": (
        "train",
        [NEW, "--dataset=pydoc", "--network=fc"],
        "'fc' is not made for the data set 'pydoc'.*lstm_small",
    ),
    "train: steps of images": ("train", [NEW, "--num_steps=5"], "'digits' has no num_steps"),
    "connect: missing network": (
        "connect",
        [NEW, ENDS[0], "--end={root}/none.keras"],
        "no model file.*none.keras",
    ),
    "connect: directory for network": (
        "connect",
        [NEW, ENDS[0], "--end={root}/b"],
        "no model file.*/b'",
    ),
    "connect: ends differ": (
        "connect",
        [NEW, ENDS[0], "--end={root}/other/model.keras"],
        "same architecture.*shape",
    ),
    "connect: bends": ("connect", [NEW, *ENDS, "--num_bends=-1"], "num_bends=-1"),
    "connect: unknown curve": ("connect", [NEW, *ENDS, "--curve=circle"], "circle.*polychain"),
    "connect: no trivial curve": (
        "connect",
        [NEW, *ENDS, "--curve=trivial"],
        "trivial curve.*'batch_normalization.*BatchNormalization",
    ),
    "connect: cut network": (
        "connect",
        [NEW, ENDS[0], "--end={broken}/cut.keras"],
        "cut.keras' is damaged",
    ),
    "connect: NaN": (
        "connect",
        [NEW, "--start={broken}/nan.keras", ENDS[1]],
        "`start` must be finite.*1 NaN",
    ),
    "connect: unwritable": (
        "connect",
        ["--workdir={broken}/file/x", *ENDS],
        "Cannot write.*file/x",
    ),
    "connect: another run's directory": (
        "connect",
        ["--workdir={root}/bezier", *ENDS, "--num_bends=2", *NETWORK, "--seed=5"],
        "seed=0.*seed=5",
    ),
    "connect: a network's directory": (
        "connect",
        ["--workdir={root}/a", *ENDS, *NETWORK],
        "holds a run",
    ),
    "connect: cut checkpoint": (
        "connect",
        ["--workdir={broken}/bezier", *ENDS, "--num_bends=2", *NETWORK],
        "broken/bezier/curve.keras' is damaged",
    ),
    "eval_curve: missing curve": ("eval_curve", ["--curve_file={root}/none.keras"], "none.keras"),
    "eval_curve: a network": (
        "eval_curve",
        ["--curve_file={root}/a/model.keras"],
        "Functional, not a curve",
    ),
    "eval_curve: cut curve": (
        "eval_curve",
        ["--curve_file={broken}/bezier/curve.keras"],
        "curve.keras' is damaged",
    ),
    "eval_curve: cut results": (
        "eval_curve",
        [CURVE, "--output={broken}/cut", *GRID],
        "cut.npz' is damaged",
    ),
    "eval_curve: other results": (
        "eval_curve",
        [CURVE, *GRID, "--num_points=4"],
        "evaluation.npz' holds the results of another",
    ),
    "eval_curve: points": ("eval_curve", [CURVE, "--num_points=1"], "num_points=1"),
    "eval_curve: too many examples": (
        "eval_curve",
        [CURVE, "--output={root}/new", "--num_train_examples=5000"],
        "959.*5000",
    ),
    "eval_curve: unwritable": (
        "eval_curve",
        [CURVE, "--output={broken}/file/x/evaluation"],
        "Cannot write.*file/x",
    ),
    "plot: missing results": (
        "plot",
        ["curve", FIGURE, "--results={root}/none.npz"],
        "no result file.*none.npz",
    ),
    "plot: cut results": (
        "plot",
        ["curve", FIGURE, "--results=Curve={broken}/cut.npz"],
        "cut.npz' is damaged",
    ),
    "plot: not results": (
        "plot",
        ["curve", FIGURE, "--results={root}/a/model.keras"],
        "no result file|damaged",
    ),
    "plot: incomplete": (
        "plot",
        ["curve", FIGURE, "--results=Curve={broken}/incomplete.npz"],
        "'Curve'.*2 of 3 points",
    ),
    "plot: unknown values": (
        "plot",
        ["curve", FIGURE, "--results={root}/bezier/evaluation.npz", "--values=tst_loss"],
        "tst_loss.*test_loss",
    ),
    "plot: unknown format": (
        "plot",
        ["curve", "--figure={root}/new.xyz", "--results={root}/bezier/evaluation.npz"],
        "xyz",
    ),
    "plot: unwritable": (
        "plot",
        ["curve", "--figure={broken}/file/new.png", "--results={root}/bezier/evaluation.npz"],
        "Cannot write.*broken/file",
    ),
    "plot: one label": (
        "plot",
        [
            "curve",
            FIGURE,
            "--results=A={root}/bezier/evaluation.npz,A={root}/segment/evaluation.npz",
        ],
        "Two files have the label 'A'",
    ),
    "demo: argument": ("demo", ["runs/demo"], "unexpected argument 'runs/demo'"),
    "demo: unwritable": ("demo", ["--workdir={broken}/file/x"], "Cannot write.*file/x"),
    "reproduce: no recipe": ("reproduce", [NEW], "--recipe=NAME.*--list"),
    "reproduce: unknown recipe": (
        "reproduce",
        [NEW, "--recipe=table9"],
        "'table9'.*nearest.*table2_cifar10_vgg16.*--list",
    ),
    "reproduce: unknown schedule": (
        "reproduce",
        [NEW, DIGITS, "--set=training.schedule=cosine"],
        "cosine.*exponential",
    ),
    "reproduce: no curves": (
        "reproduce",
        [NEW, DIGITS, "--smoke", "--set=curves=[]"],
        r"at least one curve.*curves=\[\]",
    ),
    "reproduce: no seeds of curves": (
        "reproduce",
        [NEW, DIGITS, "--smoke", "--set=curve_seeds=[]"],
        r"at least one seed.*curve_seeds=\[\]",
    ),
    "reproduce: no trivial curve": (
        "reproduce",
        [NEW, DIGITS, "--smoke", "--set=curves=[segment,trivial]"],
        "trivial curve.*'batch_normalization.*BatchNormalization",
    ),
    "reproduce: too many examples": (
        "reproduce",
        [NEW, DIGITS, "--set=num_train=5000"],
        "1198.*5000",
    ),
    "reproduce: unknown curve": (
        "reproduce",
        [NEW, DIGITS, "--smoke", "--set=curves=[segment,circle]"],
        "'circle'.*polychain",
    ),
    "reproduce: unwritable": (
        "reproduce",
        [DIGITS, "--workdir={broken}/file/x"],
        "Cannot write.*file/x",
    ),
}


@pytest.fixture(scope="module")
def refused(root, broken):
    return run_table(BAD, root, root=root, broken=broken)


@pytest.mark.parametrize("case", BAD)
def test_bad_input(refused, case):
    assert_refused(*refused[case])


@pytest.mark.parametrize("program", PROGRAMS)
def test_unknown_flag_as_a_command(program):
    ended = command(program, "--nonsense=1")
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.startswith(f"{program}.py: error: ") and "'nonsense'" in ended.err
    assert len(ended.err.splitlines()) == 1


# Real data.


@pytest.fixture(scope="module")
def mnist(root):
    """A network trained on MNIST for one epoch: directory and output of the program."""
    if not (DATA_DIR / "mnist").is_dir():
        pytest.skip(f"mnist is not in {DATA_DIR} (set MC_TF_DATA_DIR)")
    flags = ("--dataset=mnist", f"--data_dir={DATA_DIR}", "--network=fc", "--use_test")
    options = ("--epochs=1", "--batch_size=2000", "--learning_rate=0.1")
    return run("train", f"--workdir={root}/mnist", *flags, *options)


@pytest.mark.long  # CIFAR-10 is read in tests/data/test_data.py
def test_mnist(root, mnist):
    error = float(re.search(r"test error (\S+) %", mnist)[1])
    assert error < 60  # by chance: 90
    assert len(history(root / "mnist")) == 1


@pytest.mark.long  # tests/test_situations_programs.py damages shards, too
def test_damaged_data_are_named(root, mnist, tmp_path):
    shutil.copytree(DATA_DIR / "mnist", tmp_path / "mnist")
    (file,) = (tmp_path / "mnist").rglob("*test.tfrecord*")
    cut(file, tmp_path / "half").replace(file)
    flags = ("--dataset=mnist", f"--data_dir={tmp_path}", "--network=fc", "--use_test")
    ended = start("train", f"--workdir={tmp_path}/run", *flags).wait()
    assert ended.code == 1
    assert re.search(r"'mnist' in '.*' cannot be read \(DataLossError\)", ended.errors[-1])


def test_network_of_another_data_set_is_refused(root, mnist, tmp_path):
    ends = [f"--{end}={root}/mnist/model.keras" for end in ("start", "end")]
    ended = start("connect", f"--workdir={tmp_path}", *ends, "--dataset=digits").wait()
    assert ended.code == 1
    (line,) = ended.errors
    assert "(28, 28, 1)" in line and "(8, 8, 1)" in line
    assert list(tmp_path.iterdir()) == []
