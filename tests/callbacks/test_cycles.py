"""Cyclic learning rates against numpy, and callbacks that act at chosen steps of a real `fit`."""

import contextlib
import functools
import math

import keras
import numpy as np
import pytest
from full_disk import full_disk
from keras import ops
from model_zoo import long_under_jax, some

import mc_tf
from mc_tf import schedules
from mc_tf.cycles import CosineCycle, LinearCycle, SWASchedule, TriangularCycle
from mc_tf.storage.snapshots import read_snapshot

BATCHES, BATCH = 10, 4  # of the small problem
HIGH, LOW = 0.05, 0.0005


# The paper's formulas, written down a second time.


def triangular(i, c, high=HIGH, low=LOW):
    """Algorithm 1's rate of iteration i = 1, 2, ..."""
    t = (np.mod(i - 1, c) + 1) / c
    return np.where(
        t <= 0.5, (1 - 2 * t) * high + 2 * t * low, (2 - 2 * t) * low + (2 * t - 1) * high
    )


def linear(i, c, high=HIGH, low=LOW):
    t = (np.mod(i - 1, c) + 1) / c
    return (1 - t) * high + t * low


def cosine(i, c, initial=HIGH):
    return initial / 2 * (np.cos(np.pi * np.mod(i - 1, c) / c) + 1)


@pytest.mark.parametrize("length", some([2, 4, 10, 780], [2, 4, 10, 780], [10]))
def test_schedules_equal_numpy_at_every_step(length):
    steps = np.arange(3 * length)
    kinds = [
        (TriangularCycle(length, HIGH, LOW), schedules.triangular_cycle, (HIGH, LOW), triangular),
        (LinearCycle(length, HIGH, LOW), schedules.linear_cycle, (HIGH, LOW), linear),
        (CosineCycle(length, HIGH), schedules.cosine_cycle, (HIGH,), cosine),
    ]
    for cycle, function, rates, oracle in kinds:
        expected = oracle(steps + 1, length)
        kwargs = {"cos": np.cos} if function is schedules.cosine_cycle else {}
        np.testing.assert_allclose(function(steps, length, *rates, **kwargs), expected, rtol=1e-12)
        assert function(3, length, *rates) == pytest.approx(oracle(4, length))
        in_graph = ops.convert_to_numpy(ops.vectorized_map(cycle, ops.arange(3 * length)))
        np.testing.assert_allclose(in_graph, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("start", some([1, 10, 7000], [1, 10, 7000], [10]))
def test_schedule_of_weight_averaging_equals_numpy_at_every_step(start):
    steps = np.arange(2 * start)
    expected = np.interp(steps, [0.5 * start, 0.9 * start], [HIGH, LOW])
    found = schedules.swa(steps, start, HIGH, LOW / HIGH, clip=np.clip)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert schedules.swa(3, start, HIGH, LOW / HIGH) == pytest.approx(
        np.interp(3, [0.5 * start, 0.9 * start], [HIGH, LOW])
    )
    in_graph = ops.vectorized_map(SWASchedule(start, HIGH, LOW), ops.arange(2 * start))
    np.testing.assert_allclose(ops.convert_to_numpy(in_graph), expected, rtol=1e-4)


@pytest.mark.parametrize("length", some([2, 4, 10, 780], [2, 4, 10, 780], [10]))
def test_smallest_rate_is_reached_exactly(length):
    cycle = TriangularCycle(length, HIGH, LOW)
    middles = [k * length + length // 2 - 1 for k in range(3)]
    assert {schedules.triangular_cycle(step, length, HIGH, LOW) for step in middles} == {LOW}
    assert {float(cycle(step)) for step in middles} == {float(np.float32(LOW))}
    assert schedules.triangular_cycle(length - 1, length, HIGH, LOW) == HIGH


def test_place_in_the_cycle_is_exact_after_many_steps():
    cycle = TriangularCycle(782, HIGH, LOW)
    step = 782 * 100_000 + 390
    assert float(cycle(step)) == float(np.float32(LOW))


@pytest.mark.parametrize(
    "cycle", [TriangularCycle(4, 0.5, 0.1), CosineCycle(3, 0.2), SWASchedule(7, 0.1, 0.05)]
)
def test_schedule_round_trip_and_in_an_optimizer(cycle):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(cycle))
    assert again.get_config() == cycle.get_config()
    model = problem(optimizer=keras.optimizers.SGD(cycle))
    model.fit(*data(), batch_size=BATCH, verbose=0)  # as a user compiles it
    rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    assert rate == pytest.approx(float(cycle(BATCHES)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TriangularCycle(5, 0.5, 0.1), "even"),
        (lambda: TriangularCycle(0, 0.5, 0.1), "at least 1"),
        (lambda: TriangularCycle(4, 0.1, 0.5), "no less"),
        (lambda: CosineCycle(4, 0.0), "above 0"),
        (lambda: SWASchedule(0, 0.1, 0.05), "at least 1"),
        (lambda: SWASchedule(9, 0.0, 0.05), "above 0"),
        (lambda: mc_tf.CyclicLearningRate(3, 0.5, 0.1, unit="steps"), "even"),
        (lambda: mc_tf.CyclicLearningRate(1.5, 0.5, 0.1), "whole number"),
        (lambda: mc_tf.CyclicLearningRate(2, 0.5, 0.1, unit="batches"), "'epochs' or 'steps'"),
        (lambda: mc_tf.CyclicLearningRate(2, 0.1, 0.5), "no less"),
        (lambda: mc_tf.CyclicLearningRate(2, 0.5, 0.1, start_epoch=-1), "negative"),
        (lambda: mc_tf.SnapshotSaver("x", every=0), "at least 1"),
        (lambda: mc_tf.SnapshotSaver("x", cycle=TriangularCycle(4, 0.5, 0.1)), "callback"),
        (lambda: mc_tf.DistanceFromStart(every=0), "at least 1"),
    ],
)
def test_bad_arguments_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# A problem whose weights numpy can follow: least squares with SGD.


