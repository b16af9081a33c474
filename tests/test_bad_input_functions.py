"""Bad input of public functions: each wrong argument is named, before any work."""

import dataclasses
import re

import keras
import numpy as np
import pytest

import mc_tf
from mc_tf import callbacks, ensemble, landscape, models
from mc_tf.storage.snapshots import save_snapshot, take_snapshot
from mc_tf.training import TrainingOptions

NAN, INF = float("nan"), float("inf")
REFUSED = (ValueError, TypeError, OSError)
GOOD = {}  # name of a call -> function of `Given` to `(function, good arguments)`
ROWS = []  # (name of a call, argument, wrong value, what the message says)


def call(name, arguments, /, **wrong):
    """A call, and the wrong values of each argument.

    Args:
        name: what is called.
        arguments: function of `Given` to `(function, dict of good arguments)`.
        **wrong: for each argument a list of values, of functions of `Given` to a value, or of
            `(value, message)`; else the message has the argument's name.
    """
    GOOD[name] = arguments
    for argument, values in wrong.items():
        for value in values:
            value, message = value if isinstance(value, tuple) and len(value) == 2 else (value, 0)
            ROWS.append((name, argument, value, message or argument))


@dataclasses.dataclass
class Given:
    """The objects that calls are made with."""

    start: keras.Model
    end: keras.Model
    other: keras.Model
    unbuilt: keras.Model
    curve: mc_tf.CurveModel
    data: tuple
    folder: object
    evaluation: object = None
    grid: object = None
    scores: object = None


