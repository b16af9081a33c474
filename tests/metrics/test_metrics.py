"""Calibration, entropy, selective prediction, detection and intervals against other definitions."""

import keras
import numpy as np
import pytest
from scipy import integrate, stats
from sklearn import metrics as sklearn_metrics

from mc_tf import metrics

RNG = np.random.default_rng(0)


def softmax(z):
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def predictions(size=150, classes=4, seed=0, digits=None):
    """Class probabilities, rounded for ties, and labels of unequal frequency."""
    rng = np.random.default_rng(seed)
    p = softmax(2 * rng.standard_normal((size, classes)) + np.arange(classes))
    if digits is not None:
        p = np.round(p, digits)
        p[:, -1] = 1 - p[:, :-1].sum(-1)
    return p, np.where(rng.uniform(size=size) < 0.6, p.argmax(-1), rng.integers(classes, size=size))


# Calibration.


def ace(p, y, num_bins):
    """The definition, for sizes that divide and without ties: a loop over classes and ranges."""
    total = []
    for k in range(p.shape[1]):
        order = sorted(range(len(p)), key=lambda n: p[n, k])
        for part in np.split(np.array(order), num_bins):
            total.append(abs(np.mean(y[part] == k) - np.mean(p[part, k])))
    return np.mean(total)


@pytest.mark.parametrize("num_bins", [1, 5, 15])
def test_adaptive_calibration_error_is_the_mean_over_classes_and_ranges(num_bins):
    p, y = predictions()
    found = metrics.adaptive_calibration_error(p, y, num_bins)
    assert found == pytest.approx(ace(p, y, num_bins), rel=1e-12)
    one_hot = metrics.adaptive_calibration_error(p, np.eye(4)[y], num_bins)
    assert one_hot == pytest.approx(found, rel=1e-12)


def test_adaptive_calibration_error_of_two_classes_and_of_one_column():
    p, y = predictions(classes=2)
    found = metrics.adaptive_calibration_error(p, y)
    assert metrics.adaptive_calibration_error(p[:, 1:], y) == pytest.approx(found)
    assert found == pytest.approx(ace(p, y, 15), rel=1e-12)


def test_adaptive_calibration_error_with_ties_weights_and_any_size():
    p, y = predictions(97, digits=1)
    order, weights = RNG.permutation(97), RNG.integers(0, 4, 97)
    found = metrics.adaptive_calibration_error(p, y, 7)
    assert metrics.adaptive_calibration_error(p[order], y[order], 7) == pytest.approx(found)
    weighted = metrics.adaptive_calibration_error(p, y, 7, weights)
    repeated = metrics.adaptive_calibration_error(p.repeat(weights, 0), y.repeat(weights), 7)
    assert weighted == pytest.approx(repeated, rel=1e-12)


def test_calibrated_predictions_have_small_errors_and_a_diagonal():
    p = RNG.uniform(size=(200_000, 1))
    y = (RNG.uniform(size=200_000) < p[:, 0]).astype(int)
    assert metrics.adaptive_calibration_error(p, y) < 0.01
    found = metrics.reliability(p, y, 10)
    assert np.isnan(found["accuracy"][:5]).all() and found["share"][:5].sum() == 0
    np.testing.assert_allclose(found["accuracy"][5:], found["confidence"][5:], atol=0.01)
    rare = np.where(y == 1, y, 0)[:, None] * 0 + 0.5  # says 0.5 of everything
    assert metrics.adaptive_calibration_error(rare, y < 2) == pytest.approx(0.5)


def test_reliability_has_the_expected_calibration_error():
    from mc_tf.ensemble import expected_calibration_error

    p, y = predictions()
    weights = RNG.uniform(size=150)
    found = metrics.reliability(p, y, 15, weights)
    filled = found["share"] > 0
    gaps = found["share"] * np.abs(found["accuracy"] - found["confidence"])
    wanted = expected_calibration_error(p, y, sample_weight=weights)
    assert gaps[filled].sum() == pytest.approx(wanted, rel=1e-12)
    inside = (p.max(-1) > 9 / 15) & (p.max(-1) <= 10 / 15)
    right = np.average(p.argmax(-1)[inside] == y[inside], weights=weights[inside])
    assert found["accuracy"][9] == pytest.approx(right)


# Entropy.