def data(batches=BATCHES):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batches * BATCH, 3)).astype("float32")
    return x, (x @ [[1.0], [-2.0], [3.0]]).astype("float32")


def problem(optimizer=None, **kwargs):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((3, 1))])
    model.compile(optimizer or keras.optimizers.SGD(0.01), "mse", **kwargs)
    return model


def trajectory(rates, accumulation=1):
    """Weights after 0, 1, 2, ... updates with these rates."""
    x, y = data()
    w, path, gradients = np.ones((3, 1)), [np.ones(3)], []
    for batch in range(len(rates) * accumulation):
        part = slice(batch % BATCHES * BATCH, (batch % BATCHES + 1) * BATCH)
        gradients.append(2 / BATCH * x[part].T @ (x[part] @ w - y[part]))
        if len(gradients) == accumulation:
            w = w - rates[len(path) - 1] * np.mean(gradients, axis=0)
            path.append(w[:, 0])
            gradients = []
    return np.array(path)


@functools.cache
def batches():
    """The data as `fit` takes it with the least preparation: arrays become a pipeline each time."""
    if keras.backend.backend() != "tensorflow":
        return {"x": data()[0], "y": data()[1], "batch_size": BATCH}
    import tensorflow as tf

    return {"x": tf.data.Dataset.from_tensor_slices(data()).batch(BATCH)}


def fit(model, callbacks, epochs, **kwargs):
    options = {**batches(), "shuffle": False, "verbose": 0, **kwargs}
    return model.fit(epochs=epochs, callbacks=callbacks, **options)


def saved(saver):
    """Step -> weights of all members."""
    snapshots = [read_snapshot(path) for path in saver.members]
    return {snapshot.record["step"]: snapshot.weights for snapshot in snapshots}


