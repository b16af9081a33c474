"""Simplexes of networks: volumes, vertices, terms of the loss, ensembles of samples."""

import itertools
import math

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_zoo import (
    BATCH,
    ZOO,
    assert_same,
    flat,
    gradients,
    long_under_jax,
    numpy,
    snapshot,
    some,
)

from mc_tf import Bezier, Combination, CurveModel, Ensemble, PolyChain, Segment, connect
from mc_tf.simplexes import LogVolume, Similarity, add_vertex, volume


def networks(count, name="dense"):
    return [ZOO[name].model(seed) for seed in range(1, count + 1)]


def wide(points, curve=None, **kwargs):
    """A curve model with given points: a network of as many weights."""
    points = np.asarray(points, "float32")
    net = keras.Sequential(
        [keras.Input((points.shape[1],)), layers.Dense(1, use_bias=False, dtype="float32")]
    )
    model = CurveModel(net, curve or Combination(len(points)), fixed=[], **kwargs)
    for index, point in enumerate(points):
        model.curve_layer.set_point(index, point)
    return model


def cayley_menger(points):
    """The volume by distances alone, in numpy."""
    n = len(points) - 1
    matrix = np.ones((n + 2, n + 2))
    matrix[0, 0] = 0
    matrix[1:, 1:] = np.square(points[:, None] - points[None]).sum(-1)
    sign = (-1) ** (n + 1)
    return math.sqrt(sign * np.linalg.det(matrix) / 2**n) / math.factorial(n)


# Volumes.


@long_under_jax  # volumes are computed in numpy
@pytest.mark.parametrize("dimensions", [1, 2, 3, 6])
def test_regular_simplexes(dimensions):
    """`sqrt(n + 1) / n! * (edge / sqrt(2)) ** n`, wherever it lies."""
    n = dimensions
    points = 3 * np.eye(n + 1) + 7  # edges of 3 sqrt(2)
    expected = math.sqrt(n + 1) / math.factorial(n) * 3**n
    assert volume(wide(points)) == pytest.approx(expected, rel=1e-5)
    found = -LogVolume(1.0)(wide(points).curve_layer.inner_products(), Combination(n + 1))
    assert float(found) == pytest.approx(math.log(expected), rel=1e-4, abs=1e-4)


def test_the_volume_is_the_determinant_of_cayley_and_menger():
    rng = np.random.default_rng(0)
    for size in (2, 3, 5):
        points = rng.normal(size=(size, 40)).astype("float32")
        expected = cayley_menger(points.astype("float64"))
        assert volume(wide(points)) == pytest.approx(expected, rel=1e-5)


COMPLEXES = {
    "connectors": [[0, 4, 5], [1, 4, 5], [2, 4, 5], [3, 4, 5]],
    "apart": [[0, 1, 2], [3, 4, 5]],
    "chain": [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]],
    "mixed": [[0, 1, 2, 3], [3, 4], [4, 5]],
}


@long_under_jax
@pytest.mark.parametrize("name", COMPLEXES)
def test_the_volume_of_a_complex_is_that_of_its_largest_simplexes(name):
    rng = np.random.default_rng(1)
    points = rng.normal(size=(6, 30)).astype("float32") + 50  # far from the origin
    simplexes = COMPLEXES[name]
    curve, most = Combination(6, simplexes), max(map(len, simplexes))
    expected = sum(cayley_menger(points[s].astype("f8")) for s in simplexes if len(s) == most)
    model = wide(points, curve)
    assert volume(model) == pytest.approx(expected, rel=1e-5)
    found = -LogVolume(2.0)(model.curve_layer.inner_products(), curve)
    assert float(found) == pytest.approx(2 * math.log(expected), rel=1e-3)


def test_points_of_other_curves_are_one_simplex():
    assert volume(wide([[0, 0], [3, 4]], Segment())) == pytest.approx(5)
    assert volume(wide([[0, 0], [3, 0], [0, 4]], Bezier(1))) == pytest.approx(6)
    assert volume(wide([[0, 0], [1, 1], [2, 2]])) == 0
    with pytest.raises(ValueError, match="`curve_model` must be"):
        volume(networks(1)[0])


