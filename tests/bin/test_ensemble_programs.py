"""fge, sse, swa, eval_ensemble and export_ensemble: the chain, kill and resume, bad input."""

import json
import re
import shutil
import tracemalloc

import keras
import numpy as np
import pytest
from programs import (
    arrays,
    assert_refused,
    assert_same_arrays,
    history,
    needs_tensorflow,
    run,
    run_all,
    run_table,
    snapshot,
    start,
    temporary_files,
)

import mc_tf
from mc_tf import data, training
from mc_tf.callbacks import snapshot_files
from mc_tf.ensemble import EnsembleEvaluation, OutOfDistributionEvaluation, score
from mc_tf.experiments.parts import curve_ensembles, curve_files, ensemble_files
from mc_tf.experiments.parts.ensemble_files import evaluate_trajectory, load_ensemble
from mc_tf.experiments.parts.on_data import OnData
from mc_tf.storage.averages import WeightAverage
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.snapshots import load_snapshot, read_snapshot, save_snapshot, take_snapshot
from mc_tf.weights.flat import assign_flat, flat_weights

STEPS = 4  # an epoch: 959 digits in batches of 256
BATCH = "--batch_size=256"

pytestmark = [needs_tensorflow, pytest.mark.xdist_group("ensembles")]


def fge_flags(root, workdir):
    checkpoint = f"--checkpoint={root}/swa/model-0002.keras"
    more = ("--cycle_epochs=2", "--trajectory_every=3")
    return f"--workdir={workdir}", checkpoint, BATCH, "--epochs=6", *more


def swa_flags(workdir):
    more = ("--swa_start=2", "--swa_learning_rate=0.02", "--keep_every=1", "--seed=1")
    return f"--workdir={workdir}", BATCH, "--epochs=6", *more


def sse_flags(workdir):
    return f"--workdir={workdir}", BATCH, "--epochs=4", "--cycle_epochs=2", "--seed=2"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("ensembles")


@pytest.fixture(scope="module")
def runs(root):
    """One run of each, and the output of the programs."""
    printed = run_all("swa", {"swa": swa_flags(root / "swa")})
    printed |= run_all("sse", {"sse": sse_flags(root / "sse")})
    return printed | run_all("fge", {"fge": fge_flags(root, root / "fge")})


@pytest.fixture(scope="module")
def evaluation(root, runs):
    flags = (f"--members={root}/fge,{root}/sse", f"--output={root}/evaluation")
    return run("eval_ensemble", *flags)


def test_members_are_saved_at_the_minima(root, runs):
    for name, steps in (("fge", [4, 12, 20]), ("sse", [8, 16])):
        records = [read_snapshot(path).record for path in snapshot_files(root / name / "members")]
        assert [record["step"] for record in records] == steps
        assert runs[name].splitlines()[-1] == f"{root}/{name}/members: {len(steps)} members"
        assert temporary_files(root / name) == temporary_files(root / name / "members") == []
    end = 0.05 * (1 + np.cos(np.pi * 7 / 8))
    np.testing.assert_allclose([record["learning_rate"] for record in records], end, rtol=1e-5)
    rates = [float(row["learning_rate"]) for row in history(root / "fge")]
    np.testing.assert_allclose(rates, [5e-4, 5e-2] * 3, rtol=1e-5)
    begun = read_snapshot(root / "fge" / "members" / "start.npz").weights
    pretrained = flat_weights(load_checkpoint(root / "swa" / "model-0002.keras"))
    np.testing.assert_array_equal(begun, pretrained)


def test_averaged_network_is_the_mean_of_the_epochs(root, runs):
    kept = [flat_weights(load_checkpoint(root / f"swa/model-000{n}.keras")) for n in range(2, 7)]
    average = WeightAverage.load(root / "swa", 1000)
    np.testing.assert_allclose(average.mean, np.mean(kept, axis=0), rtol=1e-6, atol=1e-6)
    model = load_checkpoint(root / "swa/swa.keras")
    np.testing.assert_allclose(flat_weights(model), average.mean, rtol=1e-6, atol=1e-6)
    scores = model.evaluate(data.load("digits").test_batches(), verbose=0, return_dict=True)
    line = runs["swa"].splitlines()[-1]
    assert f"swa.keras: validation error {100 * (1 - scores['accuracy']):.2f} %" in line
    rates = [float(row["learning_rate"]) for row in history(root / "swa")]
    np.testing.assert_allclose(rates, [0.05, 0.05, 0.02, 0.02, 0.02, 0.02], rtol=1e-5)