def assert_on(path, found, steps):
    assert sorted(found) == list(steps)
    for step in steps:
        np.testing.assert_allclose(found[step], path[step], rtol=1e-4, atol=1e-5)


# Calls of one step and of several; which of both matters little to most tests below.
LENGTHS = [(2, 8), (4, 1), (4, 8), (10, 8), (20, 1)]


@pytest.mark.parametrize(
    "length, steps_per_execution", some(LENGTHS, [(2, 8), (4, 1), (10, 8)], [(4, 1), (10, 8)])
)
def test_snapshots_are_taken_where_algorithm_1_says(tmp_path, length, steps_per_execution):
    cycle = mc_tf.CyclicLearningRate(length, HIGH, LOW, unit="steps")
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    model = problem(steps_per_execution=steps_per_execution)
    fit(model, [cycle, saver], epochs=4)
    i = np.arange(1, 4 * BATCHES + 1)
    path = trajectory(triangular(i, length))
    assert_on(path, saved(saver), i[np.mod(i, length) == length / 2])
    np.testing.assert_allclose(model.get_weights()[0][:, 0], path[-1], rtol=1e-4)
    rates = [read_snapshot(file).record["learning_rate"] for file in saver.members]
    assert set(rates) == {float(np.float32(LOW))}


@pytest.mark.parametrize("steps_per_execution", some([1, 8], [8]))
def test_a_data_set_of_unknown_length(tmp_path, steps_per_execution):
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices(data()).batch(BATCH).filter(lambda x, y: True)
    cycle = mc_tf.CyclicLearningRate(6, HIGH, LOW, unit="steps")
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    model = problem(steps_per_execution=steps_per_execution)
    model.fit(dataset, epochs=3, verbose=0, callbacks=[cycle, saver])
    path = trajectory(triangular(np.arange(1, 31), 6))
    assert_on(path, saved(saver), range(3, 31, 6))
    cycle = mc_tf.CyclicLearningRate(2, HIGH, LOW)
    with pytest.raises(ValueError, match="steps_per_epoch"):
        problem().fit(dataset, epochs=2, verbose=0, callbacks=[cycle])


@pytest.mark.parametrize(
    "steps_per_execution, saver_first",
    some([(1, False), (1, True), (3, False), (3, True)], [(1, False), (3, True)], [(3, True)]),
)
def test_cosine_cycles_end_with_a_snapshot(tmp_path, steps_per_execution, saver_first):
    cycle = mc_tf.CosineCyclicLearningRate(2, HIGH)
    saver = mc_tf.SnapshotSaver(tmp_path, cycle, include_start=True)
    callbacks = [saver, cycle] if saver_first else [cycle, saver]
    fit(problem(steps_per_execution=steps_per_execution), callbacks, epochs=4)
    path = trajectory(cosine(np.arange(1, 4 * BATCHES + 1), 2 * BATCHES))
    assert_on(path, saved(saver), [0, 2 * BATCHES, 4 * BATCHES])


@long_under_jax
def test_record_of_a_snapshot(tmp_path):
    cycle = mc_tf.CyclicLearningRate(2, HIGH, LOW)
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    fit(problem(), [cycle, saver], epochs=4)
    path = trajectory(triangular(np.arange(1, 4 * BATCHES + 1), 2 * BATCHES))
    first, second = (read_snapshot(file).record for file in saver.members)
    assert (first["step"], second["step"]) == (BATCHES, 3 * BATCHES)
    distances = [np.linalg.norm(path[30] - path[0]), np.linalg.norm(path[30] - path[10])]
    found = [second["distance_from_start"], second["distance_from_previous"]]
    np.testing.assert_allclose(found, distances, rtol=1e-3)
    assert first["distance_from_start"] == first["distance_from_previous"]


