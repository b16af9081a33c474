"""Layers that `adapt` to data: their networks on curves, in ensembles, snapshots and files."""

import keras
import numpy as np
import pytest
from keras import layers

from mc_tf import Bezier, CurveLayer, Ensemble, connect, evaluate_curve
from mc_tf.models import with_weight_decay
from mc_tf.storage.snapshots import load_snapshot, save_snapshot, take_snapshot

X = np.random.default_rng(0).normal(5, 3, (60, 4)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 60)
TENSORFLOW = keras.backend.backend() == "tensorflow"


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def normalized(seed, data=X):
    """A classifier of three classes that was adapted to data."""
    keras.utils.set_random_seed(seed)
    adapted = layers.Normalization(name="adapted")
    adapted.adapt(data)
    model = keras.Sequential(
        [keras.Input((4,)), adapted, layers.Dense(5), layers.BatchNormalization(), layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


def compiled(curve_model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    curve_model.compile("sgd", loss, metrics=["accuracy"])
    return curve_model


def test_a_point_of_a_curve_is_its_endpoint():
    first, second = normalized(1), normalized(2)
    curve_model = connect(first, second)
    for t, model in ((0.0, first), (1.0, second)):
        np.testing.assert_allclose(numpy(curve_model.point(t)(X)), numpy(model(X)), atol=1e-6)
        np.testing.assert_allclose(numpy(curve_model(X, t=t)), numpy(model(X)), atol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_a_curve_in_a_file_is_the_same(tmp_path):
    curve_model = compiled(connect(normalized(1), normalized(2)))
    curve_model.fit(X, Y, verbose=0)
    curve_model.save(tmp_path / "curve.keras")
    loaded = keras.saving.load_model(tmp_path / "curve.keras")
    results = [
        evaluate_curve(each, (X, Y), (X, Y), num_points=3, verbose=0)["test_loss"]
        for each in (curve_model, loaded)
    ]
    np.testing.assert_allclose(*results, rtol=1e-6)
    before = numpy(curve_model.network(X))
    np.testing.assert_array_equal(before, numpy(normalized(1)(X)))  # untouched by all that


def test_networks_adapted_to_other_data_have_no_curve():
    with pytest.raises(ValueError, match="'adapted' was adapted to other data.*`end`.*once"):
        connect(normalized(1), normalized(2, X + 1))


@pytest.mark.usefixtures("eagerly")
def test_members_keep_what_each_was_adapted_to(tmp_path):
    first, second = normalized(1), normalized(2, 2 * X)
    ensemble = Ensemble(first, [first, second])
    np.testing.assert_allclose(numpy(ensemble.member(1)(X)), numpy(second(X)), atol=1e-6)
    expected = np.mean([numpy(keras.ops.softmax(each(X))) for each in (first, second)], axis=0)
    np.testing.assert_allclose(ensemble.predict(X, verbose=0), expected, atol=1e-6)
    ensemble.save(tmp_path / "ensemble.keras")
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), expected, atol=1e-6)


@pytest.mark.skipif(not TENSORFLOW, reason="a SavedModel is TensorFlow's own")
def test_an_export_has_it_and_calls_an_input_without_a_name_inputs(tmp_path):
    import tensorflow as tf

    first = normalized(1)
    ensemble = Ensemble(first, [first, normalized(2, 2 * X)])
    ensemble.export(tmp_path / "served")
    serve = tf.saved_model.load(tmp_path / "served").signatures["serving_default"]
    found = serve(inputs=tf.constant(X))["probabilities"].numpy()
    np.testing.assert_allclose(found, ensemble.predict(X, verbose=0), atol=1e-6)


def test_a_snapshot_reaches_a_model_that_has_predicted(tmp_path):
    source, target = normalized(1, 2 * X), normalized(2)
    target.predict(X, verbose=0)  # compiles its constants
    save_snapshot(tmp_path / "one.npz", take_snapshot(source))
    load_snapshot(target, tmp_path / "one.npz")
    found = target.predict(X, verbose=0)
    np.testing.assert_allclose(found, source.predict(X, verbose=0), atol=1e-6)


def test_a_snapshot_reaches_a_training_that_runs(tmp_path):
    model = normalized(1)
    save_snapshot(tmp_path / "one.npz", take_snapshot(normalized(3, 2 * X)))
    back = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: load_snapshot(model, tmp_path / "one.npz")
    )
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[back], validation_data=(X, Y))
    np.testing.assert_allclose(
        model.predict(X, verbose=0), numpy(normalized(3, 2 * X)(X)), atol=1e-5
    )