# Terms of the loss.


def numeric(function, points, step=1e-4):
    found = np.zeros_like(points)
    for place in np.ndindex(points.shape):
        moved = points.copy()
        moved[place] += step
        high = function(moved)
        moved[place] -= 2 * step
        found[place] = (high - function(moved)) / (2 * step)
    return found


def mean_squared_cosine(points):
    pairs = itertools.combinations(points, 2)
    return np.mean([(a @ b) ** 2 / (a @ a) / (b @ b) for a, b in pairs])


TERMS = {
    "volume": (LogVolume(0.3), None, lambda p: -0.3 * math.log(cayley_menger(p))),
    "complex": (
        LogVolume(0.3),
        [[0, 3], [1, 3], [2, 3]],
        lambda p: -0.3 * math.log(np.linalg.norm(p[:3] - p[3], axis=1).sum()),
    ),
    "similarity": (Similarity(2.0), None, lambda p: 2 * mean_squared_cosine(p)),
}


@pytest.mark.parametrize("name", some(list(TERMS), list(TERMS), ["volume", "similarity"]))
def test_values_and_gradients_against_numpy(name):
    term, simplexes, oracle = TERMS[name]
    points = np.random.default_rng(3).normal(size=(4, 6))
    model = wide(points, Combination(4, simplexes), points_regularizer=term)
    x = np.zeros((2, 6), "float32")

    def total(values):
        scope = keras.StatelessScope(list(zip(model.curve_layer.points, values)), True)
        with scope:
            model(x, training=True)
        return sum(scope.losses)

    given = [point.astype("float32") for point in points]
    assert float(total(given)) == pytest.approx(oracle(points), rel=1e-4)
    found = np.stack(gradients(total, given))
    np.testing.assert_allclose(found, numeric(oracle, points), rtol=1e-3, atol=1e-4)


@long_under_jax
def test_flat_simplexes_have_finite_terms_and_gradients():
    rows = np.random.default_rng(4).normal(size=(2, 6)).astype("float32")
    flats = [rows[[0, 0, 1]], rows[[0, 0, 0]], np.stack([*rows, rows.mean(0)]), 0 * rows[[0, 1, 1]]]
    for points in flats:
        for term in (LogVolume(1.0), Similarity()):
            model = wide(points, points_regularizer=term)
            model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
            model.train_on_batch(np.ones((2, 6)), np.ones((2, 1)))
            assert np.isfinite(numpy(model.control_points())).all()


def test_the_volume_term_moves_a_vertex_away_from_the_others():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0.5, 0.01, 0]])
    net = wide(points).network
    model = CurveModel(net, Combination(3), fixed=[0, 1], points_regularizer=LogVolume(0.1))
    for index, point in enumerate(points):
        model.curve_layer.set_point(index, point.astype("float32"))
    model.compile(keras.optimizers.SGD(0.01), lambda y, p: 0 * ops.sum(p))
    model.fit(np.ones((20, 3)), np.ones((20, 1)), batch_size=1, verbose=0)
    assert volume(model) > 10 * volume(wide(points))
    np.testing.assert_array_equal(numpy(model.control_points())[:2], points[:2].astype("f4"))


@pytest.mark.parametrize("strength", ["a", float("nan"), None])
def test_bad_strengths_are_refused(strength):
    for kind in (LogVolume, Similarity):
        with pytest.raises(ValueError, match="`strength`"):
            kind(strength)


# Vertices.


