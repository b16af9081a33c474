"""Served models, as their clients meet them: names, shapes and types of inputs, words, TFLite."""

import collections
import warnings

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import ZOO, numpy, scramble, some

from mc_tf import Ensemble
from mc_tf.ensemble.signature import input_signature

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's own"
)
FLOATS = np.random.default_rng(0).standard_normal((7, 4))
TOKENS = np.random.default_rng(0).integers(0, 9, (7, 6))


def joined(inputs, **options):
    """A functional model of any structure of inputs with 4 columns each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras expects each key to be a name
        whole = layers.Concatenate()(keras.tree.flatten(inputs))
        return keras.Model(inputs, layers.Dense(3, activation="softmax", **options)(whole))


def column(name=None):
    return keras.Input((4,), name=name)


def members(model, count=3):
    """An ensemble of random members, and the mean of their outputs."""
    rng = np.random.default_rng(0)
    size = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    weights = 0.3 * rng.standard_normal((count, size))
    return Ensemble(model, weights.astype("float32"), output="probabilities")


def served(ensemble, directory, example=None):
    """The signature that a client finds: its function, and its inputs by name."""
    ensemble.export(directory / "served", example=example)
    function = tf.saved_model.load(str(directory / "served")).signatures["serving_default"]
    return function, function.structured_input_signature[1]


def mean_of_members(ensemble, x):
    """Each member's own network, as Keras runs it."""
    each = []
    for m in range(ensemble.num_members):
        ensemble.assign_member(m, ensemble.model)
        each.append(numpy(ensemble.model(x)))
    return np.mean(each, axis=0)


# Names.

NAMES = {
    "no name": (lambda: column(), ["inputs"]),
    "a name": (lambda: column("measured"), ["measured"]),
    "a list without names": (lambda: [column(), column()], ["inputs_0", "inputs_1"]),
    "a list, one with a name": (lambda: [column("age"), column()], ["age", "inputs_1"]),
    "a tuple": (lambda: (column(), column("b")), ["inputs_0", "b"]),
    "a list in a list": (
        lambda: [column(), [column(), column()]],
        ["inputs_0", "inputs_1_0", "inputs_1_1"],
    ),
    "a dict": (lambda: {"b": column(), "a": column()}, ["a", "b"]),
    "a dict whose inputs have other names": (lambda: {"a": column("x"), "b": column()}, ["a", "b"]),
    "a dict in a dict": (
        lambda: {"a": column(), "b": {"c": column(), "d": [column(), column()]}},
        ["a", "b_c", "b_d_0", "b_d_1"],
    ),
    "nested keys that join to one name": (
        lambda: {"a": {"b": column()}, "a_b": column()},
        ["a_b", "a_b_1"],
    ),
    "a dict in a list": (lambda: [{"a": column()}, column()], ["inputs_0_a", "inputs_1"]),
    "names that become one": (
        lambda: [column("x 1"), column("x-1"), column("x_1")],
        ["x_1", "x_1_1", "x_1_2"],
    ),
    "names that differ in capitals": (lambda: [column("X"), column("x")], ["X", "x_1"]),
    "names of digits and beyond ASCII": (
        lambda: {"1st": column(), "größe": column(), "_p": column()},
        ["gr__e", "inputs_1st", "inputs__p"],
    ),
    "a keyword of Python": (lambda: {"class": column()}, ["class_"]),
    "a number as key": (lambda: {0: column(), 1: column()}, ["inputs_0", "inputs_1"]),
    "like the names of Keras": (lambda: column("input_layer_7"), ["inputs"]),
}


# TensorFlow has its own rules for these.
EXPORTED = [
    "names that differ in capitals",
    "names of digits and beyond ASCII",
    "a keyword of Python",
    "names that become one",
]


@pytest.mark.parametrize("name", NAMES)
def test_inputs_have_the_names_that_a_user_gave_and_no_numbers_of_keras(name, tmp_path):
    make, expected = NAMES[name]
    for _ in range(2):  # Keras counts on, the names stay
        model = joined(make())
        specs, _ = input_signature(model)
        assert sorted(spec.name for spec in specs) == sorted(expected)
    if name in EXPORTED:
        assert sorted(served(members(model), tmp_path)[1]) == sorted(expected)


