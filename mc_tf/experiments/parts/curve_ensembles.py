"""Ensembles of networks on a curve (section A.6; pairs: figure 2, right)."""

import numpy as np

from mc_tf.ensemble import Ensemble, score, temperatures_from_loss
from mc_tf.ensemble.member_outputs import member_outputs
from mc_tf.evaluation.data import EvaluationData
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.evaluation.running import evaluate_points, fingerprint
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_arrays
from mc_tf.training.checks import check_classes, output_kind
from mc_tf.training.networks import compile_for


def curve_ensemble(on, curve_model, positions, scale=False, path=None):
    """Creates an ensemble of networks on a curve, at a number of positions, or at given ones.

    With `scale`, logits are divided by temperatures that increase with the train loss (section
    A.6); the losses are saved to `PATH-losses.npz`.
    """
    on.check(curve_model)
    temperatures = None
    if scale:
        temperatures = temperatures_from_loss(train_losses(on, curve_model, positions, path))
    ensemble = Ensemble.from_curve(
        curve_model, positions, output=output_kind(on.data.loss()), temperatures=temperatures
    )
    ensemble.update_batch_norm(on.batch_norm_data(), verbose=on.verbose)
    return ensemble


def train_losses(on, curve_model, positions, path):
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

    Returns a dict of arrays `(num_points,)`, as in `PATH.npz`: `t`, `single_error` and
    `pair_error` in percent, `single_loss` and `pair_loss`.
    """
    check_classes(on.data, "Ensembles of two networks", "it")
    on.announce(curve_model, path)
    ensemble = Ensemble.from_curve(curve_model, num_points, output="logits")
    ensemble.update_batch_norm(on.batch_norm_data(), verbose=on.verbose)
    columns = {name: [] for name in ("single_error", "single_loss", "pair_error", "pair_loss")}
    first, passes = None, (f"{path}-predictions", on.batch_size, on.verbose)
    for _, rows, targets in member_outputs(ensemble, on.test(), *passes):
        probabilities = ensemble.output_spec.predictions(rows)
        first = probabilities if first is None else first
        for name, predicted in (("single", probabilities), ("pair", (first + probabilities) / 2)):
            scores = score(predicted, targets.labels)
            for key in ("error", "loss"):
                columns[f"{name}_{key}"].append(scores[key])
    result = {"t": np.linspace(0, 1, num_points), **{k: np.array(v) for k, v in columns.items()}}
    write_arrays(f"{path}.npz", **result)
    return result