def test_connectors_between_modes():
    """Four modes: lines, then triangles; only the newest vertex is trainable."""
    nets = networks(4, "conv_bn")
    kept = [snapshot(net) for net in nets]
    first = add_vertex(nets, volume_weight=0.1, seed=1)
    assert first.curve.simplexes == [[0, 4], [1, 4], [2, 4], [3, 4]]
    assert [v.name for v in first.trainable_variables] == ["end"]
    points = numpy(first.control_points())
    for net, point in zip(nets, points):
        np.testing.assert_array_equal(flat(net).astype("float32"), point)
    mean = points[:4].mean(0)
    norm = np.sqrt(np.square(points[:4]).sum(1).mean())
    assert np.linalg.norm(points[4] - mean) == pytest.approx(0.01 * norm, rel=1e-3)
    # A sum of four lines of independent networks: 4 sqrt(2) norm.
    expected = 0.1 / max(1, math.log(4 * math.sqrt(2) * norm))
    assert first.curve_layer.points_regularizer.strength == pytest.approx(expected, rel=1e-4)
    first.compile(keras.optimizers.SGD(0.05), ZOO["conv_bn"].loss())
    first.fit(*ZOO["conv_bn"].data(), batch_size=BATCH, verbose=0)
    moved = numpy(first.control_points())
    np.testing.assert_array_equal(moved[:4], points[:4])
    assert np.abs(moved[4] - points[4]).max() > 0

    second = add_vertex(first, to=[0, 2])
    assert second.curve.simplexes == [[0, 4, 5], [1, 4], [2, 4, 5], [3, 4]]
    np.testing.assert_array_equal(numpy(second.control_points())[:5], moved)
    assert second.curve_layer.fixed == (0, 1, 2, 3, 4)
    for a, b in zip(first.curve_layer.state, second.curve_layer.state):
        np.testing.assert_array_equal(numpy(a), numpy(b))
    for net, before in zip(nets, kept):
        assert_same(before, snapshot(net))


def test_a_simplex_grows_from_one_network(tmp_path):
    (net,) = networks(1)
    net.save(tmp_path / "net.keras")
    model = add_vertex([tmp_path / "net.keras"], seed=2)
    assert repr(model.curve) == "Combination(num_points=2, simplexes=[[0, 1]])"
    assert volume(model) == pytest.approx(0.01 * np.linalg.norm(flat(net)), rel=1e-3)
    model = add_vertex(add_vertex(model, seed=3), seed=4, positions_per_batch=2)
    assert model.curve.simplexes == [[0, 1, 2, 3]] and volume(model) > 0
    assert model.curve_layer.positions_per_batch == 2
    points = numpy(model.control_points())
    np.testing.assert_array_equal(points[0], flat(net).astype("float32"))
    again = numpy(add_vertex([net], seed=2).control_points())
    np.testing.assert_allclose(again, points[:2], atol=1e-6)
    assert add_vertex([net], volume_weight=0).curve_layer.points_regularizer is None


def test_the_term_of_several_dimensions():
    """`lambda* / log V` of orthogonal vectors of the norm of the vertices, at most `lambda*`."""
    model = add_vertex(add_vertex(networks(1), seed=1), volume_weight=0.5, seed=2)
    points = numpy(model.control_points())
    norm = np.sqrt(np.square(points[:2]).sum(1).mean())
    expected = 0.5 / max(1, math.log(cayley_menger(norm * np.eye(3))))
    assert model.curve_layer.points_regularizer.strength == pytest.approx(expected, rel=1e-4)
    small = wide(1e-3 * np.eye(2, 4))
    assert add_vertex(small, volume_weight=0.5).curve_layer.points_regularizer.strength == 0.5


def test_a_complex_is_saved_and_trained_on(tmp_path):
    x, y = ZOO["dense"].data(BATCH)
    model = add_vertex(networks(2), volume_weight=0.2, seed=1, positions_per_batch=2)
    model.compile(keras.optimizers.SGD(0.05), ZOO["dense"].loss())
    model.fit(x, y, batch_size=BATCH, verbose=0)
    model.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(numpy(again.control_points()), numpy(model.control_points()))
    terms = [each.curve_layer.points_regularizer.strength for each in (model, again)]
    assert terms[0] == terms[1] and again.curve.simplexes == [[0, 2], [1, 2]]
    assert add_vertex(again).curve.simplexes == [[0, 2, 3], [1, 2, 3]]


