"""Situations of training: counting steps, setting the rate, numbers that are not finite."""

import csv
import os
import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import some

import mc_tf
from mc_tf.callbacks import AtomicCheckpoint, BestCheckpoint
from mc_tf.evaluation.metric_directions import directions_of
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.snapshots import read_snapshot, save_snapshot, take_snapshot
from mc_tf.weights.flat import flat_weights

HIGH, LOW, BATCHES = 0.5, 0.125, 4
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.GradientTape"
)


def data(size=8 * BATCHES):
    x = np.tile(np.arange(BATCHES, dtype="float32").repeat(size // BATCHES)[:, None], (1, 2))
    return x, np.zeros(size, "int32")


class Falls(keras.Model):
    """Its weights fall by the learning rate in each update: they tell the rates that were used."""

    def __init__(self, updates=1, own=None):
        super().__init__()
        self.dense = layers.Dense(1, use_bias=False)
        self.updates, self.own = updates, own

    def call(self, x):
        return self.dense(x)

    def train_step(self, batch):
        import tensorflow as tf

        optimizer = self.own or self.optimizer

        def update():
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(self.dense.kernel)
            gradients = tape.gradient(loss, self.trainable_variables)
            optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            return loss

        if self.updates == "every second batch":
            return {"loss": tf.cond(batch[0][0, 0] % 2 == 0, update, lambda: 0.0)}
        return {"loss": [update() for _ in range(self.updates)][-1]}


@keras.saving.register_keras_serializable("mc_tf_tests")
class Uncounted(keras.optimizers.SGD):
    def apply(self, grads, trainable_variables=None):
        super().apply(grads, trainable_variables)
        self._iterations.assign_sub(1)


class Ends(keras.callbacks.Callback):
    """The weights at the ends of epochs, in the order of training."""

    def on_train_begin(self, logs=None):
        self.weights = [flat_weights(self.model).astype("float64")]

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(flat_weights(self.model).astype("float64"))


def falls(updates=1, optimizer=None, own=None, **kwargs):
    keras.utils.set_random_seed(0)
    model = Falls(updates, own)
    model(np.zeros((1, 2), "float32"))
    optimizer = optimizer or keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    if own:
        own.build(model.trainable_variables)
    model.compile(optimizer, **kwargs)
    return model


def network(metrics=(), norm=False, **kwargs):
    keras.utils.set_random_seed(0)
    parts = [layers.BatchNormalization(momentum=0.5)] if norm else []
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3), *parts])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=list(metrics), **kwargs)
    return model


def fit(model, callbacks, epochs=4, **kwargs):
    options = {"batch_size": 8, "shuffle": False, "verbose": 0, **kwargs}
    return model.fit(*data(), epochs=epochs, callbacks=callbacks, **options)


def triangle(step, length):
    high = np.abs(1 - 2 * (step % length + 1) / length)
    return high * HIGH + (1 - high) * LOW


# Steps are batches of `fit`: the weights at the ends of epochs, the rates of the cycle.
COUNTED = {
    "two updates, three steps a call": ({"updates": 2, "steps_per_execution": 3}, [2, 2, 2, 2]),
    "every second batch": (
        {"updates": "every second batch", "steps_per_execution": 3},
        [1, 0, 1, 0],
    ),
    "eager": ({"updates": 2, "run_eagerly": True}, [2, 2, 2, 2]),
    "uncounted": ({"optimizer": Uncounted(0.1)}, [1, 1, 1, 1]),
    "XLA": ({"updates": 2, "jit_compile": True}, [2, 2, 2, 2]),
}


