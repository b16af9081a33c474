"""Data of every kind in every argument that takes data, and statistics that training leaves alone.

Each right value is numpy's, or Keras' own on plain arrays.
"""

import functools
import re

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import numpy, some

import mc_tf
from mc_tf.backend.batches import Batches, data_fingerprint
from mc_tf.batch_norm.update import BatchNormUpdate, needs_statistics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype("float32") + 2
Y = np.arange(24) % 3
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((4,)), layers.BatchNormalization(), layers.Dense(3, name="out")]
    )
    model.compile("sgd", LOSS)
    return model


START, END = network(0), network(1)
CURVE = mc_tf.connect(START, END)
CURVE.compile("sgd", LOSS)
ENSEMBLE = mc_tf.Ensemble(START, [START, END], output="logits")
LINE = mc_tf.Line.through(START, END)
QUIET = {"verbose": 0}
GRID = {"shape": 2, "limits": [(0, 1)], "verbose": 0}
GOOD = (X, Y)


def curve_values(train, test, **more):
    return mc_tf.evaluate_curve(CURVE, train, test, num_points=2, verbose=0, **more)


def grid_values(train, test, **more):
    return mc_tf.evaluate_grid(START, LINE, train, test, **GRID, **more)


def averaged(**arguments):
    """Trains for two epochs with SWA, and tells which epochs were begun if it is refused."""
    model, begun = network(), []
    count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    swa = mc_tf.SWA(0, **arguments)
    try:
        history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=[swa, count])
    except ValueError:
        assert not begun, "training was lost"
        raise
    return model, history.history


# Every public function and argument that takes data, and its name in messages.
TAKERS = {
    "update_batch_norm": ("dataset", lambda d: mc_tf.update_batch_norm(START, d)),
    "BatchNormUpdate": ("dataset", lambda d: BatchNormUpdate(START)(d)),
    "update_batch_norm(curve)": ("dataset", lambda d: mc_tf.update_batch_norm(CURVE, d)),
    "update_batch_norm(ensemble)": ("dataset", lambda d: mc_tf.update_batch_norm(ENSEMBLE, d)),
    "evaluate_members": ("dataset", lambda d: ENSEMBLE.evaluate_members(d, **QUIET)),
    "fit_temperature": ("dataset", lambda d: ENSEMBLE.fit_temperature(d, **QUIET)),
    "member_predictions": ("data", lambda d: ENSEMBLE.member_predictions(d)),
    "hessian_eigenvalues": ("data", lambda d: mc_tf.hessian_eigenvalues(START, d)),
    "evaluate_curve(train)": ("train", lambda d: curve_values(d, GOOD)),
    "evaluate_curve(test)": ("test", lambda d: curve_values(GOOD, d)),
    "evaluate_curve(statistics)": (
        "batch_norm_data",
        lambda d: curve_values(GOOD, GOOD, batch_norm_data=d),
    ),
    "evaluate_curve(others)": (
        "extra_data['v']",
        lambda d: curve_values(GOOD, GOOD, extra_data={"v": d}),
    ),
    "evaluate_grid(train)": ("train", lambda d: grid_values(d, GOOD)),
    "evaluate_grid(test)": ("test", lambda d: grid_values(GOOD, d)),
    "evaluate_grid(statistics)": (
        "batch_norm_data",
        lambda d: grid_values(GOOD, GOOD, batch_norm_data=d),
    ),
    "evaluate_grid(others)": (
        "extra_data['v']",
        lambda d: grid_values(GOOD, GOOD, extra_data={"v": d}),
    ),
    "evaluate_grid(eigenvalues)": ("eigenvalues", lambda d: grid_values(GOOD, GOOD, eigenvalues=d)),
    "SWA(batch_norm_data)": ("batch_norm_data", lambda d: averaged(batch_norm_data=d)),
    "SWA(validation_data)": (
        "validation_data",
        lambda d: averaged(batch_norm_data=X, validation_data=d),
    ),
}


class Endless(keras.utils.PyDataset):
    num_batches = None

    def __getitem__(self, index):
        return X, Y


class Empty:
    """Says nothing of its size."""

    def __iter__(self):
        return iter(())


def tensors(data=GOOD):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(data).batch(10)


