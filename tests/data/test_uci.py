"""UCI regressions: splits, standard units, and files that are absent or other."""

import os
import pathlib

import numpy as np
import pytest

from mc_tf.data import DataOptions, load, stand_in
from mc_tf.data.uci import SETS
from mc_tf.training import TrainingOptions, evaluate_network, train_network


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (40, 3))
    x[:, 2] = 7  # naval has constant features
    arrays = {f"test_{k:02d}": np.arange(k, 40, 10) for k in range(3)}
    np.savez(tmp_path / "boston.npz", features=x, target=5 * x[:, 0] + 1, **arrays)
    return tmp_path


def stored(folder):
    with np.load(folder / "boston.npz") as arrays:
        return dict(arrays)


def test_a_split_in_standard_units(folder):
    data = load("uci:boston:2", folder, use_test=True)
    arrays = stored(folder)
    test = arrays["test_02"]
    train = np.setdiff1d(np.arange(40), test)
    mean, std = arrays["target"][train].mean(), arrays["target"][train].std()
    assert (data.target_mean, data.target_std) == (pytest.approx(mean), pytest.approx(std))
    units = data.y_test * data.target_std + data.target_mean
    np.testing.assert_allclose(units[:, 0], arrays["target"][test], rtol=1e-5)
    assert (data.num_train, data.num_test, data.input_shape, data.num_classes) == (36, 4, (3,), 1)
    np.testing.assert_allclose(data.x_train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(data.x_train.std(0), [1, 1, 0], atol=1e-6)
    # All rows once, whatever their order.
    rows = np.concatenate([data.y_train, data.y_test])[:, 0] * std + mean
    np.testing.assert_allclose(np.sort(rows), np.sort(arrays["target"]), rtol=1e-5)


def test_without_the_test_set_a_fifth_of_the_training_rows_is_held_out(folder):
    data = load("uci:boston", folder)
    assert (data.num_train, data.num_test, data.test_name) == (29, 7, "validation")
    rows = np.concatenate([data.y_train, data.y_test])[:, 0] * data.target_std + data.target_mean
    assert not np.isin(
        np.round(stored(folder)["target"][[0, 10, 20, 30]], 3), np.round(rows, 3)
    ).any()
    np.testing.assert_allclose(data.y_train.mean(), 0, atol=1e-6)
    assert data.settings["split"] == 0 and data.settings["data"] == "uci:boston"


def test_a_network_is_trained_on_it(folder, tmp_path):
    data = DataOptions("uci:boston:1", str(folder)).load()
    options = TrainingOptions(epochs=2, learning_rate=0.1, batch_size=16)
    model = train_network(tmp_path / "run", data, "fc", options, network_options={"units": [5]})
    assert model.output_shape == (None, 1)
    assert np.isfinite(list(evaluate_network(model, data).values())).all()
    assert stand_in("uci:boston:1").num_classes == 1


def test_one_clear_line(folder, tmp_path):
    for name, words in {
        "uci:boston:3": "splits 0 to 2, such as 'uci:boston:0'. Received: 3",
        "uci:boston:x": "Received: x",
        "uci:wine": "Unknown data set. Received: 'uci:wine'.*uci:boston, ",
        "uci:yacht": f"'yacht' is not in '{folder}': set --data_dir to a directory with yacht.npz",
    }.items():
        with pytest.raises((ValueError, FileNotFoundError), match=words) as caught:
            load(name, folder)
        assert "\n" not in str(caught.value)
    np.savez(folder / "energy.npz", x=np.ones(3))
    with pytest.raises(ValueError, match="is not a UCI data set.*no 'features'"):
        load("uci:energy", folder)


@pytest.mark.parametrize("name", SETS)
def test_the_files_of_the_literature(name):
    default = pathlib.Path(__file__).parents[3] / "shared" / "data" / "uci"
    folder = pathlib.Path(os.environ.get("MC_TF_UCI_DIR", default))
    if not folder.is_dir():
        pytest.skip(f"no UCI data: {folder} is not there (set MC_TF_UCI_DIR)")
    sizes = {"boston": 506, "concrete": 1030, "energy": 768, "naval": 11934, "yacht": 308}
    data = load(f"uci:{name}:19", folder, use_test=True)
    assert data.num_train + data.num_test == sizes[name]
    assert data.num_test == pytest.approx(0.1 * sizes[name], abs=1)
    assert np.isfinite(data.x_test).all()
