"""Runs programs in separate processes and reads their files, for tests.

A program runs in a process forked from a server that has imported TensorFlow and the library once.
The results are as good as with `python bin/train.py ...`, but without seconds of imports each,
without TensorFlow's graph optimizer and with one trace of a training. `command` runs the real one.
"""

import csv
import dataclasses
import gc
import hashlib
import io
import multiprocessing
import os
import pathlib
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile

import h5py
import numpy as np
import pytest
from absl.flags import FLAGS
from absl.testing import flagsaver

REPO = pathlib.Path(__file__).parents[1]
DATA_DIR = pathlib.Path(os.environ.get("MC_TF_DATA_DIR", REPO.parent / "shared" / "data" / "tfds"))
LIMIT_SECONDS = 240
ROW_SECONDS = 20
CPU = pathlib.Path("/proc/cpuinfo")
COMPUTES_BFLOAT16 = CPU.exists() and "avx512_bf16" in CPU.read_text()
# Lines that TensorFlow logs: I0000 ..., E0000 ..., and the line about the log.
TF_LOG = re.compile(r"[IWE]\d{4} |WARNING: All log messages|\d{4}-\d\d-\d\d .*tensorflow|To enable")
# Modules that programs import and that start nothing in TensorFlow.
PRELOADED = [
    *("tensorflow", "keras", "sklearn.datasets", "sklearn.model_selection", "h5py", "pytest"),
    *("mc_tf.data", "mc_tf.experiments", "mc_tf.plots", "mc_tf.training"),
]
# Tests must not download a missing data set.
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "127.0.0.1:9")

needs_tensorflow = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow",
    reason="the programs are tested with the TensorFlow backend",
)


# Running programs.


def without_graph_optimizer():
    """Skips the optimization of traced graphs, which takes a fifth of the tests' time.

    No result may depend on it; `command` runs programs with it.
    """
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def traced_once():
    """Makes the variables of optimizers before the first step of a training is traced.

    Keras makes them in that step, which TensorFlow then traces again: a third of a short training.
    """
    import keras

    make = keras.Model.make_train_function

    def make_train_function(self, *args, **kwargs):
        if self.built and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        return make(self, *args, **kwargs)

    keras.Model.make_train_function = make_train_function


@dataclasses.dataclass
class Ended:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def errors(self):
        """Lines on stderr that are not from TensorFlow."""
        return [line for line in self.err.splitlines() if line and not TF_LOG.match(line)]


class Running:
    """A running program."""

    def __init__(self, process, folder):
        self.process = process
        self.folder = pathlib.Path(folder)

    def wait(self):
        self.process.join(LIMIT_SECONDS)
        assert self.process.exitcode is not None, "the program hangs"
        paths = [self.folder / name for name in ("out", "err")]
        texts = [path.read_text() if path.exists() else "" for path in paths]
        shutil.rmtree(self.folder)
        return Ended(self.process.exitcode, *texts)

    def kill_when(self, reached):
        """SIGKILL as soon as `reached()`, which must be before the program's end."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not reached():
            assert self.process.is_alive() and time.monotonic() < deadline, self.wait().err
            time.sleep(0.001)
        self.process.kill()
        assert self.wait().code == -9, "the program ended before it was killed"


def server():
    """The context of `multiprocessing` whose processes are forked from the server."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def start(program, *flags, directory=None, **environment):
    """Starts a program in a directory, by default a new and empty one."""
    folder = tempfile.mkdtemp(prefix="mc_tf-test-")
    process = server().Process(
        target=_program,
        args=(f"{REPO}/bin/{program}.py", flags, folder, directory, environment),
        daemon=True,
    )
    process.start()
    return Running(process, folder)


def _program(path, flags, folder, directory, environment):
    os.environ.update(environment)
    prepare(f"{folder}/", directory or folder)
    sys.argv = [path, *flags]
    sys.path.insert(0, os.path.dirname(path))
    runpy.run_path(path, run_name="__main__")


def prepare(prefix, directory):
    """Fits a forked process to tests: its output goes to files, its place is a directory."""
    gc.freeze()  # no collection needs to look at earlier imports
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    without_graph_optimizer()
    traced_once()
    _redirect(prefix)
    os.environ.update(OFFLINE)
    sys.dont_write_bytecode = True  # the files that a program leaves are compared
    os.chdir(directory)


def _redirect(prefix):
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(f"{prefix}{name}", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, descriptor)
        os.close(file)


