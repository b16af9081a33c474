"""Two processes under JAX (`keras.distribution`, gloo) train as one does, also if one is killed."""

import os
import pathlib
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from programs import LIMIT_SECONDS, REPO
from workers import free_ports

pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != "jax", reason="the JAX backend's distribution"),
    pytest.mark.long,
]
WORKER = pathlib.Path(__file__).with_name("jax_worker.py")


def start(folder, processes):
    (port,) = free_ports(1)
    return [
        subprocess.Popen(
            [sys.executable, WORKER, *map(str, (folder, processes, index, port))],
            stderr=open(folder / f"{index}-err", "w"),
            cwd=REPO,
            env={**os.environ, "PYTHONPATH": str(REPO)},
        )
        for index in range(processes)
    ]


def ended(processes, folder):
    for index, process in enumerate(processes):
        code = process.wait(LIMIT_SECONDS)
        assert code == 0, (folder / f"{index}-err").read_text()[-3000:]


def test_two_processes_compute_what_one_does_after_a_kill(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    ended(start(one, 1), one)
    chief, other = start(two, 2)
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (two / "model.keras").exists():
        assert chief.poll() is None and other.poll() is None, (two / "0-err").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    other.kill()
    chief.kill()
    assert chief.wait() and other.wait()
    ended(start(two, 2), two)
    with np.load(one / "0.npz") as wanted, np.load(two / "0.npz") as found:
        with np.load(two / "1.npz") as others:
            for name in wanted:
                np.testing.assert_array_equal(others[name], found[name], err_msg=name)
                np.testing.assert_allclose(found[name], wanted[name], 1e-4, 1e-5, err_msg=name)
    files = [sorted(str(p.relative_to(f)) for p in f.rglob("*.*")) for f in (one, two)]
    assert [name for name in files[1] if name != "1.npz"] == files[0]
