"""Ensembles of networks on a curve (section A.6)."""

import hashlib
import os

import numpy as np
from keras import ops

from mc_tf.ensemble import Ensemble, temperatures_from_loss
from mc_tf.evaluation.data import EvaluationData
from mc_tf.evaluation.points import PointEvaluator, evaluate_points, fingerprint
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.experiments.parts.ensemble_files import evaluate_ensemble
from mc_tf.storage.files import read_json, write_json
from mc_tf.training.checks import output_kind
from mc_tf.training.networks import announcement, check_fits, compile_for
from mc_tf.training.run_directory import as_stored

__all__ = ["compare_curve_ensembles", "curve_ensemble", "random_positions"]


def random_positions(count, seed=0):
    """Draws positions `t ~ U(0, 1)`, in order.

    Args:
        count: number of positions.
        seed: int.

    Returns:
        float64 array `(count,)`.

    Example:
        >>> random_positions(3).round(2)
        array([0.04, 0.27, 0.64])
    """
    return np.sort(np.random.default_rng(seed).uniform(size=count))


def curve_ensemble(
    curve_model, data, positions, scale=False, batch_size=500, num_train=None, verbose=1, path=None
):
    """Creates an ensemble of networks on a curve, with statistics and temperatures (section A.6).

    Args:
        curve_model: `CurveModel`.
        data: data set from `mc_tf.data.load`.
        positions: number of equally spaced positions, or a sequence of them in [0, 1].
        scale: whether logits are divided by temperatures that increase with the train loss.
        batch_size: examples per batch, default 500.
        num_train: number of training examples for statistics and losses. Default: all.
        verbose: 1 for a progress bar.
        path: file name without extension; train losses are saved to `PATH-losses.npz`, so that the
            same call can be resumed.

    Returns:
        `Ensemble`.

    Raises:
        ValueError: if temperatures are requested and the losses at `path` belong to another curve,
            other positions or other data.
    """
    check_fits(curve_model.network, data)
    statistics = data.batch_norm_data(batch_size, num_examples=num_train)
    temperatures = None
    if scale:
        losses = _train_losses(curve_model, data, positions, path, batch_size, num_train, verbose)
        temperatures = temperatures_from_loss(losses)
    ensemble = Ensemble.from_curve(
        curve_model, positions, output=output_kind(data.loss()), temperatures=temperatures
    )
    ensemble.update_batch_norm(statistics, verbose=verbose)
    return ensemble


def compare_curve_ensembles(
    curve_model,
    data,
    path,
    positions,
    *,
    losses=None,
    batch_size=500,
    num_train=None,
    verbose=1,
):
    """Computes errors of the ensemble along a curve, or loads the result of an earlier call.

    Args:
        curve_model: `CurveModel` whose network outputs logits.
        data: data set from `mc_tf.data.load`.
        path: result files without extension: `PATH.json` with the errors, and the files of
            `evaluate_ensemble` for each ensemble. They share the predictions in `PATH-predictions`,
            so that the same call can be resumed.
        positions: number of equally spaced positions.
        losses: train losses at the positions, `(positions,)`, if known.
        batch_size, num_train: as for `curve_ensemble`.
        verbose: 1 for progress bars.

    Returns:
        dict of test errors in percent: `"ensemble"` of all networks, `"scaled ensemble"` with
        temperatures that increase with the train loss, and `"ends"` of the two endpoints.

    Raises:
        ValueError, OSError: as `evaluate_ensemble`.
    """
    points = ops.convert_to_numpy(curve_model.control_points())
    about = {
        **data.settings,
        "curve": hashlib.sha256(points.tobytes()).hexdigest()[:32],
        "positions": positions,
        "train_examples": num_train or data.num_train,
    }
    if os.path.exists(f"{path}.json"):
        stored = _stored(f"{path}.json")
        if stored["about"] == as_stored(about):
            return stored["errors"]
    ensemble = curve_ensemble(
        curve_model,
        data,
        positions,
        batch_size=batch_size,
        num_train=num_train,
        verbose=verbose,
    )
    if losses is None:
        losses = _train_losses(curve_model, data, positions, path, batch_size, num_train, verbose)
    ends = [ensemble.snapshot(0), ensemble.snapshot(-1)]
    ends = Ensemble(ensemble.model, ends, output="logits")
    errors = {}
    for name, each in {"ensemble": ensemble, "ends": ends, "scaled ensemble": ensemble}.items():
        if name == "scaled ensemble":
            each.temperatures = temperatures_from_loss(losses)
        result = evaluate_ensemble(
            each,
            data,
            f"{path}-{name.replace(' ', '-')}",
            cache=f"{path}-predictions",
            batch_size=batch_size,
            verbose=verbose,
        )
        errors[name] = result.scores["error"]
    write_json(f"{path}.json", {"about": about, "errors": errors})
    return errors


def _stored(path):
    stored = read_json(path, "the errors of ensembles on a curve", "reproduce.py")
    if not isinstance(stored, dict) or not {"about", "errors"} <= stored.keys():
        raise ValueError(f"The file '{path}' has no errors of ensembles. Move it away.")
    return stored


def _train_losses(curve_model, data, positions, path, batch_size, num_train, verbose):
    """Computes the train losses at positions; with a path, they can be resumed."""
    grid = np.linspace(0, 1, positions) if isinstance(positions, int) else np.asarray(positions)
    compile_for(curve_model, data)
    about = {**data.settings, "train_examples": num_train or data.num_train}
    evaluated = EvaluationData(
        data.train_eval_batches(batch_size, num_examples=num_train),
        batch_norm_data=data.batch_norm_data(batch_size, num_examples=num_train),
    ).needed_by(curve_model)
    result = CurveEvaluation(grid, fingerprint(curve_model, grid.tolist(), about), about)
    result.inputs = evaluated.fingerprint()
    result = result.resumed(path and f"{path}-losses")
    if not result.complete:
        evaluator = PointEvaluator(curve_model, batch_size)
        evaluated = evaluated.kept(batch_size)
        if verbose:
            print(announcement(curve_model, data, path and f"{path}-losses.npz"), flush=True)

        def measure(t):
            return evaluator(t, evaluated)

        evaluate_points(result, grid, measure, path and f"{path}-losses", verbose=verbose)
    return result["train_loss"]
