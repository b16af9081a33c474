"""Situations of programs and of first steps: signals, full outputs, files as arguments, figures."""

import os
import re
import signal
import subprocess
import sys
import time

import keras
import matplotlib.figure
import numpy as np
import pytest
from model_zoo import some
from programs import DATA_DIR, LIMIT_SECONDS, REPO, needs_tensorflow, run, snapshot, start

import mc_tf
from mc_tf.storage.snapshots import save_snapshot, take_snapshot

FC = ("--network=fc", "--network_option=units=[8]", "--verbose=0")
needs_programs = needs_tensorflow


# Signals: Ctrl-C and SIGTERM are no errors.


def wait_for(path, process):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)


@needs_programs
@pytest.mark.parametrize(
    "number, code, word", [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_signal_in_a_training_is_one_line_and_resumes(tmp_path, number, code, word):
    flags = (f"--workdir={tmp_path}/run", *FC, "--epochs=100000", "--batch_size=512")
    running = start("train", *flags)
    wait_for(tmp_path / "run" / "history.csv", running.process)
    time.sleep(0.3)
    os.kill(running.process.pid, number)
    ended = running.wait()
    assert ended.code == code
    (line,) = ended.errors
    assert re.fullmatch(rf"train.py: stopped by {word}\. .*run the same command again.*", line)
    assert not [name for name in os.listdir(tmp_path / "run") if name.startswith(".")]
    path = tmp_path / "run" / "model.keras"
    if path.exists():
        keras.saving.load_model(path)  # whole


@needs_programs
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_modules_are_imported_is_one_line(tmp_path, number, code):
    # The import waits in a module, as TensorFlow's would.
    (tmp_path / "slow.py").write_text("open('here', 'w').close()\nimport time\ntime.sleep(60)\n")
    running = start(
        "train", f"--workdir={tmp_path}/w", "--import=slow", *FC, directory=str(tmp_path)
    )
    wait_for(tmp_path / "here", running.process)
    os.kill(running.process.pid, number)
    ended = running.wait()
    assert ended.code == code
    (line,) = ended.errors
    assert "run the same command again" in line
    assert not (tmp_path / "w").exists()


# Where programs print to.


@needs_programs
@pytest.mark.parametrize(
    "what, target, words",
    [
        ("--help", "pipe", "Broken pipe"),
        ("--help", "/dev/full", "No space left"),
        pytest.param("--list", "pipe", "closed pipe", marks=pytest.mark.long),
        pytest.param("--list", "/dev/full", "No space left", marks=pytest.mark.long),
    ],
)
def test_output_that_nothing_takes_is_one_line(what, target, words):
    if target == "pipe":
        reading, out = os.pipe()
        os.close(reading)
    else:
        out = os.open(target, os.O_WRONLY)
    command = [sys.executable, f"{REPO}/bin/reproduce.py", what]
    done = subprocess.run(
        command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS
    )
    os.close(out)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("reproduce.py")]
    assert words in line and "Traceback" not in done.stderr and "Exception" not in done.stderr


# Errors that are bugs.


@needs_programs
@pytest.mark.parametrize(
    "raised, ending",
    [
        ("MemoryError()", "out of memory: .*--batch_size"),
        ("numpy.zeros((10**9, 10**9))", "out of memory: Unable to allocate.*--batch_size"),
        ("tensorflow.zeros((10**8, 10**8))", "out of memory: OOM when allocating.*--batch_size"),
        ("RuntimeError('a bug')", "RuntimeError: a bug"),
        ("KeyError('x')", "KeyError: 'x'"),
    ],
)
def test_what_is_a_line_and_what_a_traceback(tmp_path, raised, ending):
    """A user's own layer fails while the network in a file is loaded and run."""
    is_bug = raised.startswith(("RuntimeError", "KeyError"))
    action = f"raise {raised}" if raised.endswith(")") and "zeros" not in raised else raised
    (tmp_path / "broken.py").write_text(
        "import numpy, tensorflow\n"
        "import mc_tf.training\n"
        f"def fails(*arguments, **options):\n    {action}\n"
        "mc_tf.training.train_network = fails\n"
    )
    flags = (f"--workdir={tmp_path}/w", f"--import={tmp_path}/broken.py", *FC)
    ended = start("train", *flags).wait()
    assert ended.code != 0
    assert re.search(ending, ended.err)
    assert ("Traceback" in ended.err) == is_bug
    assert is_bug or len(ended.errors) == 1


# The user's own classes.


@needs_programs
def test_a_network_with_a_class_of_ones_own(tmp_path):
    code = (
        "import keras\n"
        "@keras.saving.register_keras_serializable('mine')\n"
        "class Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n        return 2 * x\n"
    )
    (tmp_path / "twice_layer.py").write_text(code)
    scope = {}
    exec(code, scope)
    for name in ("a", "b"):
        layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), scope["Twice"]()]
        keras.Sequential([*layers, keras.layers.Dense(10)]).save(tmp_path / f"{name}.keras")
    del keras.saving.get_custom_objects()["mine>Twice"]
    ends = (f"--start={tmp_path}/a.keras", f"--end={tmp_path}/b.keras", "--epochs=0")
    flags = (f"--workdir={tmp_path}/w", *ends, "--verbose=0")
    ended = start("connect", *flags).wait()
    (line,) = ended.errors
    assert ended.code == 1 and "Twice" in line and "--import" in line
    for given in ("--import=twice_layer", f"--import={tmp_path}/twice_layer.py"):
        ended = start("connect", *flags, given, directory=str(tmp_path)).wait()
        assert ended.code == 0, ended.err
    assert (tmp_path / "w" / "curve.keras").exists()


