"""Ensembles of networks on a curve (section A.6; pairs: figure 2, right)."""

import hashlib
import os

import numpy as np
from keras import ops

from mc_tf.ensemble import Ensemble, score, temperatures_from_loss
from mc_tf.ensemble.member_outputs import member_outputs
from mc_tf.evaluation.data import EvaluationData
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.evaluation.running import evaluate_points, fingerprint
from mc_tf.experiments.parts.ensemble_files import evaluate_ensemble
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import read_json, write_arrays, write_json
from mc_tf.training.checks import check_classes, output_kind
from mc_tf.training.networks import compile_for
from mc_tf.training.run_directory import as_stored

__all__ = ["compare_curve_ensembles", "curve_ensemble", "evaluate_pairs"]


def curve_ensemble(on, curve_model, positions, scale=False, path=None):
    """Creates an ensemble of networks on a curve, with statistics and temperatures (section A.6).

    Positions are a number of equally spaced ones, or a sequence in [0, 1]. With `scale`, logits are
    divided by temperatures that increase with the train loss; the losses are saved to
    `PATH-losses.npz`, so that the same call can be resumed.
    """
    on.check(curve_model)
    temperatures = None
    if scale:
        temperatures = temperatures_from_loss(_train_losses(on, curve_model, positions, path))
    ensemble = Ensemble.from_curve(
        curve_model, positions, output=output_kind(on.data.loss()), temperatures=temperatures
    )
    ensemble.update_batch_norm(on.batch_norm_data(), verbose=on.verbose)
    return ensemble


def compare_curve_ensembles(on, curve_model, path, positions, losses=None):
    """Computes errors of ensembles along a curve, or loads the result of an earlier call.

    Writes `PATH.json` with the errors, and the files of `evaluate_ensemble` for each ensemble. They
    share the predictions in `PATH-predictions`, so that the same call can be resumed.

    Returns:
        dict of test errors in percent: `"ensemble"` of networks at equally spaced positions,
        `"scaled ensemble"` with temperatures that increase with the train losses, and `"ends"` of
        two.
    """
    points = ops.convert_to_numpy(curve_model.control_points())
    curve = hashlib.sha256(points.tobytes()).hexdigest()[:32]
    about = {**on.about, "curve": curve, "positions": positions}
    if os.path.exists(f"{path}.json"):
        stored = _stored(f"{path}.json")
        if stored["about"] == as_stored(about):
            return stored["errors"]
    ensemble = curve_ensemble(on, curve_model, positions)
    if losses is None:
        losses = _train_losses(on, curve_model, positions, path)
    ends = [ensemble.snapshot(0), ensemble.snapshot(-1)]
    ends = Ensemble(ensemble.model, ends, output="logits")
    errors = {}
    for name, each in {"ensemble": ensemble, "ends": ends, "scaled ensemble": ensemble}.items():
        if name == "scaled ensemble":
            each.temperatures = temperatures_from_loss(losses)
        files = f"{path}-{name.replace(' ', '-')}", f"{path}-predictions"
        errors[name] = evaluate_ensemble(on, each, *files).scores["error"]
    write_json(f"{path}.json", {"about": about, "errors": errors})
    return errors


def _stored(path):
    stored = read_json(path, "the errors of ensembles on a curve", "reproduce.py")
    if not isinstance(stored, dict) or not {"about", "errors"} <= stored.keys():
        raise ValueError(f"The file '{path}' has no errors of ensembles. Move it away.")
    return stored


def _train_losses(on, curve_model, positions, path):
    """Computes the train losses at positions; with a path, they can be resumed."""
    grid = np.linspace(0, 1, positions) if isinstance(positions, int) else np.asarray(positions)
    compile_for(curve_model, on.data)
    data = EvaluationData(on.train(), batch_norm_data=on.batch_norm_data()).needed_by(curve_model)
    result = CurveEvaluation(grid, fingerprint(curve_model, grid.tolist(), on.about), on.about)
    result.inputs = data.fingerprint()
    path = path and f"{path}-losses"
    result = result.resumed(path)
    if not result.complete:
        evaluator = PointEvaluator(curve_model, on.batch_size)
        data = data.kept(on.batch_size)
        on.announce(curve_model, path)
        evaluate_points(result, grid, lambda t: evaluator(t, data), path, verbose=on.verbose)
    return result["train_loss"]


@holding("path", ".npz")
def evaluate_pairs(on, curve_model, path, num_points=21):
    """Computes errors of the networks `phi(t)`, and of the ensembles of `phi(0)` and `phi(t)`.

    Predictions are stored in `PATH-predictions`, so that the same call can be resumed.

    Returns:
        dict of float64 arrays `(num_points,)`, those of `PATH.npz`: `t`, `single_error` and
        `pair_error` in percent, `single_loss` and `pair_loss`.
    """
    on.check(curve_model)
    check_classes(on.data, "Ensembles of two networks", "it")
    on.announce(curve_model, path)
    ensemble = Ensemble.from_curve(curve_model, num_points, output="logits")
    ensemble.update_batch_norm(on.batch_norm_data(), verbose=on.verbose)
    found = {name: [] for name in ("single_error", "single_loss", "pair_error", "pair_loss")}
    first, passes = None, (f"{path}-predictions", on.batch_size, on.verbose)
    for _, rows, targets in member_outputs(ensemble, on.test(), *passes):
        probabilities = ensemble.output_spec.predictions(rows)
        first = probabilities if first is None else first
        for name, predicted in (("single", probabilities), ("pair", (first + probabilities) / 2)):
            scores = score(predicted, targets.labels)
            for key in ("error", "loss"):
                found[f"{name}_{key}"].append(scores[key])
    result = {"t": np.linspace(0, 1, num_points), **{k: np.array(v) for k, v in found.items()}}
    write_arrays(f"{path}.npz", **result)
    return result
