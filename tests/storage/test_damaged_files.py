"""A file with any damaged byte is read as it was written, or refused with one named error.

Each kind of file is damaged 200 times, or as often as the environment variable MUTATIONS says:

  MUTATIONS=10000 python -m pytest tests/storage/test_damaged_files.py -k whatever
"""

import dataclasses
import errno
import functools
import json
import os
import pathlib
import shutil

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mc_tf
from mc_tf import Bezier, CurveEvaluation, DamagedFileError, GridEvaluation
from mc_tf.ensemble import Ensemble, EnsembleEvaluation
from mc_tf.ensemble.members import read_member
from mc_tf.ensemble.prediction_cache import PredictionCache
from mc_tf.storage import checksums
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.checkpoints import load_checkpoint, read_record, save_checkpoint
from mc_tf.storage.files import read_arrays, read_json, write_arrays, write_json
from mc_tf.storage.initial_weights import load_initial_weights
from mc_tf.storage.moments import WeightMoments
from mc_tf.storage.snapshots import load_snapshot, read_snapshot, save_snapshot, take_snapshot
from mc_tf.training.run_directory import open_run, stored_settings
from mc_tf.weights.flat import flat_weights

MUTATIONS = int(os.environ.get("MUTATIONS", 200))
OLD = pathlib.Path(__file__).parents[1] / "files"  # written by version 3bd52f1, without checksums


@functools.cache
def network():
    layers = [
        keras.layers.Dense(4, activation="relu", name="h"),
        keras.layers.BatchNormalization(name="n"),
        keras.layers.Dense(2, name="o"),
    ]
    return keras.Sequential([keras.Input((3,), name="x"), *layers], name="net")


