"""`evaluate_curve` against Keras' own `evaluate`, and its files."""

import functools
import inspect
import json

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import (
    BATCH,
    ZOO,
    assert_same,
    compiles,
    long_under_jax,
    numpy,
    snapshot,
    some,
    uncompiled,
)

from mc_tf import (
    Bezier,
    CurveEvaluation,
    DamagedFileError,
    PolyChain,
    Segment,
    connect,
    evaluate_curve,
    update_batch_norm,
)
from mc_tf.evaluation.data import EvaluationData
from mc_tf.evaluation.points import PointEvaluator

METRICS = ["sparse_categorical_accuracy", "sparse_categorical_crossentropy"]


def curve_of(name, curve=None, metrics=METRICS, compiled=True, **kwargs):
    case = ZOO[name]
    curve_model = connect(case.model(1), case.model(2), curve or Bezier(1), **kwargs)
    for point in curve_model.curve_layer.points[1:-1]:
        noise = np.random.default_rng(0).standard_normal(point.shape)
        point.assign(numpy(point) + 0.2 * noise.astype("float32"))
    if compiled:
        curve_model.compile(loss=case.loss(), metrics=metrics)
    return curve_model


def splits(name, train=11, test=7):
    return ZOO[name].data(train, 1), ZOO[name].data(test, 2)


@uncompiled()
def slow_way(
    curve_model, name, train, test, num_points, batch_size, metrics=METRICS, batch_norm_data=None
):
    """Each point's weights in an ordinary model, re-estimated and evaluated by itself."""
    case, rows = ZOO[name], []
    point = case.model(3)
    point.compile(loss=case.loss(), metrics=metrics)
    for t in np.linspace(0, 1, num_points):
        curve_model.point(t, into=point)
        update_batch_norm(point, batch_norm_data or train, batch_size=batch_size)
        row = {}
        for split, data in (("train", train), ("test", test)):
            logs = point.evaluate(*data, batch_size=batch_size, verbose=0, return_dict=True)
            row.update({f"{split}_{key}": value for key, value in logs.items()})
        rows.append(row)
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


class Files(keras.utils.PyDataset):
    """Arrays in batches; counts the reads, and fails when told to."""

    def __init__(self, x, y, size=4, fail_at=None):
        super().__init__()
        self.x, self.y, self.size, self.fail_at, self.reads = x, y, size, fail_at, 0

    def __len__(self):
        return -(-len(self.y) // self.size)

    def __getitem__(self, index):
        if self.reads == self.fail_at:
            raise OSError("pulled the plug")
        self.reads += 1
        part = slice(index * self.size, (index + 1) * self.size)
        return self.x[part], self.y[part]


@pytest.mark.parametrize(
    "name",
    some(
        ["dense", "conv_bn", "subclassed", "unregistered"], ["conv_bn", "subclassed"], ["conv_bn"]
    ),
)
def test_values_are_those_of_keras_at_each_point(name):
    """Loss with its regularizers and `add_loss`, short last batches, statistics."""
    curve_model = curve_of(name)
    train, test = splits(name)
    before = snapshot(curve_model)
    given = [np.copy(a) for a in (*train, *test)]
    found = evaluate_curve(curve_model, train, test, num_points=3, batch_size=4, verbose=0)
    assert_same(before, snapshot(curve_model))
    assert_same(given, [*train, *test])
    expected = slow_way(curve_model, name, train, test, 3, 4)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=2e-4, atol=1e-5, err_msg=key)
    for split in ("train", "test"):
        accuracy = expected[f"{split}_sparse_categorical_accuracy"]
        np.testing.assert_allclose(found[f"{split}_error"], 100 * (1 - accuracy), atol=1e-3)
    np.testing.assert_array_equal(found.t, [0, 0.5, 1])
    assert found.complete
    np.testing.assert_allclose(found.length, curve_model.length())
    np.testing.assert_allclose(found.length_ratio, curve_model.length_ratio())
    points = numpy(curve_model.control_points()).astype("float64")
    phi = numpy(curve_model.curve.coefficients(np.array([0, 0.5, 1]))) @ points
    np.testing.assert_allclose(
        found.arc_lengths, np.linalg.norm(np.diff(phi, axis=0), axis=1), rtol=1e-5
    )


EACH_WAY = ["conv_bn", "dense", "dropout", "shared", "subclassed", "stateful_lstm"]
SMALL = ("dense", "dropout")  # of dense layers alone


