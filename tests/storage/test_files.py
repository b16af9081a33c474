"""Files are complete or absent."""

import json
import os

import keras
import numpy as np
import pytest
from model_zoo import ZOO, assert_same, snapshot

from mc_tf.callbacks import AtomicCheckpoint
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.files import atomic_path, check_writable, write_json


def names(directory):
    return sorted(p.name for p in directory.iterdir())


def test_a_new_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_path(path) as temporary:
        with open(temporary, "w") as file:
            file.write("new")
        assert not path.exists()
        assert os.path.dirname(temporary) == str(tmp_path)
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_old_file_stays_if_the_block_fails(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_path(path) as temporary:
        with open(temporary, "w") as file:
            file.write("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "name, ending", [("a.weights.h5", ".weights.h5"), ("b.keras", ".keras"), ("c", "")]
)
def test_the_temporary_name_keeps_the_ending(tmp_path, name, ending):
    with atomic_path(tmp_path / name) as temporary:
        assert temporary.endswith(ending)
        assert os.path.basename(temporary).startswith(".")
    assert names(tmp_path) == [name]


def test_permissions_are_those_of_an_ordinary_file(tmp_path):
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "made"):
        pass
    modes = [os.stat(tmp_path / name).st_mode for name in ("plain", "made")]
    assert modes[0] == modes[1]


def test_json_has_no_numbers_that_are_not_finite(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1.5, float("nan")], "b": {"c": float("inf")}})
    read = json.loads((tmp_path / "a.json").read_text())
    assert len(read.pop("checksum")) == 64
    assert read == {"a": [1.5, None], "b": {"c": None}}
    write_json(tmp_path / "b.json", {"a": np.float32("nan"), "b": np.float64(2), "c": np.int64(3)})
    read = json.loads((tmp_path / "b.json").read_text())
    assert read["a"] in (None, "nan")
    assert read["b"] == 2
    assert read["c"] in (3, "3")


def test_directories_are_made_and_checked(tmp_path):
    check_writable(tmp_path / "one" / "two")
    assert (tmp_path / "one" / "two").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Cannot write in the directory"):
        check_writable(tmp_path / "file")


def test_checkpoint_holds_the_whole_training(tmp_path):
    case = ZOO["dense"]
    path = tmp_path / "a.keras"
    model = case.model(1)
    model.compile("adam", case.loss())
    model.fit(*case.data(), batch_size=4, epochs=1, verbose=0, callbacks=[AtomicCheckpoint(path)])
    assert names(tmp_path) == ["a.keras"]
    loaded = load_checkpoint(path)
    assert_same(snapshot(model), snapshot(loaded))
    assert int(loaded.optimizer.iterations) == 2
    assert not load_checkpoint(path, compile=False).compiled


def test_checkpoint_after_each_so_many_epochs_and_the_last(tmp_path):
    saved = []

    class Spy(AtomicCheckpoint):
        def save(self, model=None, step=0):
            saved.append(int(self.model.optimizer.iterations))

    case = ZOO["dense"]
    model = case.model(1)
    model.compile("sgd", case.loss())
    model.fit(*case.data(8), epochs=5, verbose=0, callbacks=[Spy(tmp_path / "a.keras", every=2)])
    assert saved == [2, 4, 5]
    with pytest.raises(ValueError, match="every"):
        AtomicCheckpoint(tmp_path / "a.keras", every=0)


def test_a_failed_checkpoint_leaves_the_former_one(tmp_path, monkeypatch):
    path = tmp_path / "a.keras"
    model = ZOO["dense"].model(1)
    AtomicCheckpoint(path).save(model)
    former = path.read_bytes()

    def fail(self, target, *args, **kwargs):
        with open(target, "wb") as file:
            file.write(former[:100])
        raise OSError("disk full")

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        AtomicCheckpoint(path).save(model)
    assert path.read_bytes() == former
    assert names(tmp_path) == ["a.keras"]


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "zip"])
def test_damaged_checkpoints_are_refused(damage, tmp_path):
    path = tmp_path / "a.keras"
    ZOO["dense"].model(1).save(path)
    whole = path.read_bytes()
    if damage == "zip":
        import zipfile

        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a", "b")
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"hi", "empty": b""}[damage])
    with pytest.raises(ValueError, match="damaged or is not a Keras model") as caught:
        load_checkpoint(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model file"):
        load_checkpoint(tmp_path / "a.keras")
    with pytest.raises(FileNotFoundError, match="no model file"):
        load_checkpoint(tmp_path)
