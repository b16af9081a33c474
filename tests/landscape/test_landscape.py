"""Lines, planes, rays and grids against numpy and against `evaluate_curve`."""

import functools
import json

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import ZOO, numpy, snapshot, some

from mc_tf import (
    Bezier,
    Combination,
    GridEvaluation,
    Line,
    Plane,
    PolyChain,
    Rays,
    connect,
    evaluate_curve,
    evaluate_grid,
    principal_directions,
    random_direction,
)
from mc_tf.backend.precision import automatic_bfloat16
from mc_tf.experiments.parts.surface_files import surface_from_files
from mc_tf.landscape.factory import make_surface
from mc_tf.weights.flat import flat_weights

METRICS = ["sparse_categorical_accuracy", "sparse_categorical_crossentropy"]


def vectors(count, size=50, seed=0, dtype="float64"):
    return list(np.random.default_rng(seed).standard_normal((count, size)).astype(dtype))


def networks(name, count=3):
    case = ZOO[name]
    models = [case.model(seed) for seed in range(1, count + 1)]
    for model in models:
        model.compile(loss=case.loss(), metrics=METRICS)
    return models


@functools.cache
def looked_at(name):
    """Three networks for tests that do not change them."""
    return networks(name)


def splits(name, train=11, test=7):
    return ZOO[name].data(train, 1), ZOO[name].data(test, 2)


def grid(name="conv_bn", shape=(4, 3), path=None, data=None, **options):
    """A small plane of random networks, evaluated."""
    models = looked_at(name)
    train, test = data or splits(name)
    plane = Plane.through(*models)
    return evaluate_grid(
        None, plane, train, test, shape=shape, path=path, batch_size=4, verbose=0, **options
    )


LARGE = {"shape": (4, 3), "margin": 0.2}


@functools.cache
def whole_grid(kept):
    """Data that are kept in memory are evaluated at several points at once."""
    return grid(**LARGE)


# Algebra.


def test_basis_of_a_plane_is_the_papers():
    """`u` along w2 - w1, `v` orthogonal to it, both of length one."""
    w1, w2, w3 = vectors(3)
    plane = Plane.through(w1, w2, w3)
    u, v = (plane.weights(*x) - w1 for x in ((1, 0), (0, 1)))
    np.testing.assert_allclose(u, (w2 - w1) / np.linalg.norm(w2 - w1), rtol=1e-10)
    np.testing.assert_allclose([u @ u, v @ v, u @ v], [1, 1, 0], atol=1e-12)
    assert (w3 - w1) @ v > 0
    np.testing.assert_allclose(plane.weights(0.3, -2.0), w1 + 0.3 * u - 2 * v, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [3, 50, (1 << 20) + 5])
def test_a_plane_gives_its_three_points_back_exactly(size, dtype):
    """Also in float32, and for vectors longer than a chunk."""
    given = vectors(3, size, dtype=dtype)
    plane = Plane.through(*given)
    for label, weights in zip(("w1", "w2", "w3"), given):
        found = plane.weights(*plane.marks[label])
        assert found.dtype == dtype
        if dtype == "float32":
            np.testing.assert_array_equal(found, weights)
        np.testing.assert_allclose(found, weights, atol=1e-14)


def test_projection_is_the_least_squares_solution():
    """Coordinates and lost distance, for orthonormal and for other directions."""
    origin, first, second, other = vectors(4)
    for plane in (
        Plane.along(origin, 3 * first, second),
        Plane.through(origin, origin + first, second),
    ):
        basis = np.stack([plane.weights(*x) - plane.weights(0, 0) for x in ((1, 0), (0, 1))], 1)
        away = other - plane.weights(0, 0)
        expected, squares, _, _ = np.linalg.lstsq(basis, away, rcond=None)
        coordinates, distance = plane.project(other)
        np.testing.assert_allclose(coordinates, expected, rtol=1e-9)
        np.testing.assert_allclose(distance**2, squares[0], rtol=1e-9)