@pytest.mark.parametrize("name", some([*ZOO], EACH_WAY, ["conv_bn"]))
def test_several_points_in_one_call_are_those_one_by_one(name):
    curve_model = curve_of(name, metrics=None)
    train, test = splits(name, 8, 4)
    data = EvaluationData(train, test).kept(4)
    evaluator = PointEvaluator(curve_model, 4)
    evaluator.check(0.0, data)
    several, places = evaluator.several(data, 48), np.linspace(0, 1, 5)
    if keras.backend.backend() == "torch":
        assert several is None
        return
    more = [evaluator.several(data, 1024)] if name in SMALL else []  # vectorized
    assert [each.size for each in more] == [64] * len(more)
    singly = [evaluator(t, data) for t in places]
    for together in (several, *more):
        for values, one in zip(together(places), singly, strict=True):
            assert values.keys() == one.keys()
            for key, value in one.items():
                assert values[key] == pytest.approx(value, rel=1e-4, abs=1e-6), key


def test_several_points_are_for_few_batches_and_finite_values():
    curve_model = curve_of("dense", metrics=["sparse_categorical_accuracy"])
    few, many = splits("dense", 8, 8), splits("dense", 40, 4)
    evaluator = PointEvaluator(curve_model, 4)
    data = EvaluationData(*many).kept(4)  # ten batches, and one
    evaluator.check(0.0, data)
    assert evaluator.several(data, 48) is None
    (x, y), test = few
    bad = np.array(x)
    bad[0] = np.nan
    data = EvaluationData((bad, y), test).kept(4)
    evaluator.check(0.0, data)
    assert evaluator.several(data, 47) is None
    assert evaluator.several(data, 48)(np.linspace(0, 1, 2)) == [None, None]
    with pytest.raises(ValueError, match="`train` has NaN or infinite inputs in batch 0"):
        evaluate_curve(curve_model, (bad, y), test, 2, batch_size=4, verbose=0)


@long_under_jax
def test_statistics_are_estimated_on_data_of_their_own(tmp_path):
    curve_model, path = curve_of("conv_bn"), tmp_path / "result"
    train, test = splits("conv_bn")
    x, y = train
    seen = 2 * x[:9] + 1, y[:9]  # as if training augmented
    given = {"num_points": 3, "batch_size": 4, "verbose": 0}
    found = evaluate_curve(curve_model, train, test, path=path, batch_norm_data=seen, **given)
    expected = slow_way(curve_model, "conv_bn", train, test, 3, 4, batch_norm_data=seen)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=2e-4, atol=1e-5, err_msg=key)
    otherwise = slow_way(curve_model, "conv_bn", train, test, 3, 4)
    assert np.abs(found["test_loss"] - otherwise["test_loss"]).min() > 1e-3
    with pytest.raises(ValueError, match="another curve evaluation"):
        evaluate_curve(curve_model, train, test, path=path, **given)


def test_without_batch_norm_statistics_have_no_say(tmp_path):
    curve_model, path = curve_of("dense"), tmp_path / "result"
    train, test = splits("dense")
    given = {"num_points": 2, "path": path, "verbose": 0}
    found = evaluate_curve(curve_model, train, test, **given)
    again = evaluate_curve(curve_model, train, test, batch_norm_data=test, **given)
    np.testing.assert_array_equal(found["test_loss"], again["test_loss"])


def test_a_plain_model_is_refused():
    with pytest.raises(ValueError, match="must be a `CurveModel`, as `connect`.*Functional"):
        evaluate_curve(ZOO["two_inputs"].model(1), *splits("two_inputs"))


def test_evaluators_of_many_models_are_traced_without_warnings(caplog):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow's own warning")
    curve_model = curve_of("dense")
    with caplog.at_level("WARNING", logger="tensorflow"):
        for _ in range(6):  # TensorFlow warns from the fifth on
            evaluate_curve(curve_model, *splits("dense"), num_points=2, verbose=0)
    assert not [line for line in caplog.messages if "retracing" in line]


def test_two_outputs_and_two_losses():
    name, metrics = "two_inputs", None
    curve_model = curve_of(name, metrics=metrics)
    train, test = splits(name)
    found = evaluate_curve(curve_model, train, test, num_points=2, batch_size=4, verbose=0)
    expected = slow_way(curve_model, name, train, test, 2, 4, metrics)
    for key in ("train_loss", "test_loss"):
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-4)


