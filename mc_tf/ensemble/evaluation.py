"""Scores of the members and of the growing ensemble, and the disagreement of the members."""

from typing import TYPE_CHECKING

import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.ensemble.compiled_losses import loss_of_predictions
from mc_tf.ensemble.member_outputs import member_outputs
from mc_tf.ensemble.results import EnsembleEvaluation
from mc_tf.ensemble.scores import disagreement_matrix, score
from mc_tf.ensemble.value_scores import Moments, is_plain, score_values
from mc_tf.metrics.entropy import predictive_entropy
from mc_tf.typing import Data, PathLike

if TYPE_CHECKING:
    from mc_tf.ensemble.member_files import MemberFiles
    from mc_tf.ensemble.model import Ensemble

__all__ = [
    "EnsembleEvaluation",
    "evaluate_members",
]


def evaluate_members(
    ensemble: "Ensemble | MemberFiles",
    dataset: Data,
    cache: PathLike | None = None,
    batch_size: int = 500,
    verbose: int = 1,
) -> EnsembleEvaluation:
    """Scores each member and the ensembles of the first members, and computes disagreement.

    Each member makes one pass over the data; one member's predictions are in memory at a time.
    `EnsembleEvaluation` describes the scores; `mc_tf.metrics` defines them with equations. The
    `loss` of one member equals the result of `model.evaluate` with all data in one batch, without
    regularizers, for any compiled loss (label smoothing, focal, reductions, `loss_weights`,
    functions). For several members it is the loss of the averaged prediction; for logits, of the
    logarithms of the averaged probabilities. If no loss is compiled, it is the cross-entropy, or
    for a regression the mean squared error.

    With a `cache`, an interrupted call can be resumed, and an additional member costs one pass.

    Args:
        ensemble: `Ensemble`, or `MemberFiles`, which keeps one member in memory at a time.
        dataset: a finite `tf.data.Dataset` of batches, a `PyDataset`, or arrays `(x, y)`, in the
            same order at each pass. Labels are integers `(N, ...)`, one-hot or soft; 0 and 1 for
            multilabel outputs; targets for a regression. As in Keras, `[labels]` and `{"output":
            labels}` are accepted. Sample weights and masks work as in Keras: losses are multiplied
            by the weights and averaged over unmasked values, other scores are divided by the sum of
            the weights (`weighted_metrics`).
        cache: directory for the members' predictions on this data set. Default: no cache. The data
            set is identified by its first batch, its size and, for arrays, all labels; other
            differences are not detected.
        batch_size: examples per batch, for arrays only. Default 500.
        verbose: 1 for a progress bar, 0 for silence.

    Returns:
        `EnsembleEvaluation`.

    Raises:
        ValueError: if the data has no labels, is empty or changes its order between passes; if
            labels or weights do not match the outputs; if outputs are invalid or not finite; or if
            `cache` contains predictions for another data set.
        OSError: if `cache` cannot be created or written to.
    """
    check_counts(batch_size=batch_size)
    spec, temperatures = ensemble.output_spec, ensemble.temperatures
    members, cumulative, classes, total, entropy = [], [], [], 0.0, 0.0
    moments, information = Moments(), None
    passes = member_outputs(ensemble, dataset, cache, batch_size, verbose, whole=True)
    for m, rows, targets in passes:
        predictions, own = _of_member(spec, rows, float(temperatures[m]))
        total = total + predictions
        mean = total / (m + 1)
        members.append(_scores(spec, predictions, targets, own))
        cumulative.append(_scores(spec, mean, targets) if m else dict(members[0]))
        counting = targets.of(predictions)
        if spec.kind == "regression":
            moments.add(counting)
            if ensemble.num_members > 1:
                cumulative[m] |= moments.scores(targets)
        else:
            classes.append(counting.argmax(-1))
            own = whole = predictive_entropy(counting)
            if m:
                whole = predictive_entropy(targets.of(mean))
            entropy = entropy + own
            information = np.maximum(whole - entropy / (m + 1), 0)  # rounding can make it negative
            members[m]["entropy"] = _average(own, targets)
            cumulative[m]["entropy"] = _average(whole, targets)
            cumulative[m]["mutual_information"] = _average(information, targets)
    mean, weights, variance = targets.of(mean), targets.sample_weight, None
    labels = targets.labels
    if spec.kind == "regression":
        mean, labels, variance = (a.reshape(-1) for a in (mean, labels, moments.variance))
        weights = weights if weights is None else np.repeat(weights, len(labels) // len(weights))
    elif spec.multilabel:
        columns = (-1, targets.num_labels)
        labels = labels[:, 1] if labels.ndim == 2 else labels
        mean, labels, information = (a.reshape(columns) for a in (mean[:, 1], labels, information))
        weights = weights if weights is None else weights.reshape(columns)[:, 0]
    return EnsembleEvaluation(
        {name: np.array([scores[name] for scores in members]) for name in members[0]},
        {name: np.array([scores[name] for scores in cumulative]) for name in cumulative[0]},
        disagreement_matrix(np.stack(classes), targets.sample_weight) if classes else None,
        mean,
        labels,
        variance,
        weights,
        information,
    )


def _of_member(spec, rows, temperature):
    """Returns a member's predictions, and its outputs at its temperature if available."""
    with np.errstate(invalid="ignore"):  # for ignored rows
        predictions = spec.predictions(rows, temperature)
    if spec.kind.endswith("logits"):
        return predictions, rows / temperature
    return predictions, rows if temperature == 1 else None


def _scores(spec, predictions, targets, own=None):
    """Computes all scores; `own` is passed to `loss_of_predictions` as `rows`."""
    arguments = {"sample_weight": targets.sample_weight}
    score_of = score_values if spec.kind == "regression" else score
    scores = score_of(targets.of(predictions), targets.labels, **arguments)
    if spec.loss is not None and not (
        spec.kind == "regression" and is_plain(spec.loss, targets.shape)
    ):
        scores["loss"] = loss_of_predictions(spec, predictions, targets, own)
    if spec.loss_weight is not None:
        scores["loss"] *= spec.loss_weight
    return scores


def _average(of_rows, targets):
    return float(np.average(of_rows, weights=targets.sample_weight))