BAD = {
    "generator": (lambda: (b for b in [GOOD]), "once only"),
    "iterator": (lambda: iter([GOOD]), "once only"),
    "repeated tf.data": (lambda: tensors().repeat(), "never ends"),
    "endless PyDataset": (Endless, "never ends"),
    "no examples": (lambda: (X[:0], Y[:0]), "no batch"),
    "empty tf.data": (lambda: tensors().take(0), "no batch"),
    "emptied tf.data": (lambda: tensors().filter(lambda x, y: False), "no batch"),
    "empty iterable": (Empty, "no batch"),
    "numbers in lists": (lambda: (X.tolist(), Y.tolist()), "np.asarray"),
    "a file's name": (lambda: "train.npz", "Received: 'train.npz'"),
    "unequal": (lambda: (X, Y[:-1]), "same number"),
}


# One mechanism refuses all of these. Each function gets a third of them: one of every three that
# are detected alike. Several functions get each of them.
MET = [
    (taker, kind)
    for i, taker in enumerate(TAKERS)
    for j, kind in enumerate(BAD)
    if (i + j) % 3 == 0 or taker == "update_batch_norm"
]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("taker, kind", MET)
def test_bad_data_is_told_at_the_beginning_with_the_name_of_the_argument(taker, kind):
    role, call = TAKERS[taker]
    make, words = BAD[kind]
    if "extra_data" in role:
        role = "extra_data\\['v'\\]"
    with pytest.raises(ValueError, match=f"(?s)`{role}`.*{words}"):
        call(make())


@pytest.mark.parametrize("name", ["train", "test", "statistics"])
@pytest.mark.parametrize("values", [curve_values, grid_values])
def test_names_that_are_taken(values, name):
    with pytest.raises(ValueError, match=f"extra_data.*{name}"):
        values(GOOD, GOOD, extra_data={name: GOOD})


def test_others_are_a_dict():
    with pytest.raises(ValueError, match="dict of data sets"):
        curve_values(GOOD, GOOD, extra_data=[GOOD])