def run_rows(rows, directory):
    """Runs many short commands one after the other, all commands of one program in one process.

    All flags are reset between two commands. If a command does not end, or ends the process, only
    this command is affected: the next one gets a new process.

    Args:
        rows: list of `(program, flags)`.
        directory: where they run. They must leave it unchanged.

    Returns:
        List of `(Ended, files)`: how each ended, and the files that it made, changed or removed.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mc_tf-test-"))
    left = {program: [] for program, _ in rows}
    for index, (program, flags) in enumerate(rows):
        left[program].append((index, flags))
    ended = {}
    while any(left.values()):
        program = next(name for name, some in left.items() if some)
        before = _state(directory)
        process = server().Process(
            target=_rows, args=(program, left[program], str(folder), str(directory))
        )
        process.start()
        process.join()
        done = folder / f"{left[program][0][0]}-done"
        lines = [line.split(" ") for line in done.read_text().splitlines()] if done.exists() else []
        if len(lines) < len(left[program]):
            lines.append([str(process.exitcode), *_changed(before, _state(directory))])
        for code, *files in lines:
            index, _ = left[program].pop(0)
            texts = [(folder / f"{index}-{name}").read_text() for name in ("out", "err")]
            ended[index] = Ended(int(code), *texts), files
    shutil.rmtree(folder)
    return [ended[index] for index in range(len(rows))]


def run_table(table, directory, **places):
    """Runs each row of a table of bad input with `run_rows`.

    Args:
        table: dict, by name, of `(program, flags, message)`; flags may have `places` in them.
        directory: where they run. They must leave it unchanged.
        **places: values for `{root}` and the like.

    Returns:
        Dict, by name, of arguments for `assert_refused`.
    """
    rows = [
        (program, [flag.format(**places) for flag in flags]) for program, flags, _ in table.values()
    ]
    ended = run_rows(rows, directory)
    return {
        name: (program, message, *how)
        for (name, (program, _, message)), how in zip(table.items(), ended)
    }


def assert_refused(program, message, ended, changed):
    """One line on stderr, no work, no file changed, removed or left behind."""
    assert ended.code == 1, ended.err
    assert ended.out == ""
    (line,) = ended.errors
    assert line.startswith(f"{program}.py: error: ")
    assert re.search(message, line), line
    assert not changed


class _Left(BaseException):
    """A program that would have left the process."""


def _rows(program, rows, folder, directory):
    prepare(f"{folder}/{rows[0][0]}-", directory)
    sys.path.insert(0, f"{REPO}/bin")
    import data_flags
    import endings
    import shared

    def leave(status):
        sys.stdout.flush()
        raise _Left(status)

    endings._leave = leave
    start, main = shared.run, []
    shared.run = lambda *args, **kwargs: main.append(lambda: start(*args, **kwargs))
    path = f"{REPO}/bin/{program}.py"
    module = runpy.run_path(path, run_name="__main__")  # kept, as functions use its names
    assert module
    state = _state(directory)
    with open(f"{folder}/{rows[0][0]}-done", "a", buffering=1) as done:
        for index, flags in rows:
            _redirect(f"{folder}/{index}-")
            sys.argv = [path, *flags]
            signal.setitimer(signal.ITIMER_REAL, ROW_SECONDS)  # it works instead of refusing
            code = _code_of(main[0])
            signal.setitimer(signal.ITIMER_REAL, 0)
            data_flags._loaded.clear()
            now = _state(directory)
            done.write(" ".join((str(code), *_changed(state, now))) + "\n")
            state = now


def _code_of(main):
    try:
        with flagsaver.flagsaver():
            main()
    except (_Left, SystemExit) as error:
        return int(error.args[0] or 0)
    except BaseException:
        traceback.print_exc()
        return 99
    finally:
        sys.stdout.flush()
        FLAGS.unparse_flags()
    return 0


def _changed(before, now):
    return sorted({path for path, _, _ in before ^ now})


def _state(directory):
    """Files with size and time of change, which a program must leave unchanged."""
    files = [path for path in pathlib.Path(directory).rglob("*") if path.is_file()]
    return {(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def run_all(program, flags):
    """Runs a program with each of several flags at once; returns what they printed, by name."""
    running = {name: start(program, *given) for name, given in flags.items()}
    printed = {}
    for name, one in running.items():
        ended = one.wait()
        assert ended.code == 0, ended.err
        assert not re.search("Traceback|Warning", ended.err), ended.err
        printed[name] = ended.out
    return printed


def run(program, *flags):
    """Runs a program that must succeed; returns what it printed."""
    return run_all(program, {"it": flags})["it"]


def command(program, *flags):
    """Runs a program as a user does."""
    arguments = [sys.executable, f"{REPO}/bin/{program}.py", *flags]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    return Ended(done.returncode, done.stdout, done.stderr)


# Reading files.


def arrays(path):
    """All arrays in a `.keras` file: weights, optimizer, random seeds."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            file.visititems(
                lambda name, item: (
                    found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
    assert any(name.startswith("optimizer") for name in found)
    return found


def assert_same_arrays(path, other):
    first, second = arrays(path), arrays(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def history(folder):
    """Rows of history.csv; a row that is being written does not count."""
    path = folder / "history.csv"
    text = path.read_text() if path.exists() else ""
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def done(path):
    if not path.exists():
        return np.zeros(0, bool)
    with np.load(path) as stored:
        return stored["done"]


def temporary_files(folder):
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def snapshot(folder):
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