def test_entropy_is_that_of_scipy():
    p, _ = predictions()
    np.testing.assert_allclose(metrics.predictive_entropy(p), stats.entropy(p, axis=-1), rtol=1e-12)
    cube = p[:120].reshape(3, 40, 4)
    assert metrics.predictive_entropy(cube).shape == (3, 40)
    binary = metrics.predictive_entropy(p[:, :1])
    np.testing.assert_allclose(binary, stats.bernoulli(p[:, 0]).entropy(), rtol=1e-10)
    assert metrics.predictive_entropy([[0.0, 1.0, 0.0]]) == 0


def test_mutual_information_is_the_divergence_from_the_mean():
    members = np.stack([predictions(30, seed=seed)[0] for seed in range(5)])
    mean = members.mean(0)
    divergence = np.mean([stats.entropy(p, mean, axis=-1) for p in members], axis=0)
    np.testing.assert_allclose(metrics.mutual_information(members), divergence, rtol=1e-9)
    same = metrics.mutual_information(np.stack([mean] * 3))
    assert (same >= 0).all() and same.max() < 1e-15
    certain = metrics.mutual_information(np.eye(4)[:, None])
    np.testing.assert_allclose(certain, np.log(4))


def test_arrays_of_the_backend():
    p, y = predictions()
    tensor = keras.ops.convert_to_tensor(p.astype("float32"))
    entropy = metrics.predictive_entropy(tensor)
    np.testing.assert_allclose(entropy, metrics.predictive_entropy(p), rtol=1e-5)
    found = metrics.adaptive_calibration_error(tensor, keras.ops.convert_to_tensor(y))
    assert found == pytest.approx(metrics.adaptive_calibration_error(p, y), rel=1e-4)


# Selective prediction.


def test_risk_at_each_coverage():
    p, y = predictions()
    coverage, risk = metrics.risk_coverage(p, y)
    wrong = p.argmax(-1) != y
    order = np.argsort(-p.max(-1))
    expected = [wrong[order[: k + 1]].mean() for k in range(150)]
    np.testing.assert_allclose(risk, expected, rtol=1e-12)
    np.testing.assert_allclose(coverage, np.arange(1, 151) / 150)
    area = metrics.area_under_risk_coverage(p, np.eye(4)[y])
    assert area == pytest.approx(np.mean(expected))


def test_area_with_ties_is_the_mean_over_orders():
    p, y = predictions(60, digits=1)
    wrong, areas = p.argmax(-1) != y, []
    for _ in range(4000):
        order = np.lexsort((RNG.uniform(size=60), -p.max(-1)))
        areas.append(np.mean(np.cumsum(wrong[order]) / np.arange(1, 61)))
    error = 5 * np.std(areas) / np.sqrt(len(areas))
    assert metrics.area_under_risk_coverage(p, y) == pytest.approx(np.mean(areas), abs=error)


def test_other_uncertainty_and_weights():
    p, y = predictions()
    entropy, weights = metrics.predictive_entropy(p), RNG.uniform(size=150)
    weights[:9] = 0
    _, risk = metrics.risk_coverage(p, y, entropy, weights)
    order = [n for n in np.argsort(entropy) if weights[n]]
    wrong = (p.argmax(-1) != y)[order]
    expected = np.cumsum(wrong * weights[order]) / np.cumsum(weights[order])
    np.testing.assert_allclose(risk, expected, rtol=1e-9)
    area = metrics.area_under_risk_coverage(p, y, entropy, weights)
    assert area == pytest.approx(np.average(expected, weights=weights[order]))


# Detection.


@pytest.mark.parametrize("digits", [0, 1, 12])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_detection_is_that_of_scikit_learn(digits, share):
    positive = RNG.uniform(size=400) < share
    scores = np.round(RNG.standard_normal(400) + positive, digits)
    auroc = sklearn_metrics.roc_auc_score(positive, scores)
    assert metrics.auroc(scores, positive) == pytest.approx(auroc, rel=1e-12)
    aupr = sklearn_metrics.average_precision_score(positive, scores)
    assert metrics.aupr(scores, positive) == pytest.approx(aupr, rel=1e-12)
    fpr, tpr, _ = sklearn_metrics.roc_curve(positive, scores, drop_intermediate=False)
    for wanted in (0.5, 0.95, 1.0):
        found = metrics.fpr_at_tpr(scores, positive, wanted)
        assert found == pytest.approx(fpr[tpr >= wanted][0], rel=1e-12)


def test_detection_by_pairs():
    scores, positive = [3, 1, 2, 2, 5], np.array([0, 1, 1, 0, 1])
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a, p in zip(scores, positive)
        for b, q in zip(scores, positive)
        if p and not q
    ]
    assert metrics.auroc(scores, positive) == np.mean(pairs)
    assert metrics.auroc(np.ones(5), positive) == 0.5
    assert metrics.aupr(np.ones(5), positive) == pytest.approx(3 / 5)
    assert metrics.fpr_at_tpr(np.ones(5), positive) == 1


