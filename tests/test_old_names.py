"""Old spellings of public names: each warns once, names the new one, and does the same."""

import importlib
import re
import sys

import keras
import numpy as np
import pytest

import mc_tf
from mc_tf.ensemble import OutputSpec
from mc_tf.moved import MOVED

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


def networks():
    keras.utils.set_random_seed(3)
    made = [
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
        for _ in range(3)
    ]
    made[0].compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


def evaluated(**given):
    first, second, _ = networks()
    curve = mc_tf.connect(first, second)
    curve.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = mc_tf.evaluate_curve(curve, (X, Y), (X, Y), 2, verbose=0, **given)
    return {name: found[name].tolist() for name in found.names}


def grid(**given):
    plane = mc_tf.Plane.through(*networks())
    data = (X, Y), (X, Y)
    found = mc_tf.evaluate_grid(networks()[0], plane, *data, shape=2, verbose=0, **given)
    return {name: found[name].tolist() for name in found.names}


def marked(name):
    first, second, third = networks()
    line = mc_tf.Line.through(first, second)
    line.mark("third", third)
    return {label: value.tolist() for label, value in getattr(line, name).items()}


def middle(name):
    curve = mc_tf.connect(*networks()[:2])
    return keras.ops.convert_to_numpy(getattr(curve.curve_layer, name)(0.5)).tolist()


OLD = {
    "others": (
        lambda: evaluated(others={"v": (X, Y)}),
        lambda: evaluated(extra_data={"v": (X, Y)}),
    ),
    "statistics": (lambda: evaluated(statistics=(X, Y)), lambda: evaluated(batch_norm_data=(X, Y))),
    "others of a grid": (
        lambda: grid(others={"v": (X, Y)}),
        lambda: grid(extra_data={"v": (X, Y)}),
    ),
    "lost": (lambda: marked("lost"), lambda: marked("projection_error")),
    "flat_point": (lambda: middle("flat_point"), lambda: middle("flat_weights_at")),
    "values": (lambda: OutputSpec("values"), lambda: OutputSpec("regression")),
}


@pytest.mark.parametrize("name", OLD)
def test_old_names_work_and_warn_once(name):
    old, new = OLD[name]
    with pytest.warns(DeprecationWarning, match=f"{name.split()[0]}.* is now ") as caught:
        found = old()
    (warning,) = [w for w in caught if " is now " in str(w.message)]  # not Keras' own
    assert warning.filename == __file__
    assert found == new()


@pytest.mark.parametrize("name", MOVED)
def test_modules_are_found_at_their_old_places(name):
    sys.modules.pop(f"mc_tf.{name}", None)
    with pytest.warns(
        DeprecationWarning, match=rf"`mc_tf.{name}` is now `mc_tf.{MOVED[name]}`"
    ) as w:
        old = importlib.import_module(f"mc_tf.{name}")
    assert w[0].filename == __file__
    new = importlib.import_module(f"mc_tf.{MOVED[name]}")
    there = [each for each in vars(new) if not each.startswith("_")]
    assert there and all(getattr(old, each) is getattr(new, each) for each in there)


def test_modules_at_old_places_are_attributes_too():
    import mc_tf.storage.averages

    for name in ("snapshots", "averaging"):
        vars(mc_tf).pop(name, None)
        sys.modules.pop(f"mc_tf.{name}", None)
    with pytest.warns(DeprecationWarning, match="mc_tf.snapshots"):
        assert mc_tf.snapshots.read_snapshot is mc_tf.storage.snapshots.read_snapshot
    with pytest.warns(DeprecationWarning, match="mc_tf.averaging"):
        from mc_tf.averaging import WeightAverage
    assert WeightAverage is mc_tf.storage.averages.WeightAverage
    with pytest.raises(AttributeError, match="no attribute 'flt'"):
        mc_tf.flt  # noqa: B018
    with pytest.raises(ModuleNotFoundError):
        import mc_tf.snapshot  # noqa: F401


def test_both_names_are_refused():
    with pytest.raises(TypeError, match="both `others` and `extra_data`"):
        evaluated(others={}, extra_data={})


def test_data_sets_serve_by_the_old_name():
    pytest.importorskip("tensorflow")
    digits = mc_tf.data.load("digits").first(8, 8)
    with pytest.warns(DeprecationWarning, match="statistics_batches.* is now `batch_norm_data`"):
        (old,) = digits.statistics_batches(8)
    (new,) = digits.batch_norm_data(8)
    np.testing.assert_array_equal(old[0], new[0])


def test_files_with_old_names_load_without_a_warning(recwarn):
    assert OutputSpec.from_config({"kind": "values"}) == OutputSpec("regression")
    assert not [w for w in recwarn if " is now " in str(w.message)]


def test_warnings_point_to_the_line_of_the_user():
    """Of a function behind decorators, and of a callback within `fit` of Keras."""
    first = networks()[0]
    second = keras.models.clone_model(first)  # the same function, and zero in the middle
    second.set_weights([-weight for weight in first.get_weights()])
    curve, data = mc_tf.connect(first, second), (X, first.predict(X, verbose=0))
    curve.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="its bends have hardly moved") as caught:
        mc_tf.evaluate_curve(curve, data, data, num_points=3, verbose=0)
    cycle = mc_tf.CyclicLearningRate(4, max_learning_rate=0.1, min_learning_rate=0.01)
    first.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="The first minimum of") as in_fit:
        first.fit(*data, batch_size=2, epochs=1, callbacks=[cycle], verbose=0)
    ours = [w for w in (*caught, *in_fit) if re.search("hardly|minimum", str(w.message))]
    assert [w.filename for w in ours] == [__file__] * 2  # the others are Keras' own
