"""Hessian eigenvalues against finite differences of a loss written in numpy."""

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import (
    LIGHT,
    ZOO,
    assert_same,
    gradients,
    numpy,
    scramble,
    snapshot,
    some,
    total_loss,
)
from test_landscape import Stops, networks, splits

from mc_tf import (
    Bezier,
    GridEvaluation,
    Line,
    Plane,
    connect,
    evaluate_grid,
    hessian_eigenvalues,
    update_batch_norm,
)
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.landscape.hessian import HessianProducts
from mc_tf.weights.flat import FlatLayout, assign_flat, flat_weights

EIGENVALUES = ["train_largest_eigenvalue", "train_smallest_eigenvalue", "train_eigenvalue_ratio"]


def crossentropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def perceptron(hidden=6, batch_norm=False, l2=0.0, seed=1):
    """Inputs of 4, a hidden layer of tanh, 3 classes; compiled."""
    keras.utils.set_random_seed(seed)
    options = {
        f"{name}_regularizer": keras.regularizers.L2(l2) if l2 else None
        for name in ("kernel", "bias")
    }
    parts = [keras.Input((4,)), layers.Dense(hidden, **options)]
    if batch_norm:
        parts.append(layers.BatchNormalization(epsilon=0.01))
    parts += [layers.Activation("tanh"), layers.Dropout(0.5), layers.Dense(3, **options)]
    model = keras.Sequential(parts)
    scramble(model, seed)
    model.compile(loss=crossentropy(), metrics=["accuracy"])
    return model


def examples(size=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((size, 4)).astype("float32"), rng.integers(0, 3, size)


def numpy_loss(model, x, y, l2=0.0, sample_weight=1.0):
    """The same loss as a function of the flat weights, in float64."""
    layout = FlatLayout(model.trainable_variables)
    norms = [v for v in model._flatten_layers() if isinstance(v, layers.BatchNormalization)]
    statistics = [
        (numpy(n.moving_mean), np.sqrt(numpy(n.moving_variance) + n.epsilon)) for n in norms
    ]

    def loss(flat):
        parts = np.split(flat, np.cumsum(layout.sizes)[:-1])
        parts = [part.reshape(shape) for part, shape in zip(parts, layout.shapes)]
        hidden = x.astype("float64") @ parts[0] + parts[1]
        for mean, deviation in statistics:
            hidden = (hidden - mean) / deviation * parts[2] + parts[3]
        logits = np.tanh(hidden) @ parts[-2] + parts[-1]
        logits -= logits.max(1, keepdims=True)
        log_sum = np.log(np.exp(logits).sum(1))
        each = log_sum - logits[np.arange(len(y)), y]
        return (sample_weight * each).mean() + l2 * (flat**2).sum()

    return loss


def dense_hessian(loss, at, step=1e-4):
    """Central differences."""
    size = len(at)
    moves = step * np.eye(size)
    hessian = np.zeros((size, size))
    for i in range(size):
        for j in range(i + 1):
            a, b = moves[i], moves[j]
            corners = loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b)
            hessian[i, j] = hessian[j, i] = corners / (4 * step**2)
    return hessian


def assert_ends(found, hessian, tolerance=1e-3):
    """Both eigenvalues, the ratio, and their vectors."""
    values = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(found.largest, values[-1], rtol=tolerance)
    np.testing.assert_allclose(found.smallest, values[0], rtol=tolerance)
    np.testing.assert_allclose(found.ratio, abs(values[0] / values[-1]), rtol=2 * tolerance)
    for value, vector in (
        (found.largest, found.largest_vector),
        (found.smallest, found.smallest_vector),
    ):
        assert vector.dtype == "float32" and vector.shape == values.shape
        np.testing.assert_allclose(np.linalg.norm(vector), 1, rtol=1e-5)
        np.testing.assert_allclose(hessian @ vector, value * vector, atol=0.02 * abs(found.largest))


# Against numpy.


# With no more than 32 weights, and with more.
@pytest.mark.parametrize(
    "hidden, batch_norm",
    some([(2, False), (6, False), (2, True), (6, True)], [(2, False), (6, True)]),
)
def test_eigenvalues_are_those_of_the_dense_hessian(hidden, batch_norm):
    """Mean over the examples whatever the batches are; statistics held fixed, dropout off."""
    model = perceptron(hidden, batch_norm)
    data = examples()
    hessian = dense_hessian(numpy_loss(model, *data), flat_weights(model).astype("float64"))
    found = hessian_eigenvalues(model, data, batch_size=7, tolerance=1e-5)
    assert_ends(found, hessian)
    assert found.smallest < 0 < found.largest
    assert (found.products == len(hessian)) == (hidden == 2)
    rough = hessian_eigenvalues(model, data, seed=3)
    np.testing.assert_allclose(
        [rough.largest, rough.smallest],
        [found.largest, found.smallest],
        atol=1e-3 * found.largest,
    )