def test_line_is_measured_in_distance_and_goes_beyond_both_ends():
    """Its coordinate is the distance from the first network."""
    w1, w2 = vectors(2)
    line = Line.through(w1, w2, labels=("SGD", "SWA"))
    length = np.linalg.norm(w2 - w1)
    np.testing.assert_allclose(line.marks["SWA"], [length])
    np.testing.assert_allclose(line.weights(1.5 * length), w1 + 1.5 * (w2 - w1), atol=1e-12)
    np.testing.assert_allclose(line.weights(-1.0), w1 - (w2 - w1) / length, atol=1e-12)
    (axis,) = line.axes(5, margin=0.5)
    np.testing.assert_allclose(axis, length * np.linspace(-0.5, 1.5, 5))


def test_rays_leave_one_network_in_all_directions():
    """The second coordinate is the number of the ray."""
    origin, *directions = vectors(4)
    rays = Rays(origin, directions)
    for number, direction in enumerate(directions):
        np.testing.assert_allclose(rays.weights(2.5, number), origin + 2.5 * direction)
    distances, numbers = rays.axes(5, limits=(0, 10))
    assert distances.tolist() == [0, 2.5, 5, 7.5, 10] and numbers.tolist() == [0, 1, 2]
    assert rays.axes(3)[0].tolist() == [0, 0.5, 1]
    rays.limits = [(0.0, 10.0)]
    assert rays.axes(3)[0].tolist() == [0, 5, 10]
    for shape, limits in ((1, None), (3, (2, 2)), (3, (2, 1)), (3, (0, np.nan)), ((3, 3), None)):
        with pytest.raises(ValueError, match="The grid of rays has one number of distances"):
            rays.axes(shape, limits=limits)


def test_three_points_on_a_line_but_for_rounding_span_no_plane():
    """The middle of two networks, rounded to their precision."""
    first, second = vectors(2, size=30_000, dtype="float32")
    middle = ((first.astype("float64") + second) / 2).astype("float32")
    with pytest.raises(ValueError, match="lie on one line"):
        Plane.through(first, second, middle)
    middle[0] += 0.1
    Plane.through(first, second, middle)


def with_frozen_layer(seed, frozen=0):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.Dense(3)])
    model.layers[0].trainable = False
    for layer, of in zip(model.layers, (frozen, seed)):
        draw = np.random.default_rng(of).standard_normal
        layer.set_weights([draw(w.shape) for w in layer.get_weights()])
    return model


def test_frozen_weights_of_a_saved_curve_are_those_of_its_plane(tmp_path):
    """A loaded curve uses its network only as code: the frozen weights come from the curve."""
    first, second = with_frozen_layer(1), with_frozen_layer(2)
    curve_model = connect(first, second, Bezier(1), bends=[with_frozen_layer(3)])
    curve_model.save(tmp_path / "curve.keras")
    plane = Plane.of_curve(keras.saving.load_model(tmp_path / "curve.keras"))
    model = plane.model()
    x = np.random.default_rng(4).standard_normal((6, 5)).astype("float32")
    for label, network in (("start", first), ("end", second)):
        model.t = plane.coefficients(plane.marks[label])
        np.testing.assert_allclose(numpy(model(x)), numpy(network(x)), rtol=1e-4, atol=1e-5)
    other = Plane.through(first, second, with_frozen_layer(3))
    with pytest.raises(ValueError, match="frozen weight"):
        other.model(with_frozen_layer(1, frozen=9))


def test_networks_in_files_with_other_frozen_weights_are_refused(tmp_path):
    files = {}
    for label, model in {"a": with_frozen_layer(1), "b": with_frozen_layer(2, frozen=9)}.items():
        files[label] = tmp_path / f"{label}.keras"
        model.save(files[label])
    files = {label: str(path) for label, path in files.items()}
    with pytest.raises(ValueError, match="frozen weight.*differs between 'a' and 'b'"):
        surface_from_files("line", files)
    with_frozen_layer(2).save(files["b"])
    surface_from_files("line", files)