def test_the_rate_of_a_compiled_schedule_is_that_of_the_last_update(tmp_path):
    schedule = mc_tf.CosineCycle(4, HIGH)
    saver = mc_tf.SnapshotSaver(tmp_path, every=4, unit="steps")
    fit(problem(keras.optimizers.SGD(schedule)), [saver], epochs=1)
    rates = [read_snapshot(file).record["learning_rate"] for file in saver.members]
    np.testing.assert_allclose(rates, float(schedule(3)), rtol=1e-6)


@pytest.mark.parametrize("steps_per_execution", some([1, 8], [8]))
def test_accumulated_gradients_make_one_step(tmp_path, steps_per_execution):
    optimizer = keras.optimizers.SGD(0.01, gradient_accumulation_steps=5)
    cycle = mc_tf.CyclicLearningRate(2, HIGH, LOW)  # two epochs of two updates
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    fit(problem(optimizer, steps_per_execution=steps_per_execution), [cycle, saver], epochs=6)
    path = trajectory(triangular(np.arange(1, 13), 4), accumulation=5)
    assert_on(path, saved(saver), [2, 6, 10])


def test_before_the_start_the_rate_is_the_optimizers_own(tmp_path):
    cycle = mc_tf.CyclicLearningRate(2, HIGH, LOW, start_epoch=3)
    saver = mc_tf.SnapshotSaver(tmp_path, cycle, include_start=True)
    history = fit(problem(steps_per_execution=4), [cycle, saver], epochs=6).history
    rates = np.append(np.full(30, 0.01), triangular(np.arange(1, 31), 20))
    path = trajectory(rates)
    found = saved(saver)
    assert sorted(found) == [0, 10, 30]
    for step, weights in found.items():
        np.testing.assert_allclose(weights, path[30 + step], rtol=1e-4, atol=1e-5)
    last = [*[0.01] * 3, LOW, HIGH, LOW]
    np.testing.assert_allclose(history["learning_rate"], last, rtol=1e-5)


def test_a_later_fit_begins_new_cycles_and_an_ordinary_one_has_no_more(tmp_path):
    model = problem()
    fit(model, [], epochs=1)  # pretraining, with a function that is traced
    for name in ("a", "b"):
        cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
        saver = mc_tf.SnapshotSaver(tmp_path / name, cycle)
        fit(model, [cycle, saver], epochs=2)
        assert list(saved(saver)) == [2, 6, 10, 14, 18]
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(
        triangular(20, 4)
    )
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()[0]
    fit(model, [], epochs=1)
    np.testing.assert_array_equal(model.get_weights()[0], before)


@pytest.mark.parametrize("steps_per_execution", some([1, 8], [8]))
def test_an_interrupted_fit_leaves_nothing_behind(tmp_path, steps_per_execution):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    model = problem(steps_per_execution=steps_per_execution)
    cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    with pytest.raises(KeyboardInterrupt):
        fit(model, [cycle, saver, Stop()], epochs=2)
    assert list(saved(saver)) == [2, 6, 10]
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()[0]
    fit(model, [], epochs=2)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    assert list(saved(saver)) == [2, 6, 10]


@pytest.mark.parametrize("steps_per_execution", some([1, 8], [8]))
@pytest.mark.parametrize("where", ["on_train_batch_end", "on_epoch_end"])
def test_a_step_after_an_interrupted_fit_has_the_optimizers_own_rate(where, steps_per_execution):
    def stop(*arguments, **kwargs):
        raise KeyboardInterrupt

    model = problem(steps_per_execution=steps_per_execution)
    cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
    distance = mc_tf.DistanceFromStart(every=2)
    last = keras.callbacks.Callback()
    setattr(last, where, stop)
    with pytest.raises(KeyboardInterrupt):
        fit(model, [cycle, distance, last], epochs=2)
    recorded = list(distance.history)
    x, y = data()
    before = model.get_weights()[0]
    model.train_on_batch(x[:BATCH], y[:BATCH])
    change = 0.01 * 2 / BATCH * x[:BATCH].T @ (x[:BATCH] @ before - y[:BATCH])
    np.testing.assert_allclose(model.get_weights()[0], before - change, rtol=1e-5)
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.01)
    assert distance.history == recorded


