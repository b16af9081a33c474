"""Corrupted images against scipy and numpy, and images of one data set as inputs of another."""

import numpy as np
import pytest
from programs import needs_tensorflow

pytestmark = needs_tensorflow

import tensorflow as tf  # noqa: E402

from mc_tf import data  # noqa: E402
from mc_tf.data import corrupt  # noqa: E402
from mc_tf.data.corruptions import CORRUPTIONS, read_corruption  # noqa: E402


def images(dtype="uint8", channels=3, count=7):
    """Smooth images with a bright quarter."""
    y, x = np.mgrid[0:20, 0:24] / 24
    one = np.stack([(x + y) / 2, x, y**2], -1)[..., :channels]
    every = np.stack([one * (k + 1) / count for k in range(count)])
    every[:, :10, 12:] = 1.0
    return every.astype(dtype) if dtype[0] == "f" else np.rint(255 * every).astype(dtype)


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_dtype_range_and_growing_distance(kind, dtype, channels):
    x = images(dtype, channels)
    before, distances = x.copy(), []
    for strength in range(1, 6):
        made = corrupt(x, kind, strength)
        assert (made.shape, made.dtype) == (x.shape, x.dtype)
        assert made.min() >= 0 and made.max() <= (255 if dtype == "uint8" else 1)
        distances.append(np.abs(made.astype("float64") - x).mean())
    np.testing.assert_array_equal(x, before)
    assert distances == sorted(distances) and distances[0] > 0


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_integers_are_rounded_floats(kind):
    x = images()
    of_floats = corrupt((x / 255).astype("float32"), kind, 2)
    difference = corrupt(x, kind, 2).astype("float64") - 255 * of_floats
    assert np.abs(difference).max() <= 0.5 + 1e-3
    sixteen = corrupt(np.minimum(x, 16), kind, 4, value_range=(0, 16))
    assert sixteen.max() <= 16
    shifted = corrupt(2 * of_floats - 1, kind, 3, value_range=(-1, 1))
    np.testing.assert_allclose((shifted + 1) / 2, corrupt(of_floats, kind, 3), atol=1e-6)


def test_an_image_is_corrupted_equally_in_any_batch():
    x = images()
    whole = corrupt(x, "noise", 3, seed=5)
    parts = [corrupt(x[k : k + 2], "noise", 3, seed=5, first=k) for k in range(0, 7, 2)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(corrupt(x, "noise", 3, seed=5), whole)
    assert (corrupt(x, "noise", 3, seed=6) != whole).any()
    same = corrupt(np.repeat(x[:1], 2, 0), "noise", 3)
    assert (same[0] != same[1]).any()
    for kind in ("rotation", "blur", "contrast"):
        np.testing.assert_array_equal(corrupt(x, kind, 3, 1), corrupt(x, kind, 3, 2))


def test_what_each_kind_does():
    square = np.zeros((1, 21, 21, 1), "float32")
    square[0, 10, 16] = 1  # right of the center
    turned = corrupt(square, "rotation", 5)[0, :, :, 0]  # by 75 degrees
    row, column = np.unravel_index(turned.argmax(), turned.shape)
    assert (row, column) == (10 - round(6 * np.sin(np.radians(75))), 12)
    assert corrupt(np.ones((1, 21, 21, 1), "float32"), "rotation", 3)[0, 0, 0, 0] == 0
    gray = np.full((400, 10, 10, 1), 0.5, "float32")
    for strength, deviation in enumerate((0.08, 0.12, 0.18), 1):
        noise = corrupt(gray, "noise", strength) - 0.5
        assert noise.std() == pytest.approx(deviation, rel=0.02)
        assert noise.mean() == pytest.approx(0, abs=0.003)
    x = images("float64")
    mean = x.mean((1, 2), keepdims=True)
    expected = mean + 0.2 * (x - mean)
    np.testing.assert_allclose(corrupt(x, "contrast", 3), expected, atol=1e-6)
    point = np.zeros((1, 51, 51, 1))
    point[0, 25, 25] = 1
    blurred = corrupt(point, "blur", 2)[0, :, :, 0]
    y, _ = np.mgrid[:51, :51] - 25
    assert blurred.sum() == pytest.approx(1, rel=1e-3)
    assert np.sqrt((blurred * y**2).sum()) == pytest.approx(0.04 * 51, rel=0.01)


@pytest.mark.parametrize("batch", [2, 3, 7])
@pytest.mark.parametrize("kind", ["noise", "rotation"])
def test_batches_of_a_pipeline(kind, batch):
    x, y = images(), np.arange(7)
    expected = corrupt(x, kind, 4, seed=3)
    pairs = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch)
    made = corrupt(pairs, kind, 4, seed=3)
    assert int(made.cardinality()) == int(pairs.cardinality())
    assert made.element_spec == pairs.element_spec
    for _ in range(2):  # each pass is the same
        found = list(made.as_numpy_iterator())
        np.testing.assert_array_equal(np.concatenate([each for each, _ in found]), expected)
        np.testing.assert_array_equal(np.concatenate([each for _, each in found]), y)
    alone = corrupt(tf.data.Dataset.from_tensor_slices(x).batch(batch), kind, 4, seed=3)
    np.testing.assert_array_equal(np.concatenate(list(alone.as_numpy_iterator())), expected)