def compiled(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


def examples():
    x = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


# Writers and readers of files; each reader returns something that can be compared.


def snapshot_content(snapshot):
    arrays = [snapshot.weights, *snapshot.state]
    return [array.tobytes() for array in arrays], snapshot.layout, snapshot.record


def point_content(result):
    arrays = {name: result[name].tobytes() for name in result.names}
    more = {name: array.tobytes() for name, array in result._arrays().items()}
    return arrays, more, result.done.tobytes(), result.fingerprint, result.description


def evaluation_content(result):
    scores = [
        {name: v.tobytes() for name, v in s.items()} for s in (result.members, result.cumulative)
    ]
    return *scores, result.predictions.tobytes(), result.labels.tobytes()


def array_content(arrays):
    return {name: (array.dtype.str, array.tobytes()) for name, array in arrays.items()}


def write_curve_evaluation(path):
    result = CurveEvaluation(np.linspace(0, 1, 3), "of this", {"data": "digits"})
    for index in range(3):
        result.record(index, {"test_loss": index / 3, "test_accuracy": 0.5})
    result.save(os.path.splitext(path)[0])


def write_grid_evaluation(path):
    marks, axes = {"a": np.zeros(1)}, [np.linspace(0, 1, 3)]
    result = GridEvaluation("Line", axes, marks, {}, {"a": np.zeros(1)}, "of this", {"b": 1})
    for index in range(3):
        result.record(index, {"test_loss": index / 3})
    result.save(os.path.splitext(path)[0])


def write_ensemble(path):
    ensemble = Ensemble(network(), 2, output="logits")
    ensemble.evaluate_members(examples(), verbose=0).save(path)


def write_average(path):
    average = WeightAverage()
    average.add(np.arange(5.0), 7)
    average.save(os.path.dirname(path))


def read_average(path):
    average = WeightAverage.load(os.path.dirname(path), 7)
    return average.mean.tobytes(), average.count, average.step


def write_moments(path):
    moments = WeightMoments(max_rank=2)
    for step in (3, 7):
        moments.add(np.arange(5.0) * step, step)
    moments.save(os.path.dirname(path))


def read_moments(path):
    moments = WeightMoments.load(os.path.dirname(path), 7, max_rank=2)
    arrays = (moments.mean, moments.squares, moments.deviations)
    return [array.tobytes() for array in arrays], moments.count, moments.step


def write_weights(path):
    network().save_weights(path)
    checksums.seal(path)


def read_weights(path):
    return snapshot_content(read_member(network(), path, 0))


def read_initial_weights(path):
    model = network()
    load_initial_weights(model, path)
    return flat_weights(model).tobytes()


def read_model(path):
    model = load_checkpoint(path)
    return [np.asarray(weight).tobytes() for weight in model.get_weights()], read_record(path)


@functools.cache
def curve():
    return mc_tf.connect(network(), keras.models.clone_model(network()), Bezier(1))


def read_weights_of_curve(path):
    curve().load_weights(path)
    return [weight.tobytes() for weight in curve().get_weights()]


def write_data_of_cache(path):
    x, y = examples()
    given = {"labels": y, "sample_weight": np.linspace(0, 1, len(y)), "mask": None}
    PredictionCache(os.path.dirname(path), network()).save_data(given, x, 1)


def read_data_of_cache(path):
    dataset = (*examples(), np.linspace(0, 1, 12))
    given = PredictionCache(os.path.dirname(path), network()).check_data(dataset, 500)
    assert given["mask"] is None
    return given["labels"].tobytes(), given["sample_weight"].tobytes()


def write_predictions(path):
    outputs = np.arange(12, dtype="float32").reshape(6, 2)
    PredictionCache(os.path.dirname(path), network()).save("a1", outputs)


def read_predictions(path):
    outputs = PredictionCache(os.path.dirname(path), network()).load("a1", 6)
    if outputs is None:  # computed again
        raise DamagedFileError
    return outputs.tobytes()


@dataclasses.dataclass(frozen=True, repr=False)
class Kind:
    """A kind of file."""

    name: str
    write: object
    read: object


@dataclasses.dataclass(frozen=True, repr=False)
class Written:
    """A sound file."""

    kind: Kind
    path: str
    content: bytes
    found: object


SETTINGS = {"network": "fc", "seed": 3, "options": {"width": 0.5}, "epochs": [1, 2], "test": True}
KINDS = {
    "snapshot": Kind(
        "snapshot-00000002.npz",
        lambda path: save_snapshot(path, take_snapshot(network(), step=2)),
        lambda path: snapshot_content(read_snapshot(path)),
    ),
    "average": Kind("average-00000007.npz", write_average, read_average),
    "moments": Kind("average-00000007.npz", write_moments, read_moments),
    "evaluation of a curve": Kind(
        "curve.npz",
        write_curve_evaluation,
        lambda path: point_content(CurveEvaluation.load(path)),
    ),
    "evaluation of a grid": Kind(
        "grid.npz", write_grid_evaluation, lambda path: point_content(GridEvaluation.load(path))
    ),
    "evaluation of an ensemble": Kind(
        "ensemble.npz",
        write_ensemble,
        lambda path: evaluation_content(EnsembleEvaluation.load(path)),
    ),
    "trajectory": Kind(
        "trajectory.npz",
        lambda path: write_arrays(path, step=np.arange(4), error=np.arange(4.0)),
        lambda path: array_content(read_arrays(path, ("step",), "a trajectory", "a program")),
    ),
    "data of predictions": Kind(
        "data.npz",
        write_data_of_cache,
        read_data_of_cache,
    ),
    "predictions": Kind("member-a1.npz", write_predictions, read_predictions),
    "settings": Kind(
        "settings.json",
        lambda path: open_run(os.path.dirname(path), SETTINGS),
        lambda path: stored_settings(os.path.dirname(path)),
    ),
    "summary": Kind(
        "summary.json",
        lambda path: write_json(path, {"about": {"a": 1.5}, "errors": {"b": 2}}),
        lambda path: read_json(path, "a summary", "a program"),
    ),
    "comparison": Kind(
        "comparison.json",
        lambda path: write_json(path, {"rows": [{"target": 7.01}, {"target": None}]}),
        lambda path: read_json(path, "a comparison", "a program"),
    ),
    "network": Kind(
        "model.keras",
        lambda path: save_checkpoint(compiled(network()), path, step=3),
        read_model,
    ),
    "weights of a member": Kind("a.weights.h5", write_weights, read_weights),
    "weights of a curve": Kind(
        "c.weights.h5", lambda path: curve().save_weights(path), read_weights_of_curve
    ),
    "curve": Kind("curve.keras", lambda path: curve().save(path), read_model),
    "initial weights": Kind("b.weights.h5", write_weights, read_initial_weights),
}


@st.composite
def mutations(draw):
    """A function from the bytes of a file to damaged ones."""
    how = draw(st.sampled_from(("flip", "overwrite", "zero", "cut", "extend", "remove", "swap")))
    # Half of all at an end, where the structure of most files is.
    place = draw(st.floats(0, 1, exclude_max=True))
    end = draw(st.sampled_from(("anywhere", "anywhere", "first", "last")))
    other = draw(st.floats(0, 1, exclude_max=True))
    length, bit = draw(st.integers(1, 64)), draw(st.integers(0, 7))
    noise = draw(st.binary(min_size=1, max_size=64))

    def mutate(content):
        size = len(content)
        near = min(size, 400)
        at = int(place * (size if end == "anywhere" else near))
        at = size - 1 - at if end == "last" else at
        changed = bytearray(content)
        if how == "flip":
            changed[at] ^= 1 << bit
        elif how == "overwrite":
            changed[at : at + len(noise)] = noise[: size - at]
        elif how == "zero":
            changed[at : at + length] = bytes(min(length, size - at))
        elif how == "cut":
            del changed[at:]
        elif how == "extend":
            changed += noise
        elif how == "remove":
            del changed[at : at + length]
        else:
            to = min(int(other * size), size - 1)
            first, second = changed[at : at + length], changed[to : to + length]
            if abs(at - to) >= length and len(first) == len(second):
                changed[at : at + length], changed[to : to + length] = second, first
        return bytes(changed)

    return mutate


@pytest.fixture(scope="module", params=KINDS, ids=lambda name: name.replace(" ", "-"))
def written(request, tmp_path_factory):
    """A sound file: its kind, its path, its bytes and its contents."""
    kind = KINDS[request.param]
    path = str(tmp_path_factory.mktemp("kind") / kind.name)
    kind.write(path)
    content = pathlib.Path(path).read_bytes()
    assert checksums.check(path), "it has no checksum"
    return Written(kind, path, content, kind.read(path))


@settings(
    max_examples=MUTATIONS,
    deadline=None,
    database=None,
    derandomize=MUTATIONS == 200,
    suppress_health_check=list(HealthCheck),
)
@given(mutate=mutations())
def test_whatever_byte_is_hit(written, mutate):
    kind, path, content = written.kind, written.path, written.content
    changed = mutate(content)
    if changed == content:  # zeros on zeros
        return
    pathlib.Path(path).write_bytes(changed)
    try:
        found = kind.read(path)
    except DamagedFileError as error:
        assert "elete" not in str(error)
    else:
        assert found == written.found
    finally:
        pathlib.Path(path).write_bytes(content)


def test_a_checksum_hit_at_two_places_is_still_seen(tmp_path):
    path = tmp_path / "summary.json"
    write_json(path, {"a": 1})
    content = path.read_bytes()
    at = content.index(b'checksum": "') + len(b'checksum": "') + 32
    for key in (b"checksu1", b"checks"):
        changed = content[:at] + b"m" + content[at + 1 :]
        path.write_bytes(changed.replace(b"checksum", key))
        with pytest.raises(DamagedFileError, match="checksum is broken"):
            read_json(path, "a summary", "a program")


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_may_not_be_read_is_not_said_to_be_damaged(name, tmp_path, monkeypatch):
    kind, path = KINDS[name], str(tmp_path / KINDS[name].name)
    kind.write(path)
    opened = open

    def refuse(file, *args, **kwargs):
        if os.fspath(file) == path:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return opened(file, *args, **kwargs)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        kind.read(path)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name].name.endswith(".npz")])
