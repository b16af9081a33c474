"""Several devices under `MirroredStrategy` compute what one does, in a process of their own."""

import numpy as np
import programs
import pytest
import replicas

pytestmark = [programs.needs_tensorflow, pytest.mark.xdist_group("replicas")]


def results(folder, devices, task=replicas.trainings_and_evaluations):
    arguments = str(folder), devices, task
    process = programs.server().Process(target=replicas.work, args=arguments, daemon=True)
    process.start()
    process.join(programs.LIMIT_SECONDS)
    assert process.exitcode == 0, (folder / "err").read_text()[-3000:]
    with np.load(folder / "results.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    return results(tmp_path_factory.mktemp("one"), 1)


@pytest.mark.parametrize("devices", [2, pytest.param(4, marks=pytest.mark.long)])
def test_devices_compute_what_one_does(tmp_path, wanted, devices):
    found = results(tmp_path, devices)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, 1e-4, 1e-5, err_msg=name)


def test_one_position_for_each_replica(tmp_path):
    """On four devices the last batch of 7 examples leaves two without any."""
    found = results(tmp_path, 4, replicas.positions_per_replica)
    assert len(found) > 8
    for name, (one, other) in found.items():
        np.testing.assert_allclose(one, other, 1e-4, 1e-6, err_msg=name)