# Intervals.


def test_coverage_and_crps_of_normal_distributions():
    mean, variance = RNG.normal(size=40), RNG.uniform(0.1, 2, 40)
    targets, weights = RNG.normal(size=40), RNG.uniform(size=40)
    laws = [stats.norm(m, np.sqrt(v)) for m, v in zip(mean, variance)]
    for level in (0.5, 0.95):
        inside = [a <= y <= b for (a, b), y in zip((n.interval(level) for n in laws), targets)]
        found = metrics.interval_coverage(mean, variance, targets, level, weights)
        assert found == pytest.approx(np.average(inside, weights=weights))

    def crps(law, y):
        below = integrate.quad(lambda x: law.cdf(x) ** 2, -12, y)[0]
        return below + integrate.quad(lambda x: law.sf(x) ** 2, y, 12)[0]

    each = [crps(law, y) for law, y in zip(laws, targets)]
    found = metrics.gaussian_crps(mean, variance, targets, weights)
    assert found == pytest.approx(np.average(each, weights=weights), rel=1e-6)


def test_coverage_of_right_distributions_is_their_level():
    mean, variance = RNG.normal(size=100_000), RNG.uniform(0.1, 2, 100_000)
    targets = mean + np.sqrt(variance) * RNG.standard_normal(100_000)
    for level in (0.5, 0.9, 0.95):
        found = metrics.interval_coverage(mean, variance, targets, level)
        assert found == pytest.approx(level, abs=0.005)


def test_crps_of_an_ensemble():
    members, targets = RNG.normal(size=(7, 20, 2)), RNG.normal(size=(20, 2))
    pairs = np.abs(members[:, None] - members[None]).mean((0, 1))
    expected = np.mean(np.abs(members - targets).mean(0) - pairs / 2)
    assert metrics.ensemble_crps(members, targets) == pytest.approx(expected, rel=1e-12)
    one = metrics.ensemble_crps(members[:1], targets)
    assert one == pytest.approx(np.abs(members[0] - targets).mean())
    many = RNG.normal(size=(20_000, 3, 1))
    values = [0.0, 1.0, -2.0]
    found = metrics.ensemble_crps(many, values)
    assert found == pytest.approx(metrics.gaussian_crps(np.zeros(3), np.ones(3), values), abs=0.02)


# Bad input: one clear error each.

TWO = [[0.5, 0.5], [0.5, 0.5]]
BAD = {
    "logits": (lambda: metrics.predictive_entropy([[2.0, 3.0]]), "Pass probabilities, not logits"),
    "no members": (lambda: metrics.mutual_information([0.5, 0.5]), r"\(members, ..., classes\)"),
    "no bins": (lambda: metrics.adaptive_calibration_error(TWO, [0, 1], 0), "`num_bins` must be"),
    "a label": (lambda: metrics.reliability(TWO, [0, 2]), "from 0 to 1"),
    "labels": (lambda: metrics.risk_coverage(TWO, [0]), "labels of shape"),
    "uncertainty": (lambda: metrics.risk_coverage(TWO, [0, 1], [1]), "`uncertainty` must be"),
    "not a number": (lambda: metrics.risk_coverage(TWO, [0, 1], [1, np.nan]), "without NaN"),
    "one kind": (lambda: metrics.auroc([1, 2], [1, 1]), "at least one of each"),
    "classes": (lambda: metrics.aupr([1, 2, 3], [0, 1, 2]), "true and false"),
    "scores": (lambda: metrics.auroc([1, np.nan], [0, 1]), "without NaN"),
    "a rate": (lambda: metrics.fpr_at_tpr([1, 2], [0, 1], 95), "`tpr` must be"),
    "a level": (lambda: metrics.interval_coverage([0], [1], [0], 95), "`level` must be"),
    "a variance": (lambda: metrics.gaussian_crps([0], [-1], [0]), "must not be negative"),
    "sizes": (lambda: metrics.gaussian_crps([0], [1], [0, 1]), "same number of elements"),
    "weights": (
        lambda: metrics.interval_coverage([0, 0], [1, 1], [0, 1], sample_weight=[1]),
        "sample weights of shape",
    ),
    "members": (lambda: metrics.ensemble_crps([1.0], [1.0]), r"shape \(members, N, ...\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
