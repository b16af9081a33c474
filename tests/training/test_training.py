"""Training: schedules, options, resuming at any step, checkpoints; against SGD in numpy."""

import csv
import dataclasses
import importlib.util
import pathlib
import shutil

import keras
import numpy as np
import pytest
from full_disk import full_disk
from model_zoo import ZOO, assert_same, numpy, snapshot, some
from programs import COMPUTES_BFLOAT16

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="training is tested with the TensorFlow backend",
)
pytest.importorskip("tensorflow")

from mc_tf import (  # noqa: E402
    Bezier,
    Segment,
    schedules,
    training,  # noqa: E402
)
from mc_tf.backend.precision import automatic_bfloat16, precision  # noqa: E402
from mc_tf.callbacks import AtomicCheckpoint, BestCheckpoint, snapshot_files  # noqa: E402
from mc_tf.data import TextData, endless_batches, load  # noqa: E402
from mc_tf.models.zoo import registry  # noqa: E402
from mc_tf.storage.averages import WeightAverage  # noqa: E402
from mc_tf.storage.checkpoints import load_checkpoint, read_record, save_checkpoint  # noqa: E402
from mc_tf.storage.snapshots import read_snapshot  # noqa: E402
from mc_tf.training import TrainingOptions, compile_for  # noqa: E402
from mc_tf.training.provenance import check_same_data  # noqa: E402
from mc_tf.training.run_directory import stored_file, stored_settings  # noqa: E402

UNITS = {"units": [8]}
EPOCHS = 4
TENSORBOARD = importlib.util.find_spec("tensorboard") is not None
STEPS = 7  # an epoch; neither 2 nor 3 divides it
BASE = {
    "epochs": EPOCHS,
    "learning_rate": 0.3,
    "batch_size": 32,
    "seed": 5,
    "clip_norm": 1.0,
    "keep_best": True,
    "verbose": 0,
}


def options(**changes):
    return TrainingOptions(**{**BASE, **changes})


@pytest.fixture(scope="module")
def digits():
    return load("digits").first(200, 50)


@pytest.fixture(scope="module")
def text():
    """Seven windows of five words an epoch in each of four streams."""
    words = np.random.default_rng(0).integers(0, 12, 4 * (5 * STEPS + 1))
    return TextData("random", [str(i) for i in range(12)], words, words[:30], words[:30], 5)


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    """A run that nothing interrupts: its directory and the network."""
    folder = tmp_path_factory.mktemp("whole")
    chosen = options(keep_every=2, tensorboard=TENSORBOARD)
    return folder, training.train_network(folder, digits, "fc", chosen, network_options=UNITS)


