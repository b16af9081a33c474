"""What outputs and labels mean: an ensemble of one network scores what Keras scores for it."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
from keras import layers, losses
from model_zoo import assert_near, numpy, some

from mc_tf import connect, evaluate_curve
from mc_tf.ensemble import (
    Ensemble,
    EnsembleEvaluation,
    MemberFiles,
    OutputSpec,
    evaluate_members,
    gaussian_negative_log_likelihood,
    scores,
)
from mc_tf.ensemble.reading import read_output
from mc_tf.metrics import Perplexity

N, T, C = 24, 5, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4)).astype("float32")
SEQUENCE = RNG.normal(size=(N, T, 4)).astype("float32")
WORDS = np.where(RNG.uniform(size=(N, T)) < 0.3, 0, RNG.integers(1, 9, (N, T)))
WORDS[:, 0] = 1  # no example is masked as a whole
IMAGES = RNG.normal(size=(N, 2, 4, 4)).astype("float32")  # channels first
CLASSES = RNG.integers(0, C, N)
ONE_HOT = np.eye(C, dtype="float32")[CLASSES]
SOFT = RNG.dirichlet(np.ones(C), N).astype("float32")
TOKENS = RNG.integers(0, C, (N, T))
PIXELS = RNG.integers(0, C, (N, 4, 4))
BITS = RNG.integers(0, 2, N)
LABELS = RNG.integers(0, 2, (N, C))
VALUES = RNG.uniform(size=(N, 1)).astype("float32")
WEIGHTS = RNG.uniform(0.1, 2, N).astype("float32")
TOKEN_WEIGHTS = RNG.uniform(0.1, 2, (N, T)).astype("float32")


def dense(units, activation=None, loss=None, **options):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(units, activation, name="out", **options)]
    )
    model.compile(loss=loss)
    return model


def tokens(units, activation=None, loss=None, masked=False, inputs="vectors"):
    if inputs == "words":
        first = [keras.Input((T,)), layers.Embedding(9, 4, mask_zero=masked)]
    else:
        first = [keras.Input((T, 4)), *[layers.Masking()] * masked]
    model = keras.Sequential([*first, layers.Dense(units, activation)])
    model.compile(loss=loss)
    return model


def pixels(last, loss, units=C):
    """Outputs `(N, C, 4, 4)`."""
    inputs = keras.Input((2, 4, 4))
    x = layers.Permute((3, 2, 1))(layers.Dense(units)(layers.Permute((3, 2, 1))(inputs)))
    model = keras.Model(inputs, last(x))
    model.compile(loss=loss)
    return model


class Subclassed(keras.Model):
    """No graph tells what its outputs are."""

    def __init__(self, units, activation, loss, flat=False):
        super().__init__()
        self.dense, self.flat = layers.Dense(units, activation), flat
        self(X)
        self.compile(loss=loss)

    def call(self, x):
        y = self.dense(x)
        return y[:, 0] if self.flat else y


def named():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, {"out": layers.Dense(C, "softmax", name="out")(inputs)})
    model.compile(loss={"out": "sparse_categorical_crossentropy"})
    return model


def padded():
    sequence = SEQUENCE.copy()
    sequence[:, 3:][::2] = 0
    return sequence


SCCE, CCE = losses.SparseCategoricalCrossentropy, losses.CategoricalCrossentropy
BCE = losses.BinaryCrossentropy
SPARSE, ONE, BINARY = "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy"
softmax = functools.partial(dense, C, "softmax")
logits = functools.partial(dense, C, None)
IGNORED = np.where(np.arange(N) % 4 == 0, 255, CLASSES)

# name: network, data, the kind that is read, the metric of Keras (None: not compared).
ROWS = {
    "softmax, whole numbers": lambda: (softmax(SCCE()), (X, CLASSES), "probabilities", SPARSE),
    "softmax, a column of them": lambda: (
        softmax("sparse_categorical_crossentropy"), (X, CLASSES[:, None]), "probabilities", SPARSE,
    ),
    "softmax, float labels": lambda: (
        softmax(SCCE()), (X, CLASSES.astype("float32")), "probabilities", SPARSE,
    ),
    "softmax, one-hot": lambda: (
        softmax("categorical_crossentropy"), (X, ONE_HOT), "probabilities", ONE,
    ),
    "softmax, one-hot integers": lambda: (
        softmax(CCE()), (X, ONE_HOT.astype("int32")), "probabilities", ONE,
    ),
    "softmax, one-hot booleans": lambda: (
        softmax(CCE()), (X, ONE_HOT.astype(bool)), "probabilities", None,
    ),
    "softmax, soft labels": lambda: (softmax(CCE()), (X, SOFT), "probabilities", ONE),
    "softmax, soft labels and weights": lambda: (
        softmax(CCE()), (X, SOFT, WEIGHTS), "probabilities", ONE,
    ),
    "softmax, 'crossentropy'": lambda: (
        softmax("crossentropy"), (X, CLASSES), "probabilities", SPARSE,
    ),
    "softmax, weights": lambda: (softmax(SCCE()), (X, CLASSES, WEIGHTS), "probabilities", SPARSE),
    "softmax, a column of weights": lambda: (
        softmax(SCCE()), (X, CLASSES, WEIGHTS[:, None]), "probabilities", None,
    ),
    "softmax, a label that is ignored": lambda: (
        softmax(SCCE(ignore_class=255)), (X, IGNORED), "probabilities", None,
    ),
    "logits, a label that is ignored": lambda: (
        logits(SCCE(from_logits=True, ignore_class=-1)),
        (X, np.where(IGNORED == 255, -1, IGNORED)), "logits", None,
    ),
    "logits": lambda: (logits(SCCE(from_logits=True)), (X, CLASSES), "logits", SPARSE),
    "logits, soft labels": lambda: (logits(CCE(from_logits=True)), (X, SOFT), "logits", ONE),
    "logits, a partial loss": lambda: (
        logits(functools.partial(losses.sparse_categorical_crossentropy, from_logits=True)),
        (X, CLASSES), "logits", SPARSE,
    ),
    "log-softmax": lambda: (
        dense(C, "log_softmax", SCCE(from_logits=True)), (X, CLASSES), "logits", SPARSE,
    ),
    "labels in a list": lambda: (softmax(SCCE()), (X, [CLASSES]), "probabilities", SPARSE),
    "an output in a dict": lambda: (named(), (X, {"out": CLASSES}), "probabilities", None),
    "one sigmoid": lambda: (
        dense(1, "sigmoid", "binary_crossentropy"), (X, BITS), "probabilities", BINARY,
    ),
    "one sigmoid, a column, weights": lambda: (
        dense(1, "sigmoid", BCE()), (X, BITS[:, None], WEIGHTS), "probabilities", BINARY,
    ),
    "one sigmoid, booleans": lambda: (
        dense(1, "sigmoid", BCE()), (X, BITS[:, None].astype(bool)), "probabilities", None,
    ),
    "one sigmoid, soft labels": lambda: (
        dense(1, "sigmoid", BCE()), (X, VALUES), "probabilities", None,
    ),
    "one logit": lambda: (dense(1, None, BCE(from_logits=True)), (X, BITS), "logits", None),
    "a sigmoid trained with mse": lambda: (
        dense(1, "sigmoid", "mse"), (X, VALUES), "regression", "mae",
    ),
    "a sigmoid trained with mae": lambda: (
        dense(1, "sigmoid", "mae"), (X, VALUES), "regression", "mae",
    ),
    "a regression, Huber, weights": lambda: (
        dense(1, None, losses.Huber(0.1)), (X, VALUES, WEIGHTS), "regression", "mae",
    ),
    "a regression of three values": lambda: (
        dense(C, None, "mean_squared_error"), (X, SOFT, WEIGHTS), "regression", "mae",
    ),
    "an autoencoder": lambda: (
        dense(4, "sigmoid", "mse"), (X, 1 / (1 + np.exp(-X))), "regression", "mae",
    ),
    "counts, Poisson": lambda: (dense(1, "softplus", "poisson"), (X, CLASSES), "regression", "mae"),
    "several labels": lambda: (
        dense(C, "sigmoid", "binary_crossentropy"), (X, LABELS), "multilabel_probabilities", BINARY,
    ),
    "several labels, weights": lambda: (
        dense(C, "sigmoid", BCE()), (X, LABELS.astype("float32"), WEIGHTS),
        "multilabel_probabilities", BINARY,
    ),
    "several labels, booleans": lambda: (
        dense(C, "sigmoid", BCE()), (X, LABELS.astype(bool)), "multilabel_probabilities", None,
    ),
    "several labels, soft": lambda: (
        dense(C, "sigmoid", BCE()), (X, SOFT), "multilabel_probabilities", None,
    ),
    "several labels, logits": lambda: (
        dense(C, None, BCE(from_logits=True)), (X, LABELS), "multilabel_logits", None,
    ),
    "several labels, subclassed": lambda: (
        Subclassed(C, "sigmoid", BCE()), (X, LABELS), "multilabel_probabilities", BINARY,
    ),
    "one label, subclassed": lambda: (
        Subclassed(1, None, BCE(from_logits=True)), (X, BITS[:, None]), "multilabel_logits", None,
    ),
    "one probability without a column": lambda: (
        Subclassed(1, "sigmoid", BCE(), flat=True), (X, BITS), "multilabel_probabilities", None,
    ),
    "classes, subclassed": lambda: (
        Subclassed(C, "softmax", SCCE()), (X, CLASSES), "probabilities", SPARSE,
    ),
    "words": lambda: (
        tokens(C, "softmax", SCCE(), inputs="words"), (WORDS, TOKENS), "probabilities", SPARSE,
    ),
    "words, masked": lambda: (
        tokens(C, "softmax", SCCE(), True, "words"), (WORDS, TOKENS), "probabilities", SPARSE,
    ),
    "words, masked, weights of examples": lambda: (
        tokens(C, "softmax", SCCE(), True, "words"), (WORDS, TOKENS, WEIGHTS[:, None]),
        "probabilities", None,
    ),
    "words, masked, weights of words": lambda: (
        tokens(C, "softmax", SCCE(), True, "words"), (WORDS, TOKENS, TOKEN_WEIGHTS),
        "probabilities", SPARSE,
    ),
    "words, one-hot, weights of words": lambda: (
        tokens(C, None, CCE(from_logits=True)), (SEQUENCE, np.eye(C)[TOKENS], TOKEN_WEIGHTS),
        "logits", ONE,
    ),
    "several labels of a word, masked": lambda: (
        tokens(2, "sigmoid", BCE(), True), (padded(), np.stack([TOKENS > 0, TOKENS > 1], -1) * 1),
        "multilabel_probabilities", None,
    ),
    "a yes or no of a word, masked": lambda: (
        tokens(1, "sigmoid", BCE(), True), (padded(), (TOKENS > 0)[..., None] * 1),
        "probabilities", BINARY,
    ),
    "values of a sequence, masked": lambda: (
        tokens(2, None, "mse", True), (padded(), SEQUENCE[..., :2]), "regression", None,
    ),
    "pixels, Softmax(axis=1), one-hot": lambda: (
        pixels(layers.Softmax(axis=1), CCE(axis=1)),
        (IMAGES, np.moveaxis(np.eye(C)[PIXELS], -1, 1)), "probabilities", None,
    ),
    "pixels, Softmax(axis=1), soft": lambda: (
        pixels(layers.Softmax(axis=1), CCE(axis=1)),
        (IMAGES, np.moveaxis(SOFT[PIXELS], -1, 1), WEIGHTS[:, None, None]), "probabilities", None,
    ),
    "pixels, ops.softmax(axis=1)": lambda: (
        pixels(lambda x: keras.ops.softmax(x, axis=1), CCE(axis=1)),
        (IMAGES, np.moveaxis(np.eye(C)[PIXELS], -1, 1)), "probabilities", None,
    ),
    "pixels, logits along axis 1": lambda: (
        pixels(layers.Identity(), CCE(from_logits=True, axis=1)),
        (IMAGES, np.moveaxis(np.eye(C)[PIXELS], -1, 1)), "logits", None,
    ),
    "pixels, classes last": lambda: (
        pixels(layers.Permute((2, 3, 1)), SCCE(from_logits=True)), (IMAGES, PIXELS), "logits",
        SPARSE,
    ),
    "pixels, one sigmoid along axis 1": lambda: (
        pixels(layers.Activation("sigmoid"), BCE(), 1), (IMAGES, (PIXELS > 0)[:, None] * 1),
        "multilabel_probabilities", BINARY,
    ),
}  # fmt: skip


# By default a row of each kind of output, of labels, of weights and masks, and of axes.
KINDS_OF_ROWS = some(
    ROWS,
    (
        *(
            "softmax, a column of them",
            "softmax, one-hot integers",
            "softmax, soft labels and weights",
        ),
        *(
            "softmax, a column of weights",
            "softmax, a label that is ignored",
            "logits, soft labels",
        ),
        *("logits, a partial loss", "log-softmax", "labels in a list", "an output in a dict"),
        *("one sigmoid, a column, weights", "one logit", "a sigmoid trained with mse"),
        *("a regression, Huber, weights", "counts, Poisson", "several labels, weights"),
        *("several labels, logits", "one label, subclassed", "one probability without a column"),
        *(
            "classes, subclassed",
            "words, masked, weights of words",
            "a yes or no of a word, masked",
        ),
        *("values of a sequence, masked", "pixels, Softmax(axis=1), soft"),
        *("pixels, logits along axis 1", "pixels, one sigmoid along axis 1"),
    ),
)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", KINDS_OF_ROWS)
def test_an_ensemble_of_one_scores_what_keras_scores(name):
    model, data, kind, metric = ROWS[name]()
    assert read_output(model, compiled=(model,)).kind == kind
    ensemble = Ensemble(model, [model])
    assert ensemble.output_kind == kind
    result = ensemble.evaluate_members(data, verbose=0)
    metrics = [] if metric is None else [metric]
    model.compile(loss=model.loss, weighted_metrics=metrics)
    x, y, w = (*data, None)[:3]
    wanted = model.test_on_batch(x, y, w, return_dict=True)
    assert result.scores["loss"] == pytest.approx(wanted["loss"], rel=1e-4)
    if metric is not None:
        found = result.scores["mean_absolute_error" if metric == "mae" else "accuracy"]
        assert found == pytest.approx(wanted.get(metric, wanted.get("mae")), rel=1e-4)
    if kind != "regression":
        assert result.scores["error"] == pytest.approx(100 * (1 - result.scores["accuracy"]))


# Losses with settings, or the user's own: exactly the loss of Keras, at the averaged prediction.


def far_off(y, p):
    return keras.ops.mean(keras.ops.abs(keras.ops.cast(y, p.dtype) - p) ** 1.5, axis=-1)


def with_z_loss(y, z):
    total = keras.ops.logsumexp(z, axis=-1)
    return losses.sparse_categorical_crossentropy(y, z, from_logits=True) + 0.1 * total**2


class OfTheUser(losses.Loss):
    def __init__(self, power=3.0, **options):
        super().__init__(**options)
        self.power = power

    def call(self, y, p):
        return keras.ops.mean(keras.ops.abs(y - p) ** self.power, axis=-1)


class Smoother(losses.CategoricalCrossentropy):
    def call(self, y, p):
        return 2 * super().call(y, p)


FOCAL, BINARY_FOCAL = losses.CategoricalFocalCrossentropy, losses.BinaryFocalCrossentropy
HOT_TOKENS = np.eye(C, dtype="float32")[TOKENS]
HOT_PIXELS = np.moveaxis(np.eye(C)[PIXELS], -1, 1)
# name: the last layer of the network and its loss, the data, the kind of outputs if given.
LOSSES = {
    "smoothed": lambda: (softmax(CCE(label_smoothing=0.2)), (X, ONE_HOT), None),
    "smoothed, weights": lambda: (softmax(CCE(label_smoothing=0.2)), (X, SOFT, WEIGHTS), None),
    "smoothed, logits": lambda: (
        logits(CCE(from_logits=True, label_smoothing=0.2)), (X, ONE_HOT), None,
    ),
    "smoothed, log-softmax": lambda: (
        dense(C, "log_softmax", CCE(from_logits=True, label_smoothing=0.2)), (X, ONE_HOT), None,
    ),
    "smoothed, a partial function": lambda: (
        softmax(functools.partial(losses.categorical_crossentropy, label_smoothing=0.2)),
        (X, ONE_HOT), None,
    ),
    "smoothed, classes along axis 1": lambda: (
        pixels(layers.Softmax(axis=1), CCE(axis=1, label_smoothing=0.2)), (IMAGES, HOT_PIXELS),
        None,
    ),
    "smoothed, masked words": lambda: (
        tokens(C, "softmax", CCE(label_smoothing=0.2), True, "words"),
        (WORDS, HOT_TOKENS, TOKEN_WEIGHTS), None,
    ),
    "smoothed bits": lambda: (dense(1, "sigmoid", BCE(label_smoothing=0.2)), (X, BITS), None),
    "smoothed bits, logits": lambda: (
        dense(1, None, BCE(from_logits=True, label_smoothing=0.2)), (X, BITS[:, None], WEIGHTS),
        None,
    ),
    "smoothed labels": lambda: (
        dense(C, "sigmoid", BCE(label_smoothing=0.2)), (X, LABELS, WEIGHTS), None,
    ),
    "smoothed labels, logits": lambda: (
        dense(C, None, BCE(from_logits=True, label_smoothing=0.2)), (X, LABELS), None,
    ),
    "a sum": lambda: (softmax(SCCE(reduction="sum")), (X, CLASSES, WEIGHTS), None),
    "a sum, logits": lambda: (
        logits(SCCE(from_logits=True, reduction="sum")), (X, CLASSES), None,
    ),
    "no reduction": lambda: (softmax(SCCE(reduction=None)), (X, CLASSES), None),
    "'none', several labels": lambda: (
        dense(C, "sigmoid", BCE(reduction="none")), (X, LABELS), None,
    ),
    "divided by the weights": lambda: (
        softmax(SCCE(reduction="mean_with_sample_weight")), (X, CLASSES, WEIGHTS), None,
    ),
    "ignored and summed": lambda: (
        softmax(SCCE(ignore_class=255, reduction="sum")), (X, IGNORED), None,
    ),
    "ignored and weighted": lambda: (
        logits(SCCE(ignore_class=255, from_logits=True)), (X, IGNORED, WEIGHTS), None,
    ),
    "focal": lambda: (softmax(FOCAL(alpha=0.4, gamma=3)), (X, ONE_HOT), None),
    "focal by name": lambda: (softmax("categorical_focal_crossentropy"), (X, ONE_HOT), None),
    "focal, logits": lambda: (
        logits(FOCAL(gamma=1, label_smoothing=0.1, from_logits=True)), (X, ONE_HOT, WEIGHTS), None,
    ),
    "focal bits": lambda: (dense(1, "sigmoid", BINARY_FOCAL(gamma=3)), (X, BITS), None),
    "focal labels, logits": lambda: (
        dense(C, None, BINARY_FOCAL(True, alpha=0.4, from_logits=True)), (X, LABELS), None,
    ),
    "generalized": lambda: (
        softmax(losses.CategoricalGeneralizedCrossEntropy(q=0.3)), (X, CLASSES), None,
    ),
    "divergence": lambda: (softmax("kl_divergence"), (X, SOFT, WEIGHTS), None),
    "dice": lambda: (dense(C, "sigmoid", losses.Dice()), (X, LABELS), None),
    "dice of images": lambda: (
        pixels(layers.Activation("sigmoid"), losses.Dice(axis=(1, 2, 3)), 1),
        (IMAGES, (PIXELS > 0)[:, None] * 1), None,
    ),
    "tversky": lambda: (dense(C, "sigmoid", losses.Tversky(0.3, 0.7)), (X, LABELS), None),
    "squares of a softmax": lambda: (softmax("mse"), (X, ONE_HOT, WEIGHTS), None),
    "hinge of a softmax": lambda: (softmax("categorical_hinge"), (X, ONE_HOT), None),
    "a function on a softmax": lambda: (softmax(far_off), (X, ONE_HOT, WEIGHTS), None),
    "a function on a sigmoid": lambda: (dense(1, "sigmoid", far_off), (X, BITS), None),
    "a function on logits": lambda: (logits(with_z_loss), (X, CLASSES), "logits"),
    "a function on values": lambda: (dense(1, None, far_off), (X, VALUES, WEIGHTS), "regression"),
    "a lambda": lambda: (
        dense(C, None, lambda y, p: keras.ops.mean((y - p) ** 4, -1)), (X, SOFT), "regression",
    ),
    "a function that sums up": lambda: (
        dense(1, None, lambda y, p: keras.ops.sum((y - p) ** 2)), (X, VALUES), "regression",
    ),
    "a class": lambda: (dense(2, None, OfTheUser()), (X, SOFT[:, :2], WEIGHTS), "regression"),
    "a class, summed": lambda: (
        dense(2, None, OfTheUser(reduction="sum")), (X, SOFT[:, :2]), "regression",
    ),
    "a class derived from Keras'": lambda: (softmax(Smoother()), (X, ONE_HOT), None),
    "Huber": lambda: (dense(1, None, losses.Huber(0.05)), (X, VALUES), None),
    "Huber, no column": lambda: (dense(1, None, losses.Huber(0.05)), (X, VALUES[:, 0]), None),
    "log-cosh": lambda: (dense(C, None, "log_cosh"), (X, SOFT, WEIGHTS), None),
    "cosine": lambda: (dense(C, None, losses.CosineSimilarity()), (X, SOFT), None),
    "squares, summed": lambda: (
        dense(C, None, losses.MeanSquaredError("sum")), (X, SOFT, WEIGHTS), None,
    ),
    "squares, a function": lambda: (dense(C, None, losses.mean_squared_error), (X, SOFT), None),
    "values without a column": lambda: (
        Subclassed(1, None, "mse", flat=True), (X, VALUES[:, 0], WEIGHTS), None,
    ),
    "values of a sequence, masked, Huber": lambda: (
        tokens(2, None, losses.Huber(0.1), True), (padded(), SEQUENCE[..., :2], TOKEN_WEIGHTS),
        None,
    ),
    "bits of sigmoids": lambda: (dense(4, "sigmoid", BCE()), (X, sigmoid(X)), "regression"),
    "classes of sigmoids": lambda: (
        dense(C, "sigmoid", CCE()), (X, ONE_HOT), "multilabel_probabilities",
    ),
    "'ce'": lambda: (softmax("ce"), (X, CLASSES), None),
    "hinge": lambda: (dense(1, None, "hinge"), (X, 2.0 * BITS[:, None] - 1), "regression"),
}  # fmt: skip


@pytest.mark.usefixtures("eagerly")
# Neighbors in the table differ in one thing.
@pytest.mark.parametrize("name", some(list(LOSSES), list(LOSSES)[::3]))
def test_the_loss_of_a_member_is_the_one_of_keras(name, tmp_path):
    model, data, output = LOSSES[name]()
    x, y, w = (*data, None)[:3]
    ensemble = Ensemble(model, [model], output)
    found = ensemble.evaluate_members(data, verbose=0)
    wanted = np.mean(model.test_on_batch(x, y, w))
    assert found.scores["loss"] == pytest.approx(wanted, rel=1e-4)
    assert found.members["loss"][0] == found.scores["loss"]
    # In a list, with a weight, and of two equal members: their average is the same prediction.
    model.compile(loss=[model.loss], loss_weights=[0.5])
    half = Ensemble(model, [model, model], output)
    half = half.evaluate_members((x, [y], w), verbose=0)
    assert half.members["loss"][1] == pytest.approx(wanted / 2, rel=1e-4)
    if name != "a function on logits":  # which are given up to a constant
        assert half.scores["loss"] == pytest.approx(wanted / 2, rel=1e-4)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", ["smoothed", "focal", "a function on a softmax", "Huber"])
def test_the_loss_of_several_members_is_the_one_of_their_mean(name):
    models = [LOSSES[name]()[0] for _ in range(3)]
    (x, y), output = LOSSES[name]()[1][:2], LOSSES[name]()[2]
    found = Ensemble(models[0], models, output).evaluate_members((x, y), verbose=0)
    mean = np.mean([numpy(model(x)) for model in models], 0)
    last = keras.Sequential([keras.Input(mean.shape[1:]), layers.Identity()])
    last.compile(loss=models[0].loss)
    assert found.scores["loss"] == pytest.approx(last.test_on_batch(mean, y), rel=1e-4)


def test_a_binary_loss_behind_a_softmax_is_the_one_of_its_probabilities():
    model = softmax("binary_crossentropy")
    with pytest.warns(UserWarning, match="exclude each other.*categorical_crossentropy"):
        found = Ensemble(model, [model]).evaluate_members((X, ONE_HOT), verbose=0)
    wanted = losses.BinaryCrossentropy()(ONE_HOT, model.predict(X, verbose=0))
    assert found.scores["loss"] == pytest.approx(float(wanted), rel=1e-4)


IN_FILES = ["smoothed", "focal, logits", "a sum", "Huber", "cosine", "squares, summed"]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", [*IN_FILES, "a class", "a function on a softmax"])
def test_the_loss_is_in_the_file_of_an_ensemble(name, tmp_path):
    model, (x, y, *_rest), output = LOSSES[name]()
    model.compile(loss=model.loss, loss_weights=[0.5])
    ensemble = Ensemble(model, [model], output)
    wanted = ensemble.evaluate_members((x, y), verbose=0)
    ensemble.save(tmp_path / "e.keras")
    loaded = keras.saving.load_model(tmp_path / "e.keras")
    assert_near(loaded.predict(x, verbose=0), ensemble.predict(x, verbose=0), 1e-6)
    if name.startswith("a class") or name.startswith("a function"):
        with pytest.raises(
            ValueError, match="cannot be saved with the ensemble. Register it.*output="
        ):
            loaded.evaluate_members((x, y), verbose=0)
        spec = dataclasses.replace(loaded.output_spec, loss=model.loss)
        loaded = Ensemble(loaded.model, [model], spec)
    assert loaded.evaluate_members((x, y), verbose=0).scores == wanted.scores


# Predictions, scores and files in each of the kinds.


def two(units, activation=None, loss=None):
    models = [dense(units, activation, loss) for _ in range(2)]
    return models, np.stack([numpy(m(X)) for m in models]).astype("float64")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("kind", ["multilabel_probabilities", "multilabel_logits"])
def test_several_labels_from_prediction_to_file(kind, tmp_path):
    given = kind == "multilabel_probabilities"
    models, raw = two(C, "sigmoid" if given else None, BCE(from_logits=not given))
    members = raw if given else sigmoid(raw)
    ensemble = Ensemble(models[0], models)
    assert ensemble.output_kind == kind
    assert_near(ensemble.predict(X, verbose=0), members.mean(0), 1e-5)
    assert_near(ensemble.member_predictions(X), members, 1e-5)
    result = ensemble.evaluate_members((X, LABELS), verbose=0)
    p, decided = members.mean(0), members > 0.5
    assert result.predictions.shape == result.labels.shape == (N, C)
    assert_near(result.predictions, p, 1e-5)
    np.testing.assert_array_equal(result.labels, LABELS)
    wanted = -np.mean(np.where(LABELS, np.log(p), np.log(1 - p)))
    assert result.scores["loss"] == pytest.approx(wanted, rel=1e-5)
    assert result.scores["accuracy"] == pytest.approx(np.mean((p > 0.5) == LABELS))
    assert result.scores["brier"] == pytest.approx(2 * np.mean((p - LABELS) ** 2), rel=1e-5)
    assert result.mean_disagreement == pytest.approx(np.mean(decided[0] != decided[1]))
    result.save(tmp_path / "result.npz")
    again = EnsembleEvaluation.load(tmp_path / "result.npz")
    assert again.scores == result.scores and again.table() == result.table()
    np.testing.assert_array_equal(again.labels, LABELS)
    # Under Keras: the ensemble itself, compiled, saved and loaded.
    ensemble.compile(loss="binary_crossentropy")
    assert ensemble.evaluate(X, LABELS, verbose=0) == pytest.approx(wanted, rel=1e-5)
    ensemble.save(tmp_path / "ensemble.keras")
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    assert loaded.output_kind == kind
    assert_near(loaded.predict(X, verbose=0), p, 1e-5)
    # A temperature divides each label's logit, and is found again from labels that follow it.
    z = np.log(members) - np.log1p(-members)
    ensemble.temperatures = [2, 0.5]
    scaled = sigmoid(z / np.array([2, 0.5])[:, None, None]).mean(0)
    assert_near(ensemble.predict(X, verbose=0), scaled, 1e-5)
    found = ensemble.fit_temperature((X, sigmoid(z[0] / 3)), verbose=0)
    assert found[0] == pytest.approx(3, rel=1e-2)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel")
@pytest.mark.parametrize(
    "what", some(("labels", "pixels", "pixels, one of two classes"), ("labels", "pixels"))
)
def test_what_is_served(what, tmp_path):
    import tensorflow as tf

    if what == "labels":
        models, x = two(C, "sigmoid", "binary_crossentropy")[0], X
    elif what == "pixels":
        models, x = [pixels(layers.Softmax(axis=1), None) for _ in range(2)], IMAGES
    else:
        last = layers.Permute((2, 3, 1))
        models = [pixels(last, BCE(from_logits=True), units=1) for _ in range(2)]
        x = IMAGES
    ensemble = Ensemble(models[0], models)
    each = ensemble.member_predictions(x)
    ensemble.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    (name,) = served.structured_input_signature[1]
    found = {key: value.numpy() for key, value in served(**{name: tf.constant(x)}).items()}
    mean = each.mean(0)
    assert_near(found["probabilities"], mean, 1e-5)
    if what == "labels":
        chosen, own = mean > 0.5, each > 0.5
    elif what == "pixels":
        chosen, own = mean.argmax(1), each.argmax(2)
    else:
        chosen, own = mean[..., 0] > 0.5, each[..., 0] > 0.5
    np.testing.assert_array_equal(found["class"], chosen)
    assert found["class"].dtype == np.int64
    assert_near(found["disagreement"], (own != chosen).mean(0), 1e-6)


@pytest.mark.usefixtures("eagerly")
def test_classes_along_axis_one_and_a_config_that_keeps_it(tmp_path):
    models = [pixels(layers.Identity(), None) for _ in range(2)]
    spec = OutputSpec("logits", class_axis=1, ignore_class=2)
    ensemble = Ensemble(models[0], models, output=spec)
    raw = np.stack([numpy(m(IMAGES)) for m in models]).astype("float64")
    each = np.exp(raw) / np.exp(raw).sum(2, keepdims=True)
    assert_near(ensemble.predict(IMAGES, verbose=0), each.mean(0), 1e-5)
    counts = PIXELS != 2
    result = ensemble.evaluate_members((IMAGES, PIXELS), verbose=0)
    p = np.moveaxis(each.mean(0), 1, -1)[counts]
    assert_near(result.predictions, p, 1e-5)
    np.testing.assert_array_equal(result.labels, PIXELS[counts])
    assert result.scores["accuracy"] == pytest.approx(np.mean(p.argmax(-1) == PIXELS[counts]))
    ensemble.save(tmp_path / "ensemble.keras")
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    assert loaded.output_spec == ensemble.output_spec == spec
    assert ensemble.add(models[0]).output_spec == spec
    found = ensemble.fit_temperature((IMAGES, PIXELS), per_member=False, verbose=0)
    assert found.shape == (2,)


def test_the_loss_of_a_regression_is_saved_with_the_ensemble(tmp_path):
    model = dense(1, None, losses.Huber(0.1))
    Ensemble(model, [model]).save(tmp_path / "ensemble.keras")
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    found = loaded.evaluate_members((X, VALUES), verbose=0).scores["loss"]
    assert found == pytest.approx(model.evaluate(X, VALUES, verbose=0), rel=1e-5)


def test_soft_labels_fit_a_temperature():
    models, raw = two(C, None, CCE(from_logits=True))
    soft = np.exp(raw[0] / 3) / np.exp(raw[0] / 3).sum(-1, keepdims=True)
    ensemble = Ensemble(models[0], models[:1])
    assert ensemble.fit_temperature((X, soft), verbose=0)[0] == pytest.approx(3, rel=1e-2)
    weights = np.zeros(N)
    weights[:3] = 1  # only these decide
    mixed = np.where(weights[:, None] > 0, soft, 1 / C)
    found = ensemble.fit_temperature((X, mixed, weights), per_member=False, verbose=0)
    assert found[0] == pytest.approx(3, rel=1e-2)


def test_weights_and_masks_count_in_every_score():
    """A weight of two counts an example twice; a mask of zero leaves it out."""
    model = softmax(SCCE())
    ensemble = Ensemble(model, [model, softmax(SCCE())])
    twice = np.where(np.arange(N) < 5, 2, 1)
    found = ensemble.evaluate_members((X, CLASSES, twice), verbose=0)
    repeated = ensemble.evaluate_members((X.repeat(twice, 0), CLASSES.repeat(twice)), verbose=0)
    for name in ("accuracy", "error", "brier", "calibration_error"):
        assert found.scores[name] == pytest.approx(repeated.scores[name], rel=1e-6)
    assert found.scores["loss"] == pytest.approx(repeated.scores["loss"] * twice.mean(), rel=1e-6)
    assert found.mean_disagreement == pytest.approx(repeated.mean_disagreement)
    np.testing.assert_array_equal(found.sample_weight, twice)

    ensemble = Ensemble(*[tokens(C, "softmax", SCCE(), True, "words")] * 2)
    found = ensemble.evaluate_members((WORDS, TOKENS), verbose=0)
    p = ensemble.predict(WORDS, verbose=0).astype("float64")[WORDS > 0]
    wanted = scores.score(p / p.sum(-1, keepdims=True), TOKENS[WORDS > 0])
    assert_near([found.scores[name] for name in wanted], list(wanted.values()), 1e-5)
    assert found.predictions.shape == (np.sum(WORDS > 0), C)


@pytest.mark.usefixtures("eagerly")
def test_a_mask_counts_in_the_evaluation_of_a_compiled_ensemble():
    model = tokens(C, "softmax", SCCE(), True, "words")
    ensemble = Ensemble(model, [model, model])
    for each in (model, ensemble):
        each.compile(loss=SCCE(), weighted_metrics=[SPARSE])
    assert_near(ensemble.evaluate(WORDS, TOKENS, N, 0), model.evaluate(WORDS, TOKENS, N, 0), 1e-5)


@pytest.mark.parametrize("labels", [[CLASSES], {"out": CLASSES}, {"other": BITS, "out": CLASSES}])
def test_labels_in_lists_and_dicts(labels, tmp_path):
    model = softmax(SCCE())
    ensemble = Ensemble(model, [model])
    wanted = ensemble.evaluate_members((X, CLASSES), verbose=0)
    for _ in range(2):  # computed, and from the cache
        found = ensemble.evaluate_members((X, labels), tmp_path, verbose=0)
        assert found.scores == wanted.scores
        np.testing.assert_array_equal(found.labels, CLASSES)


def one_output(kind):
    if kind == "Sequential":
        return dense(C, "softmax")
    inputs = keras.Input((4,))
    out = layers.Dense(C, "softmax", name="out")(inputs)
    return keras.Model(inputs, {"graph": out, "dict": {"out": out}}[kind])


CONTAINERS = {
    "plain": lambda leaf: leaf, "list": lambda leaf: [leaf], "dict": lambda leaf: {"out": leaf},
}  # fmt: skip


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("kind", some(["graph", "dict", "Sequential"], ["dict"]))
@pytest.mark.parametrize("of_loss", CONTAINERS)
@pytest.mark.parametrize("of_labels", CONTAINERS)
def test_losses_and_labels_in_every_container(kind, of_loss, of_labels):
    model = one_output(kind)
    ensemble = Ensemble(model, [model])
    loss = CONTAINERS[of_loss]("sparse_categorical_crossentropy")
    data = (X, *(CONTAINERS[of_labels](part) for part in (CLASSES, WEIGHTS)))
    p = ensemble.predict(X, verbose=0)[range(N), CLASSES]
    wanted = pytest.approx(np.mean(-WEIGHTS * np.log(p)), rel=1e-4)
    for compiled in (model, ensemble):
        weighted = {"out": [SPARSE]} if of_loss == "dict" else None
        compiled.compile(loss=loss, weighted_metrics=weighted if compiled is ensemble else None)
    ensembles = [ensemble, Ensemble(model, [model])]  # the second one reads the loss
    for each in ensembles:
        assert each.evaluate_members(data, verbose=0).scores["loss"] == wanted
    assert np.ravel(ensemble.test_on_batch(*data))[0] == wanted
    if kind != "graph":
        return
    try:
        assert np.ravel(model.test_on_batch(*data))[0] == wanted
    except (KeyError, TypeError, ValueError):  # Keras takes not all of them
        return
    curve = connect(model, model)
    curve.compile(loss=loss)
    found = evaluate_curve(curve, data, data, num_points=2, verbose=0)
    assert found["test_loss"][0] == wanted


def test_labels_and_weights_in_dicts_of_batches():
    class Batches(keras.utils.PyDataset):
        num_batches = 2

        def __len__(self):
            return 2

        def __getitem__(self, k):
            part = slice(k * N // 2, (k + 1) * N // 2)
            return X[part], {"out": CLASSES[part]}, {"out": WEIGHTS[part]}

    model = softmax(SCCE())
    found = Ensemble(model, [model]).evaluate_members(Batches(), verbose=0)
    wanted = model.test_on_batch(X, CLASSES, WEIGHTS)
    assert found.scores["loss"] == pytest.approx(float(np.ravel(wanted)[0]), rel=1e-5)


def test_the_cache_keeps_weights_and_masks(tmp_path):
    model = tokens(C, "softmax", SCCE(), True, "words")
    ensemble = Ensemble(model, [model])
    wanted = ensemble.evaluate_members((WORDS, TOKENS, TOKEN_WEIGHTS), tmp_path, verbose=0)
    again = ensemble.evaluate_members((WORDS, TOKENS, TOKEN_WEIGHTS), tmp_path, verbose=0)
    assert again.scores == wanted.scores
    for other in (TOKEN_WEIGHTS + 1, None):
        with pytest.raises(ValueError, match="another data set"):
            ensemble.evaluate_members((WORDS, TOKENS, other)[: 3 if other is not None else 2],
                                      tmp_path, verbose=0)  # fmt: skip
    # A cache from before weights and masks were kept: labels and predictions only.
    with np.load(tmp_path / "data.npz") as stored:
        old = {name: stored[name] for name in ("labels", "first", "digest", "batches")}
    np.savez(tmp_path / "data.npz", **old)
    again = ensemble.evaluate_members((WORDS, TOKENS, TOKEN_WEIGHTS), tmp_path, verbose=0)
    assert again.scores == wanted.scores


def test_an_evaluation_in_a_file_of_an_earlier_version(tmp_path):
    numbers = {f"{part}:{name}": np.ones(1) for part in ("members", "cumulative")
               for name in ("error", "accuracy", "loss", "brier", "calibration_error")}  # fmt: skip
    np.savez(
        tmp_path / "old.npz", **numbers, predictions=SOFT, labels=CLASSES, disagreement=np.eye(1)
    )
    found = EnsembleEvaluation.load(tmp_path / "old.npz")
    assert found.scores["loss"] == 1 and found.sample_weight is None


def test_members_in_files_and_on_curves_have_the_same_meaning(tmp_path):
    models = [softmax(CCE()) for _ in range(2)]
    files = [tmp_path / f"{k}.weights.h5" for k in range(2)]
    for model, file in zip(models, files):
        model.save_weights(file)
    found = evaluate_members(MemberFiles(models[0], files), (X, SOFT, WEIGHTS), verbose=0)
    wanted = Ensemble(models[0], models).evaluate_members((X, SOFT, WEIGHTS), verbose=0)
    assert found.scores == wanted.scores
    labels = [dense(C, None) for _ in range(2)]
    curve = connect(*labels)
    curve.compile(loss=BCE(from_logits=True))  # the curve's loss tells it, not the network's
    assert Ensemble.from_curve(curve, 3).output_kind == "multilabel_logits"
    with pytest.raises(ValueError, match="multilabel_logits"):
        Ensemble.from_curve(curve, 3, output="logits")


# Messages when the kind of outputs is unknown or does not fit.

IMAGE_LOGITS = functools.partial(pixels, layers.Identity(), None)
REFUSED = {
    "linear, no loss": (dense, (C,), {}, None, "output='logits'.*multilabel_logits.*'regression'"),
    "linear, a loss of probabilities": (
        dense, (C, None, SCCE()), {}, None, "could be of any kind.*output='logits'",
    ),
    "linear, hinge": (dense, (1, None, "hinge"), {}, None, "could be of any kind.*'regression'"),
    "sigmoids, no loss": (
        dense, (C, "sigmoid"), {}, None, "multilabel_probabilities.*'regression'. for a reg",
    ),
    "sigmoids, a loss of classes": (
        dense, (C, "sigmoid", CCE()), {}, None, "exclude each other.*multilabel_probabilities",
    ),
    "sigmoids as probabilities": (
        dense, (C, "sigmoid"), {"output": "probabilities"}, None, "multilabel_probabilities",
    ),
    "sigmoids as logits": (
        dense, (C, "sigmoid"), {"output": "multilabel_logits"}, None, "multilabel_probabilities",
    ),
    "a binary loss as logits": (
        dense, (C, None, BCE(from_logits=True)), {"output": "logits"}, None, "multilabel_logits",
    ),
    "softmax over two axes": (
        pixels, (layers.Softmax(axis=(2, 3)), None), {}, None, "several axes.*class_axis",
    ),
    "temperatures of values": (
        dense, (1, None, "mse"), {"temperatures": [2]}, None, "'regression'.*Leave them out",
    ),
    "no such kind": (dense, (C,), {"output": "classes"}, None, "multilabel_probabilities"),
    "classes along another axis": (
        IMAGE_LOGITS, (), {"output": "logits"}, (IMAGES[:, :, :, :3], None), "class_axis=1",
    ),
    "rates for a sigmoid": (dense, (1, "sigmoid"), {}, (X, VALUES), "regression.*soft labels"),
    "labels of hinge losses": (
        dense, (1, "sigmoid", BCE()), {}, (X, 2 * BITS - 1), "-1 and 1.*hinge.*0 and 1",
    ),
    "labels outside the classes": (
        softmax, (SCCE(),), {}, (X, CLASSES + 1), "whole numbers from 0 to 2.*from 1 to 3",
    ),
    "targets for a softmax": (softmax, (SCCE(),), {}, (X, VALUES), "whole numbers.*'regression'"),
    "several labels for a softmax": (
        softmax, (CCE(),), {}, (X, LABELS), "sum to 1.*multilabel_probabilities",
    ),
    "classes for sigmoids": (
        dense, (C, "sigmoid", BCE()), {}, (X, CLASSES), r"0 or 1, of shape \(24, 3\).*exclude",
    ),
    "texts": (softmax, (SCCE(),), {}, (X, CLASSES.astype(str)), "be numbers.*StringLookup"),
    "labels of two outputs": (
        softmax, (SCCE(),), {}, (X, {"a": BITS, "b": BITS}), "one array of labels.*2 .a, b.",
    ),
    "no labels": (softmax, (SCCE(),), {}, X, "no labels"),
    "no example": (softmax, (SCCE(),), {}, (X[:0], CLASSES[:0]), "no example"),
    "weights of another shape": (
        softmax, (SCCE(),), {}, (X, CLASSES, np.ones((N, 2))), r"sample weights of shape \(24,\)",
    ),
    "negative weights": (softmax, (SCCE(),), {}, (X, CLASSES, -WEIGHTS), "finite and not neg"),
    "weights of zero": (softmax, (SCCE(),), {}, (X, CLASSES, 0 * WEIGHTS), "sum to 0"),
    "only labels that are ignored": (
        softmax, (SCCE(ignore_class=9),), {}, (X, 0 * CLASSES + 9), "No example counts",
    ),
    "inputs that are NaN": (softmax, (SCCE(),), {}, (X * np.nan, CLASSES), "Member 0 predicts NaN"),
    "targets that are NaN": (dense, (1, None, "mse"), {}, (X, VALUES * np.nan), "must be finite"),
    "logits taken for probabilities": (
        dense, (C, None), {"output": "probabilities"}, (10 * X, CLASSES), "output='logits'",
    ),
    "sigmoids taken for classes": (
        Subclassed, (C, "sigmoid", None), {"output": "probabilities"}, (X, CLASSES),
        "sum to 1.*multilabel_probabilities",
    ),
}  # fmt: skip


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", REFUSED)
def test_an_error_says_what_to_pass(name):
    make, arguments, options, data, message = REFUSED[name]
    if name == "classes along another axis":
        data = IMAGES, PIXELS
    model = make(*arguments)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Ensemble(model, [model], **options).evaluate_members(data, verbose=0)


def test_a_compiled_ensemble_takes_probabilities():
    model = logits(SCCE(from_logits=True))
    ensemble = Ensemble(model, [model])
    ensemble.compile(loss=SCCE(from_logits=True))
    with pytest.raises(ValueError, match="predicts probabilities.*from_logits"):
        ensemble.evaluate(X, CLASSES, verbose=0)


def test_sigmoids_of_an_unknown_network_are_not_normalized():
    model = Subclassed(C, "sigmoid", None)
    ensemble = Ensemble(model, [model], output="probabilities")
    assert_near(ensemble.predict(X, verbose=0), numpy(model(X)), 1e-6)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(OutputSpec)])
def test_a_spec_survives_its_config(field):
    values = {"kind": "logits", "class_axis": 1, "ignore_class": 3, "soft_labels": False}
    values["loss_weight"] = 2.0
    if field == "loss":
        again = OutputSpec.from_config(OutputSpec("regression", loss=losses.Huber(2)).get_config())
        assert again.loss([0], [5]) == losses.Huber(2)([0], [5]) != losses.Huber()([0], [5])
        return
    spec = OutputSpec(**{"kind": "probabilities", field: values[field]})
    assert OutputSpec.from_config(spec.get_config()) == spec


ENDINGS = {
    "TimeDistributed": ((T, 4), lambda: [layers.TimeDistributed(layers.Dense(C, "softmax"))], None),
    "TimeDistributed of a model": (
        (T, 4, 2),
        lambda: [
            layers.TimeDistributed(
                keras.Sequential([keras.Input((4, 2)), layers.Permute((2, 1)), layers.Softmax(1)])
            )
        ],
        2,
    ),
    "dropout, identity": (
        (4,), lambda: [layers.Softmax(), layers.Dropout(0.1), layers.Activation("linear")], None,
    ),
    "permuted": ((3, 4), lambda: [layers.Softmax(), layers.Permute((2, 1))], 1),
    "reshaped": ((4, 4, 3), lambda: [layers.Softmax(), layers.Reshape((16, 3))], None),
    "pixels in a row": ((3, 4, 4), lambda: [layers.Softmax(1), layers.Reshape((3, 16))], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_a_softmax_is_found_behind_layers_that_move_it(name):
    shape, ending, axis = ENDINGS[name]
    x = RNG.normal(size=(2, *shape)).astype("float32")
    model = keras.Sequential([keras.Input(shape), layers.Dense(shape[-1]), *ending()])
    spec = read_output(model)
    assert spec == OutputSpec("probabilities", class_axis=axis)
    assert_near(numpy(model(x)).sum(-1 if axis is None else axis), 1, 1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own function")
def test_an_activation_of_the_backend():
    import tensorflow as tf

    assert read_output(dense(C, tf.nn.softmax)).kind == "probabilities"
    assert not read_output(dense(1, tf.nn.sigmoid)).soft_labels


def test_public_scores_refuse_labels_that_do_not_exclude_each_other():
    p = np.array([[0.9, 0.8], [0.1, 0.4]])
    for function in (scores.score, scores.accuracy, scores.brier_score):
        with pytest.raises(ValueError, match=r"sum to 1.*reshape\(-1, 1\)"):
            function(p, [0, 1])
    for arguments in ((p, p), (p[::-1], p)):
        with pytest.raises(ValueError, match="sum to 1"):
            scores.disagreement(*arguments)
    with pytest.raises(ValueError, match="sum to 1"):
        scores.disagreement_matrix(np.stack([p, p]))
    found = scores.score(p.reshape(-1, 1), np.array([[1, 1], [0, 1]]).reshape(-1))
    assert found["accuracy"] == 0.75


@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS[:, None], TOKEN_WEIGHTS])
def test_perplexity_of_words_that_are_masked_or_weighted(weights):
    model = tokens(C, None, None, True, "words")
    metric = Perplexity()
    metric.update_state(TOKENS, model(WORDS), weights)
    found = float(metric.result())
    p = np.exp(numpy(model(WORDS)).astype("float64"))
    p = np.take_along_axis(p / p.sum(-1, keepdims=True), TOKENS[..., None], -1)[..., 0]
    w = np.ones(N) if weights is None else weights
    w = (w.reshape(N, -1) * np.ones((N, T)))[WORDS > 0]
    assert found == pytest.approx(np.exp(np.average(-np.log(p[WORDS > 0]), weights=w)), rel=1e-4)


def test_batches_that_do_not_belong_together():
    model = softmax(SCCE())

    class Some:
        def __init__(self, *batches):
            self.batches = batches

        def __iter__(self):
            return iter(self.batches)

    data = Some((X, CLASSES, WEIGHTS), (X, CLASSES))
    with pytest.raises(ValueError, match="1 of 2 batches have no sample weights"):
        Ensemble(model, [model]).evaluate_members(data, verbose=0)
    model = keras.Sequential([keras.Input((None, 4)), layers.Dense(C, "softmax")])
    data = Some((SEQUENCE, TOKENS), (SEQUENCE[:, :3], TOKENS[:, :3]))
    with pytest.raises(ValueError, match="another shape in each batch.*Pad"):
        Ensemble(model, [model]).evaluate_members(data, verbose=0)


def test_scores_of_soft_labels_with_weights():
    p, w = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]]), np.array([1.0, 3.0])
    y = np.array([[0.6, 0.4, 0.0], [0.8, 0.1, 0.1]])
    found = scores.score(p, y, w)
    assert found["accuracy"] == 0.25
    assert found["loss"] == pytest.approx(np.mean(w * -(y * np.log(p)).sum(1)))
    assert found["brier"] == pytest.approx(np.average(((p - y) ** 2).sum(1), weights=w))
    assert found["calibration_error"] == pytest.approx(0.25 * 0.3 + 0.75 * 0.4)
    matrix = scores.disagreement_matrix(np.array([[0, 1], [0, 0]]), w)
    assert_near(matrix, np.array([[0, 0.75], [0.75, 0]]))


def test_one_member_of_a_regression_has_no_number_that_is_nan():
    model = dense(1, None, "mse")
    found = Ensemble(model, [model]).evaluate_members((X, VALUES), verbose=0)
    assert np.isfinite(list(found.scores.values())).all()
    assert "negative_log_likelihood" not in found.scores


@pytest.mark.parametrize("spread", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_likelihood_of_a_regression_far_from_zero(offset, spread):
    """Sums of squares would cancel: the right value is numpy's from all members at once."""
    models = [dense(1, None, "mse") for _ in range(3)]
    for k, model in enumerate(models):
        model.set_weights([np.zeros((4, 1)), np.array([offset + k * spread])])
    ensemble = Ensemble(models[0], models)
    found = ensemble.evaluate_members((X, VALUES + offset), verbose=0)
    members = ensemble.member_predictions(X).astype("float64")
    mean, variance = members.mean(0), np.maximum(members.var(0), np.finfo("float32").eps)
    each = 0.5 * (np.log(2 * np.pi * variance) + (mean - (VALUES + offset)) ** 2 / variance)
    assert found.scores["negative_log_likelihood"] == pytest.approx(each.mean(), rel=1e-5)
    assert_near(found.variance, members.var(0).reshape(-1), 1e-9)


@pytest.mark.parametrize("arguments", [([np.nan], [1], [1]), ([1], [np.inf], [1]), ([1], [-1], [1]),
                                       ([1], [1], [np.nan])])  # fmt: skip
def test_a_likelihood_of_numbers_that_are_none_is_refused(arguments):
    with pytest.raises(ValueError, match="finite|not be negative"):
        gaussian_negative_log_likelihood(*arguments)