def test_the_rate_is_the_optimizers_own_as_soon_as_a_step_is_interrupted():
    class Stop(mc_tf.DistanceFromStart):
        def on_step(self, step):
            raise KeyboardInterrupt

    model = problem()
    cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
    with pytest.raises(KeyboardInterrupt):
        fit(model, [Stop(every=3), cycle, mc_tf.DistanceFromStart(every=2)], epochs=2)
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.01)


def test_training_inside_fit_is_refused_where_steps_are_counted():
    x, y = data()
    model = problem()
    other = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: model.train_on_batch(x[:BATCH], y[:BATCH])
    )
    cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
    with pytest.raises(RuntimeError, match="train_on_batch.*CyclicLearningRate"):
        fit(model, [cycle, other], epochs=2)


def test_resume_from_a_keras_file_goes_on_in_the_cycle(tmp_path):
    def callbacks(folder, *more):
        cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW)
        return [cycle, mc_tf.SnapshotSaver(tmp_path / folder, cycle), *more]

    whole = callbacks("whole")
    fit(problem(), whole, epochs=8)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    fit(problem(), callbacks("parts", checkpoint), epochs=3)
    model = keras.saving.load_model(tmp_path / "model.keras")
    parts = callbacks("parts")
    fit(model, parts, initial_epoch=3, epochs=8)
    first, second = saved(whole[1]), saved(parts[1])
    assert list(first) == list(second) == [20, 60]
    for step in first:
        np.testing.assert_array_equal(first[step], second[step])


def test_keras_backup_resumes_too(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    def run(folder, *more):
        model = problem(keras.optimizers.SGD(0.01, momentum=0.9))
        cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW)
        saver = mc_tf.SnapshotSaver(tmp_path / folder / "members", cycle)
        backup = keras.callbacks.BackupAndRestore(tmp_path / folder / "backup")
        fit(model, [backup, cycle, saver, *more], epochs=8)
        return saved(saver)

    whole = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("parts", Stop())
    parts = run("parts")
    assert list(whole) == list(parts) == [20, 60]
    for step in whole:
        np.testing.assert_array_equal(whole[step], parts[step])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda d: [mc_tf.CyclicLearningRate(2, HIGH, LOW, start_epoch=2)], "never act"),
        (lambda d: [mc_tf.SnapshotSaver(d / "other")], "other initial weights"),
        (lambda d: [mc_tf.CyclicLearningRate(3, HIGH, LOW, steps_per_epoch=5)], "even"),
        (lambda d: [mc_tf.DistanceFromStart(start=np.zeros(2))], "has 2 weights"),
    ],
)
def test_what_training_cannot_do_is_said_before_it_begins(tmp_path, make, words):
    fit(problem(), [mc_tf.SnapshotSaver(tmp_path / "other")], epochs=1)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()}
    model = problem()
    model.set_weights([2 * np.ones((3, 1))])
    with pytest.raises(ValueError, match=words):
        fit(model, make(tmp_path), epochs=2)
    np.testing.assert_array_equal(model.get_weights()[0], 2 * np.ones((3, 1)))
    assert {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()} == kept