@pytest.mark.parametrize(
    "call",
    [
        lambda: curve_values(GOOD, X),
        lambda: grid_values(GOOD, GOOD, extra_data={"v": X}),
        lambda: mc_tf.hessian_eigenvalues(START, X),
        lambda: averaged(batch_norm_data=X, validation_data=X),
        lambda: ENSEMBLE.evaluate_members(X, verbose=0),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_inputs_without_labels(call):
    with pytest.raises(ValueError, match="labels"):
        call()


@pytest.mark.parametrize(
    "arguments",
    [{"batch_norm_data": X[:, :3]}, {"batch_norm_data": X, "validation_data": (X[:, :3], Y)}],
)
def test_inputs_that_do_not_fit_are_told_before_training(arguments):
    with pytest.raises(ValueError):
        averaged(**arguments)


def test_a_data_set_that_is_read_once_for_its_first_batch():
    class Read:
        passes = 0

        def __iter__(self):
            Read.passes += 1
            yield X[:9], Y[:9]
            yield X[9:], Y[9:]

    found = curve_values(Read(), GOOD)
    assert Read.passes == 1
    np.testing.assert_allclose(found["train_loss"], found["test_loss"], rtol=1e-5)


def test_endless_data_with_a_number_of_batches():
    model = network()
    assert mc_tf.update_batch_norm(model, Endless(), num_batches=2) == 1
    np.testing.assert_allclose(numpy(model.layers[0].moving_mean), X.mean(0), rtol=1e-5)


# Kinds of arrays.


def pandas():
    return pytest.importorskip("pandas")


def nullable():
    table = pandas().DataFrame(X.astype("float64"), columns=list("abcd"))
    return table.astype({"a": "Float64", "b": "Float32"}), pandas().Series(Y, dtype="Int64")


def sparse(kind):
    matrix = pytest.importorskip("scipy.sparse").csr_matrix(X)
    if kind == "coo":
        return matrix.tocoo()
    tf = pytest.importorskip("tensorflow")
    return tf.sparse.from_dense(X)


KINDS = {
    "data frame": lambda: (pandas().DataFrame(X, columns=list("abcd")), pandas().Series(Y)),
    "nullable": nullable,
    "frame and array": lambda: (pandas().DataFrame(X), Y),
    "csr": lambda: (sparse("coo").tocsr(), Y),
    "coo": lambda: (sparse("coo"), Y),
    "tf.sparse": lambda: (sparse("tf"), Y),
    "tensors": lambda: tuple(keras.ops.convert_to_tensor(part) for part in GOOD),
    "float64": lambda: (X.astype("float64"), Y.astype("uint8")),
    "no weights": lambda: (X, Y, None),
    "no labels": lambda: (X, None),
    "list": lambda: [X, Y],
    "tf.data": tensors,
    "PyDataset": lambda: Finite(),
}


class Finite(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(8 * index, 8 * index + 8)
        return X[rows], Y[rows]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("kind", KINDS)
def test_statistics_of_every_kind(kind):
    model = network()
    assert mc_tf.update_batch_norm(model, KINDS[kind](), batch_size=10) == 1
    np.testing.assert_allclose(numpy(model.layers[0].moving_mean), X.mean(0), rtol=1e-5)
    np.testing.assert_allclose(numpy(model.layers[0].moving_variance), X.var(0), rtol=1e-5)


FUNCTIONS = {
    "curve": lambda d: curve_values(d, d, batch_norm_data=d, extra_data={"v": d})["v_loss"],
    "grid": lambda d: grid_values(d, d)["test_loss"],
    "members": lambda d: ENSEMBLE.evaluate_members(d, verbose=0).members["loss"],
    "hessian": lambda d: mc_tf.hessian_eigenvalues(START, d).largest,
    "SWA": lambda d: averaged(batch_norm_data=d, validation_data=d)[1]["swa_val_loss"],
}


@functools.cache
def of_numpy(name):
    return FUNCTIONS[name](GOOD)


# All of them read it in one way: by default each function meets one kind.
FEW = {"curve": "data frame", "grid": "csr", "members": "csr", "hessian": "csr"}


@pytest.mark.parametrize(
    "name, kind",
    [
        pytest.param(name, kind, marks=() if kind == FEW.get(name, kind) else pytest.mark.long)
        for name in FUNCTIONS
        for kind in ("data frame", "csr")
        if (name, kind) != ("SWA", "csr")
    ]
    + [pytest.param("SWA", "csr", marks=pytest.mark.long)],
)
def test_results_equal_those_of_numpy(name, kind):
    np.testing.assert_allclose(FUNCTIONS[name](KINDS[kind]()), of_numpy(name), rtol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_validation_data_of_any_iterable():
    class Loader:  # as PyTorch's, which makes lists
        def __iter__(self):
            return iter([[X[:12], Y[:12]], [X[12:], Y[12:]]])

    found = averaged(batch_norm_data=X, validation_data=Loader())[1]["swa_val_loss"]
    np.testing.assert_allclose(found, of_numpy("SWA"), rtol=1e-5)


def test_a_data_loader():
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    loader = data.DataLoader(
        data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=10
    )
    np.testing.assert_array_equal(np.concatenate([numpy(x) for x, _, _ in Batches(loader)]), X)
    np.testing.assert_array_equal(
        np.concatenate([numpy(x) for x, _, _ in Batches(torch.from_numpy(X), 10)]), X
    )


def test_columns_that_are_neither_numbers_nor_text():
    pd = pandas()
    table = pd.DataFrame({"size": [1.0, 2.0], "color": pd.Categorical(["red", "blue"])})
    with pytest.raises(ValueError, match="`dataset`.*color.*category"):
        mc_tf.update_batch_norm(START, table)
    numbers = pd.DataFrame({"a": pd.Categorical([3, 4]), "b": [1.5, 2.5]})
    (x, _, _), *_ = Batches(numbers)
    np.testing.assert_array_equal(numpy(x), [[3, 1.5], [4, 2.5]])
    with pytest.raises(ValueError, match="Python objects.*dict"):
        Batches(np.array([{}, {}], object))


def test_a_dict_of_series():
    pd, inputs = pandas(), {name: keras.Input((1,), name=name) for name in "ab"}
    joined = layers.Concatenate()(list(inputs.values()))
    model = keras.Model(inputs, layers.BatchNormalization()(joined))
    data = {name: pd.Series(X[:, i]) for i, name in enumerate("ab")}
    assert mc_tf.update_batch_norm(model, data, batch_size=7) == 1
    np.testing.assert_allclose(numpy(model.layers[-1].moving_mean), X[:, :2].mean(0), rtol=1e-5)


# How data sets are told apart.

WORDS = [f"w{i % 5} w{i % 3}" for i in range(12)]
SAME = {
    "text": lambda: [
        np.array(WORDS),
        np.array(["".join(list(w)) for w in WORDS], object),
        np.array(WORDS, "S"),
        np.array(WORDS, np.dtypes.StringDType()),
    ],
    "tables": lambda: [(X, Y[:, None]), KINDS["data frame"](), KINDS["data frame"]()],
    "sparse": lambda: [GOOD, KINDS["csr"](), KINDS["coo"]()],
    "numbers": lambda: [GOOD, KINDS["tensors"](), (*GOOD, None), list(GOOD)],
}


@pytest.mark.parametrize("name", SAME)
def test_equal_data_is_known_as_equal(name):
    prints = {data_fingerprint(data) for data in SAME[name]()}
    if name == "numbers" and keras.backend.backend() == "jax":
        return  # its integers have 32 bits
    assert len(prints) == 1


def test_other_data_is_known_as_other():
    many = [
        np.array(WORDS),
        np.array(["w0 w01", *WORDS[1:]]),
        np.array(WORDS[::-1]),
        np.array(["ab", "c"], object),
        np.array(["a", "bc"], object),
        (X, Y),
        (X, None, Y),
        (X.astype("float64"), Y),
        {"a": X},
        (X[:, :2], X[:, 2:]),
    ]
    assert len({data_fingerprint(data) for data in many}) == len(many)


# Precision.


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "mixed_float16"])
def test_statistics_of_networks_of_any_precision(dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has float32 only, unless it is told otherwise")
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(dtype=dtype)])
    x = X * 0.1 + 30  # where half precision loses the variance of a batch's mean
    x = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(x, model.layers[0].compute_dtype)))
    x = x.astype("float64")
    update = BatchNormUpdate(model)
    for _ in range(2):
        assert update(x.astype("float32"), batch_size=5) == 1
    rounding = {"float64": 1e-5, "float16": 1e-3, "bfloat16": 1e-2, "mixed_float16": 1e-4}[dtype]
    for found, right in zip(model.layers[0].non_trainable_variables, (x.mean(0), x.var(0))):
        found = keras.ops.convert_to_numpy(found).astype("float64")
        np.testing.assert_allclose(found, right, rtol=rounding)