def column(folder, name):
    with open(folder / "history.csv", newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


class Stop(Exception):
    """Stands for a power cut."""


def stopped(monkeypatch, after, function, *args, **kwargs):
    """Runs a training until the end of a batch was announced a given number of times."""
    original, calls = AtomicCheckpoint.on_train_batch_end, []

    def hook(self, batch, logs=None):
        original(self, batch, logs)
        calls.append(batch)
        if len(calls) == after:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(AtomicCheckpoint, "on_train_batch_end", hook)
        with pytest.raises(Stop):
            function(*args, **kwargs)


def assert_same_training(first, second):
    """Weights and optimizer, bit for bit."""
    assert_same(snapshot(first), snapshot(second))
    assert_same(*([numpy(v) for v in m.optimizer.variables] for m in (first, second)))


# The oracle.


def sgd(weights, batches, rates, momentum=0.9, clip_norm=None):
    """SGD on a network with one ReLU layer, in numpy; yields the weights after each epoch."""
    weights = [w.astype("float64") for w in weights]
    velocity = [np.zeros_like(w) for w in weights]
    for rate, epoch in zip(rates, batches):
        for x, y in epoch:
            grads = gradients(weights, x.reshape(len(x), -1), y)
            norm = np.sqrt(sum((g**2).sum() for g in grads))
            scale = min(1, clip_norm / norm) if clip_norm else 1
            velocity = [momentum * v - rate * scale * g for v, g in zip(velocity, grads)]
            weights = [w + v for w, v in zip(weights, velocity)]
        yield [w.copy() for w in weights]


def adam(weights, batches, rates, momentum=0.9, clip_norm=None):
    """Adam in numpy (Kingma and Ba 2015, section 2: the more efficient order)."""
    weights = [w.astype("float64") for w in weights]
    means, squares = ([np.zeros_like(w) for w in weights] for _ in "ms")
    step = 0
    for rate, epoch in zip(rates, batches):
        for x, y in epoch:
            step += 1
            grads = gradients(weights, x.reshape(len(x), -1), y)
            norm = np.sqrt(sum((g**2).sum() for g in grads))
            grads = [g * (min(1, clip_norm / norm) if clip_norm else 1) for g in grads]
            means = [momentum * m + (1 - momentum) * g for m, g in zip(means, grads)]
            squares = [0.999 * s + 0.001 * g**2 for s, g in zip(squares, grads)]
            size = rate * np.sqrt(1 - 0.999**step) / (1 - momentum**step)
            weights = [
                w - size * m / (np.sqrt(s) + 1e-7) for w, m, s in zip(weights, means, squares)
            ]
        yield [w.copy() for w in weights]


def gradients(weights, x, y):
    kernel, bias, kernel2, bias2 = weights
    hidden = np.maximum(x @ kernel + bias, 0)
    exps = np.exp(hidden @ kernel2 + bias2)
    error = exps / exps.sum(1, keepdims=True)
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    back = (error @ kernel2.T) * (hidden > 0)
    return [x.T @ back, back.sum(0), hidden.T @ error, error.sum(0)]


def accuracy(weights, x, y):
    hidden = np.maximum(x.reshape(len(x), -1) @ weights[0] + weights[1], 0)
    return np.mean((hidden @ weights[2] + weights[3]).argmax(1) == y)


def initial(data, seed=BASE["seed"]):
    keras.utils.set_random_seed(seed)
    model = registry.build("fc", data.num_classes, data.input_shape, **UNITS)
    return [numpy(w) for w in model.trainable_variables]


@pytest.fixture(scope="module")
def expected(digits):
    """Weights after each epoch of the whole run."""
    rates = [schedules.piecewise_linear(e, EPOCHS, BASE["learning_rate"]) for e in range(EPOCHS)]
    batches = [
        list(digits.epoch_batches(32, BASE["seed"], epoch).as_numpy_iterator())
        for epoch in range(EPOCHS)
    ]
    return list(sgd(initial(digits), batches, rates, clip_norm=BASE["clip_norm"]))


def assert_weights(model, weights, tolerance=2e-4):
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(numpy(variable), value, rtol=tolerance, atol=tolerance)


# Schedules and options.


def test_validation_has_batches_of_its_own_size(digits, tmp_path, monkeypatch):
    sizes, serve = [], type(digits).test_batches

    def served(self, batch_size, **more):
        sizes.append(batch_size)
        return serve(self, batch_size, **more)

    monkeypatch.setattr(type(digits), "test_batches", served)
    few = options(epochs=1, eval_batch_size=30)
    training.train_network(tmp_path, digits, "fc", few, network_options=UNITS)
    assert sizes == [30]


@pytest.mark.parametrize("epochs, ratio", [(1, 0.01), (7, 0.01), (10, 0.1), (160, 0.01)])
def test_piecewise_linear(epochs, ratio):
    progress = np.arange(1, epochs + 1) / epochs
    wanted = 0.2 * np.interp(progress, [0, 0.5, 0.9, 1], [1, 1, ratio, ratio])
    chosen = options(epochs=epochs, learning_rate=0.2, final_ratio=ratio)
    found = [schedules.learning_rate_at(epoch, chosen) for epoch in range(epochs)]
    np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize(
    "changes, wanted",
    [
        ({"schedule": "constant"}, [2, 2, 2, 2, 2]),
        ({"schedule": "step", "decay_epochs": (1, 3)}, [2, 0.2, 0.2, 0.02, 0.02]),
        ({"schedule": "step", "decay_epochs": (3, 1), "decay_factor": 0.5}, [2, 1, 1, 0.5, 0.5]),
        (
            {"schedule": "exponential", "decay_epochs": (2,), "decay_factor": 0.5},
            [2, 2, 1, 0.5, 0.25],
        ),
    ],
    ids=["constant", "step", "any order", "exponential"],
)
def test_other_schedules(changes, wanted):
    chosen = options(epochs=5, learning_rate=2.0, **changes)
    found = [schedules.learning_rate_at(epoch, chosen) for epoch in range(5)]
    np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"schedule": "cosine"}, "Unknown schedule 'cosine'.*piecewise_linear"),
        ({"precision": "float16"}, "Unknown precision 'float16'.*mixed_bfloat16"),
        ({"optimizer": "lamb"}, "Unknown optimizer 'lamb'. Choose one of: sgd, adam"),
        ({"schedule": "step"}, "'step' needs at least one epoch"),
        ({"schedule": "exponential"}, "'exponential' needs exactly one number"),
        ({"schedule": "exponential", "decay_epochs": (1, 2)}, r"exactly one.*\[1, 2\]"),
        ({"epochs": -3}, "epochs must be at least 0.*epochs=-3"),
        ({"clip_norm": 0.0}, "clip_norm must be positive.*0.0"),
    ],
    ids=["schedule", "precision", "optimizer", "step", "none", "two", "epochs", "clipping"],
)
def test_options_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        options(**changes)