@pytest.mark.parametrize("kind", ["sequential", "built by a call", "clone", "loaded", "part"])
def test_a_model_made_in_any_way_has_the_input_inputs(kind, tmp_path):
    dense = layers.Dense(3, activation="softmax")
    model = keras.Sequential([dense] if kind == "built by a call" else [column(), dense])
    model(FLOATS)
    if kind == "clone":
        model = keras.models.clone_model(model)
    if kind == "loaded":
        model.save(tmp_path / "model.keras")
        model = keras.saving.load_model(tmp_path / "model.keras")
    if kind == "part":  # from the middle of another model
        start = column()
        middle = layers.Dense(4)(start)
        model = keras.Model(middle, dense(middle))
    assert input_signature(model)[0] == [tf.TensorSpec((None, 4), "float32", "inputs")]


def test_nested_inputs_arrive_where_they_belong(tmp_path):
    inputs = {"a": column(), "b": {"c": column(), "d": [column(), column()]}}
    ensemble = members(joined(inputs))
    function, _ = served(ensemble, tmp_path)
    values = {name: FLOATS.astype("float32") * k for k, name in enumerate(["a", "b_c", "b_d_0"])}
    values["b_d_1"] = -FLOATS.astype("float32")
    x = {"a": values["a"], "b": {"c": values["b_c"], "d": [values["b_d_0"], values["b_d_1"]]}}
    found = function(**{key: tf.constant(value) for key, value in values.items()})
    expected = mean_of_members(ensemble, x)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)


# The declared inputs of a subclassed model.