def test_constants_are_compared():
    def given(mean):
        layer = layers.Normalization(mean=[mean] * 4, variance=[1.0] * 4, name="given")
        return keras.Sequential([keras.Input((4,)), layer, layers.Dense(3)])

    def binned(data):
        layer = layers.Discretization(num_bins=4, name="bins")
        layer.adapt(data)
        scaled = [layer, layers.Rescaling(1.0), layers.Dense(3)]
        return keras.Sequential([keras.Input((4,)), *scaled])

    for first, same, other in (
        (given(0.0), given(0.0), given(5.0)),
        (binned(X), binned(X), binned(2 * X)),
    ):
        connect(first, same)
        Ensemble(first, [same], output="logits")
        with pytest.raises(ValueError, match="was adapted to other data in `start`"):
            connect(first, other)
        with pytest.raises(ValueError, match="was adapted to other data in `model`.*`member 0`"):
            Ensemble(first, [other], output="logits")
        with pytest.raises(ValueError, match="was adapted to other data in `curve`.*`into`"):
            connect(first, same).point(0.0, into=other)
        with pytest.raises(ValueError, match="was adapted to other data in `layer`.*`weights`"):
            connect(first, same).curve_layer.set_point(1, other)


# Words.


def reader(words, **options):
    """A classifier of words."""
    look = layers.StringLookup(name="words", **options)
    if "vocabulary" not in options:
        look.adapt(words)
    inputs = keras.Input((1,), dtype="string")
    x = layers.Flatten()(layers.Embedding(5, 3)(look(inputs)))
    return keras.Model(inputs, layers.Dense(2)(x))


@pytest.fixture
def words():
    if not TENSORFLOW:
        pytest.skip("words are looked up by TensorFlow")
    import tensorflow as tf

    return tf.constant([["a"], ["b"], ["c"], ["a"]])


def tf_words(*given):
    import tensorflow as tf

    return tf.constant([[word] for word in given])


def test_weight_decay_leaves_what_layers_were_adapted_to(words):
    first = normalized(1)
    np.testing.assert_allclose(numpy(with_weight_decay(first, 0.1)(X)), numpy(first(X)), atol=1e-5)
    second = reader(words)
    copy = with_weight_decay(second, 0.1)
    np.testing.assert_allclose(numpy(copy(words)), numpy(second(words)), atol=1e-6)
    assert len(copy.losses) > len(second.losses)


def test_a_vocabulary_goes_with_the_network(words):
    first, second = reader(words), reader(words)
    np.testing.assert_allclose(
        numpy(connect(first, second).point(1.0)(words)), numpy(second(words)), atol=1e-6
    )
    ensemble = Ensemble(first, [first, second], output="logits")
    np.testing.assert_allclose(numpy(ensemble.member(1)(words)), numpy(second(words)), atol=1e-6)


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_letters_and_line_ends_are_a_vocabulary(mode):
    if not TENSORFLOW:
        pytest.skip("words are looked up by TensorFlow")
    import tensorflow as tf

    text = tf.constant(["a\nb", "b b", "a"])
    options = {"output_sequence_length": 3} if mode == "int" else {}

    def network():
        letters = layers.TextVectorization(
            standardize=None, split="character", output_mode=mode, name="letters", **options
        )
        letters.adapt(text)
        inputs = keras.Input((), dtype="string")
        x = layers.Rescaling(1.0)(letters(inputs))
        return keras.Model(inputs, layers.Dense(2)(x))

    first, second = network(), network()
    point = connect(first, second).point(1.0)
    np.testing.assert_allclose(numpy(point(text)), numpy(second(text)), atol=1e-6)


def test_what_would_lose_a_vocabulary_is_refused(words, tmp_path):
    first, second = reader(words), reader(words)
    alone = keras.Sequential(
        [keras.Input((1,), dtype="string"), CurveLayer(reader(words), Bezier(1))]
    )
    with pytest.raises(ValueError, match="vocabulary of 'words'"):
        alone.save(tmp_path / "lost.keras")
    others = tf_words("x", "y", "z")
    with pytest.raises(ValueError, match="'words' was adapted to other data"):
        Ensemble(first, [reader(others)], output="logits")
    ensemble = Ensemble(first, [first, second], output="logits")
    for lost in (connect(first, second), ensemble):
        with pytest.raises(ValueError, match="vocabulary of 'words'.*`vocabulary=`.*save_weights"):
            lost.save(tmp_path / "lost.keras")
    with pytest.raises(ValueError, match="'words' was adapted to other data"):
        connect(first, reader(words[:2]))


def test_a_given_vocabulary_is_saved(words, tmp_path):
    networks = [reader(words, vocabulary=["a", "b"]) for _ in range(2)]
    curve_model = connect(*networks, Bezier(1))
    curve_model.save(tmp_path / "curve.keras")
    loaded = keras.saving.load_model(tmp_path / "curve.keras")
    np.testing.assert_allclose(numpy(loaded(words)), numpy(curve_model(words)), atol=1e-6)