@pytest.mark.usefixtures("eagerly")
def test_masks_in_half_precision():
    norm = layers.BatchNormalization(dtype="float16")
    model = keras.Sequential([keras.Input((4, 2)), layers.Masking(), norm])
    x = RNG.normal(size=(6, 4, 2)).astype("float16").astype("float32") + 2
    keep = RNG.random((6, 4)) < 0.6
    x[~keep] = 0
    mc_tf.update_batch_norm(model, x, batch_size=4)
    np.testing.assert_allclose(numpy(norm.moving_mean), x[keep].mean(0), rtol=2e-3)
    np.testing.assert_allclose(numpy(norm.moving_variance), x[keep].var(0), rtol=5e-3)


@pytest.mark.usefixtures("eagerly")
def test_a_float64_network_on_a_curve():
    if keras.backend.backend() == "jax":
        pytest.skip("JAX has float32 only, unless it is told otherwise")
    with_floatx = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        model = network()
        curve = mc_tf.connect(model, model)
        curve.compile("sgd", LOSS)
        found = mc_tf.evaluate_curve(curve, GOOD, GOOD, num_points=2, verbose=0)
        mc_tf.update_batch_norm(model, X)
        right = model.evaluate(X, Y, verbose=0)
        np.testing.assert_allclose(found["train_loss"], right, rtol=1e-5)
        assert np.isfinite(mc_tf.hessian_eigenvalues(model, GOOD).largest)
    finally:
        keras.config.set_floatx(with_floatx)


# Metrics of several values.