def test_stateful_state_starts_at_zero_in_each_pass():
    name = "stateful_lstm"
    curve_model = curve_of(name)
    train, test = splits(name, 2 * BATCH, 3 * BATCH)
    curve_model(train[0][:BATCH])  # leaves a state behind
    before = snapshot(curve_model)
    found = evaluate_curve(curve_model, train, test, num_points=2, batch_size=BATCH, verbose=0)
    assert_same(before, snapshot(curve_model))
    point = curve_model.point(1.0)
    for split, (x, y) in (("train", train), ("test", test)):
        point.layers[0].reset_state()
        outputs = [numpy(point(x[i : i + BATCH])) for i in range(0, len(y), BATCH)]
        loss = ZOO[name].loss()(y, np.concatenate(outputs))
        np.testing.assert_allclose(found[f"{split}_loss"][-1], numpy(loss), rtol=1e-4)


def test_regularization_is_reported_by_itself():
    curve_model = curve_of("dense")
    train, test = splits("dense")
    found = evaluate_curve(curve_model, train, test, num_points=3, verbose=0)
    points = numpy(curve_model.control_points()).astype("float64")
    phi = numpy(curve_model.curve.coefficients(np.array([0, 0.5, 1]))) @ points
    np.testing.assert_allclose(found["regularization"], 0.01 * (phi**2).sum(1), rtol=1e-5)
    crossentropy = found["train_sparse_categorical_crossentropy"]
    assert (found["train_loss"] > found["regularization"]).all()
    assert np.isfinite(crossentropy).all()


# The tests of stopped evaluations also read a PyDataset.
@pytest.mark.parametrize("kind", some(["PyDataset", "tf.data"], ["tf.data"]))
def test_any_data_set(kind):
    curve_model = curve_of("conv_bn", Segment())
    train, test = splits("conv_bn")
    expected = evaluate_curve(curve_model, train, test, num_points=2, batch_size=4, verbose=0)
    if kind == "PyDataset":
        given = Files(*train), Files(*test)
    else:
        tf = pytest.importorskip("tensorflow")
        given = [tf.data.Dataset.from_tensor_slices(d).batch(4) for d in (train, test)]
    found = evaluate_curve(curve_model, *given, num_points=2, verbose=0)
    for key in ("train_loss", "test_loss", "test_error"):
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-5)


def test_sample_weights():
    case = ZOO["dense"]
    curve_model = connect(case.model(1), case.model(2), Segment())
    curve_model.compile(loss=case.loss(), weighted_metrics=["sparse_categorical_accuracy"])
    (x, y), _ = splits("dense")
    weights = np.linspace(0, 3, len(y)).astype("float32")
    data = (x, y, weights)
    found = evaluate_curve(curve_model, data, data, num_points=2, batch_size=4, verbose=0)
    end = case.model(2)
    end.compile(loss=case.loss(), weighted_metrics=["sparse_categorical_accuracy"])
    logs = end.evaluate(x, y, 4, sample_weight=weights, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["test_loss"][-1], logs["loss"], rtol=1e-5)
    np.testing.assert_allclose(
        found["test_sparse_categorical_accuracy"][-1],
        logs["sparse_categorical_accuracy"],
        rtol=1e-5,
    )


@keras.saving.register_keras_serializable("mc_tf_tests")
class Counted(layers.Layer):
    """Counts the executions of its Python code: once a trace."""

    calls = 0

    def call(self, x):
        type(self).calls += 1
        return ops.copy(x)


@compiles
@pytest.mark.parametrize("batch_norm", some([False, True], [True]))
def test_one_trace_for_all_points(batch_norm):
    def make():
        norm = [layers.BatchNormalization()] if batch_norm else []
        return keras.Sequential([keras.Input((5,)), *norm, Counted(), layers.Dense(3)])

    def executions(num_points):
        curve_model = connect(make(), make(), PolyChain(1))
        curve_model.compile(loss=ZOO["dense"].loss(), metrics=METRICS)
        Counted.calls = 0
        train, test = splits("dense", 8, 12)
        evaluate_curve(curve_model, train, test, num_points, batch_size=4, verbose=0)
        return Counted.calls

    few = executions(2)
    assert few == executions(7)
    assert few > 0


def test_model_must_be_compiled():
    curve_model = curve_of("dense", compiled=False)
    with pytest.raises(ValueError, match="not compiled"):
        evaluate_curve(curve_model, *splits("dense"))