@long_under_jax
def test_a_full_disk_leaves_the_members_that_are_there(tmp_path):
    before = {}

    class FullDisk(keras.callbacks.Callback):
        """The disk is full from the second epoch on."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                before.update({path: path.read_bytes() for path in tmp_path.glob("*.npz")})
                disk.enter_context(full_disk())

    cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    with contextlib.ExitStack() as disk:
        with pytest.raises(OSError, match="00000014.npz': File too large. What was written before"):
            fit(problem(), [cycle, saver, FullDisk()], epochs=2)
    assert list(saved(saver)) == [2, 6, 10]
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@long_under_jax
def test_snapshots_of_runs_are_not_mixed(tmp_path):
    def run(length, epochs, high=HIGH, **kwargs):
        cycle = mc_tf.CyclicLearningRate(length, high, LOW, unit="steps", **kwargs)
        saver = mc_tf.SnapshotSaver(tmp_path, cycle)
        fit(problem(), [cycle, saver], epochs=epochs)
        return list(saved(saver))

    (tmp_path / ".snapshot-00000030-abcdefgh.npz").write_bytes(b"half a file")
    assert run(4, 2) == [2, 6, 10, 14, 18]
    with pytest.raises(ValueError, match="first snapshot is at step 2"):
        run(10, 2)
    with pytest.raises(ValueError, match="training starts at step -10"):
        run(4, 2, start_epoch=1)
    with pytest.raises(ValueError, match="'max_learning_rate': 0.*; now they are"):
        run(4, 2, high=2 * HIGH)
    cosine = mc_tf.CosineCyclicLearningRate(2, HIGH, unit="steps")
    with pytest.raises(ValueError, match="does not belong to this run"):
        fit(problem(), [cosine, mc_tf.SnapshotSaver(tmp_path, cosine)], epochs=2)
    start = (tmp_path / "start.npz").read_bytes()
    (tmp_path / "start.npz").write_bytes(start[:100])
    with pytest.raises(ValueError, match="its 'start.npz' is damaged. Its snapshots stay usable"):
        run(4, 2)
    (tmp_path / "start.npz").write_bytes(start)
    assert run(4, 1) == [2, 6, 10]  # the same again: nothing of the earlier run is left
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(ValueError, match="No network would be saved.*step 50.*step 20"):
        run(100, 2)


@long_under_jax
def test_a_run_that_goes_on_before_its_snapshots_replaces_them(tmp_path):
    """A checkpoint may be older than the start of the cycles."""

    def run(epochs):
        cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps", start_epoch=1)
        saver = mc_tf.SnapshotSaver(tmp_path, cycle, replace=True)
        model = problem()
        fit(model, [cycle, saver], epochs=epochs)
        return saved(saver)

    whole = run(3)
    assert list(whole) == [2, 6, 10, 14, 18]
    (tmp_path / "snapshot-00000010.npz").unlink()
    (tmp_path / "snapshot-00000022.npz").write_bytes(b"of a longer one")
    again = run(3)
    assert list(again) == list(whole)
    for step, (weights, *_) in whole.items():
        np.testing.assert_array_equal(again[step][0], weights)
    # Where the start is lost, too.
    (tmp_path / "start.npz").unlink()
    assert list(run(3)) == list(whole) and (tmp_path / "start.npz").exists()


@pytest.mark.parametrize("length", some([6, 10, 20], [6, 20], [20]))
def test_endless_data_and_calls_that_do_not_divide_an_epoch(tmp_path, length):
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices(data()).batch(BATCH).repeat()
    cycle = mc_tf.CyclicLearningRate(length, HIGH, LOW, unit="steps")
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    model = problem(steps_per_execution=8)
    model.fit(dataset, epochs=4, steps_per_epoch=10, verbose=0, callbacks=[cycle, saver])
    steps = int(ops.convert_to_numpy(model.optimizer.iterations))
    assert list(saved(saver)) == list(range(length // 2, steps + 1, length))


def test_resume_after_skipped_updates(tmp_path):
    def run(folder, model, epochs, initial_epoch=0):
        cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
        saver = mc_tf.SnapshotSaver(tmp_path / folder, cycle)
        backup = keras.callbacks.ModelCheckpoint(tmp_path / f"{folder}.keras")
        fit(model, [cycle, saver, backup], epochs=epochs, initial_epoch=initial_epoch)
        return saved(saver)

    def scaled():
        inner = keras.optimizers.SGD(0.01)
        return problem(keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**126))

    whole = run("whole", scaled(), epochs=6)
    run("parts", scaled(), epochs=3)
    parts = run("parts", keras.saving.load_model(tmp_path / "parts.keras"), 6, initial_epoch=3)
    assert list(parts) == list(whole)
    for step in whole:
        np.testing.assert_array_equal(parts[step], whole[step])


def test_an_unbuilt_model_is_refused_or_built_by_keras():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    distance = mc_tf.DistanceFromStart()
    try:
        fit(model, [distance], epochs=1)
    except ValueError as error:
        assert "Call it on a batch of data" in str(error)
    else:
        assert distance.history[0][1] > 0


def test_two_cycles_in_one_fit_are_refused():
    cycles = [
        mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps"),
        mc_tf.CosineCyclicLearningRate(4, HIGH, unit="steps"),
    ]
    with pytest.raises(ValueError, match="CyclicLearningRate and CosineCyclicLearningRate both"):
        fit(problem(), cycles, epochs=1)


def test_a_compiled_schedule_is_refused():
    model = problem(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10)))
    with pytest.raises(ValueError, match="CosineDecay"):
        fit(model, [mc_tf.CyclicLearningRate(2, HIGH, LOW)], epochs=2)


def test_odd_accumulation_is_refused():
    model = problem(keras.optimizers.SGD(0.01, gradient_accumulation_steps=4))
    with pytest.raises(ValueError, match="not a whole number of updates"):
        fit(model, [mc_tf.CyclicLearningRate(1, HIGH, LOW)], epochs=2)


def test_distance_from_start():
    distance = mc_tf.DistanceFromStart(every=4)
    history = fit(problem(steps_per_execution=8), [distance], epochs=2).history
    path = trajectory(np.full(20, 0.01))
    steps, found = zip(*distance.history)
    assert steps == (4, 8, 10, 12, 16, 20)
    expected = np.linalg.norm(path - path[0], axis=1)
    np.testing.assert_allclose(found, expected[list(steps)], rtol=1e-3)
    np.testing.assert_allclose(history["distance_from_start"], expected[[10, 20]], rtol=1e-3)


@long_under_jax
def test_distances_of_a_second_fit_begin_anew():
    distance, model = mc_tf.DistanceFromStart(every=4), problem()
    fit(model, [distance], epochs=2)
    first, kept = distance.history, list(distance.history)
    fit(model, [distance], epochs=1)
    assert [step for step, _ in distance.history] == [4, 8, 10]
    assert distance.history[0][1] < kept[0][1]  # from the weights at the second start
    assert first == kept


def test_scaled_loss_skips_updates_and_the_cycle_waits(tmp_path):
    """In float16 training, an update that overflows is not a step of Algorithm 1."""
    inner = keras.optimizers.SGD(0.01)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**126)
    cycle = mc_tf.CyclicLearningRate(4, HIGH, LOW, unit="steps")
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    model = problem(optimizer, steps_per_execution=8)
    fit(model, [cycle, saver], epochs=4)
    updates = int(ops.convert_to_numpy(inner.iterations))
    assert 0 < updates < 4 * BATCHES
    expected = [i for i in range(1, updates + 1) if math.fmod(i, 4) == 2]
    assert list(saved(saver)) == expected
    rates = {read_snapshot(file).record["learning_rate"] for file in saver.members}
    assert rates == {float(np.float32(LOW))}


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="on JAX the rate is late until training ends"
)
def test_cycles_in_epochs_end_with_them_where_updates_are_skipped(tmp_path):
    inner = keras.optimizers.SGD(0.01)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**126)
    cycle = mc_tf.CosineCyclicLearningRate(2, HIGH)
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    rates = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: rates.append(float(inner.learning_rate))
    )
    fit(problem(optimizer, steps_per_execution=8), [cycle, saver, look], epochs=4)
    assert int(ops.convert_to_numpy(inner.iterations)) < 4 * BATCHES
    assert list(saved(saver)) == [2 * BATCHES, 4 * BATCHES]
    expected = [float(cycle.cycle(epoch * BATCHES)) for epoch in range(4)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