@on_tensorflow
@pytest.mark.parametrize("kind", some(COUNTED, ("every second batch", "eager", "uncounted", "XLA")))
def test_steps_are_batches(kind, tmp_path):
    arguments, updates = COUNTED[kind]
    model, ends = falls(**arguments), Ends()
    cycle = mc_tf.CyclicLearningRate(2, HIGH, LOW)
    saver = mc_tf.SnapshotSaver(tmp_path, cycle)
    each = mc_tf.SnapshotSaver(tmp_path / "each", every=1)
    swa = mc_tf.SWA(start_epoch=1, include_start=False, end_with_average=False)
    distance = mc_tf.DistanceFromStart()
    rates = fit(model, [saver, cycle, each, swa, distance, ends]).history["learning_rate"]
    wanted = [triangle(np.arange(4 * e, 4 * e + 4), 8) @ updates for e in range(4)]
    np.testing.assert_allclose(-np.diff(ends.weights, axis=0)[:, 0], wanted, rtol=1e-5)
    np.testing.assert_allclose(rates, [LOW, HIGH] * 2, rtol=1e-6)
    for found, epochs in ((saver.members, [1, 3]), (each.members, [1, 2, 3, 4])):
        for path, epoch in zip(found, epochs, strict=True):
            np.testing.assert_array_equal(read_snapshot(path).weights, ends.weights[epoch])
    assert read_snapshot(saver.members[1]).record["learning_rate"] == LOW
    assert swa.average.count == 3
    np.testing.assert_allclose(swa.average.mean, np.mean(ends.weights[2:], 0), rtol=1e-6)
    np.testing.assert_array_equal([step for step, _ in distance.history], [4, 8, 12, 16])


@on_tensorflow
def test_a_cycle_that_resumes_counts_batches_too(tmp_path):
    def epochs(model, first, last):
        cycle = mc_tf.CyclicLearningRate(2, HIGH, LOW)
        saver = mc_tf.SnapshotSaver(tmp_path / name, cycle)
        swa = mc_tf.SWA(0, directory=tmp_path / name, keep=9, end_with_average=False)
        fit(model, [cycle, saver, swa], epochs=last, initial_epoch=first)
        return [read_snapshot(path).weights for path in saver.members], swa.average.mean

    name = "whole"
    members, average = epochs(falls(2), 0, 4)
    name, model = "parts", falls(2)
    epochs(model, 0, 2)
    others, other_average = epochs(model, 2, 4)
    np.testing.assert_array_equal(members, others)
    np.testing.assert_array_equal(average, other_average)


class Twice(keras.Model):
    """Two updates a batch on any backend."""

    def train_step(self, *arguments):
        if keras.backend.backend() != "jax":
            super().train_step(*arguments)
            return super().train_step(*arguments)
        _, state = super().train_step(*arguments)
        return super().train_step(state, *arguments[1:])


def twice(**kwargs):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    model = Twice(inputs, layers.Dense(3)(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, **kwargs), loss)
    return model


def test_averages_of_two_updates_a_batch_on_every_backend():
    model, ends, swa = twice(), Ends(), mc_tf.SWA(1, include_start=False, end_with_average=False)
    fit(model, [swa, ends])
    assert swa.average.count == 3
    np.testing.assert_allclose(swa.average.mean, np.mean(ends.weights[2:], 0), rtol=1e-5)


def test_what_cannot_be_counted_is_refused():
    accumulated = twice(gradient_accumulation_steps=2)
    with pytest.raises(RuntimeError, match="1 batches made 2"):
        fit(accumulated, [mc_tf.SWA(0, every=3, unit="steps")])
    if keras.backend.backend() == "jax":
        with pytest.raises(RuntimeError, match="1 batches made 2"):
            fit(twice(), [mc_tf.CyclicLearningRate(2, HIGH, LOW)])


@on_tensorflow
def test_data_of_unknown_length_with_several_steps_a_call():
    import tensorflow as tf

    def fit_on(model, batches):
        swa = mc_tf.SWA(0, every=8, unit="steps", end_with_average=False)
        x, y = data()
        dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8).repeat(2)
        dataset = dataset.filter(lambda *_: True).take(batches)  # which hides its length
        model.fit(dataset, epochs=2, verbose=0, callbacks=[swa])
        return swa.average

    for model in (falls(steps_per_execution=3), falls("every second batch", steps_per_execution=3)):
        average = fit_on(model, 8)
        assert (average.step, average.count) == (16, 3)


def frozen():
    model = network()
    model.trainable = False
    return model


OTHERS = {
    "a GAN": lambda: falls(own=keras.optimizers.SGD(0.1)),
    "frozen": frozen,
}


@on_tensorflow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_a_cycle_without_effect_is_refused(make):
    with pytest.raises(RuntimeError, match="did not use it"):
        fit(make(), [mc_tf.CyclicLearningRate(2, HIGH, LOW)])