def test_l2_shifts_all_eigenvalues_and_sample_weights_count():
    """The L2 term is part of the loss; weights of examples as in `compute_loss`."""
    x, y = examples()
    sample_weight = np.random.default_rng(5).uniform(0.2, 3, len(y)).astype("float32")
    data = (x, y, sample_weight)
    model = perceptron(l2=0.05)
    at = flat_weights(model).astype("float64")
    hessian = dense_hessian(numpy_loss(model, x, y, 0.05, sample_weight), at)
    found = hessian_eigenvalues(model, data, tolerance=1e-5)
    assert_ends(found, hessian)
    plain = hessian_eigenvalues(perceptron(), data, tolerance=1e-5)
    np.testing.assert_allclose(found.largest - plain.largest, 0.1, rtol=1e-3)
    np.testing.assert_allclose(found.smallest - plain.smallest, 0.1, rtol=1e-3)


def test_eigenvalues_of_a_curve_are_those_of_its_network():
    """At the curve model's `t`, with the statistics that it has there."""
    data = examples()
    curve_model = connect(perceptron(6, True, seed=1), perceptron(6, True, seed=2), Bezier(1))
    curve_model.compile(loss=crossentropy())
    curve_model.t = 0.3
    update_batch_norm(curve_model, data)
    point = curve_model.point(0.3)
    point.compile(loss=crossentropy())
    before = snapshot(curve_model)
    found = hessian_eigenvalues(curve_model, data)
    assert_same(before, snapshot(curve_model))
    expected = hessian_eigenvalues(point, data)
    np.testing.assert_allclose(found.largest, expected.largest, rtol=1e-5)
    np.testing.assert_allclose(found.smallest, expected.smallest, rtol=1e-4)


# Products.


def product(model, data, vector):
    curve_model = Line.along(model, vector).model()
    evaluator = PointEvaluator(curve_model)
    return HessianProducts(evaluator, data).product(*evaluator.network_at([1.0, 0.0]), vector)


def difference(model, data, vector, loss, step):
    """The same by central differences of the gradient at the model's own variables."""
    at, layout = flat_weights(model), FlatLayout(model.trainable_variables)
    sides = []
    for sign in (1, -1):
        values = layout.unpack(at + sign * step * vector)
        found = gradients(
            lambda v: total_loss(model, model.trainable_variables, v, *data, loss), values
        )
        sides.append(np.concatenate([g.ravel() for g in found]).astype("float64"))
    return (sides[0] - sides[1]) / (2 * step)


def assert_product(model, data, loss, total, step=1e-4):
    weights = flat_weights(model)
    vector = np.random.default_rng(4).standard_normal(len(weights)).astype("float32")
    vector[np.abs(weights) < 5 * step] = 0  # not to step over the kinks of L1
    before = snapshot(model)
    model.compile(loss=loss)
    found = product(model, data, vector)
    assert_same(before, snapshot(model))
    expected = difference(model, data, vector, total, step)
    assert np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)


# Recurrent layers, whose second derivatives take seconds to trace: one with a state is enough.
RECURRENT = ("embedding_lstm", "gru")


@pytest.mark.parametrize(
    "name",
    some(
        [name for name in LIGHT if name != "mixed"],
        [name for name in LIGHT if name not in ("mixed", "nested", "shared", *RECURRENT)],
    ),
)
def test_products_are_differences_of_the_gradient(name, eagerly):
    """For all kinds of models, which stay unchanged bit for bit; compiled in other tests."""
    case = ZOO[name]
    loss = case.loss()
    total = loss

    if isinstance(loss, list):

        def total(y, outputs):
            return sum(f(a, b) for f, a, b in zip(loss, y, outputs))

    model = case.model(1)
    if name == "conv_bn":  # with this many activations, one would cross its kink
        model.layers[2].activation = keras.activations.softplus
    assert_product(model, case.data(4), loss, total)


