"""Texts, perplexity and the language models: batches, scores and recurrent state."""

import os
import pathlib

import keras
import numpy as np
import pytest
from model_zoo import assert_same, numpy

from mc_tf import Bezier, connect, evaluate_curve

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="texts are tested with the TensorFlow backend"
)
pytest.importorskip("tensorflow")

from mc_tf.callbacks import ResetRecurrentState  # noqa: E402
from mc_tf.data import TextData, load, stand_in  # noqa: E402
from mc_tf.data.text import build_vocabulary, encode  # noqa: E402
from mc_tf.evaluation.data import EvaluationData  # noqa: E402
from mc_tf.evaluation.points import PointEvaluator  # noqa: E402
from mc_tf.metrics import Perplexity  # noqa: E402
from mc_tf.models.zoo import registry  # noqa: E402

WORDS = 11
STREAMS = 3
STEPS = 4


def make(train=100, validation=70, test=50, **options):
    """Random words; lengths that neither streams nor windows divide."""
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, WORDS, size) for size in (train, validation, test)]
    vocabulary = [chr(97 + i) for i in range(WORDS)]
    return TextData("random", vocabulary, *parts, **{"num_steps": STEPS, **options})


def windows(words, streams=STREAMS, steps=STEPS, whole=False):
    """The definition, in numpy."""
    length = len(words) // streams
    table = np.stack([words[s * length : (s + 1) * length] for s in range(streams)])
    starts = range(0, length - 1, steps)
    found = [(table[:, i : i + steps], table[:, i + 1 : i + steps + 1]) for i in starts]
    found = [(x[:, : y.shape[1]], y) for x, y in found]
    return [(x, y) for x, y in found if y.shape[1] == steps] if whole else found


def assert_batches(dataset, expected):
    received = list(dataset.as_numpy_iterator())
    assert len(received) == len(expected) == dataset.cardinality()
    for batch, wanted in zip(received, expected):
        for array, values in zip(batch, wanted):
            assert array.dtype == np.int32
            np.testing.assert_array_equal(array, values)


# Vocabulary.


def test_the_vocabulary_is_ordered_by_frequency_then_alphabet():
    words = "the cat <eos> the dog <eos> a cat the".split()
    assert build_vocabulary(words) == ["the", "<eos>", "cat", "a", "dog"]


def test_encode_numbers_words_and_unknown_ones():
    numbers = encode("a z b b".split(), ["b", "<unk>", "a"], "test")
    assert numbers.tolist() == [2, 1, 0, 0]
    assert numbers.dtype == np.int32
    assert encode(["b"], ["a", "b"], "test").tolist() == [1]
    with pytest.raises(ValueError, match="'z' of the test text.*no <unk>.*Give three parts"):
        encode(["a", "z"], ["a"], "test")


# Windows.


@pytest.mark.parametrize("length", [100, 99, 75, 39, 17, 6])
@pytest.mark.parametrize("streams, steps", [(3, 4), (1, 5), (3, 1)])
def test_evaluation_predicts_every_word_but_the_first_of_each_stream_once(length, streams, steps):
    data = make(train=length, num_steps=steps)
    expected = windows(data.train, streams, steps)
    assert_batches(data.train_eval_batches(streams), expected)
    per_stream = length // streams
    targets = np.concatenate([y for _, y in expected], 1)
    np.testing.assert_array_equal(
        targets, data.train[: streams * per_stream].reshape(streams, per_stream)[:, 1:]
    )


@pytest.mark.parametrize("length", [100, 99, 75, 39, 15])
def test_training_serves_whole_windows_in_the_order_of_the_text(length):
    data = make(train=length)
    expected = windows(data.train, whole=True)
    assert data.steps_per_epoch(STREAMS) == len(expected)
    assert_batches(data.epoch_batches(STREAMS), expected)
    assert_batches(data.epoch_batches(STREAMS, seed=5, epoch=3), expected)
    for first in {0, 1, len(expected) - 1, len(expected)}:
        assert_batches(data.epoch_batches(STREAMS, first_step=first), expected[first:])


def test_each_part_serves_its_own_words():
    data = make(test_name="test")
    other = make(test_name="validation")
    assert (data.num_train, data.num_test, other.num_test) == (100, 50, 70)
    assert (data.num_classes, data.input_shape) == (WORDS, (STEPS,))
    for text, served in ((data, data.test), (other, other.validation)):
        assert_batches(text.test_batches(STREAMS), windows(served))
        assert_batches(text.validation_batches(STREAMS), windows(text.validation))
    assert data.settings != other.settings != make(test_name="validation", num_steps=5).settings
    assert data.network_options(STREAMS) == {"batch_size": STREAMS}
    assert [metric.name for metric in data.metrics()] == ["perplexity"]