def test_other_data_is_refused(tmp_path):
    models, (train, test) = networks("dense"), splits("dense")
    plane = Plane.through(*models)
    options = {"shape": 2, "path": tmp_path / "plane", "verbose": 0}
    evaluate_grid(None, plane, train, test, **options)
    for changed in ((train[0] + 1, train[1]), (train[0], 1 - train[1]), splits("dense", 12)[0]):
        with pytest.raises(ValueError, match="results of another grid evaluation: .*data"):
            evaluate_grid(None, plane, changed, test, **options)
    evaluate_grid(None, plane, train, test, **options)


@pytest.mark.parametrize("name", some(["dense", "conv_bn", "subclassed"], ["dense", "conv_bn"]))
def test_a_quadratic_bezier_curve_lies_in_the_plane_of_its_points(name):
    """The distance that its projection loses is rounding only; a chain's likewise."""
    start, end, bend = networks(name)
    for curve in (Bezier(1), PolyChain(1)):
        curve_model = connect(start, end, curve)
        curve_model.curve_layer.set_point(1, bend)
        plane = Plane.of_curve(curve_model)
        t = np.linspace(0, 1, 11)
        coordinates, lost = plane.project_curve(curve_model, t)
        assert lost.max() < 1e-5
        for at, place in zip(t, coordinates):
            np.testing.assert_allclose(
                plane.weights(*place),
                numpy(curve_model.curve_layer.flat_weights_at(float(at))),
                atol=1e-5,
            )
        np.testing.assert_allclose(coordinates[0], plane.marks["start"], atol=1e-5)
        np.testing.assert_allclose(coordinates[-1], plane.marks["end"], atol=1e-5)


def test_what_is_marked_is_projected_and_widens_the_grid():
    """A network off the plane keeps the distance that is lost."""
    w1, w2, w3 = vectors(3)
    plane = Plane.through(w1, w2, w3)
    u, v = (plane.weights(*x) - w1 for x in ((1, 0), (0, 1)))
    beside = vectors(1, seed=9)[0]
    beside -= (beside @ u) * u + (beside @ v) * v
    coordinates, distance = plane.mark("mean", w1 + 20 * u - 5 * v + beside)
    np.testing.assert_allclose(coordinates, [20, -5], rtol=1e-9)
    np.testing.assert_allclose(distance, np.linalg.norm(beside), rtol=1e-9)
    x, y = plane.axes(3, margin=0)
    np.testing.assert_allclose([x[-1], y[0]], [20, -5], rtol=1e-9)


# Directions.


