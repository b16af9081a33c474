"""Stochastic weight averaging: against numpy's mean, with other callbacks, and resumed."""

import contextlib
import csv
import functools
import os
import shutil

import keras
import numpy as np
import pytest
from full_disk import full_disk
from keras import layers, ops
from model_zoo import compiles, long_under_jax, some

import mc_tf
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.snapshots import read_snapshot
from mc_tf.weights.flat import flat_weights

EPOCHS, SIZE, BATCH = 6, 48, 8
STEPS = SIZE // BATCH


@keras.saving.register_keras_serializable("mc_tf_tests")
class Own(keras.Model):
    """A user's subclassed model, with batch normalization inside a nested one."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.body = keras.Sequential(
            [layers.Dense(8), layers.BatchNormalization(momentum=0.5), layers.ReLU()]
        )
        self.drop = layers.Dropout(0.2, seed=1)
        self.head = layers.Dense(3, dtype="float32")

    def call(self, x, training=None):
        return self.head(self.drop(self.body(x, training=training), training=training))


def data(size=SIZE, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(size, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0)


def own_model(precision="float32", **kwargs):
    keras.utils.set_random_seed(0)
    model = Own(dtype=precision)
    model(np.zeros((1, 4), "float32"))
    return compiled(model, **kwargs)


def undropped(**kwargs):
    """A model that is traced in less time, without random seeds, which Keras does not save.

    All callers get the same model, which is compiled once, with its initial values.
    """
    model, values = _undropped(**kwargs)
    for variable, value in zip(_all_variables(model), values, strict=True):
        variable.assign(value)
    keras.utils.set_random_seed(0)
    return model


@functools.cache
def _undropped(**kwargs):
    model = fresh(**kwargs)
    model.optimizer.build(model.trainable_variables)
    return model, [ops.convert_to_numpy(v).copy() for v in _all_variables(model)]


def _all_variables(model):
    return [*model.weights, *model.optimizer.variables]


def fresh(**kwargs):
    keras.utils.set_random_seed(0)
    return compiled(keras.Sequential([layers.Input((4,)), layers.Dense(3)]), **kwargs)


def compiled(model, **kwargs):
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **kwargs,
    )
    return model


class Recorder(keras.callbacks.Callback):
    """The weights after each epoch, and each step."""

    def __init__(self):
        super().__init__()
        self.epochs, self.steps = [], []

    def on_train_begin(self, logs=None):
        self.begin = flat_weights(self.model)

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(flat_weights(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(flat_weights(self.model))


def fit(model, callbacks, epochs=EPOCHS, **kwargs):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, **kwargs}
    return model.fit(*data(), epochs=epochs, callbacks=callbacks, **options)


def assert_mean(swa, weights):
    np.testing.assert_allclose(swa.average.mean, np.mean(weights, axis=0), rtol=1e-6, atol=1e-6)
    assert swa.average.count == len(weights)


PRECISIONS = ["float32", "mixed_bfloat16", "mixed_float16"]
# Tests of several steps per call also cover one step per call and the other precisions.


@pytest.mark.parametrize("precision", some(PRECISIONS, ["float32"]))
def test_average_is_numpys_mean_of_the_epochs(precision):
    model, recorder = own_model(precision), Recorder()
    swa = mc_tf.SWA(start_epoch=2, learning_rate=0.05, batch_norm_data=data()[0])
    history = fit(model, [recorder, swa], validation_data=data(seed=1)).history
    assert_mean(swa, recorder.epochs[1:])
    np.testing.assert_allclose(flat_weights(model), swa.average.mean, rtol=1e-6, atol=1e-6)
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.05)
    assert "swa_val_loss" not in history
    other = own_model(precision)
    layout = [v.shape for v in other.trainable_variables]
    parts = np.split(swa.average.mean, np.cumsum([np.prod(s) for s in layout])[:-1].astype(int))
    for variable, part, shape in zip(other.trainable_variables, parts, layout):
        variable.assign(part.reshape(shape))
    mc_tf.update_batch_norm(other, data()[0])
    for one, two in zip(model.body.layers[1].weights, other.body.layers[1].weights):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(two), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("steps_per_execution", some([1, 4], [4]))
def test_average_of_epochs_where_loss_scaling_skips_updates(tmp_path, steps_per_execution):
    def scaled():
        model, weight = fresh(), 2.0**10
        inner = keras.optimizers.SGD(0.1 / weight, momentum=0.9)
        optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**127)
        options = {"loss_weights": weight, "steps_per_execution": steps_per_execution}
        model.compile(optimizer, model.loss, **options)
        return model

    recorder = Recorder()
    swa = mc_tf.SWA(2, batch_norm_data=False)
    saver = mc_tf.SnapshotSaver(tmp_path / "members", start_epoch=2)
    model = scaled()
    fit(model, [recorder, swa, saver])
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) < EPOCHS * SIZE // BATCH
    assert_mean(swa, recorder.epochs[1:])
    for path, weights in zip(saver.members, recorder.epochs[2:], strict=True):
        np.testing.assert_array_equal(read_snapshot(path).weights, weights)
    # Stopped after the fourth epoch.
    for start, end in ((0, 4), (4, EPOCHS)):
        again = mc_tf.SWA(2, batch_norm_data=False, directory=tmp_path, end_with_average=False)
        checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
        model = keras.saving.load_model(tmp_path / "model.keras") if start else scaled()
        fit(model, [again, checkpoint], initial_epoch=start, epochs=end)
    assert again.average.count == swa.average.count
    assert again.average.step == swa.average.step == 4 * SIZE // BATCH


@pytest.mark.parametrize("steps_per_execution", some([1, 4], [4]))
def test_average_of_steps(steps_per_execution):
    recorder = Recorder()
    fit(undropped(), [recorder])
    model = undropped(steps_per_execution=steps_per_execution)
    swa = mc_tf.SWA(
        start_epoch=1, every=5, unit="steps", include_start=False, batch_norm_data=False
    )
    fit(model, [swa])
    np.testing.assert_allclose(
        swa.average.mean, np.mean(recorder.steps[10::5], axis=0), rtol=1e-5, atol=1e-5
    )


def test_average_at_the_minima_of_cycles():
    model, recorder = undropped(), Recorder()
    cycle = mc_tf.LinearCyclicLearningRate(2, 0.1, 0.01, start_epoch=1)
    swa = mc_tf.SWA(1, cycle=cycle, batch_norm_data=False)
    fit(model, [recorder, swa, cycle], epochs=5)
    assert_mean(swa, [recorder.epochs[0], recorder.epochs[2], recorder.epochs[4]])


def test_average_beside_cycles():
    model, recorder = undropped(), Recorder()
    cycle = mc_tf.LinearCyclicLearningRate(2, 0.1, 0.01, start_epoch=1)
    swa = mc_tf.SWA(1, every=3, cycle=cycle, include_start=False, batch_norm_data=False)
    fit(model, [recorder, swa, cycle], epochs=5)
    assert_mean(swa, [recorder.epochs[3]])


def test_constant_rate_from_scratch():
    model, recorder = undropped(), Recorder()
    swa = mc_tf.SWA(0, learning_rate=0.02, batch_norm_data=False, end_with_average=False)
    fit(model, [swa, recorder])
    assert_mean(swa, [recorder.begin, *recorder.epochs])
    np.testing.assert_array_equal(flat_weights(model), recorder.epochs[-1])


def test_training_is_that_without_swa(tmp_path):
    plain = own_model()
    fit(plain, [], validation_data=data(seed=1))
    model = own_model()
    swa = mc_tf.SWA(
        1,
        batch_norm_data=data()[0],
        validation_data=data(seed=1),
        best_path=tmp_path / "best.keras",
        end_with_average=False,
    )
    history = fit(model, [swa], validation_data=data(seed=1)).history
    for one, two in zip(plain.variables, model.variables):
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(two))
    # The logs have the scores of the averaged network.
    with swa.averaged() as averaged:
        scores = averaged.evaluate(*data(seed=1), verbose=0, return_dict=True)
    assert history["swa_val_loss"][-1] == pytest.approx(scores["loss"], rel=1e-5)
    best = keras.saving.load_model(tmp_path / "best.keras")
    scores = best.evaluate(*data(seed=1), verbose=0, return_dict=True)
    assert np.nanmin(history["swa_val_loss"]) == pytest.approx(scores["loss"], rel=1e-5)


@long_under_jax
@pytest.mark.parametrize("precision", some(PRECISIONS, ["mixed_bfloat16"]))
def test_beside_early_stopping_and_model_checkpoint(tmp_path, precision):
    model = own_model(precision)
    swa = mc_tf.SWA(1, batch_norm_data=data()[0], validation_data=data(seed=1))
    cycle = mc_tf.CyclicLearningRate(2, 0.1, 0.01)
    saver = mc_tf.SnapshotSaver(tmp_path / "members", cycle)
    stopping = keras.callbacks.EarlyStopping(
        "swa_val_loss", mode="min", patience=1, min_delta=10.0, start_from_epoch=1
    )
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras",
        monitor="swa_val_accuracy",
        mode="max",
        save_best_only=True,
        initial_value_threshold=-np.inf,
    )
    history = fit(model, [cycle, saver, swa, stopping, checkpoint], epochs=20).history
    assert len(history["loss"]) < 6
    assert (tmp_path / "best.keras").exists()
    assert len(saver.members) == len(history["loss"]) // 2 + len(history["loss"]) % 2
    np.testing.assert_allclose(flat_weights(model), swa.average.mean, rtol=1e-6, atol=1e-6)


@long_under_jax
def test_scores_are_nan_before_there_is_an_average(tmp_path):
    model, start = undropped(), 2
    swa = mc_tf.SWA(
        start, batch_norm_data=False, validation_data=data(seed=1), best_path=tmp_path / "a.keras"
    )
    # As the docstring says.
    stopping = keras.callbacks.EarlyStopping(
        "swa_val_loss", mode="min", patience=1, start_from_epoch=start
    )
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.keras",
        monitor="swa_val_accuracy",
        mode="max",
        save_best_only=True,
        initial_value_threshold=-np.inf,
    )
    logger = keras.callbacks.CSVLogger(tmp_path / "history.csv")
    history = fit(model, [swa, stopping, checkpoint, logger]).history
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("swa_val_loss", "swa_val_accuracy"):
        values = np.array(history[name])
        np.testing.assert_array_equal(np.isnan(values), np.arange(len(values)) < start - 1)
        np.testing.assert_allclose([float(row[name]) for row in rows], values)
    assert stopping.best == min(history["swa_val_loss"][start:])
    assert checkpoint.best == np.nanmax(history["swa_val_accuracy"])
    saved = sorted(int(path.stem) for path in tmp_path.glob("[0-9].keras"))
    assert saved[0] == start  # the weights at the start are an average of one


@compiles
def test_statistics_are_compiled_once_a_fit():
    runs = []

    class Counted(layers.Layer):
        """Runs in Python only while the model is traced."""

        def call(self, x):
            runs.append(1)
            return x

    def traced(epochs):
        parts = [Counted(), layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)]
        model = compiled(keras.Sequential([layers.Input((4,)), *parts]))
        runs.clear()
        swa = mc_tf.SWA(0, batch_norm_data=data()[0], validation_data=data(seed=1))
        fit(model, [swa], epochs=epochs)
        return len(runs)

    assert traced(epochs=4) == traced(epochs=2)


def test_resumed_average_has_the_same_bits(tmp_path):
    def callbacks(folder):
        directory = tmp_path / folder
        swa = mc_tf.SWA(1, batch_norm_data=False, directory=directory)
        backup = keras.callbacks.ModelCheckpoint(tmp_path / f"{folder}.keras")
        return swa, [swa, backup]

    whole, given = callbacks("whole")
    fit(undropped(), given)
    _, given = callbacks("parts")
    fit(undropped(), given, epochs=4)
    model = keras.saving.load_model(tmp_path / "parts.keras")
    # As if it had been killed after the average was written and before the checkpoint was.
    swa, given = callbacks("parts")
    swa.average = WeightAverage.load(tmp_path / "parts", 1000)
    swa.average.add(np.zeros(15), step=5 * SIZE // BATCH)
    swa.average.save(tmp_path / "parts")
    swa, given = callbacks("parts")
    fit(model, given, initial_epoch=4)
    np.testing.assert_array_equal(swa.average.mean, whole.average.mean)
    assert swa.average.count == whole.average.count == EPOCHS
    assert len(WeightAverage.files(tmp_path / "parts")) == 2
    # From scratch in the same directory: nothing of the earlier run is left in the average.
    again, given = callbacks("parts")
    fit(undropped(), given)
    np.testing.assert_array_equal(again.average.mean, whole.average.mean)


def test_a_callback_that_is_used_again_starts_again_or_goes_on():
    model, recorder = undropped(), Recorder()
    swa = mc_tf.SWA(1, batch_norm_data=False, end_with_average=False)
    fit(model, [recorder, swa], epochs=3)
    fit(model, [recorder, swa], initial_epoch=3, epochs=5)
    assert_mean(swa, recorder.epochs)
    fit(model, [recorder, swa], epochs=3)
    assert_mean(swa, recorder.epochs[5:])


def test_a_fit_after_one_with_several_callbacks_averages_too():
    model = undropped()
    fit(model, [mc_tf.SWA(0, batch_norm_data=False), mc_tf.DistanceFromStart(every=5)], epochs=2)
    recorder = Recorder()
    swa = mc_tf.SWA(0, batch_norm_data=False)
    fit(model, [recorder, swa], epochs=3)
    assert_mean(swa, [recorder.begin, *recorder.epochs])


def test_a_fit_after_an_interrupted_one_averages_too():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    model = undropped()
    swa, recorder = mc_tf.SWA(0, batch_norm_data=False), Recorder()
    with pytest.raises(KeyboardInterrupt):
        fit(model, [swa, Stop()], epochs=3)
    fit(model, [recorder, swa], epochs=3)
    assert_mean(swa, [recorder.begin, *recorder.epochs])


def test_an_average_of_another_run_is_not_taken_in(tmp_path):
    average = WeightAverage()
    average.add(np.full(15, 100.0), step=0)
    average.save(tmp_path)
    recorder = Recorder()
    swa = mc_tf.SWA(0, batch_norm_data=False, directory=tmp_path)
    fit(undropped(), [recorder, swa], epochs=2)
    assert_mean(swa, [recorder.begin, *recorder.epochs])


@long_under_jax
def test_weights_come_back_where_the_statistics_fail():
    model = own_model()
    swa = mc_tf.SWA(0, batch_norm_data=np.zeros((4, 4), "float32"), end_with_average=False)
    fit(model, [swa], epochs=2)
    before = flat_weights(model)
    swa.batch_norm_data = np.zeros((4, 7), "float32")
    with pytest.raises(Exception), swa.averaged():  # noqa: B017
        pass
    np.testing.assert_array_equal(flat_weights(model), before)


def test_training_that_goes_on_without_its_average_is_refused(tmp_path):
    model = undropped()
    with pytest.raises(ValueError, match="no average of step 18"):
        fit(model, [mc_tf.SWA(1, batch_norm_data=False)], initial_epoch=4)


def test_ended_before_the_start_is_said():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    with pytest.warns(UserWarning, match=f"before step {STEPS} after the start of epoch 3"):
        fit(undropped(), [mc_tf.SWA(3, batch_norm_data=False), Stop()])


def test_the_start_alone_is_no_average():
    """Stopped between the start and the first place, the model keeps what it has learned."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    model, recorder = undropped(), Recorder()
    with pytest.warns(UserWarning, match=f"before step {3 * STEPS} .* of epoch 1"):
        fit(model, [recorder, mc_tf.SWA(1, every=3, batch_norm_data=False), Stop()])
    np.testing.assert_array_equal(flat_weights(model), recorder.epochs[-1])