def test_first_keeps_the_first_words_of_each_part():
    data = make()
    few = data.first(40, 20)
    assert_batches(few.epoch_batches(STREAMS), windows(data.train[:40], whole=True))
    assert_batches(few.train_eval_batches(STREAMS), windows(data.train[:40]))
    assert_batches(few.validation_batches(STREAMS), windows(data.validation[:20]))
    assert_batches(few.test_batches(STREAMS), windows(data.test[:20]))
    assert data.num_train == 100


@pytest.mark.parametrize("count", [6, 31, 100])
def test_num_examples_serves_the_beginning_of_each_stream(count):
    """The words left out are at the ends of streams, so that the order of the text is kept."""
    data = make()
    streams = data.train[:99].reshape(STREAMS, 33)[:, : count // STREAMS]
    assert_batches(data.train_eval_batches(STREAMS, count), windows(streams.ravel()))


def test_bad_values_are_refused_with_what_to_do():
    data, ok = make(), np.zeros(9, int)
    for wrong, message in [
        ({"num_steps": 0}, "num_steps must be at least 1"),
        ({"test_name": "train"}, "test_name must be 'test' or 'validation'"),
    ]:
        with pytest.raises(ValueError, match=message):
            make(**wrong)
    with pytest.raises(ValueError, match="validation must be one sequence.*at least one"):
        TextData("bad", ["a"], ok, ok[:0], ok)
    with pytest.raises(ValueError, match=r"train must be one sequence.*\(3, 3\)"):
        TextData("bad", ["a"], ok.reshape(3, 3), ok, ok)
    for number in (-1, 2):
        with pytest.raises(ValueError, match=r"test must have word indices 0 \.\. 1"):
            TextData("bad", ["a", "b"], ok, ok, np.array([0, number]))
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        data.epoch_batches(0)
    with pytest.raises(ValueError, match="between 1 and 100, the number of words.*101"):
        data.train_eval_batches(STREAMS, 101)
    with pytest.raises(ValueError, match="between 1 and 50"):
        data.test_batches(STREAMS, 0)
    with pytest.raises(ValueError, match="100 words, too few.*smaller num_steps or batch_size"):
        data.epoch_batches(21)
    with pytest.raises(ValueError, match="Too few words of the test text for 26 streams"):
        data.test_batches(26)


# Named texts.


def test_penn_treebank():
    default = pathlib.Path(__file__).parents[3] / "shared" / "data" / "ptb"
    folder = os.environ.get("MC_TF_PTB_DIR", default)
    if not pathlib.Path(folder).is_dir():
        pytest.skip(f"no Penn Treebank: {folder} is not there (set MC_TF_PTB_DIR)")
    data = load("ptb", data_dir=folder, use_test=True)
    assert (data.num_classes, data.num_train, data.num_test) == (10_000, 929_589, 82_430)
    assert len(data.validation) == 73_760
    assert data.vocabulary[0] == "the"
    assert {"<unk>", "<eos>", "N"} <= set(data.vocabulary[:10])
    lines = (pathlib.Path(folder) / "ptb.test.txt").read_text().splitlines()
    first = " <eos> ".join(line.strip() for line in lines[:3]).split()
    assert [data.vocabulary[i] for i in data.test[: len(first)]] == first


def test_penn_treebank_is_found_in_its_usual_folders(tmp_path):
    folder = tmp_path / "simple-examples" / "data"
    folder.mkdir(parents=True)
    for part in ("train", "valid", "test"):
        assert_missing(tmp_path)
        (folder / f"ptb.{part}.txt").write_text(" b a b \n <unk> b\n")
    data = load("ptb", data_dir=tmp_path, num_steps=2)
    assert data.vocabulary == ["b", "<eos>", "<unk>", "a"]
    assert data.train.tolist() == [0, 3, 0, 1, 2, 0, 1]
    assert (data.num_steps, data.test_name) == (2, "validation")


def assert_missing(folder):
    with pytest.raises(FileNotFoundError, match="--dataset=pydoc") as caught:
        load("ptb", data_dir=folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_python_documentation():
    data, again = load("pydoc"), load("pydoc", use_test=True, num_steps=7)
    parts = [data.train, data.validation, data.test]
    assert_same(parts, [again.train, again.validation, again.test])
    assert data.vocabulary == again.vocabulary
    assert (data.test_name, again.test_name, again.num_steps) == ("validation", "test", 7)
    assert min(map(len, parts)) > 1000
    assert len({part[:1000].tobytes() for part in parts}) == 3
    assert {"<unk>", "<eos>", "the", "python"} <= set(data.vocabulary)
    counts = np.bincount(data.train, minlength=data.num_classes)
    seen = dict(zip(data.vocabulary, counts))
    assert min(count for word, count in seen.items() if word != "<unk>") == 3
    assert (np.diff(counts) <= 0).all()
    assert not any(word.isdigit() or word != word.lower() for word in seen if word != "N")


def test_texts_refuse_what_only_images_have():
    with pytest.raises(ValueError, match="'pydoc' has no normalization.*Leave it out"):
        load("pydoc", normalization="vgg")
    with pytest.raises(ValueError, match="'digits' has no num_steps"):
        load("digits", num_steps=3)


@pytest.mark.parametrize(
    "name, shape, classes",
    [
        ("cifar10", (32, 32, 3), 10),
        ("cifar100", (32, 32, 3), 100),
        ("mnist", (28, 28, 1), 10),
        ("digits", (8, 8, 1), 10),
        ("imagenet2012", (64, 64, 3), 1000),
    ],
)
def test_images_stand_in_for_a_named_data_set(name, shape, classes):
    data, digits = stand_in(name), load("digits", use_test=True)
    assert (data.input_shape, data.num_classes) == (shape, classes)
    np.testing.assert_array_equal(data.y_test, digits.y_test)
    factor = max(1, shape[0] // 8 + (shape[0] % 8 > 0))
    block = np.kron(digits.x_test[5, :, :, 0], np.ones((factor, factor)))[: shape[0], : shape[1]]
    for channel in range(shape[2]):
        np.testing.assert_array_equal(data.x_test[5, :, :, channel], block)


def test_the_documentation_stands_in_for_texts():
    data = stand_in("ptb", num_steps=9)
    assert (data.name, data.num_steps, data.test_name) == ("pydoc", 9, "test")
    with pytest.raises(ValueError, match="No embedded data for 'svhn'.*cifar10.*pydoc"):
        stand_in("svhn")


# Perplexity.


def losses(logits, targets):
    """Cross-entropy of each word, in float64."""
    logits = numpy(logits).astype("float64")
    top = logits.max(-1, keepdims=True)
    log_sum = (top + np.log(np.exp(logits - top).sum(-1, keepdims=True)))[..., 0]
    return log_sum - np.take_along_axis(logits, np.asarray(targets)[..., None], -1)[..., 0]


def test_perplexity_is_the_exponential_of_the_mean_over_all_words():
    rng, metric, every = np.random.default_rng(0), Perplexity(), []
    for shape in ((3, 7), (3, 2), (1, 1)):
        logits = 3 * rng.standard_normal((*shape, 5)).astype("float32")
        targets = rng.integers(0, 5, shape)
        metric.update_state(targets, logits)
        every.append(losses(logits, targets).ravel())
    np.testing.assert_allclose(metric.result(), np.exp(np.concatenate(every).mean()), rtol=1e-5)
    metric.reset_state()
    metric.update_state([[1]], np.zeros((1, 1, 6), "float32"))
    np.testing.assert_allclose(metric.result(), 6, rtol=1e-6)


def test_perplexity_can_be_made_again_from_its_config():
    metric = Perplexity(name="p", from_logits=False)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert isinstance(copy, Perplexity) and copy.get_config() == metric.get_config()
    for each in (metric, copy):
        each.update_state(np.array([0, 1]), np.array([[0.5, 0.5], [0.9, 0.1]], "float32"))
        np.testing.assert_allclose(each.result(), np.sqrt(2 * 10), rtol=1e-5)


def test_a_compiled_model_keeps_its_perplexity_in_a_file(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Embedding(4, 4)])
    model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[Perplexity()],
        optimizer="sgd",
        run_eagerly=True,
    )
    x, y = np.random.default_rng(0).integers(0, 4, (2, 5, 3))
    expected = np.exp(losses(model(x), y).mean())
    model.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    loaded.run_eagerly = True
    for each in (model, loaded):
        logs = each.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
        np.testing.assert_allclose(logs["perplexity"], expected, rtol=1e-5)


# Language models.


def tiny(name="lstm_small", seed=0, units=6, scale=1.0):
    keras.utils.set_random_seed(seed)
    model = registry.build(name, WORDS, (STEPS,), batch_size=STREAMS, units=units)
    for variable in model.trainable_variables:
        variable.assign(scale * numpy(variable))
    return model


def of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(
    "name, scale, dropout", [("small", 0.1, 0), ("medium", 0.05, 0.5), ("large", 0.04, 0.65)]
)
def test_the_configurations_of_the_paper(name, scale, dropout):
    """Published weight counts are in the tests of the networks."""
    units = 40
    model = tiny(f"lstm_{name}", units=units)
    one = 4 * units * (2 * units + 1)
    assert model.count_params() == WORDS * units + 2 * one + (units + 1) * WORDS
    lstm = of(model, keras.layers.LSTM)
    biases = [layer.cell.bias for layer in lstm]
    assert len(biases) == 2 and not any(numpy(bias).any() for bias in biases)
    for variable in model.trainable_variables:
        if not any(variable is bias for bias in biases):
            values = np.abs(numpy(variable))
            assert 0.8 * scale < values.max() <= scale
    rates = [layer.rate for layer in of(model, keras.layers.Dropout)]
    assert rates == ([dropout] * 3 if dropout else [])
    assert all(layer.dropout == layer.recurrent_dropout == 0 for layer in lstm)
    assert model.input_shape == (STREAMS, None)


@pytest.mark.parametrize("name", ["lstm_small", "lstm_medium", "lstm_large"])
def test_images_are_refused(name):
    with pytest.raises(ValueError, match=r"must be \(num_steps,\).*\(8, 8, 1\).*--dataset=ptb"):
        registry.build(name, 10, (8, 8, 1))


def reset(model):
    for layer in of(model, keras.layers.RNN):
        layer.reset_state()


def test_state_is_carried_from_batch_to_batch():
    model = tiny(scale=10)
    x = np.random.default_rng(1).integers(0, WORDS, (STREAMS, 10))
    whole = numpy(model(x))
    reset(model)
    halves = [numpy(model(x[:, :5])), numpy(model(x[:, 5:]))]
    np.testing.assert_allclose(np.concatenate(halves, 1), whole, atol=1e-5)
    reset(model)
    assert np.abs(numpy(model(x[:, 5:])) - whole[:, 5:]).max() > 1e-2


def perplexity_of(model, batches):
    """Through the windows in order from state zero, in numpy."""
    reset(model)
    every = [losses(model(x), y).ravel() for x, y in batches]
    reset(model)
    return np.exp(np.concatenate(every).mean())


def test_state_is_reset_before_each_epoch_and_each_evaluation():
    data = make(train=39, validation=27)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(STREAMS, STEPS)),
            keras.layers.Embedding(WORDS, 6),
            keras.layers.SimpleRNN(6, stateful=True, return_sequences=True),
            keras.layers.Dense(WORDS),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.0),  # nothing but the state changes
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    train = data.epoch_batches(STREAMS)
    held_out = data.validation_batches(STREAMS)

    def fit(*callbacks):
        options = {"epochs": 2, "verbose": 0, "shuffle": False, "callbacks": [*callbacks]}
        return model.fit(train, validation_data=held_out, **options).history

    batches = windows(data.train, whole=True), windows(data.validation)
    assert [len(part) for part in batches] == [3, 2]
    expected = [np.log(perplexity_of(model, part)) for part in batches]
    model(batches[0][0][0])  # leaves a state behind
    carried, found = fit(), fit(ResetRecurrentState())
    np.testing.assert_allclose(found["loss"], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found["val_loss"], expected[1], rtol=1e-5)
    assert np.abs(np.array(carried["loss"]) - expected[0]).min() > 1e-4
    kept = fit(ResetRecurrentState(keep_first=True))["loss"]
    assert abs(kept[0] - expected[0]) > 1e-4
    np.testing.assert_allclose(kept[1], expected[0], rtol=1e-5)
    found = model.evaluate(train, verbose=0, callbacks=[ResetRecurrentState()])
    np.testing.assert_allclose(found, expected[0], rtol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_perplexity_along_a_curve():
    """At each point of each part, and whatever was evaluated before."""
    data = make(train=30, validation=43, test=32)
    curve_model = connect(tiny(seed=1, scale=12), tiny(seed=2, scale=12), Bezier(1))
    bend = numpy(curve_model.control_points())[1]
    noise = np.random.default_rng(0).standard_normal(bend.shape).astype("float32")
    curve_model.curve_layer.set_point(1, bend + 0.3 * noise)
    curve_model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=data.metrics()
    )
    train, test = data.train_eval_batches(STREAMS), data.test_batches(STREAMS)
    others = {"validation": data.validation_batches(STREAMS)}
    found = evaluate_curve(curve_model, train, test, 3, extra_data=others, verbose=0)
    for index, t in enumerate([0, 0.5, 1]):
        point = curve_model.point(t)
        for part in ("train", "validation", "test"):
            batches = windows(getattr(data, part))
            assert batches[-1][0].shape[1] < STEPS
            expected = perplexity_of(point, batches)
            np.testing.assert_allclose(found[f"{part}_perplexity"][index], expected, rtol=1e-4)
            np.testing.assert_allclose(
                found[f"{part}_loss"][index], np.log(expected), rtol=1e-4, atol=1e-6
            )
    evaluator = PointEvaluator(curve_model)
    curve_model(windows(data.train)[0][0])  # leaves a state behind
    for index in (2, 0, 2):
        logs = evaluator(index / 2, EvaluationData(train, test, others))
        for name in found.names:
            np.testing.assert_allclose(logs[name], found[name][index], rtol=1e-5, err_msg=name)