def test_products_of_convolutions_and_pooling(eagerly):
    """The layers whose second derivatives a backend might lack."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="softplus"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.DepthwiseConv2D(2, activation="tanh"),
            layers.LayerNormalization(),  # TensorFlow's own second derivative is wrong
            layers.GroupNormalization(2),
            layers.SeparableConv2D(3, 2, padding="same", activation="gelu"),
            layers.AveragePooling2D(2),
            layers.Conv2DTranspose(2, 2, strides=2, activation="tanh"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    scramble(model, 1)
    rng = np.random.default_rng(2)
    data = rng.standard_normal((4, 8, 8, 2)).astype("float32"), rng.integers(0, 3, 4)
    assert_product(model, data, crossentropy(), crossentropy())


def test_products_in_mixed_precision_are_near_those_in_float32():
    """Eigenvalues are found there too."""
    case = ZOO["mixed"]
    mixed = case.model(1)
    plain = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3),
        ]
    )
    plain.set_weights(mixed.get_weights())
    for model in (mixed, plain):
        model.compile(loss=crossentropy())
    found, expected = (hessian_eigenvalues(m, case.data(8), tolerance=0.01) for m in (mixed, plain))
    np.testing.assert_allclose(found.largest, expected.largest, rtol=0.1)


# On grids.


def test_grid_has_the_eigenvalues_of_its_networks(tmp_path, nothing_kept):
    """With the statistics re-estimated at the point; a stopped grid resumes."""
    models = networks("conv_bn")
    train, test = splits("conv_bn", 8, 4)
    plane = Plane.through(*models)
    options = {"shape": (2, 2), "margin": 0.0, "batch_size": 4, "verbose": 0}
    plain = evaluate_grid(None, plane, train, test, **options)
    whole = evaluate_grid(None, plane, train, test, eigenvalues=True, **options)
    assert set(whole.names) == {*plain.names, *EIGENVALUES}
    for name in plain.names:
        np.testing.assert_array_equal(whole[name], plain[name])
    last = networks("conv_bn", 1)[0]
    assign_flat(last, plane.weights(whole.axes[0][1], whole.axes[1][1]))
    update_batch_norm(last, train, batch_size=4)
    expected = hessian_eigenvalues(last, train, batch_size=4)
    for name, value in zip(EIGENVALUES, (expected.largest, expected.smallest, expected.ratio)):
        np.testing.assert_allclose(whole[name][1, 1], value, rtol=0.01)

    path = tmp_path / "plane"
    options["path"] = path
    stops = Stops(train, 50 * len(train[1]) // 4)  # passes: after the first point
    with pytest.raises(OSError, match="plug"):
        evaluate_grid(None, plane, stops, test, eigenvalues=True, **options)
    done = GridEvaluation.load(path).done
    assert 0 < done.sum() < done.size
    rest = Stops(train, None)
    found = evaluate_grid(None, plane, rest, test, eigenvalues=True, **options)
    for name in whole.names:
        np.testing.assert_array_equal(found[name], whole[name])
    for other in (None, False, test):
        with pytest.raises(ValueError, match="results of another grid evaluation"):
            evaluate_grid(None, plane, rest, test, eigenvalues=other, **options)


def test_eigenvalues_on_other_data_of_a_grid():
    """A smaller data set for the expensive part."""
    model = perceptron()
    train, few = examples(20), examples(5, seed=7)
    line = Line.along(model, np.ones(len(flat_weights(model)), "float32"))
    found = evaluate_grid(
        None, line, train, train, shape=2, limits=[(0, 1)], eigenvalues=few, verbose=0
    )
    expected = hessian_eigenvalues(model, few)
    np.testing.assert_allclose(found[EIGENVALUES[0]][0], expected.largest, rtol=1e-4)


# Cases without an answer.


def test_what_is_refused():
    """In one line, before any work."""
    model = perceptron()
    with pytest.raises(ValueError, match=r"not compiled.*model.compile\(loss"):
        hessian_eigenvalues(ZOO["dense"].model(1), examples())
    with pytest.raises(ValueError, match="no batch"):
        hessian_eigenvalues(model, examples(0))
    with pytest.raises(ValueError, match="Received: tolerance=0, max_iterations=500"):
        hessian_eigenvalues(model, examples(), tolerance=0)
    with pytest.raises(ValueError, match="max_iterations=0"):
        hessian_eigenvalues(model, examples(), max_iterations=0)
    with pytest.raises(ValueError, match="read once"):
        hessian_eigenvalues(model, iter([examples()]))


def test_eigenvalues_that_are_not_found_are_nan():
    """A warning, so that a grid continues."""
    model = perceptron()
    with pytest.warns(RuntimeWarning, match="max_iterations=12"):
        found = hessian_eigenvalues(model, examples(), max_iterations=12)
    assert np.isnan([found.largest, found.smallest, found.ratio]).all() and found.products == 12
    x, y = examples()
    line = keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(1)])
    line.compile(loss="mean_squared_error")
    with pytest.warns(RuntimeWarning, match="not finite"):  # an overflow of finite data
        assert np.isnan(hessian_eigenvalues(line, (x * np.float32(1e30), y)).largest)
    with pytest.raises(ValueError, match="`data` has NaN or infinite inputs in batch 0"):
        hessian_eigenvalues(model, (x * np.nan, y))


def test_losses_may_be_given_by_the_names_of_outputs():
    """Of a functional model; the mean square on ones alone is curved most along `right`."""
    inputs = keras.Input((3,))
    outputs = [layers.Dense(3, name="left")(inputs), layers.Dense(1, name="right")(inputs)]
    model = keras.Model(inputs, outputs)
    model.compile(loss={"left": crossentropy(), "right": "mean_squared_error"})
    targets = {"left": np.zeros(4, int), "right": np.ones((4, 1), "float32")}
    found = hessian_eigenvalues(model, (np.ones((4, 3), "float32"), targets))
    np.testing.assert_allclose(found.largest, 2 * (3 + 1), rtol=1e-4)


def test_a_loss_without_curvature():
    """All eigenvalues are zero, and the ratio is not defined."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(10)])
    model.compile(loss=lambda y_true, y_pred: keras.ops.mean(y_pred))
    found = hessian_eigenvalues(model, (examples()[0], np.zeros((20, 1), "float32")))
    assert found.largest == found.smallest == 0 and np.isnan(found.ratio)
