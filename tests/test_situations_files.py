"""One place, one program; places that cannot be written to are refused before any work."""

import contextlib
import json
import multiprocessing
import os
import pathlib
import re
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from programs import server

import mc_tf
from mc_tf import Bezier, CurveEvaluation, Ensemble, GridEvaluation, Line, connect
from mc_tf.storage import checksums, locks
from mc_tf.storage.destinations import check_figure, check_output, directory_held, output_held
from mc_tf.storage.files import (
    atomic_path,
    check_writable,
    read_json,
    remove_abandoned,
    write_arrays,
    write_json,
)
from mc_tf.storage.locks import InUseError

WORDS = "in use by process {} on host '{}'"

# A second process, forked from the server of the programs.


def hold(pipe, how, path, *endings):
    with directory_held(path) if how == "directory" else output_held(path, endings or ("",)):
        wait(pipe)


def hold_and_fork(pipe, path):
    with directory_held(path):
        os.fork()
        wait(pipe)


def write(pipe, path):
    with atomic_path(path) as temporary:
        pathlib.Path(temporary).write_text("half")
        wait(pipe)


def wait(pipe):
    """Says that it has begun, and waits until it may end."""
    pipe.send("begun")
    with contextlib.suppress(EOFError):
        pipe.recv()


@contextlib.contextmanager
def other_program(function, *arguments):
    here, there = multiprocessing.Pipe()
    process = server().Process(target=function, args=(there, *arguments), daemon=True)
    process.start()
    there.close()
    process.may_end = lambda: here.send("end")
    try:
        assert here.recv() == "begun"
        yield process
    finally:
        process.kill()
        process.join()
        here.close()


def network(seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2, name="o")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def examples():
    x = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


def curve():
    model = connect(network(0), network(1), Bezier(1))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


# Every function that writes to a place for long.


def evaluate_curve(path):
    mc_tf.evaluate_curve(curve(), examples(), examples(), 3, path=path, verbose=0)


def evaluate_grid(path):
    line = Line.through(network(0), network(1))
    kept = {"path": path, "shape": 3, "verbose": 0}
    mc_tf.evaluate_grid(network(0), line, examples(), examples(), **kept)


def evaluate_shard(path):
    line = Line.through(network(0), network(1))
    kept = {"path": path, "shape": 3, "shard": (1, 2), "verbose": 0}
    mc_tf.evaluate_grid(network(0), line, examples(), examples(), **kept)


def merge(path):
    for shard in ((1, 2), (2, 2)):
        result = GridEvaluation("Line", [np.arange(2.0)], {}, {}, {}, "a")
        result.record(shard[0] - 1, {"test_loss": 1.0})
        result.save(f"{path}-{shard[0]}-of-2")
    GridEvaluation.merge(path, 2)


def evaluate_members(path):
    ensemble = Ensemble(network(), 2, output="logits")
    ensemble.evaluate_members(examples(), cache=path, verbose=0)


def save_snapshots(path):
    fit(mc_tf.SnapshotSaver(path))


def average(path):
    fit(mc_tf.SWA(0, directory=path, batch_norm_data=False))


def fit(callback):
    network().fit(*examples(), batch_size=6, epochs=2, verbose=0, callbacks=[callback])


def export(path):
    Ensemble(network(), 2, output="logits").export(path)


def append_results(path):
    from mc_tf.experiments import targets

    targets.append_results(path, "digits", [])


