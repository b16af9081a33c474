"""Two processes on loopback train as one does, also if one of them is killed."""

import csv
import time

import numpy as np
import programs
import pytest
import workers

pytestmark = [programs.needs_tensorflow, pytest.mark.xdist_group("processes")]


def ended(processes, folder):
    """Waits for processes that must succeed."""
    for index, process in enumerate(processes):
        process.join(programs.LIMIT_SECONDS)
        assert process.exitcode == 0, (folder / f"{index}-err").read_text()[-3000:]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """Folder of a single process with the same global batches."""
    folder = tmp_path_factory.mktemp("one")
    ended(workers.start(folder, 1), folder)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Folder of two processes, one of which was killed among the cycles."""
    folder = tmp_path_factory.mktemp("two")
    chief, other = workers.start(folder, 2)
    deadline = time.monotonic() + programs.LIMIT_SECONDS
    while not (folder / "cycles" / "members" / "snapshot-00000004.npz").exists():
        assert chief.is_alive() and other.is_alive(), (folder / "0-err").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    other.kill()
    chief.join(60)  # TensorFlow notices the loss in some ten seconds
    other.join()
    assert (chief.exitcode, other.exitcode) == (1, -9)
    assert not (folder / "cycles" / "swa.keras").exists()
    ended(workers.start(folder, 2), folder)
    return folder


def test_all_processes_end_with_the_same_weights(two):
    with np.load(two / "0.npz") as chief, np.load(two / "1.npz") as other:
        assert {name.partition("-")[0] for name in chief} == {*workers.NAMES, "result"}
        for name in chief:
            np.testing.assert_array_equal(chief[name], other[name], err_msg=name)


def test_two_processes_compute_what_one_does(one, two):
    with np.load(one / "0.npz") as wanted, np.load(two / "0.npz") as found:
        for name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], 1e-4, 1e-5, err_msg=name)
    for name in ("network", "cycles", "curve"):
        rows = [list(csv.DictReader(open(f / name / "history.csv"))) for f in (one, two)]
        assert len(rows[0]) == len(rows[1]) and rows[0][0].keys() == rows[1][0].keys()
        for row, other in zip(*rows):
            for key, value in row.items():
                assert float(other[key]) == pytest.approx(float(value), rel=1e-4), (name, key)


def test_the_same_files_are_left_by_the_chief_alone(one, two):
    files = [
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
        for folder in (one, two)
    ]
    assert [name for name in files[1] if name != "1.npz"] == files[0]
    assert any("snapshot-00000004" in name for name in files[0])


def test_each_process_evaluates_its_share_of_the_points(one, two):
    assert (one / "0-measured").read_text() == "3"
    assert [(two / f"{index}-measured").read_text() for index in range(2)] == ["2", "1"]