def test_a_corrupted_data_set():
    digits = data.load("digits", use_test=True)
    made = digits.corrupted("noise", 3, seed=2)
    assert made.name == "digits, noise 3" and made.settings["data"] == made.name
    np.testing.assert_array_equal(made.x_train, digits.x_train)
    expected = corrupt(digits.x_test, "noise", 3, 2, (0, 16))
    np.testing.assert_array_equal(made.x_test, expected)
    batch, labels = next(iter(made.test_batches(32)))
    np.testing.assert_allclose(batch, digits.normalize(expected[:32]), atol=1e-6)
    np.testing.assert_array_equal(labels, digits.y_test[:32])


def as_data(x, scale=255.0, **options):
    y = np.arange(len(x)) % 2
    return data.ImageData("some", 2, x, y, x, y, scale=scale, **options)


def test_inputs_from_another_data_set():
    digits = data.load("digits", use_test=True)
    gray = as_data(np.full((5, 32, 32, 3), 51, "uint8"))
    made = digits.inputs_from(gray, 3)
    assert (made.shape, made.dtype) == ((3, 8, 8, 1), np.float32)
    np.testing.assert_allclose(made, (51 / 255 - 0.3053) / 0.3760, atol=1e-3)
    color = as_data(np.zeros((4, 32, 32, 3), "uint8"), mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.1))
    made = color.inputs_from(digits)
    assert made.shape == (599, 32, 32, 3)
    raw = made * np.array([0.2, 0.2, 0.1]) + [0.5, 0.4, 0.3]
    assert raw.min() > -1e-5 and raw.max() < 1 + 1e-5
    np.testing.assert_allclose(raw[..., 0], raw[..., 2], atol=1e-5)
    np.testing.assert_allclose(raw[:, :, :, 0].mean((1, 2)), digits.x_test.mean((1, 2, 3)) / 16,
                               atol=0.02)  # fmt: skip
    same = digits.inputs_from(digits, 9)
    np.testing.assert_allclose(same, digits.normalize(digits.x_test[:9]), atol=1e-5)


X = images()
BAD = {
    "a kind": (lambda: corrupt(X, "fog"), "one of: rotation, noise, blur, contrast"),
    "a strength": (lambda: corrupt(X, "blur", 6), "`strength` must be"),
    "no strength": (lambda: corrupt(X, "blur", 0), "`strength` must be"),
    "a seed": (lambda: corrupt(X, "noise", seed=-1), "`seed` must be"),
    "one image": (lambda: corrupt(X[0], "blur"), r"shape \(N, height, width, channels\)"),
    "texts": (lambda: corrupt(X.astype(str), "blur"), "Images must be numbers"),
    "normalized": (lambda: corrupt(X / 128 - 1, "blur"), r"Pass their own value_range"),
    "a range": (lambda: corrupt(X, "blur", value_range=(0, 16)), "from 0 to 16. Received: from 0"),
    "no batches": (
        lambda: corrupt(tf.data.Dataset.from_tensor_slices(X), "blur"),
        "must have batches of images",
    ),
    "a flag": (lambda: read_corruption("rotation"), "such as rotation:3"),
    "a flag of another strength": (lambda: read_corruption("blur:9"), "from 1 to 5"),
    "channels": (
        lambda: as_data(X[..., :2]).inputs_from(as_data(X)),
        "only grey and color images",
    ),
    "images": (lambda: as_data(X).inputs_from(as_data(X), 99), "between 1 and 7"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