# Data that are damaged while they are read.


@needs_programs
@pytest.mark.parametrize("damage", some(["cut", "image"], ["cut"]))
def test_a_damaged_shard_is_named(tmp_path, damage):
    import shutil

    import tensorflow as tf

    if not (DATA_DIR / "imagenet2012").is_dir():
        pytest.skip(f"imagenet2012 is not in {DATA_DIR} (set MC_TF_DATA_DIR)")
    shutil.copytree(DATA_DIR / "imagenet2012", tmp_path / "data" / "imagenet2012")
    (shard,) = (tmp_path / "data").rglob("*train.tfrecord*")
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-1000])
    else:
        records = [record.numpy() for record in tf.data.TFRecordDataset(str(shard))]
        example = tf.train.Example.FromString(records[0])
        example.features.feature["image"].bytes_list.value[0] = b"no image"
        with tf.io.TFRecordWriter(str(shard)) as writer:
            for record in [example.SerializeToString(), *records[1:]]:
                writer.write(record)
    flags = ("--dataset=imagenet2012", f"--data_dir={tmp_path}/data", "--image_size=8")
    ended = start("train", f"--workdir={tmp_path}/w", *flags, *FC, "--epochs=1").wait()
    assert ended.code == 1
    (line,) = ended.errors
    assert "the data cannot be read" in line and str(tmp_path / "data") in line
    assert shard.name in line and ("cut off" if damage == "cut" else "record 0") in line
    assert damage == "cut" or "Unknown image file format" in line


# Files that a finished run no longer keeps.


@needs_programs
def test_what_a_finished_run_cannot_keep_is_said(tmp_path):
    flags = (f"--workdir={tmp_path}/w", *FC, "--epochs=1", "--batch_size=512")
    run("train", *flags)
    before = snapshot(tmp_path)
    for flag in ("--keep_best", "--keep_epochs=1", "--tensorboard"):
        ended = start("train", *flags, flag).wait()
        assert ended.code == 0
        (line,) = ended.errors
        assert line.startswith("train.py: warning: The run in ") and "too late to keep" in line
        assert snapshot(tmp_path) == before


# First steps.


def network():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])


DATA = (np.eye(4, dtype="float32"), np.array([0, 1, 0, 1]))


def compiled(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, metrics=["accuracy"])
    return model


def test_connect_takes_files(tmp_path):
    models = [network(), network()]
    for index, model in enumerate(models):
        model.save(tmp_path / f"{index}.keras")
    of_files = mc_tf.connect(str(tmp_path / "0.keras"), tmp_path / "1.keras")
    wanted = mc_tf.connect(*models).control_points()
    np.testing.assert_array_equal(of_files.control_points(), wanted)


@pytest.mark.parametrize("given", ["", "run", "pattern", "file", "list"])
def test_members_in_a_directory(tmp_path, given):
    folder = tmp_path / "run" / "members"
    folder.mkdir(parents=True)
    models = [network() for _ in range(3)]
    for step, model in enumerate(models):
        save_snapshot(folder / f"snapshot-{10 * step:08d}.npz", take_snapshot(model))
    members = {
        "": folder,
        "run": str(tmp_path / "run"),
        "pattern": str(folder / "snapshot-*.npz"),
        "file": str(folder / "snapshot-00000000.npz"),
        "list": [folder],
    }[given]
    ensemble = mc_tf.Ensemble(models[0], members, output="logits")
    used = models[:1] if given == "file" else models
    logits = [np.asarray(model(DATA[0])) for model in used]
    wanted = np.mean([np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in logits], axis=0)
    np.testing.assert_allclose(ensemble.predict(DATA[0], verbose=0), wanted, atol=1e-6)


@pytest.mark.parametrize("path", ["empty", "*.npz"])
def test_a_directory_without_members_is_named(tmp_path, path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=f"{re.escape(path)}.* holds no member.*snapshot-"):
        mc_tf.Ensemble(network(), str(tmp_path / path))


def drawn(figure):
    return [len(line.get_xdata()) for axis in figure.axes for line in axis.lines]


def test_a_figure_of_one_evaluation():
    start_, end = compiled(network()), compiled(network())
    curve = compiled(mc_tf.connect(start_, end))
    along = mc_tf.evaluate_curve(curve, DATA, DATA, num_points=5, verbose=0)
    figure = along.plot()
    assert isinstance(figure, matplotlib.figure.Figure)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), along["train_loss"])
    line = mc_tf.Line.through(start_, end)
    grid = mc_tf.evaluate_grid(start_, line, DATA, DATA, shape=4, verbose=0)
    assert 4 in drawn(grid.plot())
    ensemble = mc_tf.Ensemble(start_, [start_, end], output="logits")
    scores = ensemble.evaluate_members(DATA, verbose=0)
    assert 2 in drawn(scores.plot())
    for wrong in (grid, scores, [along], "evaluation.npz", None):
        with pytest.raises(ValueError, match="evaluate_curve|must be an evaluation"):
            mc_tf.plots.plot_curves(wrong)


def test_a_hessian_shows_progress(capsys):
    model = compiled(network())
    found = mc_tf.hessian_eigenvalues(model, DATA)
    assert re.search(rf"\b{found.products} product", capsys.readouterr().err)
    mc_tf.hessian_eigenvalues(model, DATA, verbose=0)
    assert capsys.readouterr().err == ""