@on_tensorflow
@pytest.mark.parametrize(
    "make", [lambda: mc_tf.CyclicLearningRate(2, HIGH, LOW), lambda: mc_tf.SWA(0, learning_rate=1)]
)
def test_other_optimizers_are_named(make):
    model = falls()
    model.generators = [keras.optimizers.SGD(0.1)]
    with pytest.warns(UserWarning, match="`generators` of 'falls.*' keep theirs"):
        fit(model, [make()])


class Holder:
    def __init__(self, optimizer):
        self.optimizer = optimizer

    def apply_gradients(self, pairs):
        self.optimizer.apply_gradients(pairs)


class Slotted(Holder):
    __slots__ = ("held",)

    def __init__(self, optimizer):
        self.held = {"all": [Holder(optimizer)]}

    @property
    def optimizer(self):
        return self.held["all"][0].optimizer


class Function:
    """Its only attribute is a function that knows the optimizer."""

    def __init__(self, optimizer):
        self.apply_gradients = lambda pairs: optimizer.apply_gradients(pairs)


HOLDERS = {"object": Holder, "objects in slots": Slotted, "closure": Function}
HOLDERS["method"] = lambda optimizer: Function(Holder(optimizer))


@on_tensorflow
@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_optimizers_in_objects_of_the_users(hold):
    """The compiled one in such an object has the rates of the cycle; another one is named."""
    optimizer, ends = keras.optimizers.SGD(0.1), Ends()
    model = falls(optimizer=optimizer)
    model.own = hold(optimizer)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*keep theirs")
        fit(model, [mc_tf.CyclicLearningRate(2, HIGH, LOW), ends])
    rates = [triangle(step, 2 * BATCHES) for step in range(BATCHES)]
    np.testing.assert_allclose(ends.weights[0] - ends.weights[1], sum(rates), rtol=1e-5)
    model = falls(own=keras.optimizers.SGD(0.1))
    model.own = hold(model.own)
    with pytest.warns(UserWarning, match="`own` of 'falls.*' keep theirs"):
        with pytest.raises(RuntimeError, match="did not use it"):
            fit(model, [mc_tf.CyclicLearningRate(2, HIGH, LOW)])


class UsesGlobal(Falls):
    def train_step(self, batch):
        self.own = GLOBAL.optimizer
        return super().train_step(batch)


GLOBAL = Holder(None)


@on_tensorflow
def test_an_optimizer_of_the_module_is_named(monkeypatch):
    model = falls(own=keras.optimizers.SGD(0.1), run_eagerly=True)
    monkeypatch.setattr(GLOBAL, "optimizer", model.own)
    monkeypatch.setattr(model, "own", None)
    model.__class__ = UsesGlobal
    with pytest.warns(UserWarning, match="`GLOBAL` of 'falls.*' keep theirs"):
        fit(model, [mc_tf.CyclicLearningRate(2, HIGH, LOW)], epochs=2)


def test_no_word_of_a_part_that_was_trained_before():
    part = network()
    model = keras.Sequential([keras.Input((2,)), part])
    model.compile(keras.optimizers.SGD(0.1), part.loss)
    model.part, model.itself = Holder(part), None
    model.itself = Holder(model)  # in a circle
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*keep theirs")
        fit(model, [mc_tf.CyclicLearningRate(2, HIGH, LOW)])


@on_tensorflow
def test_eager_training_without_its_optimizer_is_said():
    model = falls(own=keras.optimizers.SGD(0.1), run_eagerly=True)
    with pytest.warns(UserWarning, match="did not use it"):
        fit(model, [mc_tf.CyclicLearningRate(2, HIGH, LOW)], epochs=2)


# Who sets the rate.


class Sets(keras.callbacks.Callback):
    """A user's own scheduler."""

    def __init__(self, hook, make=lambda: 0.3):
        super().__init__()
        setattr(self, hook, lambda *_, logs=None: self.set(make()))

    def set(self, rate):
        self.model.optimizer.learning_rate = rate


def cycle():
    return mc_tf.CyclicLearningRate(2, HIGH, LOW)


def constant():
    return mc_tf.SWA(0, learning_rate=0.05)


