"""The steps and recipes of simplexes: their trainings, files and numbers."""

import json
import pathlib

import keras
import numpy as np
import pytest
from model_zoo import numpy
from programs import needs_tensorflow, run
from recipes import ALL, recipe, steps

from mc_tf import data
from mc_tf.ensemble import EnsembleEvaluation
from mc_tf.experiments import (
    AddVertices,
    Along,
    Ensembles,
    Experiment,
    Figure,
    LearnSubspace,
    Network,
    Part,
    Score,
    Train,
    equal_budgets,
    last,
    members,
    run_experiment,
)
from mc_tf.simplexes import volume
from mc_tf.storage.snapshots import read_snapshot
from mc_tf.training import TrainingOptions

pytestmark = needs_tensorflow

OURS = ("benton2021", "wortsman2021")
RECIPES = [name for name, path in ALL.items() if pathlib.Path(path).stem in OURS]
FC = Network("fc", {"units": [8]})
FEW = TrainingOptions(1, 0.05, batch_size=32)


def digits():
    return data.load("digits").first(64, 40)


def rows_of(steps, folder, said=None):
    rows = run_experiment(
        Experiment(tuple(steps)),
        digits(),
        folder,
        say=([] if said is None else said).append,
        verbose=0,
    )
    return {(row.curve, row.value, row.statistic): row.obtained for row in rows}


def error_of(weights, model, examples):
    """The error of a network with given weights, by its predictions."""
    for variable, value in zip(model.trainable_variables, np.split(weights, _splits(model))):
        variable.assign(value.reshape(variable.shape))
    scores = keras.ops.convert_to_numpy(model(examples.normalize(examples.x_test)))
    return 100 * np.mean(scores.argmax(1) != examples.y_test)


def _splits(model):
    return np.cumsum([int(np.prod(v.shape)) for v in model.trainable_variables])[:-1]


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    """Two modes, two connectors; steps that refer to the complex like to a training."""
    folder, said = tmp_path_factory.mktemp("connected"), []
    modes = [
        Train(f"mode-{k}", FC, TrainingOptions(1, 0.05, batch_size=32, seed=k)) for k in (1, 2)
    ]
    networks = tuple(last(mode.name) for mode in modes)
    made = (
        *modes,
        AddVertices("complex", FEW, networks, 2, volume_weight=0.5, num_samples=3, label="spro"),
        Ensembles("ensemble", ((Part(members("complex"), 1),),), "samples"),
        Score("score", last("complex"), "middle"),
        Figure("simplex", "simplex", {"": "complex"}),
    )
    return folder, made, rows_of(made, folder, said), said


def test_numbers_of_a_complex(connected):
    folder, _, found, said = connected
    stored = np.load(folder / "complex" / "simplex.npz")
    assert stored["vertices"].tolist() == [3, 4] and stored["error"].shape == (2, 3)
    model = keras.saving.load_model(folder / "mode-1" / "model.keras")
    curves = [
        keras.saving.load_model(folder / "complex" / f"vertex-{k}" / "curve.keras") for k in (1, 2)
    ]
    assert curves[1].curve.simplexes == [[0, 2, 3], [1, 2, 3]]
    points = [np.stack([numpy(p) for p in curve.curve_layer.points]) for curve in curves]
    np.testing.assert_array_equal(points[0], points[1][:3])  # each vertex stays when it is trained
    np.testing.assert_allclose(stored["volume"], [volume(curve) for curve in curves])
    snapshots = [
        read_snapshot(folder / "complex" / "members" / f"snapshot-{k:08d}.npz") for k in (1, 2, 3)
    ]
    for snapshot, error in zip(snapshots, stored["error"][1]):
        c = np.linalg.lstsq(points[1].T.astype("f8"), snapshot.weights, rcond=None)[0]
        np.testing.assert_allclose(c @ points[1], snapshot.weights, atol=1e-4)
        assert c.min() > -1e-4 and c.sum() == pytest.approx(1, abs=1e-4)
        assert min(c[0], c[1]) == pytest.approx(0, abs=1e-4)  # of one of the two simplexes
        assert error_of(snapshot.weights, model, digits()) == pytest.approx(error)
    for k, error in enumerate(stored["network_error"]):
        assert error_of(points[1][k], model, digits()) == pytest.approx(error)
    errors = stored["error"][1]
    assert found["spro samples", "test_error", "max"] == pytest.approx(errors.max())
    assert found["spro networks", "test_error", "mean"] == stored["network_error"].mean()
    assert found["spro 4 vertices", "volume", ""] == pytest.approx(stored["volume"][1])
    result = EnsembleEvaluation.load(folder / "ensemble.npz")
    assert found["samples-1", "test_error", "mean"] == result.scores["error"]
    assert found["spro ensemble", "test_error", "mean"] == pytest.approx(result.scores["error"])
    middle = error_of(points[1][2:].mean(0), model, digits())
    assert found["middle", "test_error", "mean"] == pytest.approx(middle)
    assert (folder / "simplex.png").read_bytes().startswith(b"\x89PNG")
    assert any("volume" in line and "their ensemble" in line for line in said)