class Tagger(keras.Model):
    """Texts of any length."""

    def __init__(self):
        super().__init__()
        self.parts = [layers.Embedding(9, 4), layers.GRU(4), layers.Dense(2, activation="softmax")]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Columns(keras.Model):
    """Numbers, in any structure of inputs."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.head = layers.Dense(2, activation="softmax", dtype=self.dtype_policy)

    def call(self, x):
        return self.head(keras.ops.concatenate(keras.tree.flatten(x), axis=-1))


def frame():
    return pytest.importorskip("pandas").DataFrame(FLOATS, columns=list("abcd"))


def floats(*columns):
    return tf.TensorSpec((None, *(columns or (4,))), "float32")


Pair = collections.namedtuple("Pair", ["left", "right"])
SINGLE = FLOATS.astype("float32")
EXAMPLES = {
    "float64": (lambda: FLOATS, {"inputs": floats()}),
    "float16": (lambda: FLOATS.astype("float16"), {"inputs": floats()}),
    "one example": (lambda: FLOATS[:1], {"inputs": floats()}),
    "a tensor": (lambda: tf.constant(FLOATS), {"inputs": floats()}),
    "lists": (lambda: FLOATS.tolist(), {"inputs": floats()}),
    "a frame": (frame, {"inputs": floats()}),
    "a column of a frame": (lambda: frame()["a"], {"inputs": floats(1)}),
    "a symbolic input": (column, {"inputs": floats()}),
    "a named symbolic input": (lambda: column("rows"), {"rows": floats()}),
    "a TensorSpec": (lambda: floats(), {"inputs": floats()}),
    "a TensorSpec of one batch": (
        lambda: tf.TensorSpec((7, 4), "float32", "rows"),
        {"rows": floats()},
    ),
    "a TensorSpec of float64": (
        lambda: tf.TensorSpec((None, 4), "float64"),
        {"inputs": tf.TensorSpec((None, 4), "float64")},
    ),
    "an InputSpec": (lambda: keras.InputSpec(shape=(None, 4)), {"inputs": floats()}),
    "a data set": (
        lambda: tf.data.Dataset.from_tensor_slices(FLOATS).batch(3),
        {"inputs": floats()},
    ),
    "a data set with labels": (
        lambda: tf.data.Dataset.from_tensor_slices(({"a": FLOATS}, TOKENS[:, 0])).batch(3),
        {"a": floats()},
    ),
    "its element_spec": (
        lambda: tf.data.Dataset.from_tensor_slices({"a": SINGLE}).batch(3).element_spec,
        {"a": floats()},
    ),
    "a list": (lambda: [FLOATS, SINGLE], {"inputs_0": floats(), "inputs_1": floats()}),
    "a list of lists": (
        lambda: [FLOATS, FLOATS.tolist()],
        {"inputs_0": floats(), "inputs_1": floats()},
    ),
    "a tuple of specifications": (
        lambda: (floats(), tf.TensorSpec((None, 2), name="b")),
        {"inputs_0": floats(), "b": floats(2)},
    ),
    "a named tuple": (
        lambda: Pair(FLOATS, FLOATS),
        {"inputs_0": floats(), "inputs_1": floats()},
    ),
    "a dict": (lambda: {"a": FLOATS, "b": column()}, {"a": floats(), "b": floats()}),
    "a nested dict": (
        lambda: {"a": {"x": FLOATS, "y": floats()}, "b": [FLOATS, SINGLE]},
        {"a_x": floats(), "a_y": floats(), "b_0": floats(), "b_1": floats()},
    ),
}


def concrete(structure):
    """A batch of seven for whatever an example says."""

    def fill(leaf):
        return SINGLE[:, : leaf.shape[1]] if len(leaf.shape) > 1 else SINGLE[:, :1]

    if hasattr(structure, "element_spec"):
        structure = keras.utils.unpack_x_y_sample_weight(structure.element_spec)[0]
    if isinstance(structure, list) and not hasattr(structure[0], "shape"):
        return SINGLE
    if isinstance(structure, list) and isinstance(structure[1], list):
        return [SINGLE, SINGLE]
    return keras.tree.map_structure(fill, structure)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_says_what_a_subclassed_model_takes(name, tmp_path):
    make, expected = EXAMPLES[name]
    example = make()
    model, x = Columns(), concrete(example)
    model(x)
    specs, rebuild = input_signature(model, example)
    takes = {spec.name: spec for spec in specs}
    assert {k: (v.shape.as_list(), v.dtype) for k, v in takes.items()} == {
        k: (v.shape.as_list(), v.dtype) for k, v in expected.items()
    }
    values = [tf.cast(SINGLE[:, : spec.shape[1]], spec.dtype) for spec in specs]
    np.testing.assert_allclose(model(rebuild(values)), model(x), atol=1e-6)
    if name in ("float64", "a nested dict", "a data set with labels"):
        ensemble = members(model)
        function, takes = served(ensemble, tmp_path, example)
        found = function(**dict(zip(takes, values)))["probabilities"]
        np.testing.assert_allclose(found, mean_of_members(ensemble, x), atol=1e-6)


@pytest.mark.parametrize(
    "dtype, kind", [("float64", "float64"), ("mixed_bfloat16", "float32"), ("float32", "float32")]
)
def test_floats_are_served_in_the_type_of_the_weights(dtype, kind):
    model = Columns(dtype=dtype)
    model(FLOATS)
    assert input_signature(model, FLOATS)[0][0].dtype == kind


@pytest.mark.parametrize(
    "example",
    [
        tf.TensorSpec((None, None), "int32"),
        pytest.param(tf.TensorSpec((3, None), tf.int64), marks=pytest.mark.long),
        pytest.param(keras.Input((None,), dtype="int32"), marks=pytest.mark.long),
        keras.InputSpec(shape=(None, None), dtype="int32"),
    ],
    ids=["TensorSpec", "TensorSpec of a batch", "Input", "InputSpec"],
)
def test_texts_of_every_length_are_served_where_the_example_leaves_it_open(example, tmp_path):
    model = Tagger()
    model(TOKENS)
    ((shape, dtype, name),) = [
        (s.shape, s.dtype, s.name) for s in input_signature(model, example)[0]
    ]
    assert shape.as_list() == [None, None] and dtype in ("int32", "int64") and name == "inputs"
    if isinstance(example, tf.TensorSpec) and dtype == "int32":
        ensemble = members(model)
        function, _ = served(ensemble, tmp_path, example)
        for size, length in ((1, 1), (7, 6), (2, 5)):
            x = TOKENS[:size, :length].astype("int32")
            found = function(inputs=tf.constant(x))["probabilities"]
            np.testing.assert_allclose(found, mean_of_members(ensemble, x), atol=1e-6)


@pytest.mark.parametrize("example", [TOKENS, TOKENS.tolist(), TOKENS[:1, :2].astype("int64")])
def test_a_graph_knows_its_lengths_and_types_better_than_an_example(example):
    words = keras.Input((None,), dtype="int32", name="words")
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(words))
    model = keras.Model(words, layers.Dense(2, activation="softmax")(hidden))
    specs, _ = input_signature(model, example)
    assert specs == [tf.TensorSpec((None, None), "int32", "words")]
    two = joined([column("a"), column("b")])
    specs, _ = input_signature(two, {"b": FLOATS, "a": FLOATS})
    assert sorted(spec.name for spec in specs) == ["a", "b"]


@pytest.mark.parametrize("example", [np.float32(1), tf.TensorSpec(None), keras.InputSpec(ndim=2)])
def test_an_example_without_examples_is_refused(example, tmp_path):
    model = Columns()
    model(FLOATS)
    with pytest.raises(ValueError, match=r"first axis.*\(N, ...\).*Received"):
        members(model).export(tmp_path / "served", example=example)


# Words.


class Lookup(layers.Layer):
    """A user's own layer with TensorFlow tables and variables in it."""

    def __init__(self):
        super().__init__()
        keys = tf.lookup.KeyValueTensorInitializer(["good", "bad"], tf.constant([1, 2], "int64"))
        self.table = tf.lookup.StaticHashTable(keys, 0)
        self.shift = tf.Variable([1.0], trainable=False)

    def call(self, x):
        return tf.one_hot(self.table.lookup(x), 3) + self.shift

    def compute_output_spec(self, x):
        return keras.KerasTensor((*x.shape, 3), "float32")


