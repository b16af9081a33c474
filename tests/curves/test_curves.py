"""Coefficients of the curve families, against numpy."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from model_zoo import compiles, gradients, numpy, some

from mc_tf import Bezier, Curve, PolyChain, Segment

GRID = np.linspace(0, 1, 37).astype("float32")
FAMILIES = [
    *[pytest.param(Bezier, n, id=f"bezier{n}") for n in (0, 1, 2, 3, 7)],
    *[pytest.param(PolyChain, n, id=f"polychain{n}") for n in (0, 1, 2, 3, 7)],
    pytest.param(lambda n: Segment(), 0, id="segment"),
]
FEW = [FAMILIES[index] for index in (0, 3, 8, 10)]  # of each number of bends the core is the same


def bernstein(t, count):
    """The oracle, in float64: `(B, count)`."""
    t, n = np.asarray(t, "float64"), count - 1
    return np.stack([math.comb(n, j) * t**j * (1 - t) ** (n - j) for j in range(count)], -1)


def hats(t, count):
    """Piecewise linear interpolation of the unit vectors, in float64: `(B, count)`."""
    knots = np.linspace(0, 1, count)
    return np.stack([np.interp(t, knots, row) for row in np.eye(count)], -1)


def oracle(curve, t):
    return (bernstein if isinstance(curve, Bezier) else hats)(t, curve.num_points)


@pytest.mark.parametrize("family, bends", FAMILIES)
def test_vector_of_positions_matches_oracle(family, bends):
    curve = family(bends)
    found = numpy(curve.coefficients(GRID))
    assert found.shape == (len(GRID), bends + 2)
    np.testing.assert_allclose(found, oracle(curve, GRID), atol=3e-6)
    np.testing.assert_allclose(found.sum(-1), 1, atol=2e-6)


@pytest.mark.parametrize("family, bends", some(FAMILIES, FAMILIES, FEW))
@pytest.mark.parametrize(
    "kind", [float, np.float32, ops.convert_to_tensor], ids=["float", "float32", "tensor"]
)
def test_scalar_position_matches_the_vector(family, bends, kind):
    curve = family(bends)
    for t in (0.0, 0.3, 0.75, 1.0):
        found = curve.coefficients(kind(t))
        assert tuple(found.shape) == (curve.num_points,)
        np.testing.assert_allclose(numpy(found), oracle(curve, t), atol=1e-6)


def test_integers_and_lists_are_positions():
    np.testing.assert_array_equal(numpy(Bezier(1).coefficients(1)), [0, 0, 1])
    np.testing.assert_array_equal(numpy(PolyChain(1).coefficients([0, 1])), [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("family", [Bezier, PolyChain])
@pytest.mark.parametrize("bends", some(range(21), range(21), [1, 20]))
def test_exact_at_both_ends(family, bends):
    found = numpy(family(bends).coefficients(np.array([0, 1], "float32")))
    np.testing.assert_array_equal(found[0], np.eye(bends + 2)[0])
    np.testing.assert_array_equal(found[1], np.eye(bends + 2)[-1])


CHAINS = [1, 2, 4, 5, 9, 12, 18, 40, 99, 300]


@pytest.mark.parametrize("bends", some(CHAINS, CHAINS, [99]))
def test_chain_is_exact_at_its_control_points(bends):
    """Also where `j / (k - 1)` is no float32."""
    curve = PolyChain(bends)
    positions = np.arange(bends + 2) / (bends + 1)
    for dtype in ("float32", "float64"):
        found = numpy(curve.coefficients(positions.astype(dtype)))
        np.testing.assert_array_equal(found, np.eye(bends + 2))


@pytest.mark.parametrize("family, bends", some(FAMILIES, FAMILIES, FEW))
def test_gradient_through_position_matches_finite_differences(family, bends):
    curve = family(bends)
    direction = np.random.default_rng(0).standard_normal(curve.num_points).astype("float32")
    tensor = ops.convert_to_tensor(direction)
    for t in (0.11, 0.43, 0.9):
        (found,) = gradients(lambda v: ops.sum(curve.coefficients(v[0]) * tensor), [np.float32(t)])
        step = 1e-5
        up, down = oracle(curve, t + step), oracle(curve, t - step)
        np.testing.assert_allclose(found, (up - down) @ direction / (2 * step), rtol=1e-3)


@pytest.mark.parametrize("family, bends", some(FAMILIES, FAMILIES, FEW))
def test_gradient_is_finite_and_right_at_the_ends(family, bends):
    """Also where powers of zero and corners of the chain are."""
    curve = family(bends)
    first = np.zeros(curve.num_points, "float32")
    first[0] = 1
    first, last = (ops.convert_to_tensor(part.copy()) for part in (first, first[::-1]))
    expected = -(bends + 1)
    (found,) = gradients(lambda v: ops.sum(curve.coefficients(v[0]) * first), [np.float32(0)])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    (found,) = gradients(lambda v: ops.sum(curve.coefficients(v[0]) * last), [np.float32(1)])
    np.testing.assert_allclose(found, -expected, rtol=1e-5)


@pytest.mark.parametrize("bends", [1, 2, 5])
def test_gradient_at_a_bend_is_the_following_piece(bends):
    curve = PolyChain(bends)
    (found,) = gradients(lambda v: curve.coefficients(v[0])[1], [np.float32(1 / (bends + 1))])
    np.testing.assert_allclose(found, -(bends + 1), rtol=1e-5)


@pytest.mark.parametrize("family", [Bezier, PolyChain])
def test_gradient_of_a_vector_of_positions(family):
    curve = family(2)
    (found,) = gradients(
        lambda v: ops.sum(curve.coefficients(v[0])[:, 1]), [np.array([0.1, 0.2], "float32")]
    )
    step = 1e-6
    t = np.array([0.1, 0.2])
    expected = (oracle(curve, t + step) - oracle(curve, t - step))[:, 1] / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("family, bends", FAMILIES)
@pytest.mark.parametrize(
    "t", [-0.01, 1.01, float("nan"), float("inf"), [0.5, -1.0], np.array([0.2, np.nan])], ids=str
)
def test_positions_outside_the_curve_are_refused(family, bends, t):
    with pytest.raises(ValueError, match=r"`t`.*\[0, 1\].*Received"):
        family(bends).coefficients(t)


def test_matrix_of_positions_is_refused():
    with pytest.raises(ValueError, match=r"scalar or a vector.*\(2, 2\)"):
        Bezier(1).coefficients(np.zeros((2, 2)))


@pytest.mark.parametrize("family", [Bezier, PolyChain])
@pytest.mark.parametrize(
    "bends", [-1, 1.5, float("nan"), float("inf"), True, "two", "1", None, [1]], ids=str
)
def test_bad_number_of_bends_is_refused(family, bends):
    with pytest.raises(ValueError, match="`num_bends`"):
        family(bends)


def test_number_of_points():
    assert Bezier().num_points == 3 and PolyChain().num_points == 3
    assert Segment().num_points == 2 and Segment().num_bends == 0
    assert Bezier(np.int64(4)).num_points == 6
    assert type(Bezier(np.int64(4)).get_config()["num_bends"]) is int


@pytest.mark.parametrize("family, bends", FAMILIES)
def test_config_round_trips(family, bends):
    curve = family(bends)
    for copy in (
        type(curve).from_config(curve.get_config()),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(curve)),
    ):
        assert type(copy) is type(curve)
        assert copy.num_bends == bends
        assert repr(copy) == repr(curve)


def test_another_family_needs_coefficients_only():
    class Quadratic(Curve):
        def _coefficients(self, t):
            return ops.stack([(1 - t) ** 2, 1 - (1 - t) ** 2], axis=-1)

    curve = Quadratic(0)
    np.testing.assert_allclose(numpy(curve.coefficients(0.5)), [0.25, 0.75])
    with pytest.raises(ValueError, match="`t`"):
        curve.coefficients(2.0)


@compiles
def test_positions_inside_a_compiled_function():
    curve = PolyChain(2)
    if keras.backend.backend() == "jax":
        import jax as compiler

        compiled = compiler.jit(curve.coefficients)
    else:
        import tensorflow as compiler

        compiled = compiler.function(curve.coefficients)
    for t in (0.0, 0.2, 1.0):
        t = ops.convert_to_tensor(np.float32(t))
        np.testing.assert_allclose(numpy(compiled(t)), oracle(curve, numpy(t)), atol=1e-6)