def test_samples_of_a_posterior_are_members(root, runs):
    """Training with --swag_rank has the same average; its samples are evaluated like snapshots."""
    flags = (*swa_flags(root / "swag"), "--swag_rank=2", "--swag_samples=3", "--swag_scale=2")
    printed = run("swa", *flags).splitlines()
    assert printed[-1] == f"3 networks in {root}/swag/samples"
    assert printed[-2].endswith(runs["swa"].splitlines()[-1].partition("swa.keras")[2])
    posterior = training.weight_posterior(root / "swag")
    files = snapshot_files(root / "swag" / "samples")
    for file, expected in zip(files, posterior.sample(3, scale=2, seed=1), strict=True):
        np.testing.assert_array_equal(read_snapshot(file).weights, expected)
    table = run("eval_ensemble", f"--members={root}/swag/samples", f"--output={root}/swag/scores")
    assert len(re.findall(r"^ *[123] ", table, re.MULTILINE)) == 3
    with pytest.raises(ValueError, match="no posterior in .*swag_rank"):
        training.weight_posterior(root / "swa")


# The next test kills a program; `test_swa.py` resumes an average in one process.
@pytest.mark.long
def test_killed_averaging_ends_with_the_same_bits(root, runs, tmp_path):
    flags = swa_flags(tmp_path)
    start("swa", *flags).kill_when(
        lambda: len(history(tmp_path)) >= 3 and any(tmp_path.glob(".mc_tf-*-model.keras"))
    )
    run("swa", *flags)
    for name in ("model.keras", "swa.keras"):
        assert_same_arrays(tmp_path / name, root / "swa" / name)
    one, two = (WeightAverage.load(folder, 1000) for folder in (tmp_path, root / "swa"))
    np.testing.assert_array_equal(one.mean, two.mean)
    assert one.count == two.count == 5
    assert temporary_files(tmp_path) == []


@pytest.mark.long  # tests/survival kills it, too
def test_killed_fge_ends_with_the_same_bits(root, runs, tmp_path):
    flags = fge_flags(root, tmp_path)
    start("fge", *flags).kill_when(lambda: len(history(tmp_path)) >= 3)
    saved = snapshot_files(tmp_path / "members")
    assert 2 <= len(saved) <= 3
    run("fge", *flags)
    assert_same_arrays(tmp_path / "model.keras", root / "fge" / "model.keras")
    files = [snapshot_files(folder / "members") for folder in (tmp_path, root / "fge")]
    assert len(files[0]) == len(files[1]) == 3
    for one, two in zip(*files):
        one, two = read_snapshot(one), read_snapshot(two)
        np.testing.assert_array_equal(one.weights, two.weights)
        assert one.record == two.record


def test_finished_runs_are_left_as_they_are(root, runs):
    before = snapshot(root)
    described, *results = run("swa", *swa_flags(root / "swa")).splitlines()
    assert "weights" in described
    assert results == [line for line in runs["swa"].splitlines() if ".keras" in line]
    run("fge", *fge_flags(root, root / "fge"))
    assert snapshot(root) == before