def test_bad_arguments():
    curve_model, (train, test) = curve_of("dense"), splits("dense")
    with pytest.raises(ValueError, match="num_points"):
        evaluate_curve(curve_model, train, test, num_points=1)
    with pytest.raises(ValueError, match="no batch"):
        evaluate_curve(curve_model, train, [], num_points=2, verbose=0)
    tf = pytest.importorskip("tensorflow")
    endless = tf.data.Dataset.from_tensor_slices(train).batch(4).repeat()
    with pytest.raises(ValueError, match="never ends"):
        evaluate_curve(curve_model, endless, test, num_points=2, verbose=0)


def test_the_grid_of_the_paper_is_the_default():
    assert inspect.signature(evaluate_curve).parameters["num_points"].default == 61


# Summary.


def made_up():
    result = CurveEvaluation(np.linspace(0, 1, 5), "print", {"seed": 1})
    result.set_geometry([1.0, 2.0, 3.0, 4.0], 10.5, 1.25)
    for index, value in enumerate([1.0, 4.0, 2.0, 8.0, 3.0]):
        result.record(index, {"train_loss": value, "test_accuracy": value / 10})
    return result


def test_min_int_mean_max_and_barrier():
    row = made_up().summary("train_loss")
    values, lengths = np.array([1.0, 4, 2, 8, 3]), np.array([1.0, 2, 3, 4])
    place = np.concatenate([[0], np.cumsum(lengths)])
    trapezoid = getattr(np, "trapezoid", None) or np.trapz
    assert row["min"] == 1 and row["max"] == 8
    assert row["int"] == pytest.approx(trapezoid(values, place) / lengths.sum())
    assert row["mean"] == pytest.approx(trapezoid(values, np.linspace(0, 1, 5)))
    assert row["barrier"] == 8 - 3
    assert (row["start"], row["end"]) == (1, 3)


def test_errors_are_in_percent():
    np.testing.assert_allclose(made_up()["test_error"], [90, 60, 80, 20, 70])
    with pytest.raises(KeyError, match="'nothing'.*test_error"):
        made_up()["nothing"]


def test_constant_loss_has_no_barrier_and_a_flat_integral():
    result = CurveEvaluation(np.linspace(0, 1, 3))
    result.set_geometry([1.0, 5.0], 6.0, 1.0)
    for index in range(3):
        result.record(index, {"train_loss": 2.0})
    row = result.summary("train_loss")
    assert row["barrier"] == 0
    assert row["int"] == row["mean"] == row["min"] == row["max"] == 2


def test_table_has_a_line_for_each_name():
    table = made_up().table(("train_loss", "test_error", "train_error"))
    lines = table.splitlines()
    assert [line.split("  ")[0] for line in lines[1:3]] == ["train loss", "test error"]
    assert "1.25" in lines[-1]
    result = made_up()
    for index in range(5):
        result.record(index, {"train_loss": 1.0, "test_head_accuracy": 0.5})
    assert "test head error" in result.table() and "accuracy" not in result.table()


# Files.


def test_files_hold_the_result(tmp_path):
    curve_model, (train, test) = curve_of("dense"), splits("dense")
    path = tmp_path / "result"
    found = evaluate_curve(
        curve_model, train, test, 3, path=path, description={"seed": 7}, verbose=0
    )
    assert {p.name for p in tmp_path.iterdir()} == {"result.npz", "result.json"}
    for name in (path, tmp_path / "result.npz", str(path)):
        loaded = CurveEvaluation.load(name)
        assert loaded.names == found.names
        assert loaded.complete and loaded.description == {"seed": 7}
        np.testing.assert_array_equal(loaded["test_loss"], found["test_loss"])
        assert loaded.summary("test_loss") == found.summary("test_loss")
        assert loaded.length_ratio == found.length_ratio
    summary = json.loads((tmp_path / "result.json").read_text())
    assert summary["summary"]["test_loss"] == found.summary("test_loss")
    assert summary["num_points"] == 3 and summary["description"] == {"seed": 7}