def test_a_sound_file_of_another_kind_is_not_said_to_be_damaged(name, tmp_path):
    if name == "predictions":
        pytest.skip("a cache computes them again")
    kind, path = KINDS[name], str(tmp_path / KINDS[name].name)
    write_arrays(path, something=np.ones(3))
    with pytest.raises(ValueError, match="not") as caught:
        kind.read(path)
    assert not isinstance(caught.value, DamagedFileError)
    assert "damaged" not in str(caught.value) and "elete" not in str(caught.value)


# Files of an earlier version, without checksums.


@pytest.fixture(scope="module")
def expected():
    with np.load(OLD / "expected.npz") as stored:
        return dict(stored)


@pytest.fixture
def old(tmp_path):
    return shutil.copytree(OLD, tmp_path / "old")


def test_old_files_are_read(old, expected):
    model = load_checkpoint(old / "model.keras")
    np.testing.assert_array_equal(flat_weights(model), expected["weights"])
    assert read_record(old / "model.keras") == {"step": 2, "best": 0.5}
    fresh = keras.models.clone_model(network())
    assert load_snapshot(fresh, old / "snapshot-00000002.npz")["step"] == 2
    np.testing.assert_array_equal(flat_weights(fresh), expected["weights"])
    fresh = keras.models.clone_model(network())
    load_initial_weights(fresh, old / "a.weights.h5")
    np.testing.assert_array_equal(flat_weights(fresh), expected["weights"])
    average = WeightAverage.load(old, 2)
    np.testing.assert_array_equal(average.mean, expected["mean"])
    result = EnsembleEvaluation.load(old / "ensemble.npz")
    np.testing.assert_array_equal(result.members["loss"], expected["members_loss"])
    np.testing.assert_array_equal(result.predictions, expected["predictions"])
    grid = GridEvaluation.load(old / "grid")
    np.testing.assert_array_equal(grid["test_loss"], expected["grid_loss"])
    stored = stored_settings(old)
    assert (stored["network"], stored["epochs"], stored["curve"]) == ("fc", 3, [1, 2])
    assert read_json(old / "evaluation.json", "a summary", "a program")["num_points"] == 3