def softmax(logits):
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def test_ensemble_averages_probabilities(root, runs, evaluation):
    model = load_checkpoint(root / "fge" / "model.keras", compile=False)
    test = data.load("digits").test_batches()
    labels = np.concatenate([y for _, y in test])
    files = [path for name in ("fge", "sse") for path in snapshot_files(root / name / "members")]
    total, members, ensembles = 0, [], []
    for count, path in enumerate(files, start=1):
        load_snapshot(model, path)
        probabilities = softmax(model.predict(test, verbose=0).astype("float64"))
        total = total + probabilities
        for errors, predicted in ((members, probabilities), (ensembles, total / count)):
            errors.append(100 * np.mean(predicted.argmax(-1) != labels))
    with np.load(root / "evaluation.npz") as stored:
        np.testing.assert_allclose(stored["members:error"], members)
        np.testing.assert_allclose(stored["cumulative:error"], ensembles)
        np.testing.assert_allclose(stored["predictions"], total / len(files), atol=1e-6)
    summary = json.loads((root / "evaluation.json").read_text())
    assert summary["cumulative"]["error"] == pytest.approx(ensembles)
    assert (root / "evaluation.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(r"mean disagreement of two members \d", evaluation)
    described = rf"convnet: [\d,]+ weights; digits: 959 .*; writes {root}/evaluation.npz"
    assert re.match(described, evaluation)


def test_one_more_member_uses_the_predictions_that_are_there(root, runs, evaluation):
    before = snapshot(root / "evaluation-predictions")
    more = f"{root}/swa/swa.keras"
    flags = (f"--members={root}/fge,{root}/sse,{more}", f"--output={root}/evaluation")
    out = run("eval_ensemble", *flags, "--verbose=0")
    after = snapshot(root / "evaluation-predictions")
    assert len(after) == len(before) + 1
    assert all(after[path] == digest for path, digest in before.items())
    assert len(out.splitlines()) == len(evaluation.splitlines()[1:]) + 1  # and what is evaluated
    run("eval_ensemble", f"--members={root}/fge,{root}/sse", f"--output={root}/evaluation")


def test_corrupted_and_out_of_distribution(root, runs, evaluation, tmp_path):
    """Of the fashion of another registered data set, whose images are larger and in color."""
    (tmp_path / "other.py").write_text(OTHER_DATA)
    files = snapshot_files(root / "fge" / "members")
    flags = (f"--members={root}/fge", f"--output={tmp_path}/out", f"--import={tmp_path}/other.py")
    shifted = ("--corruption=noise:4", "--ood_dataset=stripes_in_color", "--verbose=0")
    out = run("eval_ensemble", *flags, *shifted)
    digits = data.load("digits").corrupted("noise", 4)
    assert json.loads((tmp_path / "out.json").read_text())["data"]["data"] == "digits, noise 4"
    ensemble = load_ensemble(files, network=root / "fge" / "model.keras")
    wanted = ensemble.evaluate_members(digits.test_batches(), verbose=0)
    found = EnsembleEvaluation.load(tmp_path / "out.npz")
    assert found.scores == pytest.approx(wanted.scores, rel=1e-4)
    for name in ("adaptive calibration error", "entropy", "mutual information"):
        assert f"{name} {found.scores[name.replace(' ', '_')]:.4f}" in out
    x = np.tile(np.arange(32) % 8 * 30, (20, 32, 1))[..., None].repeat(3, -1)
    stripes = data.ImageData("s", 2, x, np.zeros(20, int), x, np.zeros(20, int))
    images = digits.inputs_from(stripes)
    outside = ensemble.evaluate_out_of_distribution(wanted, images, verbose=0)
    stored = OutOfDistributionEvaluation.load(tmp_path / "out-outside.npz")
    assert stored.scores == pytest.approx(outside.scores, abs=1e-3)
    assert stored.table() in out and out.splitlines()[-1].startswith(f"{tmp_path}/out.npz")


OTHER_DATA = """
import numpy as np
from mc_tf import data

@data.register("stripes_in_color")
def stripes(use_test=False):
    x = np.tile(np.arange(32) % 8 * 30, (20, 32, 1))[..., None].repeat(3, -1)
    y = np.zeros(20, int)
    return data.ImageData("stripes_in_color", 2, x, y, x, y)
"""


def test_exported_ensemble_serves_the_same_probabilities(root, runs, evaluation, tmp_path):
    import tensorflow as tf

    out = run(
        "export_ensemble", f"--members={root}/fge,{root}/sse", f"--saved_model={tmp_path}/served"
    )
    described, exported = out.splitlines()
    assert re.match(r"convnet: [\d,]+ weights; ", described)
    assert exported.endswith("SavedModel of 5 members")
    serve = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]
    found = [serve(**{name: x})["probabilities"] for x, _ in data.load("digits").test_batches(100)]
    with np.load(root / "evaluation.npz") as stored:
        np.testing.assert_allclose(np.concatenate(found), stored["predictions"], atol=1e-6)