refusing = functools.cache(own_model)  # one for all that never train it


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"start_epoch": EPOCHS}, "never act"),
        (
            {"start_epoch": 1, "every": EPOCHS},
            f"No network would be averaged.*step {EPOCHS * STEPS}.*step {(EPOCHS - 1) * STEPS}",
        ),
        ({"start_epoch": 1, "batch_norm_data": None}, "batch normalization"),
        ({"start_epoch": 1, "every": 0}, "at least 1"),
        ({"start_epoch": 1, "keep": 0}, "at least 1"),
        ({"start_epoch": 1, "mode": "auto"}, "'min' or 'max'"),
        ({"start_epoch": 1, "batch_norm_data": iter([])}, "iterator"),
        (
            {"start_epoch": 1, "cycle": mc_tf.CyclicLearningRate(2, 0.1, 0.01, start_epoch=1)},
            "not among",
        ),
        ({"start_epoch": 1, "best_path": "x.keras"}, "validation_data"),
        (
            {
                "start_epoch": 1,
                "best_path": "x.keras",
                "validation_data": data(),
                "monitor": "val_loss",
            },
            "averaged network's.*'val_loss'",
        ),
        ({"start_epoch": 1, "cycle": mc_tf.CyclicLearningRate(2, 0.1, 0.01)}, "same start_epoch"),
        (
            {
                "start_epoch": 0,
                "learning_rate": 0.1,
                "cycle": mc_tf.CyclicLearningRate(2, 0.1, 0.01),
            },
            "not both",
        ),
    ],
)
def test_bad_arguments_are_refused_before_training(kwargs, words):
    model = refusing()
    before = flat_weights(model)
    with pytest.raises(ValueError, match=words):
        fit(model, [mc_tf.SWA(**{"batch_norm_data": False, **kwargs})])
    np.testing.assert_array_equal(flat_weights(model), before)