def test_old_results_and_caches_are_resumed(old, expected):
    curve = load_checkpoint(old / "curve.keras")
    np.testing.assert_array_equal(curve.curve_layer.flat_weights_at(0.5), expected["bend"])
    x, y = examples()
    with np.load(old / "evaluation.npz") as stored:
        before = {**stored, "value:test_loss": stored["value:test_loss"] + 1}
    np.savez(old / "evaluation.npz", **before)  # existing values are not computed again
    result = mc_tf.evaluate_curve(curve, (x, y), (x, y), 3, path=old / "evaluation", verbose=0)
    np.testing.assert_array_equal(result["test_loss"], expected["test_loss"] + 1)
    with np.load(old / "evaluation.npz") as stored:
        for name, array in before.items():
            np.testing.assert_array_equal(stored[name], array)
    assert checksums.check(old / "evaluation.npz") and not checksums.check(OLD / "evaluation.npz")
    cache = PredictionCache(old / "predictions", network())
    assert cache.check_data((x, y), 500) is None  # it does not say whether there were weights
    with pytest.raises(ValueError, match="holds predictions for another data set"):
        cache.check_data((x, 1 - y), 500)
    made = GridEvaluation.load(old / "grid")
    assert made.complete


@pytest.mark.parametrize(
    "name, read",
    [
        ("snapshot-00000002.npz", read_snapshot),
        ("ensemble.npz", EnsembleEvaluation.load),
        ("evaluation.npz", CurveEvaluation.load),
        ("grid.npz", GridEvaluation.load),
        ("average-00000002.npz", lambda path: WeightAverage.load(path.parent, 2)),
        ("settings.json", lambda path: stored_settings(path.parent)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_old_files_end_in_the_same_error(old, name, read):
    """Without a checksum, damage may go unnoticed, but no other error is raised."""
    content, random = (old / name).read_bytes(), np.random.default_rng(1)
    seen = 0
    for _ in range(100):
        changed = bytearray(content)
        changed[random.integers(len(content))] ^= 1 << int(random.integers(8))
        (old / name).write_bytes(changed)
        try:
            read(old / name)
        except (DamagedFileError, checksums.OtherKindError):
            seen += 1
    assert seen


def test_settings_changed_by_hand_say_what_to_do(tmp_path):
    open_run(tmp_path, SETTINGS)
    path = tmp_path / "settings.json"
    path.write_text(path.read_text().replace('"seed": 3', '"seed": 4'))
    with pytest.raises(DamagedFileError, match="remove its last entry, the checksum"):
        stored_settings(tmp_path)
    content = json.loads(path.read_text())
    content.pop("checksum")
    path.write_text(json.dumps(content))
    assert stored_settings(tmp_path)["seed"] == 4


def test_numpy_and_keras_read_what_is_sealed(tmp_path):
    write_arrays(tmp_path / "a.npz", a=np.arange(3))
    with np.load(tmp_path / "a.npz") as stored:
        assert stored["a"].tolist() == [0, 1, 2]
    model = compiled(network())
    save_checkpoint(model, tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(flat_weights(loaded), flat_weights(model))
    save_checkpoint(curve(), tmp_path / "curve.keras", step=3)
    keras.saving.load_model(tmp_path / "curve.keras").load_weights(tmp_path / "curve.keras")
    assert read_record(tmp_path / "curve.keras") == {"step": 3}