def test_settings_are_what_the_result_depends_on(digits):
    settings = options().settings(digits)
    for changes in (
        {"epochs": 5},
        {"learning_rate": 0.2},
        {"batch_size": 31},
        {"seed": 6},
        {"schedule": "constant"},
        {"final_ratio": 0.1},
        {"optimizer": "adam"},
        {"momentum": 0.0},
        {"clip_norm": None},
        {"precision": "mixed_bfloat16"},
        {"schedule": "step", "decay_epochs": (1,)},
        {"schedule": "step", "decay_epochs": (1,), "decay_factor": 0.5},
    ):
        other = options(**changes).settings(digits)
        assert other != settings
        settings_of_step = options(schedule="step", decay_epochs=(1,)).settings(digits)
        assert "decay_factor" not in changes or other != settings_of_step
    for changes in (
        {"steps_per_execution": 3},
        {"save_every": 2},
        {"save_every_steps": 2},
        {"keep_every": 2},
        {"keep_best": False},
        {"tensorboard": True},
        {"jit_compile": True},
        {"verbose": 2},
    ):
        assert options(**changes).settings(digits) == settings
    for changes in ({"mean": (0.5,)}, {"std": (0.5,)}, {"name": "other"}, {"test_name": "test"}):
        assert options().settings(dataclasses.replace(digits, **changes)) != settings
    assert options().settings(digits.first(100, 50)) != settings


# Training is SGD on the batches of each epoch.


def test_weights_are_those_of_sgd_in_numpy(whole, expected):
    """Order of the data in each epoch, schedule, momentum, clipping."""
    _, model = whole
    assert_weights(model, expected[-1])
    assert int(model.optimizer.iterations) == STEPS * EPOCHS


def test_history_has_the_schedule_and_the_validation(whole, expected, digits):
    folder, _ = whole
    rates = [schedules.piecewise_linear(e, EPOCHS, BASE["learning_rate"]) for e in range(EPOCHS)]
    np.testing.assert_allclose(column(folder, "learning_rate"), rates, rtol=1e-6)
    assert column(folder, "epoch") == list(range(EPOCHS))
    ((x, y),) = digits.test_batches(50).as_numpy_iterator()
    found = [accuracy(weights, x, y) for weights in expected]
    np.testing.assert_allclose(column(folder, "val_accuracy"), found, atol=1e-6)


def test_copies_of_epochs_and_of_the_best_one_are_kept(whole, expected):
    folder, _ = whole
    assert {p.name for p in folder.iterdir()} - {"tensorboard"} == {
        "model.keras",
        "model-0002.keras",
        "model-0004.keras",
        "best.keras",
        "history.csv",
        "settings.json",
    }
    assert_weights(load_checkpoint(folder / "model-0002.keras"), expected[1])
    assert_weights(load_checkpoint(folder / "model-0004.keras"), expected[3])
    reached = column(folder, "val_accuracy")
    best = int(np.argmax(reached))
    assert_weights(load_checkpoint(folder / "best.keras"), expected[best])
    record = read_record(folder / "best.keras")
    assert record == {"best": pytest.approx(reached[best]), "epoch": best + 1}


@pytest.mark.skipif(not TENSORBOARD, reason="tensorboard is not installed")
def test_logs_for_tensorboard(whole):
    folder, _ = whole
    logs = {p.parent.name for p in (folder / "tensorboard").rglob("events.out.tfevents.*")}
    assert logs == {"train", "validation"}


def test_batches_depend_on_the_epoch_alone(digits):
    endless = endless_batches(digits, 32, seed=3, start_step=2 * STEPS).as_numpy_iterator()
    epochs = [list(digits.epoch_batches(32, 3, e).as_numpy_iterator()) for e in (1, 2)]
    assert not np.array_equal(epochs[0][0][1], epochs[1][0][1])
    for x, y in epochs[1]:
        received = next(endless)
        np.testing.assert_array_equal(received[0], x)
        np.testing.assert_array_equal(received[1], y)
    rest = list(digits.epoch_batches(32, 3, 2, first_step=4).as_numpy_iterator())
    assert_same([y for _, y in rest], [y for _, y in epochs[1][4:]])


@pytest.mark.parametrize(
    "optimizer, momentum, clip_norm",
    [(sgd, 0.0, 0.1), (sgd, 0.9, 0.1), (sgd, 0.9, None), (adam, 0.9, 0.1), (adam, 0.5, None)],
)
def test_one_step_by_hand(digits, optimizer, momentum, clip_norm):
    chosen = {"optimizer": optimizer.__name__, "momentum": momentum, "clip_norm": clip_norm}
    chosen = options(**chosen, steps_per_execution=1)
    before = initial(digits)
    keras.utils.set_random_seed(chosen.seed)
    model = registry.build("fc", 10, digits.input_shape, **UNITS)
    compile_for(model, digits, chosen)
    model.run_eagerly = True
    batches = list(digits.epoch_batches(32).take(2).as_numpy_iterator())
    rates = [chosen.learning_rate] * 2
    steps = optimizer(before, [[b] for b in batches], rates, momentum, clip_norm)
    # Adam divides by the size of each gradient, which rounding decides where it is near zero.
    tolerance = 1e-5 if optimizer is sgd else 1e-4
    for batch, weights in zip(batches, steps):
        model.train_on_batch(*batch)
        assert_weights(model, weights, tolerance)
        if clip_norm and not momentum:
            change = [w - b for w, b in zip(weights, before)]
            norm = np.sqrt(sum((c**2).sum() for c in change))
            assert norm <= chosen.learning_rate * clip_norm * (1 + 1e-6)
            before = weights