@pytest.mark.usefixtures("eagerly")
def test_a_metric_with_a_value_for_each_class():
    labels = np.eye(3, dtype="float32")[Y]
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
    settings = {"loss": "categorical_crossentropy", "metrics": [keras.metrics.F1Score()]}
    model.compile(**settings)
    curve = mc_tf.connect(model, model)
    curve.compile(**{**settings, "metrics": [keras.metrics.F1Score()]})
    found = mc_tf.evaluate_curve(curve, (X, labels), (X, labels), num_points=2, verbose=0)
    right = model.evaluate(X, labels, verbose=0, return_dict=True)["f1_score"]
    for c in range(3):
        np.testing.assert_allclose(found[f"test_f1_score[{c}]"], right[c], rtol=1e-5)


# Statistics that training itself leaves alone.


class Fixed(layers.BatchNormalization):
    """A common way to freeze it."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=False)


class Bare(layers.BatchNormalization):
    """A subclass that takes no mask."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=training)


@keras.saving.register_keras_serializable("mc_tf_tests")
class Untold(keras.Model):
    """Keras' `fit` calls it without `training`, and so its layers as at inference."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm, self.out = layers.BatchNormalization(), layers.Dense(3)

    def call(self, x):
        return self.out(self.norm(x))


def untold():
    model = Untold()
    model(X)
    return model, model.norm


class Net(keras.Model):
    def __init__(self, norm, options):
        super().__init__()
        self.norm, self.options, self.out = norm, options, layers.Dense(3)

    def call(self, x, training=None):
        for options in self.options:
            x = self.norm(x, **options)
        return self.out(x)


def called(norm, *options):
    model = Net(norm, options)
    model(X)
    return model, norm


def graph(norm, **options):
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(3)(norm(inputs, **options))), norm


NORMS = {
    "called with False": lambda: called(layers.BatchNormalization(), {"training": False}),
    "graph with False": lambda: graph(layers.BatchNormalization(), training=False),
    "frozen": lambda: graph(layers.BatchNormalization(trainable=False)),
    "own call": lambda: graph(Fixed()),
    "plain": lambda: graph(layers.BatchNormalization()),
    "always": lambda: called(layers.BatchNormalization(), {"training": True}),
    "twice": lambda: called(layers.BatchNormalization(), {}, {"training": False}),
    "no mask": lambda: graph(Bare()),
    "network without the argument": untold,
}


def prepared(name):
    keras.utils.set_random_seed(0)
    model, norm = NORMS[name]()
    norm.moving_mean.assign(np.full(4, 0.5))
    norm.moving_variance.assign(np.full(4, 2.0))
    model.compile("sgd", LOSS)
    return model, norm


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    "name",
    some(
        NORMS,
        ("called with False", "own call", "plain", "twice", "network without the argument"),
    ),
)
def test_what_training_leaves_alone_stays(name):
    """The judge is Keras: which statistics its `fit` moves."""
    model, norm = prepared(name)
    model.fit(X, Y, verbose=0)
    moved = not np.allclose(numpy(norm.moving_mean), 0.5)

    model, norm = prepared(name)
    assert needs_statistics(model) == moved
    ensemble = mc_tf.Ensemble(model, [model, model], output="logits")
    assert ensemble.update_batch_norm(X, verbose=0) == moved
    assert mc_tf.update_batch_norm(model, X, batch_size=10) == moved
    mean, variance = (X.mean(0), X.var(0)) if moved else (np.full(4, 0.5), np.full(4, 2.0))
    found = [numpy(v) for v in (norm.moving_mean, norm.moving_variance)]
    np.testing.assert_allclose(found, [mean, variance], rtol=1e-5)
    state = ensemble.state_of(norm.moving_mean)
    np.testing.assert_allclose(numpy(state), np.stack([mean, mean]), rtol=1e-5)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", ["own call", "network without the argument"])
def test_a_curve_keeps_fixed_statistics_and_needs_equal_ones(name):
    with keras.saving.custom_object_scope({"Fixed": Fixed}):
        (start, _), (end, norm) = prepared(name), prepared(name)
        end.layers[-1].kernel.assign(-1 * end.layers[-1].kernel)
        curve = mc_tf.connect(start, end)
        curve.compile("sgd", LOSS)
        curve.fit(X, Y, epochs=2, verbose=0)
        found = mc_tf.evaluate_curve(curve, GOOD, GOOD, num_points=2, verbose=0)
        right = [model.evaluate(X, Y, verbose=0) for model in (start, end)]
        np.testing.assert_allclose(found["test_loss"], right, rtol=1e-5)
        norm.moving_mean.assign(np.full(4, 3.0))
        with pytest.raises(ValueError, match="moving_mean' differs"):
            mc_tf.connect(start, end)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", some(("called with False", "own call"), ("own call",)))
def test_evaluation_and_averages_keep_fixed_statistics(name):
    model, norm = prepared(name)
    right = model.evaluate(X, Y, verbose=0)
    if name == "own call":
        keras.saving.get_custom_objects()["Fixed"] = Fixed
    curve = mc_tf.connect(model, model)
    curve.compile("sgd", LOSS)
    found = mc_tf.evaluate_curve(curve, GOOD, GOOD, num_points=2, verbose=0)
    np.testing.assert_allclose(found["train_loss"], right, rtol=1e-5)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[mc_tf.SWA(0)])  # needs no data
    np.testing.assert_array_equal(numpy(norm.moving_mean), np.full(4, 0.5, "float32"))


class Running(layers.Layer):
    """A user's own normalization."""

    def build(self, shape):
        self.running = self.add_weight(shape=(shape[-1],), trainable=False, name="running")

    def call(self, x, training=None):
        if training:
            self.running.assign(0.9 * self.running + 0.1 * keras.ops.mean(x, 0))
        return x - self.running


