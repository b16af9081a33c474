"""The names of a run's files, and whose run a file is."""

import os
import pathlib

import pytest

tf = pytest.importorskip("tensorflow")
from mc_tf import data as mc_data  # noqa: E402
from mc_tf.storage.checkpoints import copy_after  # noqa: E402
from mc_tf.training import TrainingOptions, averaged_network, train_network  # noqa: E402
from mc_tf.training.run_directory import RunDirectory, runs_around  # noqa: E402


def test_names_are_those_of_the_files_that_a_training_writes(tmp_path):
    data = mc_data.load("regression")
    options = TrainingOptions(
        *(2, 0.01),
        batch_size=48,
        schedule="linear_cycle",
        cycle_epochs=1,
        snapshots=True,
        trajectory_every=1,
        swa_start=0,
        keep_epochs=(1,),
        keep_best=True,
        tensorboard=True,
        verbose=0,
    )
    train_network(str(tmp_path), data, "fc", options, network_options={"units": (2,)})
    averaged_network(str(tmp_path), data)
    averaged_network(str(tmp_path), data, epochs=1)
    run = RunDirectory(tmp_path)
    named = [
        *(run.settings, run.history, run.best, run.members, run.trajectory, run.tensorboard),
        *(run.network(), run.network(1), run.average(), run.average(1)),
    ]
    assert sorted(map(os.path.basename, named)) == [
        *("best.keras", "history.csv", "members", "model-0001.keras", "model.keras"),
        *("settings.json", "swa-0001.keras", "swa.keras", "tensorboard", "trajectory"),
    ]
    assert all(map(os.path.exists, named))
    others = {path.name for path in tmp_path.iterdir()} - set(map(os.path.basename, named))
    assert all(name.startswith(("average-", "swa-", ".")) for name in others), others
    assert run.curve(12) == os.path.join(str(tmp_path), "curve-0012.keras")
    member = next(pathlib.Path(run.members).iterdir())
    for path, place in ((member, 1), (run.members, 1), (run.network(1), 0), (tmp_path, 0)):
        assert runs_around(path)[place].path == str(tmp_path)


def test_copies_have_numbers_of_four_digits_or_more():
    for epochs, expected in (
        (None, "a/b.keras"),
        (3, "a/b-0003.keras"),
        (12345, "a/b-12345.keras"),
    ):
        assert copy_after("a/b.keras", epochs) == expected