KERAS = {
    "scheduler": lambda: keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1),
    "plateau": lambda: keras.callbacks.ReduceLROnPlateau("loss"),
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("make", [cycle, constant])
@pytest.mark.parametrize("other", KERAS.values(), ids=KERAS)
def test_keras_schedulers_beside_a_rate_are_refused(other, make, first):
    callbacks = [other(), make()] if first else [make(), other()]
    with pytest.raises(ValueError, match="both set the learning rate"):
        fit(network(), callbacks)


@pytest.mark.parametrize(
    "hook, first",
    [
        ("on_epoch_begin", True),
        ("on_train_batch_begin", False),
        ("on_epoch_end", True),
        pytest.param("on_epoch_begin", False, marks=pytest.mark.long),
        pytest.param("on_train_batch_begin", True, marks=pytest.mark.long),
        pytest.param("on_epoch_end", False, marks=pytest.mark.long),
    ],
)
def test_other_schedulers_beside_a_cycle_are_said(hook, first):
    callbacks = [Sets(hook), cycle()] if first else [cycle(), Sets(hook)]
    with pytest.warns(UserWarning, match="Another callback has set the learning rate") as said:
        rates = fit(network(), callbacks).history["learning_rate"]
    np.testing.assert_allclose(rates, [LOW, HIGH] * 2, rtol=1e-6)
    assert sum("learning rate" in str(w.message) for w in said) == 1


@pytest.mark.parametrize(
    "hook", some(("on_epoch_begin", "on_train_batch_begin"), ("on_train_batch_begin",))
)
def test_schedulers_after_a_constant_rate_are_said(hook):
    with pytest.warns(UserWarning, match="Pass SWA after it"):
        fit(network(), [constant(), Sets(hook)])


def test_a_scheduler_until_the_start_is_fine():
    later = mc_tf.CyclicLearningRate(2, HIGH, LOW, start_epoch=2)
    scheduler = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: 0.25 - 0.1 * min(epoch, 1)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        rates = fit(network(), [scheduler, later]).history["learning_rate"]
    np.testing.assert_allclose(rates, [0.25, 0.15, LOW, HIGH], rtol=1e-6)


def used_before():
    used = cycle()
    model = network()
    fit(model, [used], epochs=2)
    return model, [mc_tf.SWA(0, cycle=used)]