# Resuming.


def test_goes_on_in_the_middle_of_an_epoch(digits, whole, tmp_path, monkeypatch):
    """With three steps per execution, which change nothing; the best network so far stays."""
    chosen = options(steps_per_execution=3, save_every_steps=2)
    arguments = (tmp_path, digits, "fc", chosen)
    stopped(monkeypatch, 8, training.train_network, *arguments, network_options=UNITS)
    assert read_record(tmp_path / "model.keras") == {"step": 2 * STEPS + 6}
    resumed = training.train_network(*arguments, network_options={"units": (8,)})
    assert int(resumed.optimizer.iterations) == STEPS * EPOCHS
    assert_same_training(resumed, whole[1])
    for name in ("epoch", "learning_rate", "val_accuracy", "val_loss", "loss", "accuracy"):
        assert column(tmp_path, name) == column(whole[0], name)
    best = [load_checkpoint(folder / "best.keras") for folder in (tmp_path, whole[0])]
    assert_same_training(*best)
    again = training.train_network(*arguments, network_options=UNITS)
    assert_same_training(again, resumed)


CYCLIC = {
    "FGE": {"schedule": "triangular_cycle", "cycle_epochs": 4, "snapshots": True},
    "SSE": {"schedule": "cosine_cycle", "cycle_epochs": 2, "snapshots": True},
    "SWA": {"schedule": "swa", "swa_start": 1},
    "scaled": {"schedule": "linear_cycle", "cycle_epochs": 2, "swa_start": 0, "snapshots": True}
    | {"precision": "mixed_float16"},  # averages at the minima of cycles
}


def test_adam_goes_on_in_the_middle_of_an_epoch(digits, tmp_path, monkeypatch):
    chosen = options(optimizer="adam", learning_rate=0.01, epochs=2, save_every_steps=2)
    settings = {"options": chosen, "network_options": UNITS}
    whole = training.train_network(tmp_path / "whole", digits, "fc", **settings)
    stopped(monkeypatch, 8, training.train_network, tmp_path / "it", digits, "fc", **settings)
    assert_same_training(training.train_network(tmp_path / "it", digits, "fc", **settings), whole)


def test_a_trajectory_goes_on_before_averaging_begins(digits, tmp_path, monkeypatch):
    chosen = {"save_every_steps": 2, "keep_best": False, "epochs": 4, "trajectory_every": 1}
    chosen = options(**chosen, schedule="swa", swa_start=2)
    arguments = (tmp_path, digits, "fc", chosen)
    stopped(monkeypatch, 3, training.train_network, *arguments, network_options=UNITS)
    assert 0 < read_record(tmp_path / "model.keras")["step"] < STEPS
    training.train_network(*arguments, network_options=UNITS)
    found = [read_snapshot(file).record["step"] for file in snapshot_files(tmp_path / "trajectory")]
    assert found == list(range(1, 4 * STEPS + 1))


RUNS = [("FGE", 3), ("SSE", 9), ("SWA", 10), ("scaled", 10)]


# The last one has members, averages and a scaled loss at once.
@pytest.mark.parametrize(("kind", "after"), some(RUNS, [("scaled", 10)]))
def test_members_and_averages_go_on_in_the_middle_of_an_epoch(
    digits, tmp_path, monkeypatch, kind, after
):
    chosen = options(save_every_steps=2, keep_best=False, epochs=4, **CYCLIC[kind])
    whole = training.train_network(tmp_path / "whole", digits, "fc", chosen, network_options=UNITS)
    arguments = (tmp_path / "parts", digits, "fc", chosen)
    stopped(monkeypatch, after, training.train_network, *arguments, network_options=UNITS)
    assert read_record(tmp_path / "parts" / "model.keras")["step"] % STEPS
    assert_same_training(training.train_network(*arguments, network_options=UNITS), whole)
    places = {"FGE": [14], "SSE": [14, 28], "scaled": [14, 28]}.get(kind, [])
    for folder in (tmp_path / "whole", tmp_path / "parts"):
        found = [read_snapshot(file) for file in snapshot_files(folder / "members")]
        assert [member.record["step"] for member in found] == places
    for member, file in zip(found, snapshot_files(tmp_path / "whole" / "members")):
        np.testing.assert_array_equal(member.weights, read_snapshot(file).weights)
    if "swa_start" in CYCLIC[kind]:
        averages = [WeightAverage.load(tmp_path / part, 4 * STEPS) for part in ("whole", "parts")]
        assert averages[0].count == averages[1].count == {"SWA": 4}.get(kind, 3)
        np.testing.assert_array_equal(averages[0].mean, averages[1].mean)


