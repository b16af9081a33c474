"""How users see results, and how they put them into their own tables."""

import json

import keras
import numpy as np
import pytest
from surfaces import chain, ensemble, filled, line, plane, rays

import mc_tf
from mc_tf import CurveEvaluation
from mc_tf.storage.snapshots import take_snapshot


def small_network(seed=0):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.set_weights([np.random.default_rng(seed).normal(size=(2, 1)), np.zeros(1)])
    model.compile(loss="mean_squared_error")
    return model


def half():
    result = chain()
    result.done[3:] = False
    return result


def many_labels():
    marks = {f"network {k}": (float(k), 0.0) for k in range(1000)}
    return filled("Plane", [np.arange(3.0)] * 2, {"train_loss": lambda x, y: x + y}, marks)


def hessian():
    x = np.array([[1.0, 0.0], [0.0, 2.0]], "float32")
    return mc_tf.hessian_eigenvalues(small_network(), (x, np.zeros((2, 1), "float32")), verbose=0)


SHOWN = {
    "curve": (
        chain,
        ["PolyChain(num_bends=1): 21 points", "length ratio 1.5000", "20 to 24 %", "0.2 to 1.2"],
    ),
    "half a curve": (half, ["3 of 21 points are evaluated"]),
    "nothing yet": (lambda: CurveEvaluation(np.linspace(0, 1, 5)), ["0 of 5 points"]),
    "plane": (plane, ["a Plane: 13 x 13 points, with 3 networks and 1 curve", "91.8 %"]),
    "rays": (rays, ["of Rays: 11 x 4 points", "0.05 to 1.65"]),
    "many labels": (many_labels, ["1000 networks", "0 to 4"]),
    "ensemble": (
        ensemble,
        [
            "9 members, 4 predictions",
            "ensemble error",
            "21.11 %",
            "22 to 23 %",
            "differ in",
            "10 %",
        ],
    ),
    "Hessian": (hessian, ["largest 5", "smallest", "3 weights", "3 products"]),
    "a plane to be": (
        lambda: mc_tf.Plane.through(*[small_network(k) for k in range(3)]),
        ["Plane through 3 weights, with 3 networks"],
    ),
    "snapshot": (lambda: take_snapshot(small_network(), step=7), ["3 weights", "step 7"]),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_result_is_shown_in_a_few_lines(name):
    make, words = SHOWN[name]
    text = repr(make())
    assert len(text.splitlines()) <= 7 and max(map(len, text.splitlines())) <= 100
    for word in words:
        assert word in text, text


@pytest.mark.parametrize("make", [chain, plane, line, rays, ensemble])
def test_rows_and_dicts_hold_every_number(make):
    pandas = pytest.importorskip("pandas")
    result = make()
    table = pandas.DataFrame(result.rows())
    plain = json.loads(json.dumps(result.to_dict()))
    if make is ensemble:
        assert table["members"].tolist() == list(range(1, 10))
        for name, values in result.members.items():
            assert table[f"member_{name}"].tolist() == values.tolist() == plain["members"][name]
            assert table[f"ensemble_{name}"].tolist() == plain["cumulative"][name]
        assert plain["variance"] is None and np.shape(plain["disagreement"]) == (9, 9)
        return
    for name in result.names:
        assert table[name].tolist() == result[name].ravel().tolist()
        assert np.array_equal(plain["values"][name], result[name])
    columns = {chain: ["t"], plane: ["x", "y"], line: ["x"], rays: ["distance", "ray"]}[make]
    places = result.t[:, None] if make is chain else result.coordinates
    np.testing.assert_array_equal(table[columns], places)
    assert plain["kind"] == result.kind and plain["description"] == result.description


def test_rows_of_what_is_evaluated_so_far():
    assert [row["t"] for row in half().rows()] == pytest.approx([0, 0.05, 0.1])