@pytest.mark.usefixtures("eagerly")
def test_statistics_that_are_not_re_estimated_are_named():
    def model():
        made = keras.Sequential([keras.Input((4,)), Running(name="own"), layers.Dense(3)])
        made.compile("sgd", LOSS)
        return made

    one = model()
    curve = mc_tf.connect(one, one)
    curve.compile("sgd", LOSS)
    for call in (
        lambda: mc_tf.update_batch_norm(one, X),
        lambda: mc_tf.Ensemble(one, [one], output="logits").update_batch_norm(X, verbose=0),
        lambda: mc_tf.evaluate_curve(curve, GOOD, GOOD, num_points=2, verbose=0),
        lambda: one.fit(X, Y, verbose=0, callbacks=[mc_tf.SWA(0, batch_norm_data=X)]),
    ):
        with pytest.warns(UserWarning, match="'running' of 'own' .Running."):
            call()


@pytest.mark.usefixtures("eagerly")
@pytest.mark.filterwarnings("error:Training updates")
def test_no_word_of_what_is_no_statistic():
    model = keras.Sequential(
        [
            keras.Input((4, 2)),
            layers.Dropout(0.5),
            layers.LSTM(3),
            layers.BatchNormalization(),
            layers.GroupNormalization(1),
            layers.Dense(3),
        ]
    )
    x = RNG.normal(size=(6, 4, 2)).astype("float32")
    assert mc_tf.update_batch_norm(model, x) == 1


def test_statistics_of_members_stay_if_the_new_ones_are_not_finite():
    ensemble = mc_tf.Ensemble(START, [START, END], output="logits")
    before = [numpy(v) for v in ensemble.variables]
    x = X.copy()
    x[3, 2] = np.nan
    with pytest.raises(ValueError, match="would not be finite"):
        ensemble.update_batch_norm(x, verbose=0)
    for variable, value in zip(ensemble.variables, before):
        np.testing.assert_array_equal(numpy(variable), value)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="text")
@pytest.mark.parametrize("kind", some(("data frame", "objects", "numpy's"), ("data frame",)))
def test_averages_are_validated_on_text(kind):
    import pandas as pd

    text = np.array(["a b", "b c", "c", "a"] * 3, object)[:, None]
    vectors = layers.TextVectorization(max_tokens=9, output_sequence_length=2)
    vectors.adapt(text)
    inputs = keras.Input((1,), dtype="string")
    hidden = layers.Flatten()(layers.Embedding(9, 2)(vectors(inputs)))
    model = keras.Model(inputs, layers.Dense(3)(hidden))
    model.compile("sgd", LOSS)
    given = {"data frame": pd.DataFrame, "objects": np.asarray, "numpy's": lambda x: x.astype("U")}
    tensor = keras.ops.convert_to_tensor(text)
    swa = mc_tf.SWA(0, validation_data=(given[kind](text), Y[:12]))
    history = model.fit(tensor, Y[:12], epochs=2, verbose=0, callbacks=[swa]).history
    right = model.evaluate(tensor, Y[:12], verbose=0)
    np.testing.assert_allclose(history["swa_val_loss"][-1], right, rtol=1e-5)