@pytest.mark.long  # as "scaled" above
def test_scaling_of_the_loss_goes_on(digits, tmp_path, monkeypatch):
    """Keras alone would lose the momentum, the counter and the scaling itself."""
    chosen = options(precision="mixed_float16", save_every_steps=2)
    arguments = (digits, "fc", chosen)
    expected = training.train_network(tmp_path / "whole", *arguments, network_options=UNITS)
    stopped(
        monkeypatch,
        8,
        training.train_network,
        tmp_path / "parts",
        *arguments,
        network_options=UNITS,
    )
    resumed = training.train_network(tmp_path / "parts", *arguments, network_options=UNITS)
    assert isinstance(resumed.optimizer, keras.optimizers.LossScaleOptimizer)
    assert_same_training(resumed, expected)


def photographed(copy, after, function, *args, **kwargs):
    """Runs a training; copies its directory as a power cut after some calls would leave it."""
    original, calls = AtomicCheckpoint.on_train_batch_end, []

    def hook(self, batch, logs=None):
        original(self, batch, logs)
        calls.append(batch)
        if len(calls) == after:
            shutil.copytree(pathlib.Path(self.path).parent, copy)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AtomicCheckpoint, "on_train_batch_end", hook)
        return function(*args, **kwargs)


def train_text(folder, text, steps_per_execution):
    chosen = options(
        epochs=2,
        batch_size=4,
        keep_best=False,
        save_every_steps=2,
        steps_per_execution=steps_per_execution,
    )
    return training.train_network(folder, text, "lstm_medium", chosen, network_options={"units": 8})


@pytest.fixture(scope="module")
def language_models(text, tmp_path_factory):
    """By steps per execution: directory, its copy at a power cut, and the network."""
    found = {}
    for steps, calls in ((1, 5), (2, 3)):
        folder = tmp_path_factory.mktemp(f"text{steps}")
        run = photographed(folder / "copy", calls, train_text, folder / "run", text, steps)
        found[steps] = folder / "run", folder / "copy", run
    return found


@pytest.mark.parametrize("steps", [2])
def test_dropout_and_recurrent_state_go_on(steps, text, language_models):
    whole, copy, uninterrupted = language_models[steps]
    assert 0 < read_record(copy / "model.keras")["step"] < STEPS
    resumed = train_text(copy, text, steps)
    assert int(resumed.optimizer.iterations) == 2 * STEPS
    assert_same_training(resumed, uninterrupted)
    for name in ("epoch", "learning_rate", "val_perplexity"):
        assert column(copy, name) == column(whole, name)


def test_steps_per_execution_changes_nothing(language_models):
    assert_same_training(language_models[1][2], language_models[2][2])


def test_a_curve_goes_on(digits, tmp_path):
    for name in ("start", "end"):
        model = registry.build("fc", 10, digits.input_shape, weight_decay=1e-3, **UNITS)
        model.save(tmp_path / f"{name}.keras")
    ends = [tmp_path / "start.keras", tmp_path / "end.keras"]
    chosen = options(epochs=2, save_every_steps=2)

    def train(name):
        return training.train_curve(tmp_path / name, digits, *ends, Bezier(1), chosen)

    uninterrupted = photographed(tmp_path / "stopped", STEPS + 3, train, "whole")
    assert read_record(tmp_path / "stopped" / "curve.keras") == {"step": STEPS + 2}
    resumed = train("stopped")
    assert_same_training(resumed, uninterrupted)
    assert int(resumed.optimizer.iterations) == 2 * STEPS
    rates = [column(tmp_path / name, "learning_rate") for name in ("stopped", "whole")]
    assert rates[0] == rates[1]
    model.save(ends[0])
    with pytest.raises(ValueError, match="joins other networks.*Choose another --workdir"):
        train("stopped")


# Networks.


def untrained(folder, data, network="fc", network_options=UNITS, **changes):
    changes, rest = dict(changes), {}
    if "initial_weights" in changes:
        rest["initial_weights"] = changes.pop("initial_weights")
    return training.train_network(
        folder, data, network, options(epochs=0, **changes), network_options=network_options, **rest
    )