def test_ensembles_of_a_regression(tmp_path):
    """Their values are averaged, not treated as logits."""
    tf = pytest.importorskip("tensorflow")
    dataset = ("--dataset=regression", "--verbose=0")
    cycles = ("--schedule=linear_cycle", "--cycle_epochs=1", "--snapshots", "--epochs=2")
    run(
        "train",
        f"--workdir={tmp_path}/a",
        *dataset,
        *cycles,
        "--network=fc",
        "--network_option=units=[8]",
    )
    members = f"--members={tmp_path}/a"
    out = run("eval_ensemble", members, f"--output={tmp_path}/ensemble", *dataset)
    assert out.splitlines()[0].split() == ["member", "ensemble"] and "disagreement" not in out
    assert "whole ensemble: mean squared error" in out
    run("export_ensemble", members, f"--saved_model={tmp_path}/served", *dataset)
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    assert {*served.structured_outputs} == {"mean", "variance"}
    with np.load(tmp_path / "ensemble.npz") as stored:
        x = data.load("regression").x_test
        mean = served(tf.constant(x, "float32"))["mean"]
        np.testing.assert_allclose(mean, stored["predictions"].reshape(-1, 1), rtol=1e-4, atol=1e-5)


def test_ensemble_along_a_curve(root, runs, tmp_path):
    import tensorflow as tf

    files = (root / "swa" / "model-0002.keras", root / "sse" / "model.keras")
    ends = (load_checkpoint(file, compile=False) for file in files)
    mc_tf.connect(*ends, mc_tf.Segment()).save(tmp_path / "curve.keras")
    flags = (f"--curve_file={tmp_path}/curve.keras", "--num_points=3", "--verbose=0")
    scaling = "--temperature_scaling"
    scaled = (f"--output={tmp_path}/scaled", "--num_train_examples=500", f"{scaling}=train_loss")
    out = run("eval_ensemble", *flags, *scaled)
    assert len(out.splitlines()) == 8  # two heads, three members, the ensemble, disagreement, files
    with np.load(tmp_path / "scaled-losses.npz") as stored:  # as they came
        assert stored["done"].all() and stored["value:train_loss"].shape == (3,)
    digits, curve_model = data.load("digits"), curve_files.load_curve(tmp_path / "curve.keras")
    on = OnData(digits, num_train=500, verbose=0)
    ensemble = curve_ensembles.curve_ensemble(on, curve_model, 3)
    ensemble_files.evaluate_ensemble(on, ensemble, tmp_path / "plain")
    plain, scaled = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("plain", "scaled")
    )
    assert plain["temperatures"] == [1.0] * 3
    assert scaled["temperatures"][1] == max(scaled["temperatures"]) > 1
    assert min(scaled["temperatures"]) == pytest.approx(1)
    np.testing.assert_allclose(plain["members"]["error"], scaled["members"]["error"])
    # Other positions, with temperatures that are fitted; served with all of it.
    flags = (*flags, "--num_train_examples=500", "--random_points", "--seed=3")
    found = (*flags, f"--output={tmp_path}/found", "--use_test", f"{scaling}=fitted")
    run("eval_ensemble", *found)
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(set(found["temperatures"])) == 3
    assert found["members"]["error"] != plain["members"]["error"]
    run("export_ensemble", *flags, f"--saved_model={tmp_path}/served", f"{scaling}=fitted")
    served = tf.saved_model.load(tmp_path / "served")
    x = np.concatenate([x for x, _ in digits.test_batches()])
    positions = np.sort(np.random.default_rng(3).uniform(size=3))
    ensemble = curve_ensembles.curve_ensemble(on, curve_model, positions)
    ensemble.fit_temperature(digits.test_batches(), verbose=0)
    probabilities = served.signatures["serving_default"](tf.constant(x))["probabilities"]
    np.testing.assert_allclose(probabilities, ensemble.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_trajectory(root, runs, tmp_path):
    out = run("eval_trajectory", f"--run={root}/fge", f"--output={tmp_path}/all", "--verbose=0")
    assert out.startswith("8 networks")
    with np.load(tmp_path / "all.npz") as stored:
        found = dict(stored)
    np.testing.assert_array_equal(found["step"], range(3, 25, 3))
    # Iterations 3, 6, ... of cycles of 8: as in Algorithm 1.
    t = (np.mod(found["step"] - 1, 8) + 1) / 8
    rates = np.where(t <= 0.5, (1 - 2 * t) * 5e-2 + 2 * t * 5e-4, (2 - 2 * t) * 5e-4)
    rates = np.where(t <= 0.5, rates, rates + (2 * t - 1) * 5e-2)
    np.testing.assert_allclose(found["learning_rate"], rates, rtol=1e-5)
    files = snapshot_files(root / "fge" / "trajectory")
    weights = [read_snapshot(path).weights.astype("float64") for path in files]
    first = read_snapshot(root / "fge" / "trajectory" / "start.npz").weights
    distances = [np.linalg.norm(each - first) for each in weights]
    np.testing.assert_allclose(found["distance_from_start"], distances, rtol=1e-5)
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")


def save_trajectory(folder, units, count):
    """A network for the digits with `10 + 74 * units` weights, and snapshots of it."""
    layers = [keras.Input((8, 8, 1)), keras.layers.Flatten()]
    dense = [keras.layers.Dense(units, use_bias=False), keras.layers.Dense(10)]
    model = keras.Sequential([*layers, *dense])
    names = ("learning_rate", "distance_from_start", "distance_from_previous")
    for step in range(1, count + 1):
        model.layers[-1].kernel.assign_add(np.full((units, 10), step, "float32"))
        snapshot = take_snapshot(model, step=step, **dict.fromkeys(names, 0.1))
        save_snapshot(folder / f"snapshot-{step:08d}.npz", snapshot)
    model.save(folder / "model.keras")


def test_a_trajectory_that_was_stopped_goes_on(tmp_path, monkeypatch):
    save_trajectory(tmp_path, 4, 4)
    damaged = tmp_path / "snapshot-00000003.npz"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    digits, path = data.load("digits"), tmp_path / "all"
    on = OnData(digits, verbose=0)
    with pytest.raises(ValueError, match="00000003.npz' is damaged"):  # before any evaluation
        evaluate_trajectory(on, tmp_path, path)
    assert not list(tmp_path.glob("all*"))
    damaged.write_bytes(whole)

    def stop(*arguments):
        if len(rows) == 2:
            raise KeyboardInterrupt
        rows.append(score(*arguments))
        return rows[-1]

    rows = []
    monkeypatch.setattr(ensemble_files, "score", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluate_trajectory(on, tmp_path, path)
    monkeypatch.undo()
    assert not (tmp_path / "all.npz").exists()
    done = {file: file.stat().st_mtime_ns for file in (tmp_path / "all-predictions").iterdir()}
    assert len(done) == 4  # three networks and the labels
    found = evaluate_trajectory(on, tmp_path, path)
    assert {file: file.stat().st_mtime_ns for file in done} == done
    ensemble = load_ensemble([tmp_path])
    result = ensemble.evaluate_members(digits.test_batches(500), verbose=0)
    np.testing.assert_allclose(found["error"], result.members["error"])
    np.testing.assert_allclose(found["loss"], result.members["loss"], rtol=1e-6)


def test_the_networks_of_a_trajectory_are_in_memory_one_by_one(tmp_path):
    units, count = 5_000, 25
    save_trajectory(tmp_path, units, count)
    tracemalloc.start()
    try:
        evaluate_trajectory(OnData(data.load("digits"), verbose=0), tmp_path, tmp_path / "all")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < count * 4 * 74 * units


def test_mean_prediction(root, runs, tmp_path):
    flags = (f"--members={root}/fge,{root}/sse/model.keras", "--verbose=0", "--scales=0.5,0.25")
    few = "--num_train_examples=300"
    out = run("eval_mean_prediction", *flags, few, f"--output={tmp_path}/mean", "--title=Mean")
    assert len(out.splitlines()) == 4
    assert (tmp_path / "mean.png").read_bytes().startswith(b"\x89PNG")
    with np.load(tmp_path / "mean.npz") as stored:
        found = dict(stored)
    digits = data.load("digits")
    x = np.concatenate([x for x, _ in digits.test_batches()])
    ensemble = load_ensemble([root / "fge", root / "sse" / "model.keras"])
    mean = ensemble.members.mean(0, dtype="float64")
    apart = ensemble.members - mean
    distance = np.linalg.norm(apart, axis=1)
    np.testing.assert_allclose(
        found["distance"], np.array([0.5, 0.25]) * np.sqrt((distance**2).mean())
    )
    outputs = []
    network = load_checkpoint(root / "sse" / "model.keras", compile=False)
    for weights in (mean, *(mean + 0.5 * part for part in apart)):
        assign_flat(network, weights)
        mc_tf.update_batch_norm(network, digits.train_eval_batches(num_examples=300))
        outputs.append(softmax(network.predict(x, verbose=0).astype("float64")))
    one, *each = outputs
    for name, difference in (("member", each - one), ("mean", np.mean(each, 0) - one)):
        expected = np.sqrt((difference**2).mean())
        np.testing.assert_allclose(found[f"{name}_difference"][0], expected, rtol=1e-3)
    # Towards the mean: by the first and by the second order.
    assert 1.5 < found["member_difference"][0] / found["member_difference"][1] < 3
    assert 2.5 < found["mean_difference"][0] / found["mean_difference"][1] < 8


def test_merge(root, runs, tmp_path):
    """The three members of the FGE run, which began as a network of the run with SWA."""
    files, base = snapshot_files(root / "fge" / "members"), root / "swa" / "model-0002.keras"
    weights = np.stack([read_snapshot(file).weights for file in files]).astype("float64")
    started, digits = flat_weights(load_checkpoint(base)), data.load("digits")
    ways = {
        "uniform": ((), weights.mean(0)),
        "ties": (
            (f"--base={base}", "--density=0.5", "--scale=0.8"),
            mc_tf.merging.ties(weights, started, 0.5, 0.8),
        ),
        "greedy": ((), None),
    }
    given = (f"--members={root}/fge", BATCH)
    flags = {
        name: (*given, f"--output={tmp_path}/{name}", f"--method={name}", *more)
        for name, (more, _) in ways.items()
    }
    for name, out in run_all("merge", flags).items():
        merged = load_checkpoint(tmp_path / f"{name}.keras")
        if name != "greedy":
            np.testing.assert_allclose(flat_weights(merged), ways[name][1], rtol=1e-5, atol=1e-6)
        scores = merged.evaluate(digits.test_batches(), verbose=0, return_dict=True)
        error = 100 * (1 - scores["accuracy"])
        assert out.splitlines()[-1].startswith(
            f"{tmp_path}/{name}.keras: validation error {error:.2f} %"
        )
        assert "halfway to model 0" in out and out.splitlines()[0].split() == ["loss", "accuracy"]
        if name == "greedy":
            of_members = [float(x) for x in re.findall(r"^model \d +\S+ +(\S+)", out, re.MULTILINE)]
            assert len(of_members) == 3 and scores["accuracy"] >= max(of_members) - 1e-4
            assert re.search(r"^kept: model \d", out, re.MULTILINE)
            continue
        norm = next(x for x in merged.layers if isinstance(x, keras.layers.BatchNormalization))
        found = np.array(norm.moving_mean)
        mc_tf.update_batch_norm(merged, digits.batch_norm_data())
        np.testing.assert_allclose(found, np.array(norm.moving_mean), rtol=1e-3, atol=1e-4)


def test_pairs(root, runs, tmp_path):
    ends = (f"--start={root}/swa/model.keras", f"--end={root}/sse/model.keras")
    run("connect", f"--workdir={tmp_path}/curve", *ends, "--curve=segment", BATCH)
    curve = f"--curve_files=Segment={tmp_path}/curve/curve.keras"
    flags = (curve, "--random_segment", "--num_points=3", f"--output={tmp_path}/pairs")
    out = run("eval_pairs", *flags)
    with np.load(tmp_path / "pairs-segment.npz") as stored:
        found = dict(stored)
    with np.load(tmp_path / "pairs-random-segment.npz") as stored:
        other = dict(stored)
    assert found["single_error"][0] == other["single_error"][0] == found["pair_error"][0]
    assert found["single_error"][2] != other["single_error"][2]
    # The pair of endpoints, computed directly.
    train = data.load("digits").train_eval_batches()
    labels = np.concatenate([y for _, y in data.load("digits").test_batches()])
    mean = 0
    for end in ("swa", "sse"):
        model = load_checkpoint(root / end / "model.keras", compile=False)
        mc_tf.update_batch_norm(model, train)
        logits = model.predict(data.load("digits").test_batches(), verbose=0)
        mean = mean + softmax(logits.astype("float64")) / 2
    wrong = 100 * np.mean(mean.argmax(-1) != labels)
    assert found["pair_error"][2] == pytest.approx(wrong, abs=0.5)
    assert f", {found['pair_error'][2]:.2f} % at t = 1" in out
    assert (tmp_path / "pairs.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def broken(root, runs):
    """Files and directories that programs must refuse."""
    folder = root / "broken"
    (folder / "empty").mkdir(parents=True)
    (folder / "file").write_text("a regular file")
    shutil.copytree(root / "fge", folder / "fge")
    path = snapshot_files(folder / "fge" / "members")[1]
    with open(path, "r+b") as file:
        file.truncate(1000)
    shutil.copy(root / "fge" / "members" / "start.npz", folder / "alone.npz")
    run("train", f"--workdir={folder}/other", "--network=fc", "--epochs=0")
    shutil.copytree(root / "sse", folder / "all")
    settings = json.loads((folder / "all" / "settings.json").read_text())
    del settings["checksum"]
    (folder / "all" / "settings.json").write_text(json.dumps({**settings, "test": "test"}))
    return folder


NEW = "--workdir={root}/new"
FROM = "--checkpoint={root}/swa/model.keras"
OUT = "--output={root}/new"
OTHERS = "--trajectory_every=3"
BAD = {
    "fge: no checkpoint": ("fge", [NEW], "--checkpoint"),
    "fge: missing checkpoint": ("fge", [NEW, "--checkpoint={root}/none.keras"], "none.keras"),
    "fge: odd cycle": (
        "fge",
        [NEW, FROM, "--cycle_epochs=1", "--batch_size=320"],
        "even number of steps.*3 steps",
    ),
    "fge: rates": ("fge", [NEW, FROM, "--min_learning_rate=0.1"], "0.05 and 0.1"),
    "fge: another run's directory": (
        "fge",
        ["--workdir={root}/fge", FROM, BATCH, "--epochs=6", "--cycle_epochs=2", OTHERS],
        "holds a run with initial_weights",
    ),
    "fge: unwritable": ("fge", ["--workdir={broken}/file/x", FROM], "Cannot write.*file/x"),
    "sse: cycles": (
        "sse",
        [NEW, "--epochs=5", "--cycle_epochs=2"],
        "epochs=5.*multiple.*cycle_epochs=2",
    ),
    "fge: networks after the end": (
        "fge",
        [NEW, FROM, BATCH, "--epochs=2", "--cycle_epochs=2", "--trajectory_every=500"],
        "No network would be saved: the first one is at step 500",
    ),
    "swa: no average": (
        "swa",
        [NEW, "--epochs=4", "--swa_start=2", "--swa_every=3"],
        "No network would be averaged",
    ),
    "swa: no minimum of the cycles": (
        "swa",
        [NEW, BATCH, "--epochs=3", "--swa_start=0", "--schedule=linear_cycle", "--cycle_epochs=4"]
        + [OTHERS],
        "No network would be averaged: the first one is at step 16, but training ends at step 12",
    ),
    "swa: no start": ("swa", [NEW], "Pass --swa_start=...: epoch at which weight averaging starts"),
    "swa: start beyond the end": (
        "swa",
        [NEW, "--epochs=3", "--swa_start=3"],
        "before training ends.*swa_start=3 of epochs=3",
    ),
    "eval_ensemble: no output": (
        "eval_ensemble",
        ["--members={root}/fge"],
        "Pass --output=...: path of the result files without extension. See --help",
    ),
    "eval_ensemble: nothing": ("eval_ensemble", [OUT], "either --members or --curve_file"),
    "eval_ensemble: no snapshots": (
        "eval_ensemble",
        [OUT, "--members={broken}/empty"],
        "no snapshots in '.*empty'",
    ),
    "eval_ensemble: cut snapshot": (
        "eval_ensemble",
        [OUT, "--members={broken}/fge"],
        "snapshot-00000012.npz.*(damaged|not a)",
    ),
    "eval_ensemble: another network": (
        "eval_ensemble",
        [OUT, "--members={root}/fge,{broken}/other/model.keras"],
        "other/model.keras|same architecture",
    ),
    "eval_ensemble: another data set": (
        "eval_ensemble",
        [OUT, "--members={root}/fge", "--dataset=pydoc"],
        "pydoc",
    ),
    "eval_ensemble: unwritable": (
        "eval_ensemble",
        ["--output={broken}/file/x", "--members={root}/fge"],
        "Cannot write.*broken/file",
    ),
    "eval_ensemble: temperatures of the test set": (
        "eval_ensemble",
        [OUT, "--members={root}/fge", "--temperature_scaling=fitted"],
        "give --use_test",
    ),
    "eval_ensemble: nothing was held out": (
        "eval_ensemble",
        [OUT, "--members={broken}/all", "--temperature_scaling=fitted", "--use_test"],
        "broken/all' was trained on all training examples",
    ),
    "eval_ensemble: train losses of members": (
        "eval_ensemble",
        [OUT, "--members={root}/fge", "--temperature_scaling=train_loss"],
        "for networks on a curve",
    ),
    "eval_ensemble: a corruption": (
        "eval_ensemble",
        [OUT, "--members={root}/fge", "--corruption=rotation"],
        "KIND:STRENGTH.*such as rotation:3. Received: 'rotation'",
    ),
    "eval_ensemble: no images": (
        "eval_ensemble",
        [OUT, "--members={root}/fge", "--ood_dataset=regression"],
        "--ood_dataset is for images in memory.*'regression'",
    ),
    "eval_mean_prediction: one member": (
        "eval_mean_prediction",
        [OUT, "--members={root}/sse/model.keras"],
        "at least two members",
    ),
    "eval_mean_prediction: scales": (
        "eval_mean_prediction",
        [OUT, "--members={root}/sse", "--scales=1,2"],
        "numbers in .0, 1.*1.0, 2.0",
    ),
    "eval_trajectory: nothing": (
        "eval_trajectory",
        [OUT, "--run={broken}/empty"],
        "no snapshots in '.*empty'",
    ),
    "eval_pairs: missing curve": (
        "eval_pairs",
        [OUT, "--curve_files={root}/none.keras"],
        "no model file.*none.keras",
    ),
    "export_ensemble: not a SavedModel": (
        "export_ensemble",
        ["--saved_model={root}/fge", "--members={root}/fge"],
        "fge' exists and is not a SavedModel",
    ),
    "export_ensemble: no network": (
        "export_ensemble",
        ["--saved_model={root}/new", "--members={broken}/alone.npz"],
        "no network next to",
    ),
}


@pytest.fixture(scope="module")
def refused(root, broken):
    return run_table(BAD, root, root=root, broken=broken)


@pytest.mark.parametrize("case", BAD)
def test_bad_input(refused, case):
    assert_refused(*refused[case])


def test_members_of_a_bad_directory_stay_usable(root, broken):
    files = snapshot_files(broken / "fge" / "members")
    usable = [path for path in files if not path.endswith("12.npz")]
    network = f"--network_file={root}/fge/model.keras"
    silent = "--verbose=0"
    flags = (f"--members={','.join(usable)}", network, f"--output={broken}/part", silent)
    assert len(run("eval_ensemble", *flags).splitlines()) == 7


def test_optimizer_of_a_checkpoint_is_an_ordinary_one(root, runs):
    """A checkpoint of training in cycles has the optimizer's variables in the usual places."""
    one, two = arrays(root / "fge/model.keras"), arrays(root / "swa/model.keras")
    assert one.keys() == two.keys()
    assert one["optimizer/vars/0"] == two["optimizer/vars/0"] == 6 * STEPS