def adapted(layer, data):
    layer.adapt(data)
    return layer


WORDS = ["good film", "bad film", "film", "other"]
SHORT = ["good", "bad", "other", "bad"]
LOOKUPS = {
    "TextVectorization, given": (
        lambda: layers.TextVectorization(output_mode="multi_hot", vocabulary=["good", "film"]),
        WORDS,
    ),
    "TextVectorization, adapted": (
        lambda: adapted(layers.TextVectorization(output_mode="count"), WORDS),
        WORDS,
    ),
    "TextVectorization, tf_idf": (
        lambda: adapted(layers.TextVectorization(output_mode="tf_idf"), WORDS),
        WORDS,
    ),
    "StringLookup": (
        lambda: layers.StringLookup(vocabulary=["good", "bad"], output_mode="one_hot"),
        SHORT,
    ),
    "IntegerLookup": (
        lambda: layers.IntegerLookup(vocabulary=[3, 5], output_mode="one_hot"),
        [3, 5, 7, 3],
    ),
    "Hashing": (lambda: lambda x: layers.Embedding(4, 3)(layers.Hashing(4)(x)), SHORT),
    "a layer with a table": (Lookup, SHORT),
}


@pytest.mark.parametrize(
    "name", some(LOOKUPS, ("TextVectorization, adapted", "IntegerLookup", "a layer with a table"))
)
def test_words_are_served(name, tmp_path):
    make, data = LOOKUPS[name]
    x = tf.constant(data)
    inputs = keras.Input((), dtype=x.dtype.name)
    scores = layers.Dense(2, activation="softmax")(make()(inputs))
    ensemble = members(keras.Model(inputs, scores))
    function, takes = served(ensemble, tmp_path)
    assert takes["inputs"].dtype == x.dtype
    found = function(inputs=x)["probabilities"]
    np.testing.assert_allclose(found, mean_of_members(ensemble, x), atol=1e-6)