def test_mixed_precision(digits, text, tmp_path):
    policy = keras.config.dtype_policy().name
    chosen = {"precision": "mixed_bfloat16"}
    networks = [
        untrained(tmp_path / "fc", digits, **chosen),
        untrained(tmp_path / "lstm", text, "lstm_small", {"units": 8}, batch_size=4, **chosen),
    ]
    assert keras.config.dtype_policy().name == policy
    for model in networks:
        *body, last = [layer for layer in model.layers if layer.weights]
        assert {layer.compute_dtype for layer in body} == {"bfloat16"}
        assert last.compute_dtype == "float32"
        assert {v.dtype for v in model.trainable_variables} == {"float32"}
    x, _ = next(iter(digits.test_batches(5)))
    assert networks[0](x).dtype == "float32"
    with pytest.raises(ZeroDivisionError), precision("mixed_float16"):
        raise ZeroDivisionError
    assert keras.config.dtype_policy().name == policy


def test_bfloat16_is_computed_with_only_where_it_is_asked_for():
    import tensorflow as tf

    options = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)])
    x = np.random.default_rng(0).normal(size=(8, 64)).astype("float32")
    exact = x @ model.get_weights()[0]
    try:
        before = model.predict(x, verbose=0)
        with automatic_bfloat16():
            inside = model.predict(x, verbose=0)
        after = model.predict(x, verbose=0)
    finally:
        tf.config.optimizer.set_experimental_options(
            {"disable_meta_optimizer": options.get("disable_meta_optimizer", False)}
        )
    np.testing.assert_allclose(before, exact, atol=1e-5)
    np.testing.assert_array_equal(after, before)
    np.testing.assert_allclose(inside, exact, atol=0.05)
    assert inside.dtype == "float32"
    assert {variable.dtype for variable in model.variables} == {"float32"}
    if COMPUTES_BFLOAT16:
        assert np.abs(inside - exact).max() > 1e-4


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_training_begins_with_given_weights(digits, ending, tmp_path):
    path = tmp_path / f"given{ending}"
    given = fresh(digits)
    (given.save if ending == ".keras" else given.save_weights)(path)
    model = untrained(tmp_path / "run", digits, initial_weights=str(path))
    assert_same(snapshot(model), snapshot(given))
    assert_same(snapshot(load_checkpoint(tmp_path / "run" / "model.keras")), snapshot(given))


def fresh(data, seed=77, **changes):
    keras.utils.set_random_seed(seed)
    return registry.build("fc", data.num_classes, data.input_shape, **{**UNITS, **changes})


def test_weights_that_do_not_fit_are_refused_with_one_line(digits, tmp_path):
    fresh(digits, units=[9]).save_weights(tmp_path / "foreign.weights.h5")
    (tmp_path / "text.weights.h5").write_text("hello")
    for name, error, message in (
        ("none.keras", FileNotFoundError, "no file of weights"),
        ("foreign.weights.h5", ValueError, "does not hold the weights of the network 'fc'"),
        ("text.weights.h5", ValueError, "does not hold the weights of the network 'fc'"),
    ):
        with pytest.raises(error, match=message) as caught:
            untrained(tmp_path / "run", digits, initial_weights=str(tmp_path / name))
        assert len(str(caught.value).splitlines()) == 1
        assert name in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_network_is_built_only_to_begin(digits, text, tmp_path, monkeypatch):
    begun = untrained(tmp_path / "fc", digits)
    untrained(tmp_path / "lstm", text, "lstm_small", {"units": 2}, batch_size=4)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "build", None)
        assert_same(snapshot(untrained(tmp_path / "fc", digits)), snapshot(begun))
    for network, network_options, message in (
        ("fcn", UNITS, "Unknown network.*'fcn'"),
        ("fc", {"nonsense": 1}, "Unknown option.*'nonsense'.*'units'"),
    ):
        with pytest.raises(ValueError, match=message):
            untrained(tmp_path / "fc", digits, network, network_options)
    with pytest.raises(ValueError, match="batches of 5, but batch_size is 4.*--batch_size=5"):
        given = {"units": 2, "batch_size": 5}
        untrained(tmp_path / "lstm", text, "lstm_small", given, batch_size=4)


def test_another_run_in_the_directory_is_refused(digits, tmp_path):
    untrained(tmp_path, digits)
    content = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    untrained(tmp_path, digits, network_options={"units": (8,)}, steps_per_execution=2)
    for changes, message in (
        ({"network_options": {"units": [9]}}, r"network_options=.*\[8\].*\[9\].*another --workdir"),
        ({"network_options": None}, "network_options=None"),
        ({"seed": 1}, "seed=5, but this one has seed=1"),
        ({"momentum": 0.5}, "momentum=None, but this one has momentum=0.5"),
        ({"optimizer": "adam"}, "optimizer=None, but this one has optimizer=adam"),
    ):
        with pytest.raises(ValueError, match=message):
            untrained(tmp_path, digits, **changes)
    assert content.keys() == {p.name for p in tmp_path.iterdir()}
    assert content["settings.json"] == (tmp_path / "settings.json").read_bytes()