REFUSED = {
    "two cycles": lambda: (network(), [cycle(), cycle()], "both set"),
    "cycle, constant": lambda: (network(), [cycle(), constant()], "both set"),
    "constant, cycle": lambda: (network(), [constant(), cycle()], "both set"),
    "cycle of nobody": lambda: (network(), [mc_tf.SWA(0, cycle=cycle())], "not among"),
    "cycle of an earlier fit": lambda: (*used_before(), "not among"),
    "average too late": lambda: (network(), [mc_tf.SWA(0, every=5)], "No network"),
    "generator": lambda: (
        network(),
        [mc_tf.SWA(0, validation_data=(batch for batch in [data()]))],
        "once",
    ),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_refused_before_the_first_step(make):
    model, callbacks, words = make()
    before = flat_weights(model)
    with pytest.raises(ValueError, match=words):
        fit(model, callbacks)
    np.testing.assert_array_equal(before, flat_weights(model))


def test_cycles_without_a_minimum(tmp_path):
    long = mc_tf.CyclicLearningRate(10, HIGH, LOW)
    with pytest.raises(ValueError, match="No network would be saved"):
        fit(network(), [long, mc_tf.SnapshotSaver(tmp_path / "a", long)])
    with pytest.warns(UserWarning, match="first minimum .* step 20, but training ends at step 16"):
        fit(network(), [mc_tf.CyclicLearningRate(10, HIGH, LOW)])

    def batches():
        for _ in range(3):
            yield tuple(part[:8] for part in data())

    late = mc_tf.CyclicLearningRate(10, HIGH, LOW, unit="steps")
    with pytest.warns(UserWarning, match="before step 5, the first"):
        network().fit(
            batches(), verbose=0, callbacks=[late, mc_tf.SnapshotSaver(tmp_path / "b", late)]
        )


# Numbers that are no longer finite.


class Diverges(keras.callbacks.Callback):
    """Spoils a variable at the beginning of an epoch."""

    def __init__(self, find, value, epoch=2):
        super().__init__()
        self.find, self.value, self.epoch = find, value, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            variable = self.find(self.model)
            variable.assign(np.full(variable.shape, self.value))


def kernel(model):
    return model.layers[0].kernel


def variance(model):
    return model.layers[1].moving_variance


DIVERGED = {
    "weights NaN": (kernel, np.nan),
    "weights inf": (kernel, np.inf),
    "statistics NaN": (variance, np.nan),
    "statistics inf": (variance, np.inf),
}


@pytest.mark.filterwarnings("ignore:.*(Invalid|overflow|distance).*")
@pytest.mark.parametrize("kind", some(("weights NaN", "statistics inf"), ("weights NaN",)))
def test_diverged_networks_are_left_out(kind, tmp_path):
    find, value = DIVERGED[kind]
    model = network(norm=True)
    best = tmp_path / "best.keras"
    swa = mc_tf.SWA(0, batch_norm_data=False, directory=tmp_path / "averages")
    saver = mc_tf.SnapshotSaver(tmp_path / "members", every=1)
    keep = BestCheckpoint(best, "worst", "max")
    rising = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: logs.update(worst=e))
    ends = Ends()
    callbacks = [Diverges(find, value), rising, swa, saver, keep, ends]
    with pytest.warns(UserWarning, match="Training diverged") as said:
        fit(model, callbacks, epochs=5)
    assert sum("Training diverged" in str(w.message) for w in said) == 3  # one each
    assert len(saver.members) == 2 and swa.average.count == 3
    np.testing.assert_allclose(swa.average.mean, np.mean(ends.weights[:3], 0), rtol=1e-5)
    for path in WeightAverage.files(tmp_path / "averages"):
        assert np.isfinite(np.load(path)["mean"]).all()
    assert all(np.isfinite(w).all() for w in model.get_weights())
    np.testing.assert_allclose(flat_weights(model), swa.average.mean, rtol=1e-5, atol=1e-7)
    assert all(np.isfinite(w).all() for w in keras.saving.load_model(best).get_weights())
    for path in saver.members:
        snapshot = read_snapshot(path)
        assert all(np.isfinite(part).all() for part in (snapshot.weights, *snapshot.state))


@pytest.mark.parametrize("kind", some(DIVERGED, ("weights inf", "statistics NaN")))
def test_a_diverged_checkpoint_is_not_written(kind, tmp_path):
    find, value = DIVERGED[kind]
    path = tmp_path / "model.keras"
    with pytest.raises(ValueError, match="Training diverged"):
        fit(network(norm=True), [Diverges(find, value, 1), AtomicCheckpoint(path)])
    assert all(np.isfinite(w).all() for w in keras.saving.load_model(path).get_weights())


def test_a_validation_loss_that_is_not_finite_ends_training(tmp_path):
    nan = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: logs.update(val_loss=np.nan))
    with pytest.raises(ValueError, match="validation loss is nan"):
        fit(network(), [nan, AtomicCheckpoint(tmp_path / "model.keras")])
    assert not os.listdir(tmp_path)


@keras.saving.register_keras_serializable("mc_tf_tests")
class Masked(layers.Dense):
    def build(self, shape):
        super().build(shape)
        self.mask = self.add_weight(shape=(1,), trainable=False, name="mask")
        self.mask.assign([-np.inf])