@long_under_jax
@pytest.mark.parametrize("swa_first", [False, True])
def test_a_constant_rate_beside_a_cyclic_one_is_refused(swa_first):
    model = undropped()
    before = flat_weights(model)
    swa = mc_tf.SWA(1, learning_rate=0.05, batch_norm_data=False)
    cycle = mc_tf.CyclicLearningRate(2, 0.1, 0.01)
    words = "Drop `learning_rate`.*or drop CyclicLearningRate"
    with pytest.raises(ValueError, match=words):
        fit(model, [swa, cycle] if swa_first else [cycle, swa])
    np.testing.assert_array_equal(flat_weights(model), before)
    fit(model, [swa], epochs=2)  # the refused call left nothing behind
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.05)


@long_under_jax
def test_averages_of_chosen_epochs_are_kept(tmp_path):
    recorder = Recorder()
    swa = mc_tf.SWA(1, batch_norm_data=False, directory=tmp_path, keep=1, keep_epochs=(2, 4))
    fit(undropped(), [recorder, swa])
    steps = [WeightAverage.load(tmp_path, 6 * (n - 1)).step for n in (1, 2, 3, 4, 5, 6)]
    assert steps == [None, 6, 6, 18, 18, 30]
    kept = WeightAverage.load(tmp_path, 18)
    np.testing.assert_allclose(
        kept.mean, np.mean(recorder.epochs[:4], axis=0), rtol=1e-6, atol=1e-6
    )


