"""The trivial curve of section A.8 against its formula in numpy."""

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import numpy

from mc_tf import TrivialCurve, connect, evaluate_curve
from mc_tf.data import load
from mc_tf.training import TrainingOptions, train_curve

DEPTH = 4  # layers with weights in `network`
GRID = np.array([0, 0.1, 0.25, 0.5, 0.6, 1], "float32")


def network(seed, shape=(6, 6, 2), classes=5):
    """Convolutions and dense layers with ReLU in each way that Keras has; biases are not zero."""
    keras.utils.set_random_seed(seed)
    biases = {"bias_initializer": keras.initializers.RandomNormal(stddev=0.3)}
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 3, padding="same", activation="relu", **biases),
            layers.MaxPooling2D(),
            layers.Conv2D(3, 2, **biases),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(7, use_bias=False),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.Dense(classes, **biases),
        ],
        name=f"network{seed}",
    )


@pytest.fixture(scope="module")
def ends():
    return network(1), network(2)


@pytest.fixture(scope="module")
def curve_model(ends):
    return connect(*ends, TrivialCurve())


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).standard_normal((20, 6, 6, 2)).astype("float32")


def scale(t):
    return abs(1 - 2 * t)


def formula(ends, t):
    """Weights at `t` in float64: kernels times s, biases of layer i times s ** i."""
    s, layer, found = scale(t), 0, []
    for variable in ends[int(t > 0.5)].trainable_variables:
        is_kernel = variable.path.endswith("kernel")
        layer += is_kernel
        found.append(numpy(variable).astype("float64") * s ** (1 if is_kernel else layer))
    return found


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_coefficients(depth):
    curve = TrivialCurve(num_layers=depth)
    found = numpy(curve.coefficients(GRID))
    powers = np.arange(1, depth + 1)
    t = GRID[:, None].astype("float64")
    before, after = np.maximum(1 - 2 * t, 0), np.maximum(2 * t - 1, 0)
    expected = np.concatenate([before**powers, after**powers], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert found.shape == (len(GRID), curve.num_points)
    np.testing.assert_array_equal(numpy(curve.coefficients(0.25)), found[2])
    again = TrivialCurve.from_config(curve.get_config())
    np.testing.assert_array_equal(numpy(again.coefficients(GRID)), found)


def test_ends_and_zero_are_exact(ends, curve_model):
    for t, model in ((0.0, ends[0]), (1.0, ends[1])):
        for found, weight in zip(curve_model.point(t).get_weights(), model.get_weights()):
            np.testing.assert_array_equal(found, weight)
    assert not any(np.any(weight) for weight in curve_model.point(0.5).get_weights())


@pytest.mark.parametrize("t", [0.2, 0.45, 0.7])
def test_weights_follow_the_formula(ends, curve_model, t):
    found = [numpy(v) for v in curve_model.point(t).trainable_variables]
    for value, expected in zip(found, formula(ends, t), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("t", [0.1, 0.3, 0.8])
def test_outputs_are_scaled_and_labels_kept(ends, curve_model, images, t):
    at_end = numpy(ends[int(t > 0.5)](images))
    found = numpy(curve_model.point(t)(images))
    factor = scale(t) ** DEPTH
    np.testing.assert_allclose(found, factor * at_end, rtol=1e-3, atol=1e-5 * factor)
    np.testing.assert_array_equal(found.argmax(1), at_end.argmax(1))


def test_saved_curve_is_the_same(curve_model, images, tmp_path):
    curve_model.save(tmp_path / "curve.keras")
    loaded = keras.models.load_model(tmp_path / "curve.keras")
    assert loaded.curve.get_config() == {"num_layers": DEPTH}
    np.testing.assert_array_equal(loaded.point(0.3)(images), curve_model.point(0.3)(images))


def test_evaluation_keeps_the_error_of_each_half(ends, curve_model, images):
    labels = np.arange(len(images)) % 5
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    curve_model.compile(loss=loss, metrics=["accuracy"])
    data = (images, labels)
    found = evaluate_curve(curve_model, data, data, num_points=5, verbose=0)
    for half, model in ((slice(0, 2), ends[0]), (slice(3, 5), ends[1])):
        error = 100 * np.mean(numpy(model(images)).argmax(1) != labels)
        np.testing.assert_allclose(found["test_error"][half], error, atol=1e-3)
    np.testing.assert_allclose(found["test_loss"][2], np.log(5), rtol=1e-5)  # the zero network
    lengths = [
        np.linalg.norm(
            np.concatenate([v.ravel() for v in formula(ends, t)])
            - np.concatenate([v.ravel() for v in formula(ends, t + 0.25)])
        )
        for t in (0.0, 0.25)
    ]
    np.testing.assert_allclose(found.arc_lengths[:2], lengths, rtol=1e-4)


def refused(layer, shape=(6,)):
    return keras.Sequential([keras.Input(shape), layer, layers.Dense(2)])


def skipping():
    x = keras.Input((6,))
    y = layers.Dense(6, activation="relu")(x)
    return keras.Model(x, layers.Dense(2)(layers.Add(name="culprit")([x, y])))


REFUSED = {
    "BatchNormalization": lambda: refused(layers.BatchNormalization(name="culprit")),
    "Add": skipping,
    "LSTM": lambda: refused(layers.LSTM(3, name="culprit"), (5, 2)),
    "Dense": lambda: refused(layers.Dense(3, activation="tanh", name="culprit")),
    "Activation": lambda: refused(layers.Activation("sigmoid", name="culprit")),
    "ReLU": lambda: refused(layers.ReLU(max_value=6.0, name="culprit")),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_network_that_it_does_not_fit_is_refused(kind):
    make = REFUSED[kind]
    with pytest.raises(ValueError, match=f"ReLU.*'culprit' of class {kind}"):
        connect(make(), make(), TrivialCurve())


def test_frozen_weights_are_refused():
    network = refused(layers.Dense(3, activation="relu", name="culprit"))
    network.get_layer("culprit").trainable = False
    with pytest.raises(ValueError, match="all trainable.*frozen layer 'culprit'"):
        connect(network, network, TrivialCurve())


def shared():
    x, again = keras.Input((6,)), layers.Dense(6, activation="relu", name="again")
    return keras.Model(x, layers.Dense(2)(again(again(x))))


def two_outputs():
    x = keras.Input((6,))
    y = layers.Dense(6, activation="relu")(x)
    return keras.Model(x, [layers.Dense(2)(y), layers.Dense(3)(y)])


def sum_without_a_layer():
    x = keras.Input((6,))
    y = layers.Dense(6, activation="relu")(x)
    return keras.Model(x, layers.Dense(2)(x + y))


@pytest.mark.parametrize(
    "make, message",
    [
        (shared, "each layer called once. Received: 2 calls of the layer 'again'"),
        (two_outputs, "one output.*Received: 2 outputs"),
        (sum_without_a_layer, "skip connections.*'add.*' of class Add"),
    ],
    ids=["shared", "outputs", "sum"],
)
def test_network_that_is_not_a_chain_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        TrivialCurve().for_network(make())


def test_a_layer_may_be_called_in_another_network_too():
    x, flatten = keras.Input((3, 2)), layers.Flatten()
    networks = [keras.Model(x, layers.Dense(2)(flatten(x))) for _ in "ab"]
    assert [TrivialCurve().for_network(one).num_layers for one in networks] == [1, 1]


def test_training_saves_it_without_training(tmp_path):
    data = load("digits").first(32, 32)
    for seed, name in enumerate(("a", "b")):
        model = network(seed, data.input_shape, data.num_classes)
        model.save(tmp_path / f"{name}.keras")
    files = (tmp_path / "a.keras", tmp_path / "b.keras")
    options = TrainingOptions(epochs=3, learning_rate=0.1, batch_size=16, verbose=0)
    made = train_curve(tmp_path / "curve", data, *files, TrivialCurve(), options)
    names = sorted(path.name for path in (tmp_path / "curve").iterdir())
    assert names == ["curve.keras", "settings.json"]
    loaded = keras.models.load_model(tmp_path / "curve" / "curve.keras")
    np.testing.assert_array_equal(loaded.control_points(), made.control_points())
    first = keras.models.load_model(files[0])
    for found, weight in zip(loaded.point(0.0).get_weights(), first.get_weights()):
        np.testing.assert_array_equal(found, weight)