def test_a_vocabulary_in_a_file_is_served_without_the_file(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("good\nbad\n")
    lookup = layers.StringLookup(vocabulary=str(words), output_mode="one_hot")
    inputs = keras.Input((), dtype="string")
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(lookup(inputs)))
    ensemble, x = members(model), tf.constant(SHORT)
    ensemble.export(tmp_path / "served")
    expected = mean_of_members(ensemble, x)
    words.unlink()
    function = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    np.testing.assert_allclose(function(inputs=x)["probabilities"], expected, atol=1e-6)


@pytest.mark.parametrize(
    "example",
    [
        np.array(SHORT),
        pytest.param(SHORT, marks=pytest.mark.long),
        pytest.param(tf.TensorSpec((None,), "string"), marks=pytest.mark.long),
    ],
)
def test_a_subclassed_model_is_served_words(example, tmp_path):
    class Reader(Columns):
        def __init__(self):
            super().__init__()
            self.lookup = LOOKUPS["StringLookup"][0]()

        def call(self, x):
            return self.head(self.lookup(x))

    model, x = Reader(), tf.constant(SHORT)
    model(x)
    ensemble = members(model)
    function, takes = served(ensemble, tmp_path, example)
    assert takes == {"inputs": tf.TensorSpec((None,), "string", "inputs")}
    found = function(inputs=x)["probabilities"]
    np.testing.assert_allclose(found, mean_of_members(ensemble, x), atol=1e-6)


# TFLite, at several batch sizes: if it can convert the network, it can convert the ensemble.


def tokens():
    parts = [layers.Embedding(9, 3), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    return keras.Sequential([keras.Input((None,), dtype="int32"), *parts])


def pixels():
    return keras.Sequential(
        [keras.Input((None, None, 4)), layers.Conv2D(3, 3, padding="same"), layers.Softmax()]
    )


def sigmoid():
    return keras.Sequential([column(), layers.Dense(1, activation="sigmoid")])


LITE = {
    **{name: (ZOO[name].make, ZOO[name].data(7)[0], "logits") for name in ("dense", "conv_bn")},
    "dropout, as values": (ZOO["dropout"].make, ZOO["dropout"].data(7)[0], "regression"),
    "texts": (tokens, TOKENS.astype("int32"), "logits"),
    "images of any size": (pixels, np.ones((7, 5, 6, 4), "float32"), "probabilities"),
    "one sigmoid": (sigmoid, SINGLE, "probabilities"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", some(LITE, ("conv_bn", "dropout, as values", "texts")))
def test_an_export_converts_to_tflite(name, tmp_path):
    make, x, output = LITE[name]
    networks = [make() for _ in range(3)]
    for seed, network in enumerate(networks):
        scramble(network, seed)
    ensemble = Ensemble(networks[0], networks, output=output)
    ensemble.export(tmp_path / "served")
    flat = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "served")).convert()
    run = tf.lite.Interpreter(model_content=flat).get_signature_runner("serving_default")
    for size in (1, 7, 2):
        found = run(inputs=x[:size])
        each = np.stack([numpy(network(x[:size])) for network in networks])
        if output == "logits":
            each = numpy(keras.ops.softmax(each))
        mean = found["mean" if output == "regression" else "probabilities"]
        np.testing.assert_allclose(mean, each.mean(0), atol=1e-5)
        if output == "regression":
            np.testing.assert_allclose(found["variance"], each.var(0), atol=1e-5)
        elif name != "one sigmoid":
            np.testing.assert_array_equal(found["class"], each.mean(0).argmax(-1))


def test_the_graph_holds_the_network_once(tmp_path):
    sizes = []
    for count in (2, 12):
        ensemble = Ensemble(ZOO["conv_bn"].model(0), count, output="logits")
        ensemble.export(tmp_path / "served")
        sizes.append((tmp_path / "served" / "saved_model.pb").stat().st_size)
    assert sizes[1] < 1.2 * sizes[0]


def test_every_batch_size_is_served(tmp_path):
    ensemble = members(joined(column()))
    function, _ = served(ensemble, tmp_path)
    for size in (0, 1, 5):
        found = function(inputs=tf.constant(SINGLE[:size]))
        assert {key: value.shape[0] for key, value in found.items()} == dict.fromkeys(found, size)
        expected = mean_of_members(ensemble, SINGLE[:size])
        np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