@long_under_jax
def test_goes_on_where_it_was_stopped(tmp_path, nothing_kept):
    curve_model, (train, test) = curve_of("conv_bn"), splits("conv_bn", 8, 8)
    full = evaluate_curve(curve_model, Files(*train), Files(*test), 5, verbose=0)
    path = tmp_path / "result"
    # A point reads the training data twice: two batches each time.
    broken = Files(*train, fail_at=2 * 4 + 3)
    with pytest.raises(OSError, match="pulled the plug"):
        evaluate_curve(curve_model, broken, Files(*test), 5, path=path, verbose=0)
    assert not (tmp_path / "result.json").exists()
    stored = CurveEvaluation.load(path)
    assert stored.done.tolist() == [True, True, False, False, False]
    again = Files(*train)
    result = evaluate_curve(curve_model, again, Files(*test), 5, path=path, verbose=0)
    assert again.reads == 3 * 4
    for name in full.names:
        np.testing.assert_allclose(result[name], full[name], rtol=1e-6)
    np.testing.assert_array_equal(result["test_loss"][:2], stored["test_loss"][:2])
    untouched = Files(*train, fail_at=0)
    evaluate_curve(curve_model, untouched, Files(*test), 5, path=path, verbose=0)
    assert untouched.reads == 0


def test_stopped_after_the_last_point_it_knows_what_is_better(tmp_path, monkeypatch):
    """Which decides the sign of a barrier."""
    curve_model = curve_of("dense")
    train, test = splits("dense")
    evaluate = functools.partial(
        evaluate_curve, curve_model, train, test, num_points=3, batch_size=4, verbose=0
    )
    whole = evaluate(path=tmp_path / "whole")
    monkeypatch.setattr(CurveEvaluation, "finish", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(path=tmp_path / "stopped")
    monkeypatch.undo()
    again = evaluate(path=tmp_path / "stopped")
    assert again.higher_is_better == whole.higher_is_better != {}
    for ending in ("npz", "json"):
        files = (tmp_path / f"{name}.{ending}" for name in ("whole", "stopped"))
        assert len({file.read_bytes() for file in files}) == 1


@long_under_jax
@pytest.mark.parametrize("damage", some(["cut", "text", "empty", "other"], ["cut", "other"]))
def test_damaged_files_are_refused_and_left(damage, tmp_path):
    curve_model, (train, test) = curve_of("dense"), splits("dense")
    path, file = tmp_path / "result", tmp_path / "result.npz"
    evaluate_curve(curve_model, train, test, 2, path=path, verbose=0)
    if damage == "other":
        np.savez(file, a=np.ones(3))
    else:
        whole = file.read_bytes()
        file.write_bytes({"cut": whole[: len(whole) // 2], "text": b"hello", "empty": b""}[damage])
    kept = file.read_bytes()
    error, words = {"other": (ValueError, "is not a curve evaluation")}.get(
        damage, (DamagedFileError, "damaged.*Move it away")
    )
    with pytest.raises(error, match=words):
        evaluate_curve(curve_model, train, test, 2, path=path, verbose=0)
    assert file.read_bytes() == kept


@long_under_jax
def test_a_file_of_another_evaluation_is_refused(tmp_path):
    curve_model, (train, test) = curve_of("dense"), splits("dense")
    path = tmp_path / "result"
    evaluate_curve(curve_model, train, test, 2, path=path, description={"a": 1}, verbose=0)
    other = curve_of("dense")
    other.curve_layer.set_point(1, np.zeros(other.control_points().shape[1], "float32"))
    with pytest.raises(ValueError, match="another curve evaluation: weights, data"):
        labels = 1 - train[1]
        evaluate_curve(
            curve_model, (train[0], labels), test, 2, path=path, description={"a": 1}, verbose=0
        )
    for model, points, description in (
        (other, 2, {"a": 1}),
        (curve_model, 3, {"a": 1}),
        (curve_model, 2, {"a": 2}),
        (curve_of("dense", PolyChain(1)), 2, {"a": 1}),
    ):
        with pytest.raises(ValueError, match="another curve"):
            evaluate_curve(
                model, train, test, points, path=path, description=description, verbose=0
            )


def test_a_missing_file():
    with pytest.raises(FileNotFoundError, match="no result file"):
        CurveEvaluation.load("/nowhere/result")


def test_directory_is_made_or_refused_before_any_work(tmp_path):
    curve_model = curve_of("dense")
    train, test = splits("dense")
    evaluate_curve(curve_model, train, test, 2, tmp_path / "new/curve", verbose=0)
    assert CurveEvaluation.load(tmp_path / "new/curve").complete
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Cannot write in the directory"):
        evaluate_curve(curve_model, None, None, 2, tmp_path / "file/curve", verbose=0)