def network(units=3):
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(2)], name="net"
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions")
    (folder / "text.npz").write_text("this is text")
    (folder / "text.keras").write_text("this is text")
    (folder / "empty").mkdir()
    start, end, other = network(), network(), network(5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for one in (start, end, other):
        one.compile(loss=loss, metrics=["accuracy"])
    curve = mc_tf.connect(start, end)
    curve.compile(loss=loss, metrics=["accuracy"])
    data = (np.eye(4, dtype="float32"), np.array([0, 1, 0, 1]))
    save_snapshot(folder / "member.npz", take_snapshot(start))
    evaluation = mc_tf.evaluate_curve(curve, data, data, num_points=3, verbose=0)
    line = mc_tf.Line.through(start, end)
    grid = mc_tf.evaluate_grid(start, line, data, data, shape=3, verbose=0)
    scores = mc_tf.Ensemble(start, [start, end], output="logits").evaluate_members(data, verbose=0)
    unbuilt = keras.Sequential([keras.layers.Dense(2)])
    return Given(start, end, other, unbuilt, curve, data, folder, evaluation, grid, scores)


def folder(name=""):
    return lambda g: str(g.folder / name)


NO_NETWORKS = [None, 3, [], lambda g: g.unbuilt]
NO_FILES = [("none.keras", "'none.keras'"), (lambda g: str(g.folder / "text.keras"), "text.keras")]
NO_DATA = [(value, ".") for value in (None, "text", 3, [], lambda g: iter([g.data]))]
NO_COUNTS = [0, -1, 1.5, "two", None, NAN]

call(
    "connect",
    lambda g: (mc_tf.connect, {"start": g.start, "end": g.end}),
    start=[*NO_NETWORKS, *NO_FILES],
    end=[*NO_NETWORKS, *NO_FILES, (lambda g: g.other, "same architecture")],
    curve=["bezier", 3, mc_tf.Bezier, [], keras.layers.Dense],
    bends=[[], 3, (lambda g: [g.other], "architecture"), [None], lambda g: [g.start, g.start]],
    seed=["one", -1, 1.5],
)
for family in (mc_tf.Bezier, mc_tf.PolyChain):
    call(
        family.__name__,
        lambda g, family=family: (family, {}),
        num_bends=[-1, 1.5, "two", None, NAN, [1]],
    )
call(
    "Combination",
    lambda g: (mc_tf.Combination, {"num_points": 3}),
    num_points=[0, 1, 1.5, "two", None, NAN],
)
call(
    "coefficients",
    lambda g: (mc_tf.Bezier(1).coefficients, {"t": 0.5}),
    t=[-0.1, 1.1, NAN, INF, "half", None, np.zeros((2, 2))],
)
call(
    "CurveModel.point",
    lambda g: (g.curve.point, {"t": 0.5}),
    t=[-1, 2, NAN, "half", None],
    into=[(3, "into"), (lambda g: g.other, "architecture|into"), (lambda g: g.unbuilt, "built")],
)
call(
    "CurveLayer",
    lambda g: (mc_tf.CurveLayer, {"layer": keras.layers.Dense(2), "curve": mc_tf.Bezier(1)}),
    layer=[None, "dense", 3],
    curve=["bezier", 3],
)
call(
    "evaluate_curve",
    lambda g: (
        mc_tf.evaluate_curve,
        {"curve_model": g.curve, "train": g.data, "test": g.data, "num_points": 3, "verbose": 0},
    ),
    curve_model=[None, "curve.keras", 3, lambda g: g.start],
    train=NO_DATA,
    test=NO_DATA[1:],
    num_points=[0, 1, -1, 2.5, "many", None, NAN, 10**12],
    batch_size=[0, -1, 1.5, "many", NAN],
    path=[3, (lambda g: str(g.folder / "text.npz" / "x"), "Cannot write")],
)
call(
    "update_batch_norm",
    lambda g: (mc_tf.update_batch_norm, {"model": bn_network(), "dataset": g.data[0]}),
    model=[None, "m.keras", 3, lambda g: g.unbuilt],
    dataset=NO_DATA,
    num_batches=[0, -1, 1.5, "two"],
    batch_size=[0, -1, 1.5, "two", None, NAN],
)
call(
    "Ensemble",
    lambda g: (mc_tf.Ensemble, {"model": g.start, "members": [g.start, g.end]}),
    model=NO_NETWORKS,
    members=[
        *(None, [], 0, -1, 1.5),
        *(([None], "member 0"), ([3], "member 0")),
        (lambda g: [g.start, g.other], "member 1"),
        (["none.npz"], "none.npz"),
        (lambda g: str(g.folder / "empty"), "empty"),
        (lambda g: str(g.folder / "none"), "none"),
        (lambda g: str(g.folder / "*.png"), "png"),
        (lambda g: str(g.folder / "text.npz"), "text.npz"),
        (lambda g: str(g.folder / "text.keras"), "text.keras"),
        (np.zeros((2, 5)), "shape"),
        (np.full((1, 23), NAN), "finite"),
        (np.zeros(3), "shape|member"),
    ],
    output=["logit", 3],
)
call(
    "evaluate_members",
    lambda g: (
        mc_tf.Ensemble(g.start, [g.start], output="logits").evaluate_members,
        {"dataset": g.data, "verbose": 0},
    ),
    dataset=[*NO_DATA[:2], NO_DATA[2], NO_DATA[4], (lambda g: g.data[0], "label")],
    batch_size=[0, -1, 1.5, "two", None],
)
call(
    "temperatures_from_loss",
    lambda g: (ensemble.temperatures_from_loss, {"losses": [1.0, 2.0]}),
    losses=[[], [NAN, 1.0], [-1.0, 1.0], ("text", "."), None, [0.0, 1.0]],
)
LABELS = np.array([0, 1])
PROBABILITIES = np.array([[0.5, 0.5], [0.1, 0.9]])
for score in ("accuracy", "negative_log_likelihood", "brier_score"):
    call(
        score,
        lambda g, score=score: (
            getattr(ensemble, score),
            {"probabilities": PROBABILITIES, "labels": LABELS},
        ),
        probabilities=[(value, ".") for value in (None, "text", np.zeros((3, 2)), np.zeros(2))],
        labels=[(value, ".") for value in (None, "text", [0, 5], [-1, 0], [0], [0.5, NAN])],
    )
SURFACES = {
    "Line.through": (landscape.Line.through, {"w1": np.zeros(3), "w2": np.ones(3)}),
    "Plane.through": (
        landscape.Plane.through,
        {"w1": np.zeros(3), "w2": np.ones(3), "w3": np.eye(3)[0]},
    ),
}
for name, (function, arguments) in SURFACES.items():
    call(
        name,
        lambda g, function=function, arguments=arguments: (function, arguments),
        w1=[(value, "vector|weights") for value in (None, "text", np.zeros(2), np.full(3, NAN))],
        w2=[(None, "vector"), (np.zeros(3), "."), np.full(3, INF)],
    )
call(
    "evaluate_grid",
    lambda g: (
        mc_tf.evaluate_grid,
        {
            **{"model": g.start, "surface": mc_tf.Line.through(g.start, g.end), "train": g.data},
            **{"test": g.data, "shape": 3, "verbose": 0},
        },
    ),
    model=["m.keras", 3, lambda g: g.unbuilt, (lambda g: g.other, "weights|model|network")],
    surface=[None, "line", 3],
    train=NO_DATA[:-1],
    shape=[0, 1, -3, 2.5, "three", None, [3, 3], [], 10**12],
    margin=[(NAN, "limits"), (INF, "limits"), (-1, "limits")],
    limits=[[(1, 0)], [(NAN, 1)], 3, [(0, 1), (0, 1)]],
    batch_size=[0, -1, "two", 1.5],
    shard=[(0, 2, 3), "1/2", lambda g: (3, 2), lambda g: (-1, 2)],
)
call(
    "hessian_eigenvalues",
    lambda g: (mc_tf.hessian_eigenvalues, {"model": g.start, "data": g.data}),
    model=[None, "m.keras", 3, lambda g: g.unbuilt],
    data=NO_DATA,
    tolerance=[0, -1, NAN, INF, "small", None],
    max_iterations=[0, -1, 1.5, "many", None],
    batch_size=[0, -1, 1.5, "many"],
    seed=["one", -1, 1.5],
)
call(
    "random_direction",
    lambda g: (mc_tf.random_direction, {"model": g.start}),
    model=[None, "m.keras", 3, lambda g: g.unbuilt],
    normalization=["kernel", 3],
    ignore=["biases", (3, "."), ["nothing"]],
    seed=["one", -1, 1.5],
)
call(
    "principal_directions",
    lambda g: (mc_tf.principal_directions, {"networks": list(np.eye(3))}),
    networks=[None, [], [np.zeros(3)], 3, "text", list(np.zeros((3, 3)))],
)
for name, kind in (("triangular", mc_tf.TriangularCycle), ("linear", mc_tf.LinearCycle)):
    call(
        name,
        lambda g, kind=kind: (
            kind,
            {"cycle_length": 4, "max_learning_rate": 0.1, "min_learning_rate": 0.01},
        ),
        cycle_length=[0, -2, 2.5, "four", None, NAN, INF],
        max_learning_rate=[(-0.1, "learning_rate|rate"), (NAN, "rate"), (INF, "rate")],
        min_learning_rate=[(-0.1, "rate"), (NAN, "rate"), (0.2, "rate"), (None, "rate")],
    )
call(
    "CosineCycle",
    lambda g: (mc_tf.CosineCycle, {"cycle_length": 4, "initial_learning_rate": 0.1}),
    cycle_length=[0, -2, 2.5, "four", None, NAN],
    initial_learning_rate=[(-0.1, "rate"), (NAN, "rate"), (INF, "rate"), (None, "rate")],
)
call(
    "SWASchedule",
    lambda g: (
        mc_tf.SWASchedule,
        {"swa_start": 10, "learning_rate": 0.1, "swa_learning_rate": 0.05},
    ),
    swa_start=[0, -1, 1.5, "ten", None, NAN],
    learning_rate=[(-1, "rate"), (NAN, "rate"), ("x", "rate"), (None, "rate")],
    swa_learning_rate=[(-1, "rate"), (NAN, "rate"), (None, "rate")],
)
for kind in (mc_tf.CyclicLearningRate, mc_tf.LinearCyclicLearningRate):
    call(
        kind.__name__,
        lambda g, kind=kind: (
            kind,
            {"cycle_length": 2, "max_learning_rate": 0.1, "min_learning_rate": 0.01},
        ),
        cycle_length=[0, -1, "two", None, NAN],
        max_learning_rate=[(-1, "rate"), (NAN, "rate"), (None, "rate")],
        min_learning_rate=[(-1, "rate"), (NAN, "rate"), (1, "rate")],
        start_epoch=[-1, 0.5, "one", NAN],
    )
call(
    "SWA",
    lambda g: (mc_tf.SWA, {"start_epoch": 1, "batch_norm_data": g.data}),
    start_epoch=[-1, 1.5, "one", None, NAN],
    every=[0, -1, 1.5, "two", NAN],
    cycle=["triangular", 3],
)
call(
    "SnapshotSaver",
    lambda g: (mc_tf.SnapshotSaver, {"directory": str(g.folder / "s")}),
    directory=[None, 3],
    cycle=["triangular", 3],
    every=[0, -1, 1.5, "two", NAN],
    unit=["batches", 3, None],
)
call(
    "AtomicCheckpoint",
    lambda g: (callbacks.AtomicCheckpoint, {"path": "x.keras"}),
    path=[None, 3],
    every=[0, -1, "two", 1.5],
    every_steps=[0, -1, "two", 1.5],
    keep_every=[0, -1, "two", 1.5],
    keep_epochs=[3, [0], [-1], ["two"], [1.5]],
)
call(
    "load_snapshot",
    lambda g: (mc_tf.load_snapshot, {"model": g.start, "path": str(g.folder / "member.npz")}),
    model=[None, "m.keras", (lambda g: g.other, "fit"), lambda g: g.unbuilt],
    path=[
        None,
        3,
        ("none.npz", "none.npz"),
        (folder("text.npz"), "text.npz"),
        (folder("empty"), "empty"),
    ],
)
call(
    "merge",
    lambda g: (mc_tf.merge, {"models": [g.start, g.end], "method": "ties", "base": g.start}),
    models=[None, 3, [], (lambda g: [g.start, g.other], "architecture"), ("none.keras", "none")],
    method=[None, 3, "mean", ""],
    base=[None, 3, (lambda g: g.other, "architecture"), ("none.keras", "none.keras")],
    validation=NO_DATA[1:],
    into=[3, (lambda g: g.other, "architecture|into"), (lambda g: g.unbuilt, "built")],
    batch_size=NO_COUNTS,
    density=[0, -1, 1.5, "half", None, NAN],
    scale=[NAN, INF, "one", None],
)
call(
    "greedy_soup",
    lambda g: (mc_tf.greedy_soup, {"models": [g.start, g.end], "validation": g.data}),
    models=[None, 3, [], (lambda g: [g.start], "two networks")],
    validation=NO_DATA,
    metric=["auc", 3],
    batch_size=NO_COUNTS,
)
call(
    "models.build",
    lambda g: (models.build, {"name": "fc", "num_classes": 2, "input_shape": (4,)}),
    name=[None, ("", "Unknown network"), ("resnt", "'resnt'"), 3],
    num_classes=[0, -1, 1.5, "two", None],
    input_shape=[None, 3, [-1], ["four"], [NAN]],
    weight_decay=[-1, NAN, INF, "small", None],
)
call(
    "TrainingOptions",
    lambda g: (TrainingOptions, {"epochs": 5, "learning_rate": 0.1}),
    epochs=[-1, 1.5, "five", None, NAN],
    learning_rate=[-1, NAN, INF, "fast", None],
    batch_size=NO_COUNTS,
    eval_batch_size=NO_COUNTS,
    seed=[-1, 1.5, "one", None],
    keep_epochs=[3, [0], [-1, 2], [2, 2], ["two"], [1.5], None],
    decay_epochs=[3, [-1], [2, 2], ["two"], None],
    decay_factor=[-1, NAN, None],
    swa_start=[-1, 5, 1.5, "two"],
    optimizer=["lamb", None, 3],
    momentum=[-1, 1.5, NAN, None],
    clip_norm=[0, -1, NAN, INF, "one"],
    precision=["float8", None],
    schedule=["cosine", None, 3],
    save_every=NO_COUNTS,
    keep_every=[0, -1, 1.5, "two"],
    trajectory_every=[0, -1, 1.5],
)


def bn_network():
    return keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])


@pytest.mark.parametrize("index", range(len(ROWS)), ids=lambda i: "-".join(ROWS[i][:2]) + f"-{i}")
def test_wrong_argument_is_named(given, index):
    name, argument, value, message = ROWS[index]
    function, good = GOOD[name](given)
    if callable(value) and not isinstance(value, type):
        value = value(given)
    with pytest.raises(REFUSED) as raised:
        function(**{**good, argument: value})
    assert re.search(message, str(raised.value)), f"{type(raised.value).__name__}: {raised.value}"
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("name", sorted(GOOD))
def test_right_arguments_are_taken(given, name):
    function, good = GOOD[name](given)
    function(**good)
