"""`barrier`: values along segments, against networks whose weights numpy interpolates."""

import keras
import numpy as np
import pytest
from keras import layers
from model_zoo import long_under_jax, numpy, some

import mc_tf

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 4)).astype("float32"), RNG.integers(0, 3, 40).astype("int32")


def network(seed, compiled=True):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(16, "relu"), layers.Dense(3)])
    if compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
    return model


def losses(first, second, num_points, repaired=False):
    """Loss along the segment between lists of weights."""
    ends = [X @ kernel + bias for kernel, bias, *_ in (first, second)]
    found = []
    for t in np.linspace(0, 1, num_points):
        one, two, three, four = ((1 - t) * a + t * b for a, b in zip(first, second))
        hidden = X @ one + two
        if repaired:
            mean, spread = (
                (1 - t) * moment(ends[0], 0) + t * moment(ends[1], 0)
                for moment in (np.mean, np.std)
            )
            hidden = (hidden - hidden.mean(0)) / hidden.std(0) * spread + mean
        logits = np.maximum(hidden, 0) @ three + four
        logits -= logits.max(1, keepdims=True)
        found.append(np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(40), Y]))
    return np.array(found)


def test_values_along_both_segments(tmp_path):
    first, second = network(0), network(1)
    data = (X, Y)
    path = tmp_path / "values"
    result = mc_tf.barrier(first, second, data, data, 5, align=True, path=path, verbose=0)
    ends = {"as trained": second, "aligned": result.alignment.model}
    for key, end in ends.items():
        expected = losses(first.get_weights(), end.get_weights(), 5)
        np.testing.assert_allclose(result.results[key]["test_loss"], expected, rtol=1e-4)
        height = expected.max() - max(expected[[0, -1]])
        np.testing.assert_allclose(result.heights()[key], height, atol=1e-4)
        assert key in result.table() and key in repr(result)
    np.testing.assert_allclose(numpy(ends["aligned"](X)), numpy(second(X)), atol=1e-5)
    names = sorted(each.name for each in tmp_path.glob("*.json"))
    assert names == ["values-aligned.json", "values.json"]
    assert len(result.plot(names=["test_loss"]).axes) == 1


@pytest.mark.parametrize("align", some([False, "activations"], [False, "activations"], [False]))
def test_repaired_networks(align, tmp_path):
    """Means and deviations of the hidden units lie between the endpoints'."""
    first, second = network(0), network(1)
    data, path = (X, Y), tmp_path / "values"
    chosen = {"align": align, "repair": True, "path": path, "verbose": 0}
    result = mc_tf.barrier(first, second, data, data, 5, **chosen)
    assert list(result.results) == ["as trained", *["aligned"][: bool(align)], "repaired"]
    end = result.alignment.model if align else second
    expected = losses(first.get_weights(), end.get_weights(), 5, repaired=True)
    np.testing.assert_allclose(result.results["repaired"]["test_loss"], expected, rtol=1e-3)
    again = mc_tf.barrier(first, second, data, data, 5, **chosen)
    assert again.heights() == result.heights()
    assert (tmp_path / "values-repaired.json").exists()


@long_under_jax
@pytest.mark.parametrize("blocks", [False, True])
def test_one_layer_at_a_time(blocks, tmp_path):
    first, second = network(0), network(1)
    names = [layer.name for layer in first.layers]
    layers = {"hidden": names[:1], "all": names} if blocks else True
    data = (X, Y)
    chosen = {"align": True, "layers": layers, "path": tmp_path / "values", "verbose": 0}
    result = mc_tf.barrier(first, second, data, data, 5, **chosen)
    moved = layers if blocks else {name: [name] for name in names}
    assert list(result.layers) == list(moved)
    begin = first.get_weights()
    for layer, which in moved.items():
        for key, end in (("as trained", second), ("aligned", result.alignment.model)):
            end = [
                weight if names[k // 2] in which else begin[k]
                for k, weight in enumerate(end.get_weights())
            ]
            expected = losses(begin, end, 5)
            found = result.layers[layer][key]
            np.testing.assert_allclose(found["test_loss"], expected, rtol=1e-4)
            rise = result.layer_heights()[layer][key]
            np.testing.assert_allclose(rise, expected.max() - expected[0], atol=1e-4)
            assert f"{rise:.4f}" in result.table() and layer in result.table()
    written = tmp_path / f"values-{next(iter(moved))}-aligned.npz"
    assert written.exists() and len(result.plot_layers().axes) == 2


def test_errors_of_a_metric_that_is_better_when_higher():
    result = mc_tf.CurveEvaluation(np.linspace(0, 1, 3))
    for index, value in enumerate((0.9, 0.4, 0.8)):
        result.record(index, {"test_accuracy": value})
    assert result.rise("test_accuracy") == pytest.approx(0.5)
    assert result.rise("test_error") == pytest.approx(50)


def test_one_segment():
    result = mc_tf.barrier(network(0), network(1), (X, Y), (X, Y), verbose=0)
    assert list(result.results) == ["as trained"] and result.alignment is None
    assert len(result.results["as trained"].t) == 25


def test_first_network_is_compiled():
    with pytest.raises(ValueError, match="`first` is not compiled"):
        mc_tf.barrier(network(0, compiled=False), network(1), (X, Y), (X, Y))


def test_other_architectures_are_refused():
    other = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(ValueError, match="`first` and `second` must have the same architecture"):
        mc_tf.barrier(network(0), other, (X, Y), (X, Y))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"align": "both"}, "`align` must be True, False, 'weights' or 'activations'.*'both'"),
        ({"layers": {"a": ["none"]}}, r"'a' is \['none'\]. Choose from: dense.*"),
        ({"layers": {"a": []}}, r"'a' is \[\]"),
        ({"num_points": 1}, "`num_points`"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        mc_tf.barrier(network(0), network(1), (X, Y), (X, Y), **options)