def test_a_network_without_settings_is_checked(digits, tmp_path):
    untrained(tmp_path, digits)
    (tmp_path / "settings.json").unlink()
    with pytest.raises(ValueError, match="'nonsense'"):
        untrained(tmp_path, digits, "nonsense")
    assert not (tmp_path / "settings.json").exists()


def test_runs_that_are_moved_together_go_on(digits, tmp_path):
    def run(folder, order=("start", "end")):
        untrained(folder / "start", digits)
        given = folder / "start" / "model.keras"
        untrained(folder / "end", digits, initial_weights=given)
        ends = [folder / name / "model.keras" for name in order]
        training.train_curve(folder / "curve", digits, *ends, Bezier(1), options(epochs=0))

    run(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    run(tmp_path / "after")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == written
    start = tmp_path / "after" / "start" / "model.keras"
    assert stored_file(tmp_path / "after" / "curve", "start") == str(start)
    with pytest.raises(ValueError, match="with start=.*but this one has start="):
        run(tmp_path / "after", ("end", "start"))
    (tmp_path / "after" / "end").rename(tmp_path / "end")  # alone
    with pytest.raises(ValueError, match="holds a run with initial_weights="):
        untrained(tmp_path / "end", digits, initial_weights=tmp_path / "start.keras")


def test_networks_and_data_that_do_not_belong_together_are_refused(tmp_path):
    """If the runs next to the files say so: other normalization, or training on held-out data."""
    held_out, whole = load("digits").first(64, 32), load("digits", use_test=True).first(96, 32)
    trained = {}
    for name, data in (("held_out", held_out), ("whole", whole)):
        training.train_network(tmp_path / name, data, "fc", options(epochs=0, keep_best=False))
        trained[name] = tmp_path / name / "model.keras"
    check_same_data([trained["held_out"], tmp_path / "none.keras"], whole.settings)
    check_same_data([trained["whole"]], whole.settings)
    files = trained["held_out"], trained["whole"]
    chosen = options(epochs=0, keep_best=False)
    training.train_curve(tmp_path / "curve", whole, *files, Bezier(1), chosen)
    with pytest.raises(ValueError, match="96 examples of digits, of which only 64.*--use_test"):
        training.train_curve(tmp_path / "refused", held_out, *files, Bezier(1), chosen)
    with pytest.raises(ValueError, match="96 examples of digits"):  # a curve's endpoints, too
        check_same_data([tmp_path / "curve" / "curve.keras"], held_out.settings)
    other = dataclasses.replace(held_out, mean=(0.5,))
    with pytest.raises(ValueError, match=r"mean .*here it is \[0.5\].*--normalization"):
        check_same_data([trained["held_out"]], other.settings)
    check_same_data([trained["whole"]], whole.first(32, 16).settings)  # fewer of the same
    begun = options(epochs=1, keep_best=False), 0.0, None, trained["held_out"]
    training.train_network(tmp_path / "tuned", other, "fc", *begun)  # its weights saw other data
    check_same_data([tmp_path / "tuned"], other.settings)
    (tmp_path / "held_out" / "settings.json").write_text("half a f")
    check_same_data([trained["held_out"]], other.settings)  # nobody knows


def test_a_curve_depends_on_its_seed_alone(digits, tmp_path):
    """Also between files of Keras, which lack the seeds of dropout."""
    files = [tmp_path / "a.keras", tmp_path / "b.keras"]
    for seed, file in enumerate(files):
        keras.utils.set_random_seed(seed)
        parts = [keras.layers.Flatten(), keras.layers.Dropout(0.5), keras.layers.Dense(10)]
        keras.Sequential([keras.Input(digits.input_shape), *parts]).save(file)
    chosen = options(epochs=1, keep_best=False)
    found = []
    for seed in (11, 12):
        keras.utils.set_random_seed(seed)
        folder = tmp_path / f"curve-{seed}"
        curve = training.train_curve(folder, digits, *files, Bezier(1), chosen)
        found.append(numpy(curve.curve_layer.points[1]))
    np.testing.assert_array_equal(*found)


def test_curves_without_training_have_no_cycles_or_averages(digits, whole, tmp_path):
    file = whole[0] / "model.keras"
    chosen = options(schedule="swa", swa_start=2, keep_best=False)
    training.train_curve(tmp_path, digits, file, file, Segment(), chosen)
    stored = stored_settings(tmp_path)
    assert stored["epochs"] == 0 and "swa_start" not in stored


def test_a_batch_size_without_room_for_its_state_is_refused(text, tmp_path):
    with pytest.raises(ValueError, match="batches of 5, but batch_size is 4.*--batch_size=5"):
        untrained(tmp_path, text, "lstm_small", {"units": 2, "batch_size": 5}, batch_size=4)
    for name, seed in (("start", 1), ("end", 2)):
        keras.utils.set_random_seed(seed)
        registry.build("lstm_small", 12, (5,), batch_size=4, units=2).save(
            tmp_path / f"{name}.keras"
        )
    ends = [tmp_path / "start.keras", tmp_path / "end.keras"]
    with pytest.raises(ValueError, match="batches of 4, but batch_size is 3"):
        training.train_curve(
            tmp_path / "curve", text, *ends, Bezier(1), options(batch_size=3, epochs=1)
        )


# Checkpoints.


def compiled(model, case):
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), case.loss())
    model.run_eagerly = True
    return model