FUNCTIONS = {
    "evaluate_curve": (evaluate_curve, "output", (".npz", ".json"), ""),
    "evaluate_grid": (evaluate_grid, "output", (".npz", ".json"), ""),
    "evaluate_grid, shard": (evaluate_shard, "output", (".npz", ".json"), "-1-of-2"),
    "GridEvaluation.merge": (merge, "output", (".npz", ".json"), ""),
    "evaluate_members": (evaluate_members, "directory", (), ""),
    "SnapshotSaver": (save_snapshots, "directory", (), ""),
    "SWA": (average, "directory", (), ""),
    "export": (export, "output", (), ""),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_second_program_is_refused(name, tmp_path):
    function, how, endings, part = FUNCTIONS[name]
    if name == "export" and keras.backend.backend() != "tensorflow":
        pytest.skip("a SavedModel is TensorFlow's own")
    place = tmp_path / "place"
    with other_program(hold, how, f"{place}{part}", *endings) as process:
        with pytest.raises(InUseError, match=WORDS.format(process.pid, socket.gethostname())) as e:
            function(place)
        assert len(str(e.value).splitlines()) == 1 and "place" in str(e.value)
        process.kill()
        process.join()
        function(place)  # a killed program does not block
    left = [path.name for path in tmp_path.rglob(".*")]
    assert left == []


def test_shards_of_a_grid_run_at_once(tmp_path):
    with other_program(hold, "output", tmp_path / "grid-2-of-2", ".npz"):
        evaluate_shard(tmp_path / "grid")
    assert (tmp_path / "grid-1-of-2.npz").exists()


def test_results_are_added_in_turn(tmp_path):
    path = tmp_path / "results.csv"
    with other_program(hold, "output", path) as process:
        waiting = threading.Thread(target=append_results, args=(path,))
        waiting.start()
        time.sleep(0.2)
        assert not path.exists()
        process.may_end()
        waiting.join(20)
    assert path.read_text().startswith("date,recipe")


def test_one_thread_enters_again_and_another_is_refused(tmp_path):
    errors = []

    def second():
        try:
            with directory_held(tmp_path):
                errors.append(None)
        except InUseError as error:
            errors.append(str(error))

    with directory_held(tmp_path), directory_held(tmp_path / "." / ""):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert (tmp_path / ".lock").exists()
    assert len(errors) == 1 and "another thread of this process" in errors[0]
    second()
    assert errors[1] is None and not (tmp_path / ".lock").exists()


def test_the_same_place_by_another_name(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    with other_program(hold, "directory", tmp_path / "runs"):
        with pytest.raises(InUseError):
            with directory_held(tmp_path / "link"):
                pass


def test_a_forked_process_does_not_keep_the_lock(tmp_path):
    with other_program(hold_and_fork, tmp_path) as process:
        process.kill()
        process.join()
        with directory_held(tmp_path):
            pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_gives_the_place_back(tmp_path, error):
    with pytest.raises(error), output_held(tmp_path / "a", (".npz",)):
        raise error
    assert os.listdir(tmp_path) == []


def test_training_that_was_interrupted_may_begin_again(tmp_path):
    saver = mc_tf.SnapshotSaver(tmp_path)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        network().fit(*examples(), verbose=0, callbacks=[saver, Stop()])
    network().fit(*examples(), epochs=1, verbose=0, callbacks=[saver])
    assert len(saver.members) == 1 and not (tmp_path / ".lock").exists()


class Fails(keras.callbacks.Callback):
    """An error or Ctrl-C in a hook of another callback, where Keras calls no other hook."""

    def __init__(self, hook, error):
        super().__init__()

        def fail(*_, **__):
            raise error

        setattr(self, hook, fail)


HOOKS = ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_test_begin", "on_epoch_end"]
CALLBACKS = {
    "SnapshotSaver": mc_tf.SnapshotSaver,
    "SWA": lambda path: mc_tf.SWA(0, directory=path, batch_norm_data=False),
}


def interrupted(callback, hook, error=KeyboardInterrupt):
    with pytest.raises(error):  # which keeps the frames of `fit`, as a notebook does
        network().fit(
            *examples(),
            validation_data=examples(),
            verbose=0,
            callbacks=[callback, Fails(hook, error)],
        )


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("make", CALLBACKS.values(), ids=CALLBACKS)
def test_an_interrupted_fit_gives_the_place_back(make, hook, tmp_path):
    path = tmp_path / "kept"
    interrupted(make(path), hook, ValueError if hook == HOOKS[0] else KeyboardInterrupt)
    until = time.monotonic() + 5
    while (path / ".lock").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not (path / ".lock").exists()


@pytest.mark.parametrize("make", CALLBACKS.values(), ids=CALLBACKS)
def test_another_callback_or_thread_takes_the_place_at_once(make, tmp_path):
    errors = []

    def again():
        try:
            for path in tmp_path.glob("*.npz"):
                path.unlink()
            network().fit(*examples(), epochs=1, verbose=0, callbacks=[make(tmp_path)])
        except InUseError as error:
            errors.append(error)

    interrupted(make(tmp_path), "on_epoch_end")
    again()
    assert not errors and not (tmp_path / ".lock").exists()
    interrupted(make(tmp_path), "on_test_begin")
    thread = threading.Thread(target=again)
    thread.start()
    thread.join()
    assert not errors and not (tmp_path / ".lock").exists()


@pytest.mark.parametrize("make", CALLBACKS.values(), ids=CALLBACKS)
def test_a_fit_that_runs_keeps_its_place(make, tmp_path):
    refused = []

    class Waits(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            time.sleep(1.2)  # it is looked at meanwhile
            with pytest.raises(InUseError):
                with ThreadPoolExecutor() as pool:
                    pool.submit(fit, make(tmp_path)).result()
            refused.append((tmp_path / ".lock").exists())

    network().fit(*examples(), verbose=0, callbacks=[make(tmp_path), Waits()])
    assert refused == [True] and not (tmp_path / ".lock").exists()


# File systems without locks: the contents of the file decide.


@pytest.fixture
def no_locks(monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)


@pytest.mark.parametrize(
    "process, host, refused",
    [
        ("parent", None, True),
        ("dead", None, False),
        ("dead", "elsewhere", True),
        (None, None, False),
    ],
)
def test_without_locks_the_file_decides(no_locks, process, host, refused, tmp_path):
    done = subprocess.Popen(["true"])
    done.wait()
    numbers = {"parent": os.getppid(), "dead": done.pid}
    about = {"process": numbers.get(process), "host": host or socket.gethostname()}
    (tmp_path / ".lock").write_text(json.dumps(about) if process else "")
    with pytest.raises(InUseError) if refused else contextlib.nullcontext():
        with directory_held(tmp_path):
            pass
    assert (tmp_path / ".lock").exists() == refused


def test_without_locks_only_old_temporary_files_go(no_locks, tmp_path):
    new, old = tmp_path / ".mc_tf-abcdefgh-a.npz", tmp_path / ".mc_tf-hgfedcba-a.npz"
    for path in (new, old):
        path.write_text("half")
    os.utime(old, (1, 1))
    write_arrays(tmp_path / "a.npz", a=np.ones(1))
    assert new.exists() and not old.exists()


# Temporary files.


def test_only_the_dead_lose_their_temporary_files(tmp_path):
    path = tmp_path / "figure.png"
    with other_program(write, path) as process:
        (temporary,) = tmp_path.glob(".*")
        check_writable(tmp_path)
        remove_abandoned(tmp_path, "figure.png")
        with atomic_path(path):
            assert temporary.exists()
        process.kill()
        process.join()
        assert temporary.exists()
        check_writable(tmp_path)
        assert not temporary.exists()


def test_a_writer_that_is_not_killed_ends_well(tmp_path):
    path = tmp_path / "a.csv"
    with other_program(write, path) as process:
        check_writable(tmp_path)
        process.may_end()
        process.join()
    assert path.read_text() == "half" and os.listdir(tmp_path) == ["a.csv"]


def test_files_of_the_user_stay(tmp_path):
    names = [".my-settings.json", ".mc_tf-notes", "figure-abcdefgh.png", ".bashrc"]
    for name in names:
        (tmp_path / name).write_text("mine")
    check_writable(tmp_path)
    with atomic_path(tmp_path / "figure.png"):
        pass
    assert set(names) <= set(os.listdir(tmp_path))


# Places that cannot be written to.


@pytest.fixture
def places(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken.npz").mkdir()
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "null.npz").symlink_to("/dev/null")
    return tmp_path


STEMS = {"folder/": "directory", "": "directory", ".": "directory", "..": "directory"}
STEMS |= {"taken": "directory", "pipe": "device", "null": "device", "folder/..": "directory"}


@pytest.mark.parametrize("stem", STEMS, ids=repr)
@pytest.mark.parametrize("function", [evaluate_curve, evaluate_grid], ids=["curve", "grid"])
def test_stems_are_refused_before_any_work(function, stem, places, monkeypatch):
    monkeypatch.setattr("mc_tf.evaluation.points.PointEvaluator.__init__", None)
    path = os.path.join(places, stem) if stem else f"{places}/"
    with pytest.raises(ValueError, match=STEMS[stem]):
        function(path)


def test_a_stem_may_be_the_name_of_a_directory(places):
    evaluate_curve(places / "folder")  # folder.npz
    assert CurveEvaluation.load(places / "folder").complete


FIGURES = ["figure", "figure.", "figure.xyz", "folder/", "folder", ".png", "/dev/null", "a.npz"]


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_refused(name, places):
    from mc_tf import plots

    path = os.path.join(places, name)
    with pytest.raises(ValueError, match="extension of a figure|names a directory|is a device"):
        check_figure(path)
    result = CurveEvaluation(np.linspace(0, 1, 3))
    for index in range(3):
        result.record(index, {"train_loss": 1.0 + index, "test_error": 2.0})
    if name not in ("figure", "folder"):  # `save` writes both formats of a stem
        with pytest.raises(ValueError, match="extension of a figure|names a directory|is a device"):
            plots.save(result.plot(), path)


@pytest.mark.parametrize("name", ["a.png", "a.PDF", "a.b.svg", "new/a.jpg"])
def test_figures_that_can_be_written(name, tmp_path):
    check_figure(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.xyz", "a"])
def test_films_have_formats_of_their_own(name, tmp_path):
    with pytest.raises(ValueError, match=r"\.gif or \.mp4"):
        check_figure(tmp_path / name, ("gif", "mp4"))


def test_a_directory_that_may_not_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for check in (check_output, check_figure):
        with pytest.raises(OSError, match="Cannot write in the directory"):
            check(tmp_path / "file" / "a.png")


# Checksums of JSON that other tools read, too.

JSON = {
    "object": {"a": [1.5, None], "b": "text"},
    "rows": {"rows": [{"target": 7.01, "obtained": 6.875}, {"target": None, "obtained": "  \t "}]},
    "empty inside": {"a": [], "b": {}},
}


@pytest.mark.parametrize("content", JSON.values(), ids=JSON)
def test_json_has_a_checksum_that_can_be_seen(content, tmp_path):
    path = tmp_path / "a.json"
    write_json(path, content)
    assert checksums.check(path)
    found = json.loads(path.read_text())  # as others read it
    assert re.fullmatch("[0-9a-f]{64}", found.pop("checksum"))
    assert found == content == read_json(path, "rows", "a program")
    if content != JSON["rows"]:
        return
    changed = path.read_bytes().replace(b"7.01", b"7.03")
    path.write_bytes(changed)
    with pytest.raises(mc_tf.DamagedFileError, match="its last entry, the checksum"):
        read_json(path, "rows", "a program")
    path.write_text(json.dumps({"rows": json.loads(changed)["rows"]}))  # as it says
    assert read_json(path, "rows", "a program")["rows"][0]["target"] == 7.03