def test_a_complex_resumes(connected):
    folder, made, found, _ = connected
    path = folder / "complex" / "vertex-2" / "curve.keras"
    before = path.stat().st_mtime_ns
    assert rows_of(made, folder) == found and path.stat().st_mtime_ns == before
    other = tuple(
        AddVertices("complex", FEW, made[2].networks, 2, volume_weight=1.0, num_samples=3)
        if step.name == "complex"
        else step
        for step in made
    )
    with pytest.raises(ValueError, match="volume_weight"):
        rows_of(other, folder)


@pytest.mark.parametrize("curve", ["segment", "simplex"])
def test_numbers_of_a_learned_subspace(curve, tmp_path):
    options = {"curve": curve, "num_samples": 2, "label": "A", "position_per": "layer"}
    learned = LearnSubspace("learned", FEW, FC, **options)
    along = [Along("along", curve="learned", num_points=3)] if curve == "segment" else []
    found = rows_of([learned, *along, Score("score", last("learned"), "again")], tmp_path)
    model = keras.saving.load_model(tmp_path / "learned" / "curve.keras")
    assert model.curve_layer.fixed == () and model.curve_layer.points_regularizer.strength == 1
    points = np.stack([numpy(point) for point in model.curve_layer.points])
    assert len(points) == (2 if curve == "segment" else 3)
    network = keras.saving.load_model(tmp_path / "learned" / "model.keras")
    errors = [error_of(point, network, digits()) for point in points]
    assert found["A end", "test_error", "mean"] == pytest.approx(np.mean(errors))
    middle = error_of(points.mean(0), network, digits())
    assert found["A middle", "test_error", "mean"] == pytest.approx(middle)
    assert found["again", "test_error", "mean"] == pytest.approx(middle)
    ends = EnsembleEvaluation.load(tmp_path / "learned" / "ends.npz")
    assert found["A ends", "test_error", "mean"] == ends.scores["error"]
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        for k, a in enumerate(points.astype("f8"))
        for b in points[:k].astype("f8")
    ]
    assert found["A", "cosine", "mean"] == pytest.approx(np.mean(cosines), abs=1e-6)
    if along:
        assert found["along", "test_error", "min"] == pytest.approx(min(*errors, middle))


FOUR = TrainingOptions(4, 0.05, batch_size=32)
ESPRO = {"epochs": 2, "training": FEW, "num_vertices": 2, "num_samples": 3, "volume_weight": 0.1}


def test_espro_at_equal_cost():
    made = {s.name: s for s in equal_budgets(FC, FOUR, methods=("espro",), espro=ESPRO)}
    for k in range(3):
        step = made[f"repetition-0/espro-{k}"]
        assert step.networks == (last(f"repetition-0/espro-{k}-first"),)
        assert made[step.networks[0].training].training.epochs == 2
        assert 2 + step.num_vertices * step.training.epochs == FOUR.epochs
    seeds = {s.training.seed for s in made.values() if isinstance(s, AddVertices)}
    assert len(seeds) == 3
    assert [part.before for (part,) in made["repetition-0/espro"].budgets] == [2, 6, 10]


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: AddVertices("a", FEW, (), 2), "single networks.*none"),
        (lambda: AddVertices("a", FEW, (members("b"),), 2), "single networks.*members"),
        (lambda: AddVertices("a", FEW, (last("b"),), 0), "num_vertices"),
        (lambda: AddVertices("a", FEW, (last("b"),), 2, volume_weight=-1), "volume_weight"),
        (lambda: LearnSubspace("a", FEW, FC, curve="circle"), "circle"),
        (lambda: LearnSubspace("a", FEW, FC, curve="simplex", num_vertices=1), "num_vertices"),
        (lambda: LearnSubspace("a", FEW, FC, similarity="no"), "similarity"),
        (lambda: equal_budgets(FC, FOUR, methods=("espro",)), "'espro' needs"),
        (
            lambda: equal_budgets(FC, FOUR, methods=("espro",), espro=ESPRO | {"epochs": 3}),
            "must take the 4 epochs.*epochs=3, and 5 with",
        ),
    ],
)
def test_bad_settings_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_bad_numbers_are_refused_before_any_work(tmp_path):
    for bad in ({"num_samples": 0}, {"positions_per_batch": 0}, {"position_per": "weight"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            rows_of([LearnSubspace("a", FEW, FC, **bad)], tmp_path)
        assert not list(tmp_path.glob("a/*"))


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_whole(name):
    for smoke in (False, True):
        made = steps(name, smoke=smoke)
        grown = [s for s in made.values() if isinstance(s, (AddVertices, LearnSubspace))]
        assert grown and all(s.num_vertices <= 2 and s.num_samples <= 3 for s in grown) == smoke
    assert recipe(name).cost or name.endswith("digits")


@pytest.mark.long
@pytest.mark.parametrize("name", ["simplex_digits", "subspaces_digits"])
def test_smoke(name, tmp_path):
    files = (f"--workdir={tmp_path}", f"--results_file={tmp_path}/results.csv")
    run("reproduce", f"--recipe={name}", "--smoke", "--verbose=0", *files)
    rows = json.loads((tmp_path / "comparison.json").read_text())["rows"]
    assert all(np.isfinite(row["obtained"]) for row in rows) and len(rows) > 5
