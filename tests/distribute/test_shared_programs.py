"""Programs on several devices and in several processes print and write what one does."""

import json

import keras
import numpy as np
import programs
import pytest
import workers

import mc_tf

pytestmark = [programs.needs_tensorflow, pytest.mark.xdist_group("processes")]

TWO_DEVICES = """
import tensorflow as tf

parts = 2 * [tf.config.LogicalDeviceConfiguration()]
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
"""


@pytest.fixture(scope="module")
def curve_file(tmp_path_factory):
    from mc_tf import data

    digits, networks = data.load("digits"), []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        options = {"units": [8]}
        networks.append(mc_tf.models.build("fc", digits.num_classes, digits.input_shape, **options))
    path = tmp_path_factory.mktemp("curve") / "curve.keras"
    mc_tf.connect(*networks[:2], bends=networks[2:]).save(path)
    return path


def in_two_processes(program, *flags):
    """Runs the same command in both; the first one prints for both."""
    configs = map(json.dumps, workers.configs(2))
    both = [
        programs.start(program, *flags, "--distribute=multi_worker", TF_CONFIG=config)
        for config in configs
    ]
    chief, other = (process.wait() for process in both)
    return chief, other


def values(path):
    with np.load(f"{path}.npz") as stored:
        return {name: stored[name] for name in stored if name.startswith("value:")}


def test_a_training(tmp_path):
    few = ("--network=fc", "--network_option=units=[8]", "--epochs=1", "--verbose=0")
    few += ("--batch_size=64",)
    chief, other = in_two_processes("train", *few, f"--workdir={tmp_path}/two")
    assert chief.code == other.code == 0, chief.err + other.err
    assert chief.out.startswith(f"{tmp_path}/two/model.keras: validation error")
    assert other.out == ""
    programs.run("train", *few, f"--workdir={tmp_path}/one")
    one, two = (programs.arrays(tmp_path / name / "model.keras") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], 1e-4, 1e-5, err_msg=name)


def test_bad_input_is_refused_by_each_process(tmp_path):
    """A batch that does not divide, and a `TF_CONFIG` that is malformed: one line each."""
    few = ("train", "--network=fc", f"--workdir={tmp_path}/new", "--verbose=0")
    malformed = programs.start(*few, "--distribute=multi_worker", TF_CONFIG="{'cluster': 2}").wait()
    refused = {
        "batch_size=15 does not divide by the 2 replicas that share a batch. Choose a multiple of "
        "2.": in_two_processes(*few, "--batch_size=15"),
        "TF_CONFIG is not JSON": [malformed],
    }
    for message, processes in refused.items():
        for ended in processes:
            (line,) = ended.errors
            assert ended.code == 1 and line.startswith(f"train.py: error: {message}"), line
    assert not (tmp_path / "new").exists()


EVALUATIONS = {
    "curve": ("eval_curve", "--num_points=5"),
    "grid": ("eval_grid", "--surface=curve_plane", "--shape=4,5"),
}


@pytest.mark.parametrize("kind", ["grid", pytest.param("curve", marks=pytest.mark.long)])
def test_evaluations_are_shared(kind, tmp_path, curve_file):
    program, *flags = EVALUATIONS[kind]
    flags += [f"--curve_file={curve_file}", "--verbose=0", "--num_train_examples=64"]
    (tmp_path / "two.py").write_text(TWO_DEVICES)
    devices = ("--distribute=mirrored", f"--import={tmp_path}/two.py")
    outputs = {name: f"--output={tmp_path}/{name}" for name in ("one", "devices", "processes")}
    one = programs.start(program, *flags, outputs["one"])
    mirrored = programs.start(program, *flags, outputs["devices"], *devices)
    chief, other = in_two_processes(program, *flags, outputs["processes"])
    one, mirrored = one.wait(), mirrored.wait()
    for ended in (one, mirrored, chief, other):
        assert ended.code == 0, ended.err
    assert other.out == ""
    for name, ended in {"devices": mirrored, "processes": chief}.items():
        assert ended.out.replace(f"{tmp_path}/{name}", f"{tmp_path}/one") == one.out
        found, wanted = values(tmp_path / name), values(tmp_path / "one")
        assert found.keys() == wanted.keys() and "value:test_error" in found
        for key in wanted:
            np.testing.assert_allclose(found[key], wanted[key], 1e-5, 1e-6, err_msg=key)