@long_under_jax
def test_a_full_disk_leaves_the_average_that_is_there(tmp_path):
    class FullDisk(keras.callbacks.Callback):
        """The disk is full from the fourth epoch on."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                disk.enter_context(full_disk())

    def run(model, callbacks, **kwargs):
        swa = mc_tf.SWA(1, batch_norm_data=False, directory=tmp_path / "averages")
        fit(model, [swa, *callbacks], **kwargs)
        return swa.average.mean

    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "third.keras", save_freq=3 * STEPS)
    with contextlib.ExitStack() as disk:
        with pytest.raises(OSError, match="File too large. What was written before"):
            run(undropped(), [FullDisk(), checkpoint])
    left = {path.name for path in (tmp_path / "averages").iterdir()} - {".lock"}
    assert len(left) == 2  # of the third epoch and the second
    resumed = run(keras.saving.load_model(tmp_path / "third.keras"), [], initial_epoch=3)
    shutil.rmtree(tmp_path / "averages")
    np.testing.assert_array_equal(resumed, run(undropped(), []))


@long_under_jax
def test_what_is_there_is_replaced_step_by_step(tmp_path):
    """If another run in that directory stops early, only the files that it replaced are lost."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    def callbacks():
        swa = mc_tf.SWA(1, batch_norm_data=False, directory=tmp_path / "swa", keep=9)
        return [swa, mc_tf.SnapshotSaver(tmp_path / "members")]

    def digests():
        return {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*.npz")}

    first = callbacks()
    fit(undropped(), first)
    before = digests()
    assert len(first[1].members) == EPOCHS and len(before) == 2 * EPOCHS + 1
    second = callbacks()
    with pytest.raises(KeyboardInterrupt):  # in another order of the data
        fit(undropped(), [*second, Stop()], shuffle=True)
    after = digests()
    assert after.keys() == before.keys()
    new = sorted(name for name in after if after[name] != before[name])
    assert new == [
        *(f"members/snapshot-{step:08d}.npz" for step in (6, 12, 18)),
        *(f"swa/average-{step:08d}.npz" for step in (0, 6, 12)),  # from the second epoch on
    ]
    assert len(second[1].members) == 3  # only members of this run
    shorter = callbacks()
    fit(undropped(), shorter, epochs=4)
    assert len(shorter[1].members) == 4 and len(digests()) == 2 * 4 + 1
    assert WeightAverage.load(tmp_path / "swa", 1000).step == 3 * STEPS


@long_under_jax
def test_averages_of_a_former_run_at_other_steps_are_removed(tmp_path):
    def run(every, epochs, keep):
        swa = mc_tf.SWA(0, every, batch_norm_data=False, directory=tmp_path, keep=keep)
        fit(undropped(), [swa], epochs=epochs)
        return swa.average

    run(1, EPOCHS, keep=9)
    average = run(2, EPOCHS, keep=2)
    assert [int(name[-12:-4]) for name in WeightAverage.files(tmp_path)] == [4 * STEPS, 6 * STEPS]
    np.testing.assert_array_equal(WeightAverage.load(tmp_path, 1000).mean, average.mean)


@long_under_jax
def test_averages_of_a_former_run_at_other_steps_do_not_count(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    def run(every, *more, **kwargs):
        settings = {"batch_norm_data": False, "end_with_average": False, "keep": 9}
        swa = mc_tf.SWA(0, every, directory=tmp_path, **settings)
        fit(model, [swa, *more], **kwargs)
        return swa.average

    model = undropped()
    run(1)
    model, recorder = undropped(), Recorder()
    with pytest.raises(KeyboardInterrupt):
        run(2, recorder, Stop())
    assert f"average-{3 * STEPS:08d}.npz" in os.listdir(tmp_path)  # of the earlier run
    more = Recorder()
    average = run(2, more, initial_epoch=3)
    weights = [recorder.begin, recorder.epochs[1], more.epochs[0], more.epochs[2]]
    np.testing.assert_allclose(average.mean, np.mean(weights, axis=0), rtol=1e-6, atol=1e-6)
    assert average.count == 4


@long_under_jax
@pytest.mark.parametrize("change", [{"every": 2}, {"include_start": False}])
def test_other_settings_of_an_average_are_refused(tmp_path, change):
    def run(epochs, initial_epoch=0, **kwargs):
        swa = mc_tf.SWA(0, batch_norm_data=False, directory=tmp_path, **kwargs)
        fit(undropped(), [swa], epochs=epochs, initial_epoch=initial_epoch)

    run(4)
    with pytest.raises(ValueError, match="has 5 networks, but with these settings it would have"):
        run(6, initial_epoch=4, end_with_average=False, **change)
    run(6, initial_epoch=4)


def test_a_damaged_average_is_named(tmp_path):
    average = WeightAverage()
    average.add([1.0, 2.0], step=3)
    average.save(tmp_path)
    (path,) = WeightAverage.files(tmp_path)
    with open(path, "r+b") as file:
        file.truncate(100)
    with pytest.raises(ValueError, match="average-00000003.npz' is damaged"):
        WeightAverage.load(tmp_path, 5)