def test_a_mask_of_infinities_is_no_divergence(tmp_path):
    model = keras.Sequential([keras.Input((2,)), Masked(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    saver = mc_tf.SnapshotSaver(tmp_path, every=1)
    fit(model, [saver, mc_tf.SWA(0)], epochs=1)
    assert len(saver.members) == 1
    mc_tf.Ensemble(model, saver.members)  # is not refused


def test_an_average_that_recovers_resumes(tmp_path):
    def train(model, first, last, spoils):
        swa = mc_tf.SWA(0, directory=tmp_path, end_with_average=False)
        fit(model, [*spoils, swa], epochs=last, initial_epoch=first)
        return swa.average

    model = network()
    sound = model.get_weights()
    restores = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: model.set_weights(sound))
    with pytest.warns(UserWarning, match="Training diverged"):
        train(model, 0, 2, [Diverges(kernel, np.nan, 1), restores])
    assert train(model, 2, 3, []).count == 3  # start, epochs 1 and 3


def infinite_statistics():
    model = network(norm=True)
    mc_tf.update_batch_norm(model, np.full((4, 2), np.inf, "float32"))


def diverged_curve():
    curve = mc_tf.connect(network(), network())
    curve.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    curve.curve_layer.points[1].assign(np.full(curve.curve_layer.points[1].shape, np.nan))
    return curve


def spoiled(norm=False):
    model = network(norm=norm)
    variable = variance(model) if norm else kernel(model)
    variable.assign(np.full(variable.shape, np.nan))
    return model


PLACE = "place"  # in the test's own directory


def saved(model):
    save_snapshot("a.npz", take_snapshot(model))


def averaged_before():
    """Another version wrote it."""
    os.makedirs(PLACE)
    np.savez(f"{PLACE}/average-00000004.npz", mean=[np.nan], count=1, step=4)
    WeightAverage.load(PLACE, 4)


NOT_FINITE = {
    "average": lambda: WeightAverage().add([1.0, np.inf], 1),
    "statistics": infinite_statistics,
    "curve evaluated": lambda: mc_tf.evaluate_curve(diverged_curve(), data(), data(), 3),
    "point of a curve": lambda: diverged_curve().point(0.5),
    "control point": lambda: diverged_curve().curve_layer.set_point(1, np.full(9, np.nan)),
    "end": lambda: mc_tf.connect(network(), spoiled()),
    "statistics of an end": lambda: mc_tf.connect(network(norm=True), spoiled(norm=True)),
    "bend": lambda: mc_tf.connect(network(), network(), bends=[spoiled()]),
    "member": lambda: mc_tf.Ensemble(network(), [spoiled()]),
    "statistics of a member": lambda: mc_tf.Ensemble(network(norm=True), [spoiled(norm=True)]),
    "snapshot": lambda: saved(spoiled()),
    "statistics of a snapshot": lambda: saved(spoiled(norm=True)),
    "start of snapshots": lambda: fit(spoiled(), [mc_tf.SnapshotSaver(PLACE)]),
    "checkpoint": lambda: AtomicCheckpoint(f"{PLACE}/a.keras").save(spoiled()),
    "average in a file": lambda: averaged_before(),
    "distance": lambda: fit(network(), [mc_tf.DistanceFromStart(np.full(9, np.nan))]),
}


@pytest.mark.parametrize("make", NOT_FINITE.values(), ids=NOT_FINITE)
def test_what_is_not_finite_is_refused(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="finite"):
        make()
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and "average" not in str(path)
    ]


def test_infinities_of_a_mask_and_earlier_files_stay(tmp_path):
    """A refusal leaves the file unchanged."""
    model = network(norm=True)
    model.layers[1].moving_mean.assign([-np.inf, 0.0, 1.0])
    save_snapshot(tmp_path / "a.npz", take_snapshot(model))
    before = (tmp_path / "a.npz").read_bytes()
    assert read_snapshot(tmp_path / "a.npz").state[0].tolist() == [-np.inf, 0.0, 1.0]
    with pytest.raises(ValueError, match="a.npz.*infinite"):
        save_snapshot(tmp_path / "a.npz", take_snapshot(spoiled()))
    assert (tmp_path / "a.npz").read_bytes() == before


def test_a_distance_that_is_not_finite_is_said():
    distance = mc_tf.DistanceFromStart()
    with pytest.warns(UserWarning, match="not finite"):
        fit(network(), [Diverges(kernel, np.inf, 1), distance], epochs=2)
    assert np.isfinite([d for _, d in distance.history]).tolist() == [True, False]


# Right numbers around the right ones.

VALUES = np.array([0.84, 0.72, 0.9])
BARRIERS = {
    "test_accuracy": 0.12,
    "test_auc": 0.12,
    "test_precision": 0.12,
    "test_f1_score": 0.12,
    "test_mean_io_u": 0.12,
    "test_top_5_accuracy": 0.12,
    "test_r2_score": 0.12,
    "test_cosine_similarity": 0.12,
    "test_sparse_categorical_accuracy": 0.12,
    "train_loss": 0.0,
    "test_error": 0.0,
    "test_mean_absolute_error": 0.0,
    "test_perplexity": 0.0,
    "test_f1_loss": 0.0,
    "regularization": 0.0,
}


def evaluation(**values):
    result = CurveEvaluation(np.linspace(0, 1, 3))
    for index in range(3):
        result.record(index, {name: value[index] for name, value in values.items()})
    result.set_geometry([1.0, 1.0], 2.0, 1.0)
    return result


@pytest.mark.parametrize("name, barrier", BARRIERS.items())
def test_a_barrier_is_in_the_worse_direction(name, barrier):
    result = evaluation(**{name: VALUES})
    assert result.summary(name)["barrier"] == pytest.approx(barrier)
    other = 0.12 if barrier == 0 else 0.0
    assert result.summary(name, higher_is_better=not barrier)["barrier"] == pytest.approx(other)
    rows = {line.split("  ")[0]: line.split()[-1] for line in result.table([name]).splitlines()}
    assert rows[name.replace("_", " ")] == f"{barrier:.4f}"


def test_metrics_say_the_direction_themselves(tmp_path):
    named = keras.metrics.SparseCategoricalAccuracy(name="share")
    model = network([named, keras.metrics.SparseCategoricalCrossentropy(name="score")])
    curve = mc_tf.connect(model, network(), mc_tf.Segment())
    curve.compile(loss=model.loss, metrics=[named])
    result = mc_tf.evaluate_curve(curve, data(), data(), 3, path=tmp_path / "e", verbose=0)
    assert result.higher_is_better["test_share"] and not result.higher_is_better["test_loss"]
    result = CurveEvaluation.load(tmp_path / "e")
    result._values["test_share"] = VALUES
    assert result.summary("test_share")["barrier"] == pytest.approx(0.12)
    fit(model, [], epochs=1)
    assert directions_of(model, ["val_score"]) == {"val_score": False}  # not by its name


def test_lengths_of_curves_that_return():
    same = mc_tf.connect(network(), network())
    assert same.length_ratio() == 1.0
    same.curve_layer.set_point(1, np.ones(9, "float32"))
    assert same.length_ratio() == np.inf
    result = evaluation(train_loss=VALUES)
    result.set_geometry([1.0, 1.0], 2.0, np.inf)
    assert result.table().endswith("length 2.0000, from a network back to itself")


@pytest.mark.parametrize("curve, said", [(mc_tf.Bezier(1), True), (mc_tf.Segment(), False)])
def test_a_curve_that_is_not_bent_is_hinted_at(curve, said):
    def product(factor):
        dense = [layers.Dense(1, use_bias=False) for _ in range(2)]
        model = keras.Sequential([keras.Input((1,)), *dense])
        model.set_weights([np.full((1, 1), factor)] * 2)
        return model

    model = mc_tf.connect(product(2.0), product(-2.0), curve)  # both multiply by 4
    model.compile(loss="mse")
    x = np.ones((4, 1), "float32")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = mc_tf.evaluate_curve(model, (x, 4 * x), (x, 4 * x), 3, verbose=0)
    np.testing.assert_allclose(result["train_loss"], [0, 16, 0])
    assert any("Train it for longer" in str(w.message) for w in caught) == said


def test_scores_of_averages_have_no_empty_columns(tmp_path):
    class Own(keras.Model):
        def __init__(self, inputs, outputs):
            super().__init__(inputs, outputs)
            self.extra = keras.metrics.Mean(name="extra")

        def compute_loss(self, *args, training=True, **kwargs):
            return super().compute_loss(*args, training=training, **kwargs)

        def get_metrics_result(self):
            logs = super().get_metrics_result()
            return logs if self.testing else {**logs, "only_in_training": 1.0}

        def evaluate(self, *args, **kwargs):
            self.testing = True
            try:
                return super().evaluate(*args, **kwargs)
            finally:
                self.testing = False

    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    model = Own(inputs, layers.Dense(3)(inputs))
    model.testing = False
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    swa = mc_tf.SWA(1, include_start=False, validation_data=data())
    path = tmp_path / "log.csv"
    fit(model, [swa, keras.callbacks.CSVLogger(str(path))], epochs=3)
    with open(path) as file:
        rows = list(csv.DictReader(file))
    names = {name for name in rows[0] if name.startswith("swa_val_")}
    assert "swa_val_loss" in names and "swa_val_only_in_training" not in names
    assert all(np.isfinite(float(rows[-1][name])) for name in names)
    assert ops.shape(model.trainable_variables[0]) == (2, 3)


@on_tensorflow
@pytest.mark.parametrize(
    "cycles",
    [
        pytest.param({}, marks=pytest.mark.long),
        {"schedule": "linear_cycle", "cycle_epochs": 1},
    ],
)
def test_a_training_that_resumes_in_an_epoch(cycles, tmp_path, capsys, monkeypatch):
    import tensorflow as tf

    from mc_tf.storage.checkpoints import load_checkpoint
    from mc_tf.training import TrainingOptions
    from mc_tf.training import fit as fitting

    class Data:
        def epoch_batches(self, batch_size, seed, epoch, first_step=0):
            dataset = tf.data.Dataset.from_tensor_slices(data()).batch(batch_size)
            return dataset.skip(first_step)

    options = TrainingOptions(3, 0.1, batch_size=8, save_every_steps=1, verbose=2, **cycles)
    save, batches = AtomicCheckpoint.on_train_batch_end, []

    def interrupted(self, batch, logs=None):
        save(self, batch, logs)
        batches.append(batch)
        if len(batches) == 2 * BATCHES + 2:
            raise KeyboardInterrupt

    def train(folder, model):
        (tmp_path / folder).mkdir(exist_ok=True)
        path = str(tmp_path / folder / "model.keras")
        fitting.fit(model, path, Data(), options, BATCHES, validate=False)
        return (tmp_path / folder / "history.csv").read_bytes(), model.get_weights()

    whole = train("whole", network(["accuracy"]))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AtomicCheckpoint, "on_train_batch_end", interrupted)
        train("parts", network(["accuracy"]))
    capsys.readouterr()
    parts = train("parts", load_checkpoint(tmp_path / "parts" / "model.keras"))
    assert "Epoch 3/3" in capsys.readouterr().out
    assert parts[0] == whole[0]
    for one, two in zip(parts[1], whole[1]):
        np.testing.assert_array_equal(one, two)
    columns = whole[0].splitlines()[0].decode().split(",")
    assert columns == ["epoch", "accuracy", "learning_rate", "loss"]