def test_a_checkpoint_holds_the_seeds_of_dropout(tmp_path):
    case, path = ZOO["dropout"], tmp_path / "a.keras"
    model = compiled(case.model(1), case)
    x, y = case.data()
    model.train_on_batch(x, y)
    save_checkpoint(model, path, step=3, best=0.5)
    assert read_record(path) == {"step": 3, "best": 0.5}
    loaded, by_keras = load_checkpoint(path), keras.saving.load_model(path)
    assert_same(*([numpy(w) for w in m.weights] for m in (model, by_keras)))
    for each in (model, loaded, by_keras):
        each.run_eagerly = True
        each.train_on_batch(x, y)
    assert_same_training(model, loaded)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_checkpoint_holds_the_recurrent_state(dtype, tmp_path):
    path, x = tmp_path / "a.keras", np.random.default_rng(0).integers(0, 9, (3, 4))
    with precision(dtype):
        model = registry.build("lstm_small", 9, (4,), batch_size=3, units=5)
    first = numpy(model(x))
    save_checkpoint(model, path)
    loaded = load_checkpoint(path, compile=False)
    second = numpy(model(x))
    np.testing.assert_array_equal(numpy(loaded(x)), second)
    assert not np.array_equal(first, second)


def test_a_full_disk_leaves_the_checkpoint_that_is_there(tmp_path):
    case, path = ZOO["dropout"], tmp_path / "a.keras"
    model = compiled(case.model(1), case)
    save_checkpoint(model, path, step=3)
    before = path.read_bytes()
    model.train_on_batch(*case.data())
    with full_disk(), pytest.raises(OSError):
        save_checkpoint(model, path, step=4)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    save_checkpoint(model, path, step=4)
    assert read_record(path) == {"step": 4}


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "best.keras").write_bytes(b"PK half of it")
    with pytest.raises(ValueError, match="best.keras' is damaged"):
        read_record(tmp_path / "best.keras")


def test_a_class_that_is_not_known_is_named(tmp_path):
    class Mine(keras.Model):
        pass

    inputs = keras.Input((2,))
    model = Mine(inputs, keras.layers.Dense(1)(inputs))
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ValueError, match="not known here.*'Mine'.*Import the module"):
        load_checkpoint(tmp_path / "mine.keras")


def test_the_last_step_of_an_epoch_may_diverge(tmp_path):
    x = np.full((4, 2), 1e3, "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e38), "mse")
    with pytest.raises(ValueError, match="diverged: the weights .* not finite at the end of epoch"):
        model.fit(
            *(x, np.ones(4)), batch_size=4, callbacks=[AtomicCheckpoint(tmp_path / "it.keras")]
        )
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_needs_the_number_of_batches(tmp_path):
    def batches():
        yield np.ones((4, 2), "float32"), np.ones((4, 1), "float32")

    import tensorflow as tf

    kinds = tf.TensorSpec((4, 2)), tf.TensorSpec((4, 1))
    data = tf.data.Dataset.from_generator(batches, output_signature=kinds)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    path = tmp_path / "it.keras"
    with pytest.raises(ValueError, match="number of batches per epoch.*steps_per_epoch"):
        model.fit(data, callbacks=[AtomicCheckpoint(path)])
    model.fit(data, verbose=0, callbacks=[AtomicCheckpoint(path, steps_per_epoch=1)])
    assert read_record(path)["step"] == 1


def test_a_file_that_keras_wrote_is_loaded_too(tmp_path):
    case, path = ZOO["dropout"], tmp_path / "a.keras"
    model = compiled(case.model(1), case)
    model.save(path)
    assert read_record(path) == {}
    assert_same(
        [numpy(w) for w in load_checkpoint(path).weights], [numpy(w) for w in model.weights]
    )


@pytest.mark.parametrize("mode, values", [("max", (0.5, 0.4, 0.5, 0.6)), ("min", (3, 4, 3, 2))])
def test_the_best_network_outlives_a_restart(mode, values, tmp_path):
    path, model = tmp_path / "best.keras", ZOO["dense"].model(1)
    kept = []
    for epoch, value in enumerate(values):
        callback = BestCheckpoint(path, "val_x", mode)  # as after a restart
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_x": value})
        kept.append(read_record(path))
    assert [record["epoch"] for record in kept] == [1, 1, 1, 4]
    assert kept[-1]["best"] == values[-1]
    # A new training in the same place has no better one yet.
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0, {"val_x": values[0]})
    assert read_record(path)["best"] == values[0]