def broken(**changes):
    nets = networks(2)
    if changes.pop("other", False):
        nets[1] = ZOO["conv_bn"].model(1)
    if changes.pop("nan", False):
        nets[1].trainable_variables[0].assign(np.nan * numpy(nets[1].trainable_variables[0]))
    return add_vertex(changes.pop("given", nets), **changes)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"given": []}, "`given` must be a list of trained networks.*Received"),
        ({"given": None}, "`given` must be a list of trained networks.*Received: None"),
        ({"given": [3]}, r"given\[0\]"),
        ({"other": True}, r"given\[0\].*given\[1\]"),
        ({"nan": True}, r"given\[1\].*finite|finite.*given\[1\]"),
        ({"volume_weight": -1}, "`volume_weight` must be"),
        ({"volume_weight": None}, "`volume_weight` must be"),
        ({"seed": -1}, "`seed` must be"),
        ({"to": []}, r"`to` must be a list of simplexes, from 0 to 1. Received: to=\[\]"),
        ({"to": [2]}, r"`to` must be .*Received: to=\[2\]"),
        ({"to": 0}, "`to` must be .*Received: to=0"),
        ({"positions_per_batch": 0}, "`positions_per_batch` must be at least 1"),
        ({"position_per": "weight"}, "`position_per` must be"),
    ],
    ids=str,
)
def test_bad_input(changes, words):
    with pytest.raises(ValueError, match=words):
        broken(**changes)


def test_other_curves_have_no_vertices_to_add():
    with pytest.raises(ValueError, match="`given` must be a simplicial complex.*Bezier"):
        add_vertex(connect(*networks(2), Bezier(1)))


# Ensembles, and subspaces from random weights.


def test_samples_are_the_members_of_an_ensemble():
    model = add_vertex(networks(2, "conv_bn"), seed=1)
    x, y = ZOO["conv_bn"].data(12)
    positions = model.curve.sample(3, seed=0)
    ensemble = Ensemble.from_curve(model, positions, output="logits")
    points = numpy(model.control_points())
    np.testing.assert_allclose(
        np.stack([ensemble.snapshot(k).weights for k in range(3)]),
        positions @ points,
        rtol=1e-4,
        atol=1e-5,
    )
    before = [ensemble.snapshot(k).state for k in range(3)]
    ensemble.update_batch_norm((x, y), verbose=0)
    for state, k in zip(before, range(3)):
        after = ensemble.snapshot(k).state
        assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(state, after))
    result = ensemble.evaluate_members((x, y), verbose=0)
    assert len(result.members["error"]) == 3
    for bad in (4, [0.5, 0.5], np.ones((2, 2)), [[np.nan, 0, 1]]):
        with pytest.raises(ValueError, match="position"):
            Ensemble.from_curve(model, bad, output="logits")


LEARNED = {"line": Segment(), "bezier": Bezier(1), "chain": PolyChain(1), "simplex": Combination(3)}


@pytest.mark.parametrize("name", some(list(LEARNED), ["line", "bezier", "simplex"], ["simplex"]))
def test_subspaces_are_learned_from_random_weights(name):
    """All points move, and the term makes them less similar than without it."""
    curve = LEARNED[name]
    x, y = ZOO["dense"].data(16)

    def trained(term):
        nets = networks(curve.num_points)
        for net in nets[1:]:  # nearly the same network
            for a, b in zip(net.trainable_variables, nets[0].trainable_variables):
                a.assign(0.3 * numpy(a) + numpy(b))
        model = connect(
            nets[0],
            nets[-1],
            curve,
            fix_start=False,
            fix_end=False,
            bends=nets[1:-1],
            points_regularizer=term,
            seed=1,
        )
        before = numpy(model.control_points())
        model.compile(keras.optimizers.SGD(0.1), ZOO["dense"].loss())
        model.fit(x, y, batch_size=BATCH, epochs=3, verbose=0)
        after = numpy(model.control_points())
        assert (np.abs(after - before).max(1) > 1e-4).all()
        return mean_squared_cosine(after.astype("float64"))

    assert trained(Similarity(1.0)) < trained(None) - 0.01