# Numbers that are not finite in the data: no result is NaN without a word.


def spoilt(value, part=0):
    """Three batches of 8, with one number that is not finite, in the second batch."""
    arrays = [X.copy(), Y, np.ones(24, "float32")]
    arrays[part][9] = value
    return Parts(*arrays)


class Parts(keras.utils.PyDataset):
    num_batches = 3

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return tuple(array[index * 8 : index * 8 + 8] for array in self.arrays)


INPUTS_TAKEN = [name for name in TAKERS if not name.startswith("SWA")]
WEIGHTS_TAKEN = [
    name for name in INPUTS_TAKEN if name.startswith(("evaluate_curve", "evaluate_grid", "hess"))
    and "statistics" not in name
]  # fmt: skip


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("value", some([np.nan, np.inf], [np.nan]))
@pytest.mark.parametrize("name", INPUTS_TAKEN)
def test_inputs_that_are_not_finite_are_named(name, value):
    role, take = TAKERS[name]
    with pytest.raises(ValueError, match=rf"`{re.escape(role)}` has NaN or infinite inputs in bat"):
        take(spoilt(value))


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", WEIGHTS_TAKEN)
def test_weights_that_are_not_finite_are_named(name):
    role, take = TAKERS[name]
    message = rf"`{re.escape(role)}` has NaN or infinite sample weights in batch 1 "
    with pytest.raises(ValueError, match=message):
        take(spoilt(np.nan, 2))


@pytest.mark.parametrize("given", ["arrays", "tf.data", "sparse"])
def test_arrays_and_tensors_with_a_number_that_is_not_finite(given):
    x = X.copy()
    x[23, 3] = np.nan
    if given == "sparse":
        data = pytest.importorskip("scipy.sparse").csr_matrix(x), Y
    else:
        data = (x, Y) if given == "arrays" else tensors((x, Y))
    assert "in batch 2 " in Batches(data, 10).not_finite()
    assert Batches((X, Y), 10).not_finite() is None
    assert Batches((np.array([["a"], ["b"]]), np.arange(2))).not_finite() is None


def test_targets_that_are_not_finite_on_a_curve():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    curve = mc_tf.connect(model, keras.models.clone_model(model))
    curve.compile("sgd", "mse")
    targets = X[:, :1].copy()
    targets[3] = np.nan
    with pytest.raises(ValueError, match="`test` has NaN or infinite labels in batch 0"):
        mc_tf.evaluate_curve(curve, (X, X[:, :1]), (X, targets), num_points=2, verbose=0)