# Weights at the end of a training that averages.


class SetsWeights(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.set_weights([np.ones(w.shape) for w in self.model.get_weights()])


def stops_early():
    return keras.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)


def average(**kwargs):
    return mc_tf.SWA(0, batch_norm_data=False, **kwargs)


FINAL = {
    "EarlyStopping after": (lambda swa: [swa, stops_early()], "EarlyStopping has set"),
    "EarlyStopping before": (lambda swa: [stops_early(), swa], None),
    "a user's callback after": (lambda swa: [swa, SetsWeights()], "SetsWeights has set"),
    "two after": (lambda swa: [swa, stops_early(), SetsWeights()], "EarlyStopping or SetsWeights"),
    "a user's callback before": (lambda swa: [SetsWeights(), swa], None),
    "another average after": (lambda swa: [swa, average(include_start=False)], "SWA has set"),
    "one that looks": (lambda swa: [swa, Ends()], None),
    "alone": (lambda swa: [swa], None),
}


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("given, said", FINAL.values(), ids=FINAL)
def test_a_replaced_average_is_said(given, said):
    model, swa = network(), average()
    for _ in range(2):  # the same callbacks may be used again
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            fit(model, given(swa), epochs=2)
        found = [str(w.message) for w in found if "end with the average" in str(w.message)]
        expected = swa.average.mean.astype("float32")
        if said is None:
            assert not found
            np.testing.assert_array_equal(flat_weights(model), expected)
        else:
            assert len(found) == 1 and said in found[0] and "Pass SWA after it" in found[0]
            assert not np.array_equal(flat_weights(model), expected)
            with swa.averaged():
                np.testing.assert_array_equal(flat_weights(model), expected)


def test_other_weights_at_the_end_are_no_matter_without_the_average():
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*end with the average")
        fit(network(), [average(end_with_average=False), SetsWeights()], epochs=2)
