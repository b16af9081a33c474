"""The formulas of merging, against other ways to compute them."""

import numpy as np
import pytest

from mc_tf import merging
from mc_tf.merging.formulas import Thinned

RNG = np.random.default_rng(0)
BASE = RNG.standard_normal(1001).astype("float32")
MEMBERS = (BASE + 0.1 * RNG.standard_normal((5, 1001)) ** 3).astype("float32")
WIDE, WIDE_BASE = MEMBERS.astype("float64"), BASE.astype("float64")


def near(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_uniform():
    near(merging.uniform(MEMBERS), WIDE.mean(0))
    shares = [0.1, 0.2, 0.3, 0.15, 0.25]
    near(merging.uniform(MEMBERS, shares), np.einsum("m,mp->p", shares, WIDE))
    near(merging.uniform(list(MEMBERS)), WIDE.mean(0))


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("base", [None, BASE])
def test_slerp(base, t):
    """A rotation in the plane of both vectors, with lengths that change along it."""
    origin = 0 if base is None else WIDE_BASE
    first, second = WIDE[:2] - origin
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    u, v = first / lengths[0], second / lengths[1]
    angle = np.arctan2(np.linalg.norm(v - (u @ v) * u), u @ v)
    across = (v - (u @ v) * u) / np.linalg.norm(v - (u @ v) * u)
    one, two = (np.sin(x * angle) / np.sin(angle) for x in (1 - t, t))
    expected = one * lengths[0] * u + two * lengths[1] * (
        np.cos(angle) * u + np.sin(angle) * across
    )
    near(merging.slerp(MEMBERS[:2], base, t), origin + expected)


def test_slerp_of_equal_lengths_keeps_the_length():
    pair = [each / np.linalg.norm(each) for each in RNG.standard_normal((2, 30))]
    assert np.linalg.norm(merging.slerp(pair, t=0.3)) == pytest.approx(1)
    near(merging.slerp([pair[0], 3 * pair[0]], t=0.25), 1.5 * pair[0])
    near(merging.slerp([pair[0], 0 * pair[0]], t=0.25), 0.75 * pair[0])
    with pytest.raises(ValueError, match="opposite directions"):
        merging.slerp([pair[0], -pair[0]])


def test_task_arithmetic():
    near(merging.task_arithmetic(MEMBERS, BASE), WIDE_BASE + 0.4 * (WIDE - WIDE_BASE).sum(0))
    near(merging.task_arithmetic(MEMBERS, BASE, 1 / 5), WIDE.mean(0))
    near(merging.task_arithmetic(MEMBERS[:1], BASE, -1), 2 * WIDE_BASE - WIDE[0])


@pytest.mark.parametrize("density", [0.1, 0.2, 0.7, 1.0])
def test_ties(density):
    """Weight by weight, as in the paper's algorithm 1."""
    vectors = WIDE - WIDE_BASE
    for vector in vectors:
        order = np.argsort(-np.abs(vector))
        vector[order[int(np.ceil(density * vector.size)) :]] = 0
    expected = WIDE_BASE.copy()
    for p, entries in enumerate(vectors.T):
        positive, negative = entries[entries > 0], entries[entries < 0]
        agreeing = positive if positive.sum() > -negative.sum() else negative
        expected[p] += 0.8 * (agreeing.mean() if agreeing.size else 0)
    near(merging.ties(MEMBERS, BASE, density, scale=0.8), expected)


def test_ties_of_equal_and_of_opposite_entries():
    members = [[1.0, 1.0, 2.0, 0.0], [1.0, -1.0, 0.0, 0.0]]
    assert merging.ties(members, np.zeros(4), density=0.5).tolist() == [1, 0, 2, 0]
    assert merging.ties([[0.0, 0.0]], np.ones(2), density=0.5).tolist() == [0, 0]


def test_dare():
    found = merging.dare(MEMBERS, BASE, drop=0.7, seed=3)
    for m, weights in enumerate(WIDE):
        kept = np.random.default_rng([3, m]).random(1001) >= 0.7
        near(found[m], WIDE_BASE + kept * (weights - WIDE_BASE) / 0.3)
    kept = found != WIDE_BASE
    assert 0.25 < kept.mean() < 0.35
    assert not np.array_equal(kept[0], kept[1])
    assert not np.array_equal(found, merging.dare(MEMBERS, BASE, drop=0.7, seed=4))
    near(merging.dare(MEMBERS, BASE, drop=0.0), WIDE)
    # On average over seeds, the vectors are as before.
    mean = np.mean([merging.dare(MEMBERS[:1], BASE, 0.5, seed) for seed in range(400)], 0)
    assert np.abs(mean - WIDE[0]).mean() < 0.1 * np.abs(WIDE[0] - WIDE_BASE).mean()


def test_one_vector_is_in_memory_at_a_time():
    class Counted:
        alive = read = 0

        def __len__(self):
            return 5

        def __getitem__(self, m):
            Counted.read += 1
            return MEMBERS[m]

    thin = Thinned(MEMBERS, BASE, 0.5, 1)
    near(merging.ties(thin, BASE), merging.ties(merging.dare(MEMBERS, BASE, 0.5, 1), BASE))
    near(merging.ties(Counted(), BASE), merging.ties(MEMBERS, BASE))
    assert Counted.read == 10
    near(merging.uniform(Counted()), WIDE.mean(0))
    assert Counted.read == 15


def test_greedy():
    """Against all prefixes by hand: with the second network the soup is worse."""
    target = np.zeros(3)
    members = np.array([[3.0, 0, 0], [0, 1, 0], [0, -1, 0], [0, 2, 9], [0, 0, 1.5]])
    calls = []

    def distance(weights, kept):
        calls.append(kept)
        np.testing.assert_allclose(weights, members[kept].mean(0))
        return np.linalg.norm(weights - target)

    weights, kept = merging.greedy(members, distance)
    assert kept == [1, 2]
    near(weights, np.zeros(3))
    assert len(calls) == 9
    same = merging.greedy(members, lambda w, k: -distance(w, k), higher_is_better=True)
    assert same[1] == kept


def test_greedy_is_never_worse_than_the_best():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        members, spots = rng.standard_normal((6, 4)), rng.standard_normal((3, 4))

        def score(weights, kept, spots=spots):
            return np.linalg.norm(weights - spots, axis=1).min()

        weights, kept = merging.greedy(members, score)
        assert score(weights, kept) <= min(score(each, 0) for each in members)


def test_greedy_leaves_out_what_is_no_number():
    weights, kept = merging.greedy([[np.nan], [1.0], [2.0]], lambda w, k: abs(w[0] - 1.5))
    assert kept == [1, 2] and weights == [1.5]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: merging.uniform(MEMBERS[:1]), "two networks or more. Received: 1"),
        (lambda: merging.uniform(MEMBERS, [0.5, 0.5]), "5 numbers of sum 1"),
        (lambda: merging.uniform(MEMBERS, [1.0] * 5), "5 numbers of sum 1"),
        (lambda: merging.uniform(MEMBERS, [np.nan] * 5), "shares.*nan"),
        (lambda: merging.uniform([BASE, BASE[:-1]]), r"shape \(1000,\) for member 1"),
        (lambda: merging.uniform(np.zeros((2, 3, 4))), r"shape \(3, 4\) for member 0"),
        (lambda: merging.slerp(MEMBERS), "between two networks. Received: 5"),
        (lambda: merging.slerp(MEMBERS[:2], t=1.5), "`t` must be .*1.5"),
        (lambda: merging.task_arithmetic(MEMBERS, BASE[1:]), r"\(1000,\) for the base"),
        (lambda: merging.task_arithmetic(MEMBERS, BASE, np.inf), "`scale` must be a finite"),
        (lambda: merging.task_arithmetic([], BASE), "one network or more. Received: 0"),
        (lambda: merging.ties(MEMBERS, BASE, density=0), "`density` must be above 0"),
        (lambda: merging.ties(MEMBERS, BASE, density=1.2), "`density` must be .*1.2"),
        (lambda: merging.dare(MEMBERS, BASE, drop=1), "`drop` must be below 1"),
        (lambda: merging.dare(MEMBERS, BASE, drop=-0.1), "`drop` must be .*-0.1"),
        (lambda: merging.dare(MEMBERS, BASE, seed=-1), "`seed` must be .*-1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