def test_filters_of_a_normalized_direction_have_the_networks_norms():
    """One norm for each output of a layer: the last axis, other axes for other layouts."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3),
            layers.DepthwiseConv2D(3, depth_multiplier=2),
            layers.Conv2DTranspose(5, 2),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(6),
        ]
    )
    outputs = {"conv2d": (3,), "depthwise": (2, 3), "transpose": (2,), "dense": (1,)}
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(3).standard_normal(variable.shape))
    flat = random_direction(model, "filter", seed=5)
    position = 0
    for variable in model.trainable_variables:
        size = int(np.prod(variable.shape))
        part = flat[position : position + size].reshape(variable.shape)
        position += size
        if len(variable.shape) == 1:
            assert not part.any(), variable.path
            continue
        kind = next(k for k in ("transpose", "depthwise", "conv2d", "dense") if k in variable.path)
        rest = tuple(k for k in range(part.ndim) if k not in outputs[kind])
        expected = np.sqrt((numpy(variable) ** 2).sum(rest))
        np.testing.assert_allclose(np.sqrt((part**2).sum(rest)), expected, rtol=1e-5)
        assert np.std(part) > 0
    assert position == len(flat)


def test_directions_of_attention_and_recurrent_layers():
    """A filter is one unit of one head; biases that are matrices are biases."""
    words = keras.Input((5,), dtype="int32")
    x = layers.Embedding(11, 6)(words)
    x = layers.MultiHeadAttention(2, 3)(x, x)
    x = layers.LayerNormalization(axis=(1, 2))(x)
    model = keras.Model(words, layers.GRU(4)(x))
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(3).standard_normal(variable.shape))
    outputs = {"query": (1, 2), "key": (1, 2), "value": (1, 2), "attention_output": (2,)}
    for ignore in ((), ("bias",), ("batch_norm",), ("bias", "batch_norm")):
        flat = random_direction(model, "filter", ignore=ignore, seed=5)
        position = 0
        for variable in model.trainable_variables:
            size = int(np.prod(variable.shape))
            part = flat[position : position + size].reshape(variable.shape)
            position += size
            owner, name = variable.path.split("/")[-2:]
            kinds = {"bias": "bias", "gamma": "batch_norm", "beta": "batch_norm"}
            kind = kinds.get(name)
            if kind in ignore:
                assert not part.any(), variable.path
                continue
            axes = () if kind else outputs.get(owner, (part.ndim - 1,))
            rest = tuple(axis for axis in range(part.ndim) if axis not in axes)
            expected = np.sqrt((numpy(variable) ** 2).sum(rest))
            found = np.sqrt((part**2).sum(rest))
            np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=variable.path)
        assert position == len(flat)


def test_directions_by_what_is_ignored_and_how_they_are_scaled():
    """A bias or a normalization vector counts as one filter where it takes part."""
    model = networks("conv_bn", 1)[0]
    weights = flat_weights(model)
    everything = random_direction(model, "filter", ignore=(), seed=2)
    assert (everything != 0).all()
    np.testing.assert_allclose(np.linalg.norm(everything), np.linalg.norm(weights), rtol=1e-5)
    np.testing.assert_allclose(
        np.linalg.norm(random_direction(model, "layer", ignore=())), np.linalg.norm(weights), 1e-5
    )
    unit = random_direction(model, "unit", ignore=())
    np.testing.assert_allclose(np.linalg.norm(unit), 1, rtol=1e-5)
    plain = random_direction(model, None, ignore=(), seed=2)
    np.testing.assert_allclose(
        random_direction(model, "weight", ignore=(), seed=2), plain * np.abs(weights), rtol=1e-5
    )
    some = random_direction(model, "filter", seed=2)
    assert ((some == 0) | np.isclose(some, everything)).all() and (some == 0).any()
    assert (random_direction(model, seed=2) == some).all()
    assert (random_direction(model, seed=3) != some).any()


@pytest.mark.parametrize(("ignore", "written"), [(None, []), ("bias", ["bias"]), (["bias"],) * 2])
def test_what_random_directions_leave_out_is_written_down(ignore, written):
    (network,) = networks("dense", 1)
    surface = make_surface("random_line", network, {"w": flat_weights(network)}, ignore=ignore)
    assert surface.description["ignore"] == written
    direction = random_direction(network, ignore=ignore, seed=[0, 0])
    assert (direction == 0).any() == bool(written)
    np.testing.assert_allclose(
        surface.weights(1.0) - flat_weights(network), direction, rtol=1e-4, atol=1e-6
    )


def test_principal_directions_are_those_of_numpys_svd():
    """Around the last network, with the shares of the sum of squares."""
    flats = vectors(7, 40, dtype="float32")
    directions, shares = principal_directions(flats)
    differences = np.stack(flats) - flats[-1]
    _, values, rows = np.linalg.svd(differences.astype("float64"))
    for k in range(2):
        np.testing.assert_allclose(abs(directions[k] @ rows[k]), 1, rtol=1e-5)
    np.testing.assert_allclose(shares, (values**2 / (values**2).sum())[:2], rtol=1e-5)


# Grids.


# The code that evaluates a curve, which `test_evaluation` gives every kind of network.
@pytest.mark.parametrize("name", some(["dense", "conv_bn", "subclassed"], ["conv_bn"]))
def test_grid_has_the_values_of_the_curve_at_its_coordinates(name):
    """The same code evaluates both: statistics, penalties, short batches."""
    start, end, bend = networks(name)
    curve_model = connect(start, end, Bezier(1))
    curve_model.curve_layer.set_point(1, bend)
    curve_model.compile(loss=ZOO[name].loss(), metrics=METRICS)
    train, test = splits(name)
    given = {"batch_size": 4, "verbose": 0, "statistics": test}
    curve = evaluate_curve(curve_model, train, test, num_points=3, **given)
    plane = Plane.of_curve(curve_model)
    before = [snapshot(model) for model in (start, end, bend)]
    for index, (x, y) in enumerate(plane.project_curve(curve_model, curve.t)[0]):
        limits = [(x, x + 1), (y, y + 1)]
        found = evaluate_grid(start, plane, train, test, shape=2, limits=limits, **given)
        assert found.names == curve.names
        for value in found.names:
            np.testing.assert_allclose(
                found[value][0, 0], curve[value][index], rtol=2e-4, atol=1e-5, err_msg=value
            )
    for old, model in zip(before, (start, end, bend)):
        for left, right in zip(old, snapshot(model)):
            np.testing.assert_array_equal(left, right)


def test_grid_need_not_be_square_and_reaches_beyond_its_marks(tmp_path):
    """Values are at their coordinates, also in the files."""
    found = grid("dense", shape=(5, 3), path=tmp_path / "plane", margin=0.5)
    assert found["train_loss"].shape == (5, 3)
    x, y = found.axes
    marks = np.stack(list(found.marks.values()))
    extent = np.ptp(marks, 0)
    np.testing.assert_allclose([x[0], y[0]], marks.min(0) - 0.5 * extent)
    np.testing.assert_allclose([x[-1], y[-1]], marks.max(0) + 0.5 * extent)
    square = grid("dense", shape=(5, 5), margin=0.5)
    np.testing.assert_allclose(
        square["test_loss"][:, [0, 2, 4]], found["test_loss"], rtol=1e-5, atol=1e-6
    )
    stored = GridEvaluation.load(tmp_path / "plane")
    assert stored.names == found.names and stored.surface == "Plane" and stored.complete
    np.testing.assert_array_equal(stored["test_error"], found["test_error"])
    assert {*stored.marks} == {"w1", "w2", "w3"}
    summary = json.loads((tmp_path / "plane.json").read_text())
    assert summary["shape"] == [5, 3] and summary["description"]["versions"]["keras"]
    value, place = stored.minimum("test_loss")
    i, j = np.unravel_index(np.argmin(stored["test_loss"]), (5, 3))
    assert value == stored["test_loss"].min() and place.tolist() == [x[i], y[j]]
    assert "test loss" in stored.table()


class Stops(keras.utils.PyDataset):
    """Arrays in batches that fail after a given number of reads."""

    def __init__(self, data, fail_at):
        super().__init__()
        self.data, self.fail_at, self.reads = data, fail_at, 0

    def __len__(self):
        return -(-len(self.data[1]) // 4)

    def __getitem__(self, index):
        if self.reads == self.fail_at:
            raise OSError("pulled the plug")
        self.reads += 1
        return tuple(part[4 * index : 4 * index + 4] for part in self.data)


def test_a_grid_that_was_stopped_goes_on_and_ends_equal(tmp_path, nothing_kept):
    """Evaluated points are not evaluated again."""
    train, test = splits("conv_bn")
    whole = whole_grid(kept=False)
    with pytest.raises(OSError, match="plug"):
        grid(path=tmp_path / "plane", **LARGE, data=(Stops(train, 40), test))
    half = GridEvaluation.load(tmp_path / "plane")
    assert 0 < half.done.sum() < half.done.size
    rest = Stops(train, None)
    found = grid(path=tmp_path / "plane", **LARGE, data=(rest, test))
    assert rest.reads == (half.done.size - half.done.sum()) * 2 * len(rest)
    for name in whole.names:
        np.testing.assert_array_equal(found[name], whole[name])
    again = Stops(train, 0)
    assert grid(path=tmp_path / "plane", **LARGE, data=(again, test)).complete and not again.reads


@pytest.mark.usefixtures("eagerly")
def test_versions_of_all_points_are_recorded(tmp_path, nothing_kept, monkeypatch):
    """Versions of a resumed grid, and of parts that were computed elsewhere."""
    train, test = splits("dense")

    def made_with(version, data, path="plane", **options):
        monkeypatch.setattr("mc_tf.version.__version__", version)
        options = {"shape": 2, "path": str(tmp_path / path), **options}
        return grid("dense", data=(data, test), **options)

    with pytest.raises(OSError, match="plug"):
        made_with("1", Stops(train, 10))
    for version in ("2", "3"):  # the third evaluates nothing
        found = made_with(version, Stops(train, None))
        assert found.description["versions"]["mc_tf"] == "1"
        later = found.description["versions of later points"]
        assert [each["mc_tf"] for each in later] == ["2"]
    made_with("1", train, "parts", shard=(1, 2))
    made_with("2", train, "parts", shard=(2, 2))
    merged = GridEvaluation.merge(str(tmp_path / "parts"), 2).description
    assert merged["versions"]["mc_tf"] == "1"
    assert [each["mc_tf"] for each in merged["versions of later points"]] == ["2"]


def test_eigenvalues_of_other_data_are_not_taken(tmp_path):
    x, y = splits("dense")[0]
    options = {"shape": 2, "path": tmp_path / "plane"}
    grid("dense", eigenvalues=(x, y), **options)
    grid("dense", eigenvalues=(x.copy(), y), **options)
    with pytest.raises(ValueError, match="results of another grid"):
        grid("dense", eigenvalues=(10 * x, y), **options)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's")
def test_values_in_bfloat16_are_not_mixed_with_others(tmp_path):
    grid("dense", path=tmp_path / "plane", shape=2)
    with automatic_bfloat16():
        with pytest.raises(ValueError, match="results of another grid"):
            grid("dense", path=tmp_path / "plane", shape=2)
        found = grid("dense", path=tmp_path / "rounded", shape=2)
        with pytest.raises(ValueError, match="Hessian need float32.*auto_bfloat16"):
            grid("dense", shape=2, eigenvalues=True)
    assert found.description["versions"]["precision"] == "bfloat16"


def test_marks_of_a_stored_grid_are_those_of_now(tmp_path):
    """Values stay the same, whatever is marked within the same limits."""
    train, test = splits("dense")
    models = networks("dense", 4)
    plane = Plane.through(*models[:3])
    options = {"shape": 2, "limits": [(0, 1), (0, 1)], "path": tmp_path / "plane", "verbose": 0}
    first = evaluate_grid(None, plane, train, test, **options)
    plane.mark("fourth", models[3])
    second = evaluate_grid(None, plane, train, test, **options)
    assert {*second.marks} - {*first.marks} == {"fourth"}
    assert {*GridEvaluation.load(tmp_path / "plane").marks} == {*second.marks}
    np.testing.assert_array_equal(second["test_loss"], first["test_loss"])


def test_values_that_are_nowhere_are_written_too(tmp_path):
    found = GridEvaluation("Line", [[0.0, 1.0]], {}, {}, {})
    for index in range(2):
        found.record(index, {"train_smallest_eigenvalue": np.nan, "train_loss": float(index)})
    found.finish(tmp_path / "line")
    assert "nan" in found.table() and np.isnan(found.minimum("train_smallest_eigenvalue")[0])
    assert found.maximum("train_loss") == 1 and (tmp_path / "line.json").exists()


def test_frozen_weights_that_differ_are_refused():
    models = networks("dense", 2)
    for model in models:
        model.layers[-1].trainable = False
    with pytest.raises(ValueError, match="frozen weight .* differs between `w1` and `w2`"):
        Line.through(*models)


@pytest.mark.parametrize(
    "limits", [[(0, 1)], [(0, 1), (1, 0)], [(0, 1)] * 3, [(0, np.inf), (0, 1)], (0, 1)]
)
def test_bad_limits_are_refused(limits):
    with pytest.raises(ValueError, match="limits of a grid on a Plane .* 2 axes"):
        Plane.through(*vectors(3)).axes(3, limits=limits)


def test_shards_join_to_the_whole(tmp_path, nothing_kept):
    """In any order; a part that is missing or not complete is named."""
    path = str(tmp_path / "plane")
    train, test = splits("conv_bn")
    data = Stops(train, None), test
    whole = whole_grid(kept=False)
    grid(path=path, **LARGE, shard=(2, 3), data=data)
    assert not list(tmp_path.glob("plane.npz"))
    with pytest.raises(FileNotFoundError, match="2 are missing: .*plane-1-of-3.npz.*3-of-3"):
        GridEvaluation.merge(path, 3)
    grid(path=path, **LARGE, shard=(1, 3), data=data)
    with pytest.raises(OSError, match="plug"):
        grid(path=path, **LARGE, shard=(3, 3), data=(Stops(train, 8), test))
    with pytest.raises(ValueError, match="points are not evaluated, of shards 3"):
        GridEvaluation.merge(path, 3)
    grid(path=path, **LARGE, shard=(3, 3), data=data)
    found = GridEvaluation.merge(path, 3)
    for name in whole.names:
        np.testing.assert_array_equal(found[name], whole[name])
    assert GridEvaluation.load(path).complete and (tmp_path / "plane.json").exists()


def test_line_and_rays_are_grids_too():
    """One axis for a line; one for the distance and one for the ray."""
    first, second = networks("dense", 2)
    train, test = splits("dense")
    line = Line.through(first, second)
    found = evaluate_grid(None, line, train, test, shape=3, margin=0.0, batch_size=4, verbose=0)
    logs = second.evaluate(*test, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["test_loss"][-1], logs["loss"], rtol=1e-4)
    directions = [random_direction(first, "unit", ignore=(), seed=seed) for seed in (1, 2)]
    rays = evaluate_grid(
        first, Rays(first, directions), train, test, shape=3, limits=(0, 2), verbose=0
    )
    assert rays["test_loss"].shape == (3, 2)
    np.testing.assert_allclose(rays["test_loss"][0, 0], rays["test_loss"][0, 1], rtol=1e-6)
    moved = ZOO["dense"].model(1)
    curve_model = Rays(first, directions).model()
    curve_model.t = Rays(first, directions).coefficients([2.0, 1])
    curve_model.point(curve_model.t, into=moved)
    np.testing.assert_allclose(
        flat_weights(moved), flat_weights(first) + 2 * directions[1], atol=1e-6
    )


def test_combination_trains_a_simplex():
    """Positions are drawn on the simplex; every point moves."""
    models = networks("dense", 3)
    curve_model = connect(models[0], models[1], Combination(3), fix_start=False, fix_end=False)
    before = [numpy(p) for p in curve_model.curve_layer.points]
    curve_model.compile(optimizer="sgd", loss=ZOO["dense"].loss())
    curve_model.fit(*ZOO["dense"].data(8), epochs=2, verbose=0)
    for old, point in zip(before, curve_model.curve_layer.points):
        assert (old != numpy(point)).any()
    seed = keras.random.SeedGenerator(1)
    drawn = np.stack([numpy(Combination(3).draw(seed)) for _ in range(200)])
    np.testing.assert_allclose(drawn.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(drawn.mean(0), 1 / 3, atol=0.06)
    assert (drawn > 0).all()
    assert Combination.from_config(Combination(3).get_config()).num_points == 3
    assert curve_model.t == [1.0, 0.0, 0.0]


# Refusals.


def test_points_that_span_no_plane_are_refused():
    """Equal and collinear points, other architectures, weights that are not finite."""
    w1, w2, w3 = vectors(3)
    with pytest.raises(ValueError, match="w1 and w3 are the same point"):
        Plane.through(w1, w2, w1)
    with pytest.raises(ValueError, match="a, b and c lie on one line"):
        Plane.through(w1, w2, 0.25 * w1 + 0.75 * w2, labels="abc")
    with pytest.raises(ValueError, match="must have the same number of weights"):
        Plane.through(w1, w2, w3[:-1])
    with pytest.raises(ValueError, match="start.*must have the same architecture|same archit"):
        Plane.through(networks("dense", 1)[0], networks("conv_bn", 1)[0], w3)
    with pytest.raises(ValueError, match="are the same point"):
        Line.through(w1, w1)
    with pytest.raises(ValueError, match="w2 has weights that are not finite"):
        Line.through(w1, np.full_like(w1, np.nan))
    with pytest.raises(ValueError, match="parallel"):
        Plane.along(w1, w2, -2 * w2)
    with pytest.raises(ValueError, match="finite and not zero"):
        Line.along(w1, 0 * w2)
    with pytest.raises(ValueError, match="at least one direction"):
        Rays(w1, [])
    with pytest.raises(ValueError, match=r"Only a curve with one bend.*Bezier\(num_bends=2\)"):
        Plane.of_curve(connect(*networks("dense", 2), Bezier(2)))
    with pytest.raises(ValueError, match="span no plane"):
        principal_directions([w1, w2])
    with pytest.raises(ValueError, match="normalization.*'filters'"):
        random_direction(networks("dense", 1)[0], "filters")


@pytest.mark.usefixtures("eagerly")
def test_bad_grids_are_refused(tmp_path):
    """Before any work, in one line."""
    with pytest.raises(ValueError, match="shape of a grid on a Plane is 2 numbers"):
        grid("dense", shape=(3, 3, 3))
    with pytest.raises(ValueError, match="Coordinates of a Plane"):
        Plane.through(*vectors(3)).coefficients([1.0])
    with pytest.raises(ValueError, match=r"A shard is \(i, n\).*12.*Received: \(4, 3\)"):
        grid("dense", shard=(4, 3))
    with pytest.raises(ValueError, match="made from flat vectors"):
        Plane.through(*vectors(3)).model()
    models = networks("dense")
    with pytest.raises(ValueError, match="not compiled"):
        evaluate_grid(ZOO["dense"].model(1), Plane.through(*models), None, None)
    with pytest.raises(ValueError, match="networks have [0-9]+ weights.*vector of 50"):
        Plane.through(*models).mark("other", vectors(1)[0])
    with pytest.raises(ValueError, match="same architecture"):
        Plane.through(*models).mark_curve("other", connect(*networks("conv_bn", 2)))
    with pytest.raises(ValueError, match="Nothing is marked|do not say how far"):
        Line.along(*vectors(2)).axes(3)
    grid("dense", path=tmp_path / "plane", shape=2)
    with pytest.raises(ValueError, match="results of another grid evaluation"):
        grid("dense", path=tmp_path / "plane", shape=(3, 4))
    with pytest.raises(FileNotFoundError, match="no result file.*none.npz"):
        GridEvaluation.load(tmp_path / "none")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="damaged or is not a grid evaluation"):
        GridEvaluation.load(tmp_path / "broken")
    with pytest.raises(ValueError, match="2 finite coefficients"):
        Combination(2).coefficients([0.5, 0.25, 0.25])
    with pytest.raises(ValueError, match="finite coefficients.*nan"):
        Combination(2).coefficients([np.nan, 1.0])
    with pytest.raises(ValueError, match="integer of at least 2"):
        Combination(1)
