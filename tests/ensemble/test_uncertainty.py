"""What evaluations say of uncertainty: every kind of outputs, against the networks one by one."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from scipy import stats
from sklearn import metrics as sklearn_metrics

import mc_tf
from mc_tf import metrics
from mc_tf.ensemble import (
    Ensemble,
    EnsembleEvaluation,
    MemberFiles,
    OutOfDistributionEvaluation,
    OutputSpec,
    evaluate_out_of_distribution,
)
from mc_tf.storage.snapshots import save_snapshot, take_snapshot

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 5)).astype("float32")
FAR = (4 * RNG.normal(size=(30, 5))).astype("float32")
WEIGHTS = RNG.uniform(0.5, 2, 40)


def networks(units=3, activation=None, count=4):
    def make(seed):
        keras.utils.set_random_seed(seed)
        inputs = [keras.Input((5,)), layers.Dense(8, "tanh"), layers.Dense(units, activation)]
        return keras.Sequential(inputs)

    return [make(seed) for seed in range(count)]


def outputs(models, x):
    return np.stack([keras.ops.convert_to_numpy(m(x)) for m in models]).astype("float64")


def softmax(z):
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def check(result, each, labels, weights=None):
    """Scores of members and of ensembles of the first members, from probabilities `(M, R, C)`."""
    for k in range(len(each)):
        mean = each[: k + 1].mean(0)
        for p, part in ((each[k], result.members), (mean, result.cumulative)):
            entropy = np.average(metrics.predictive_entropy(p), weights=weights)
            assert part["entropy"][k] == pytest.approx(entropy, rel=1e-4)
            ace = metrics.adaptive_calibration_error(p, labels, sample_weight=weights)
            assert part["adaptive_calibration_error"][k] == pytest.approx(ace, rel=1e-3)
            area = metrics.area_under_risk_coverage(p, labels, sample_weight=weights)
            assert part["area_under_risk_coverage"][k] == pytest.approx(area, rel=1e-4)
        information = np.average(metrics.mutual_information(each[: k + 1]), weights=weights)
        found = result.cumulative["mutual_information"][k]
        assert found == pytest.approx(information, rel=1e-3, abs=1e-7)
    assert result.cumulative["mutual_information"][0] == 0
    assert "mutual_information" not in result.members
    wanted = metrics.mutual_information(each)
    assert result.mutual_information.size == wanted.size
    np.testing.assert_allclose(result.mutual_information.reshape(-1), wanted, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("labels", ["sparse", "one-hot", "soft"])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_classes(kind, labels, weights):
    models = networks(activation="softmax" if kind == "probabilities" else None)
    y = RNG.integers(3, size=40)
    if labels == "one-hot":
        y = np.eye(3, dtype="float32")[y]
    elif labels == "soft":
        y = softmax(RNG.normal(size=(40, 3)))
    ensemble = Ensemble(models[0], models, output=kind)
    data = (X, y) if weights is None else (X, y, weights)
    result = ensemble.evaluate_members(data, verbose=0)
    each = outputs(models, X)
    each = softmax(each) if kind == "logits" else each
    check(result, each, y, weights)
    found = result.reliability(10)
    wanted = metrics.reliability(each.mean(0), y, 10, weights)
    for name in ("confidence", "accuracy", "share"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5)
    found, wanted = result.risk_coverage(), metrics.risk_coverage(each.mean(0), y, None, weights)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    np.testing.assert_allclose(result.uncertainty["max_probability"], -each.mean(0).max(-1), 1e-5)
    entropy = stats.entropy(each.mean(0), axis=-1)
    np.testing.assert_allclose(result.uncertainty["entropy"], entropy, rtol=1e-5)


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_one_sigmoid(kind):
    models = networks(1, activation="sigmoid" if kind == "probabilities" else None)
    y = RNG.integers(2, size=40)
    ensemble = Ensemble(models[0], models, output=kind)
    result = ensemble.evaluate_members((X, y[:, None]), verbose=0)
    each = outputs(models, X)
    each = 1 / (1 + np.exp(-each)) if kind == "logits" else each
    check(result, np.concatenate([1 - each, each], -1), y)
    assert result.mutual_information.shape == (40,)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("soft", [False, True])
def test_labels_that_do_not_exclude_each_other(soft, weights):
    models = networks(3)
    y = RNG.uniform(size=(40, 3)) if soft else RNG.integers(2, size=(40, 3))
    ensemble = Ensemble(models[0], models, output="multilabel_logits")
    data = (X, y) if weights is None else (X, y, weights)
    result = ensemble.evaluate_members(data, verbose=0)
    each = 1 / (1 + np.exp(-outputs(models, X).reshape(4, -1, 1)))
    flat = y.reshape(-1)
    flat = np.stack([1 - flat, flat], -1) if soft else flat
    weights = weights if weights is None else np.repeat(weights, 3)
    check(result, np.concatenate([1 - each, each], -1), flat, weights)
    assert result.mutual_information.shape == (40, 3)
    found = result.reliability()
    wanted = metrics.reliability(each.mean(0), flat, 15, weights)
    np.testing.assert_allclose(found["accuracy"], wanted["accuracy"], rtol=1e-5)
    p = each.mean(0).reshape(40, 3)
    together = np.maximum(p, 1 - p).prod(-1)  # of the most probable combination
    np.testing.assert_allclose(result.uncertainty["max_probability"], -together, rtol=1e-5)
    entropy = stats.bernoulli(p).entropy().sum(-1)
    np.testing.assert_allclose(result.uncertainty["entropy"], entropy, rtol=1e-4)
    again = evaluate_out_of_distribution(ensemble, X, FAR, verbose=0)
    for name, values in result.uncertainty.items():
        np.testing.assert_allclose(again.inside[name], values, rtol=1e-5)


def test_rare_classes_count_as_much_as_frequent_ones():
    """All examples but one are of class 0 and certain; the rare class is never predicted."""
    p = np.tile([0.99, 0.01], (100, 1))
    y = np.zeros(100, int)
    y[:10] = 1
    three = np.concatenate([p, np.zeros((100, 1))], -1)
    assert metrics.adaptive_calibration_error(p, y, 1) == pytest.approx(0.09)
    # A third class that is never predicted and never there has no error.
    assert metrics.adaptive_calibration_error(three, y, 1) == pytest.approx(0.06)


def test_masked_positions_and_an_ignored_class_do_not_count():
    keras.utils.set_random_seed(0)
    tokens = np.array([[1, 2, 3, 0], [2, 0, 0, 0], [3, 3, 1, 2]])

    def make(seed):
        keras.utils.set_random_seed(seed)
        embedding = layers.Embedding(4, 5, mask_zero=True)
        return keras.Sequential([keras.Input((4,)), embedding, layers.Dense(3)])

    models = [make(seed) for seed in range(3)]
    spec = OutputSpec("logits", ignore_class=2)
    ensemble = Ensemble(models[0], models, output=spec)
    labels = RNG.integers(3, size=(3, 4))
    labels[0, 0], labels[2, 2] = 2, 1
    result = ensemble.evaluate_members((tokens, labels), verbose=0)
    counts = (tokens != 0) & (labels != 2)
    each = softmax(outputs(models, tokens))[:, counts]
    check(result, each, labels[counts])
    found = evaluate_out_of_distribution(ensemble, tokens, tokens[::-1], verbose=0)
    assert len(found.inside["entropy"]) == 8  # labels are not known
    assert found.scores["auroc_entropy"] == pytest.approx(0.5)


def test_regression():
    models = networks(2)
    y = RNG.normal(size=(40, 2))
    ensemble = Ensemble(models[0], models, output="regression")
    result = ensemble.evaluate_members((X, y, WEIGHTS), verbose=0)
    each = outputs(models, X)
    for k in range(1, 4):
        part = each[: k + 1]
        mean, deviation = part.mean(0), part.std(0)
        inside = np.abs(y - mean) <= stats.norm.ppf(0.975) * deviation
        wanted = np.average(inside.mean(1), weights=WEIGHTS)
        assert result.cumulative["interval_coverage"][k] == pytest.approx(wanted)
        wanted = metrics.gaussian_crps(mean, deviation**2, y, WEIGHTS)
        assert result.cumulative["crps"][k] == pytest.approx(wanted, rel=1e-4)
    assert np.isnan(result.cumulative["crps"][0]) and result.mutual_information is None
    np.testing.assert_allclose(result.uncertainty["variance"], each.var(0).reshape(-1), rtol=1e-3)
    with pytest.raises(ValueError, match="for classifiers only"):
        result.reliability()
    with pytest.raises(ValueError, match="for classifiers only"):
        result.plot_risk_coverage()
    found = evaluate_out_of_distribution(ensemble, result, FAR, verbose=0)
    labels = np.repeat([0, 1], [80, 60])
    scores = np.concatenate([each.var(0).reshape(-1), outputs(models, FAR).var(0).reshape(-1)])
    wanted = sklearn_metrics.roc_auc_score(labels, scores)
    assert found.scores["auroc_variance"] == pytest.approx(wanted)
    one = Ensemble(models[0], models[:1], output="regression")
    assert "crps" not in one.evaluate_members((X, y), verbose=0).cumulative


def test_a_single_network():
    models = networks(count=1)
    result = Ensemble(models[0], models, output="logits").evaluate_members(
        (X, np.zeros(40)), verbose=0
    )
    assert result.scores["mutual_information"] == 0 and not result.mutual_information.any()
    assert "mutual information     0" in repr(result)


# Out of distribution.


def test_out_of_distribution_is_that_of_scikit_learn(tmp_path):
    models = networks()
    ensemble = Ensemble(models[0], models, output="logits", temperatures=[1, 2, 0.5, 1])
    temperatures = np.array([1, 2, 0.5, 1])[:, None, None]
    inside, outside = (softmax(outputs(models, x) / temperatures) for x in (X, FAR))
    found = ensemble.evaluate_out_of_distribution((X, np.full(40, 99)), FAR, verbose=0)
    positive = np.repeat([0, 1], [40, 30])
    both = np.concatenate([inside, outside], 1)
    measured = {
        "max_probability": -both.mean(0).max(-1),
        "entropy": stats.entropy(both.mean(0), axis=-1),
        "mutual_information": metrics.mutual_information(both),
    }
    for name, values in measured.items():
        np.testing.assert_allclose(found.inside[name], values[:40], rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(found.outside[name], values[40:], rtol=1e-4, atol=1e-7)
        values = np.concatenate([found.inside[name], found.outside[name]])
        wanted = sklearn_metrics.roc_auc_score(positive, values)
        assert found.scores[f"auroc_{name}"] == pytest.approx(wanted)
        wanted = sklearn_metrics.average_precision_score(positive, values)
        assert found.scores[f"aupr_{name}"] == pytest.approx(wanted)
        fpr, tpr, _ = sklearn_metrics.roc_curve(positive, values)
        assert found.scores[f"fpr_at_95_tpr_{name}"] == pytest.approx(fpr[tpr >= 0.95][0])
    # The evaluation saves passes; files give one member at a time; results are files.
    result = ensemble.evaluate_members((X, np.zeros(40)), verbose=0)
    again = evaluate_out_of_distribution(ensemble, result, (FAR, np.zeros(30)), 7, verbose=0)
    assert again.scores == pytest.approx(found.scores)
    files = []
    for number, model in enumerate(models):
        files.append(tmp_path / f"{number}.npz")
        save_snapshot(files[-1], take_snapshot(model))
    members = MemberFiles(models[0], files, output="logits")
    members.temperatures = ensemble.temperatures
    assert evaluate_out_of_distribution(members, X, FAR, verbose=0).scores == found.scores
    found.save(tmp_path / "outside.npz")
    loaded = OutOfDistributionEvaluation.load(tmp_path / "outside.npz")
    assert loaded.scores == found.scores and repr(loaded) == repr(found)
    result.save(tmp_path / "result.npz")
    with pytest.raises(ValueError, match="is not an evaluation out of distribution"):
        OutOfDistributionEvaluation.load(tmp_path / "result.npz")


def test_how_it_is_shown():
    models = networks()
    ensemble = Ensemble(models[0], models, output="logits")
    found = ensemble.evaluate_out_of_distribution(X, FAR, verbose=0)
    assert repr(found).startswith("OutOfDistributionEvaluation: 40 predictions inside, 30 outside")
    head, *lines = found.table().splitlines()
    assert head.split() == ["auroc", "aupr", "fpr_at_95_tpr"]
    assert [line.split()[0] for line in lines] == ["max_probability", "entropy",
                                                   "mutual_information"]  # fmt: skip
    assert float(lines[1].split()[1]) == round(found.scores["auroc_entropy"], 4)
    (_, row, _) = found.rows()
    assert row["measure"] == "entropy" and row["auroc"] == found.scores["auroc_entropy"]
    assert json.loads(json.dumps(found.to_dict()))["scores"] == found.scores


def test_one_batch_twice_is_not_detected():
    models = networks()
    found = mc_tf.Ensemble(models[0], models, "logits").evaluate_out_of_distribution(X, X, 9, 0)
    assert {found.scores[f"auroc_{name}"] for name in found.inside} == {0.5}


def test_bad_data():
    models = networks()
    ensemble = Ensemble(models[0], models, output="logits")
    with pytest.raises(ValueError, match="`outside` has no batch"):
        ensemble.evaluate_out_of_distribution(X, X[:0], verbose=0)
    with pytest.raises(ValueError, match="`batch_size` must be"):
        ensemble.evaluate_out_of_distribution(X, X, batch_size=0)
    bad = X.copy()
    bad[3] = np.nan
    with pytest.raises(ValueError, match="`outside` has NaN or infinite inputs"):
        ensemble.evaluate_out_of_distribution(X, bad, verbose=0)


# Results.


def test_results_are_saved_with_the_new_values(tmp_path):
    models = networks()
    ensemble = Ensemble(models[0], models, output="logits")
    result = ensemble.evaluate_members((X, RNG.integers(3, size=40)), verbose=0)
    result.save(tmp_path / "result.npz")
    loaded = EnsembleEvaluation.load(tmp_path / "result.npz")
    assert loaded.scores == result.scores
    np.testing.assert_array_equal(loaded.mutual_information, result.mutual_information)
    rows = result.rows()
    assert rows[-1]["ensemble_mutual_information"] == result.scores["mutual_information"]
    assert "mutual_information" in json.loads(json.dumps(result.to_dict()))["cumulative"]
    table = result.table(["entropy", "brier"]).splitlines()
    assert table[0].split() == ["member", "ensemble"] and len(table) == 6
    assert table[1].split() == ["n", *2 * ["entropy", "brier"]]
    assert "calibration error" in repr(result) and "mutual information" in repr(result)