def test_a_loss_that_overflows_is_a_result_and_the_data_is_read_once():
    """Far out on a line the loss is infinite: finite data and weights, so it stays."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    line = mc_tf.Line.through(np.zeros(4, "float32"), np.ones(4, "float32"))
    targets, reads = (X, X[:, :1]), []
    take = Parts.__getitem__
    counted = type("Counted", (Parts,), {"__getitem__": lambda s, k: reads.append(k) or take(s, k)})
    data = counted(X, X[:, :1])
    found = mc_tf.evaluate_grid(model, line, data, targets, shape=3, limits=[(0, 1e30)], verbose=0)
    loss = np.asarray(found["train_loss"])
    assert np.isfinite(loss[0]) and np.isinf(loss[1:]).all()
    assert len(reads) <= 6


def test_networks_that_read_missing_numbers_take_them():
    """NaN stands for a missing number. The network replaces it, so the results are finite."""
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(3)(layers.Lambda(keras.ops.nan_to_num)(inputs)))
    model.compile("sgd", LOSS)
    curve = mc_tf.connect(model, model)
    curve.compile("sgd", LOSS)
    x = X.copy()
    x[3, 2] = np.nan
    found = mc_tf.evaluate_curve(curve, (x, Y), (x, Y), num_points=2, verbose=0)
    wanted = model.evaluate(np.nan_to_num(x), Y, verbose=0)
    np.testing.assert_allclose(found["test_loss"], wanted, rtol=1e-5)


# Files of a data set that cannot be decoded.


def prepared_images(folder):
    """A data set of TFDS of two shards; its builder, and the files with their records."""
    tf = pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    image = tfds.features.Image(shape=(4, 4, 1), encoding_format="png")
    label = tfds.features.ClassLabel(num_classes=2)
    features = tfds.features.FeaturesDict({"image": image, "label": label})
    template = tfds.core.ShardedFileTemplate(
        folder, dataset_name="mnist", split="train", filetype_suffix="tfrecord"
    )
    example = {"image": np.zeros((4, 4, 1), "uint8"), "label": 1}
    shards = {}
    for number in range(2):
        path = str(folder / f"mnist-train.tfrecord-0000{number}-of-00002")
        shards[path] = [features.serialize_example(example) for _ in range(3)]
    split = tfds.core.SplitInfo(
        name="train", shard_lengths=[3, 3], num_bytes=1, filename_template=template
    )

    def write(damage=None):
        for index, (path, records) in enumerate(shards.items()):
            with tf.io.TFRecordWriter(path) as writer:
                for place, record in enumerate(records):
                    writer.write(damage(record) if damage and (index, place) == (1, 2) else record)

    write()
    keys = ("image", "label")
    tfds.folder_dataset.write_metadata(
        data_dir=folder, features=features, split_infos=[split], supervised_keys=keys
    )
    return tfds.builder_from_directory(folder), write, [*shards]


def other_image(change):
    def damage(record):
        import tensorflow as tf

        example = tf.train.Example.FromString(record)
        (stored,) = example.features.feature["image"].bytes_list.value
        example.features.feature["image"].bytes_list.value[0] = change(stored)
        return example.SerializeToString()

    return damage


UNDECODABLE = {
    "no image": other_image(lambda stored: b"no image"),
    "empty": other_image(lambda stored: b""),
    "cut": other_image(lambda stored: stored[: len(stored) // 2]),
    "no example": lambda record: b"\xff\xff\xff",
    "no label": lambda record: b"",
}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TFDS")
def test_a_shard_that_cannot_be_decoded_is_named(tmp_path, monkeypatch):
    from mc_tf.data import tfds_reader as prepared
    from mc_tf.data.shards import find_damage

    builder, write, files = prepared_images(tmp_path)
    monkeypatch.setattr(prepared, "prepared_builder", lambda *_: builder)
    assert find_damage(builder) is None
    assert prepared.read("mnist", "train")[0].shape == (6, 4, 4, 1)
    for damage in UNDECODABLE.values():
        write(damage)
        with pytest.raises(OSError) as error:
            prepared.read("mnist", "train")
        assert f"'{files[1]}' holds record 2, which cannot be decoded" in str(error.value)
        assert "decoded ()" not in str(error.value) and "{{" not in str(error.value)
        assert "\n" not in str(error.value) and files[0] not in str(error.value)
    write()
    assert find_damage(builder) is None


def test_an_update_looks_at_the_layers_once_a_pass(monkeypatch):
    """Layers that are frozen or made trainable between two passes are respected."""
    made = []

    class Counted(mc_tf.batch_norm.update.BatchStatistics):
        def __init__(self, model):
            made.append(model)
            super().__init__(model)

    monkeypatch.setattr(mc_tf.batch_norm.update, "BatchStatistics", Counted)
    norms = [layers.BatchNormalization() for _ in range(2)]
    model = keras.Sequential([keras.Input((1,)), *norms])
    update = mc_tf.batch_norm.update.BatchNormUpdate(model)
    for frozen, updated in ((None, 2), (0, 1), (None, 2), (1, 1)):
        for index, norm in enumerate(norms):
            norm.trainable = index != frozen
            norm.moving_mean.assign([7.0])
        made.clear()
        assert update(np.array([[1.0], [3.0]], "float32")) == updated
        assert made == [model]
        kept = [float(numpy(norm.moving_mean)[0]) == 7 for norm in norms]
        assert kept == [index == frozen for index in range(2)]
