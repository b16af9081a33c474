"""Temperatures of the members: divisors of logits that correct overconfidence."""

from typing import TYPE_CHECKING

import numpy as np

from mc_tf.ensemble.member_outputs import member_outputs
from mc_tf.typing import ArrayLike, Data, PathLike

if TYPE_CHECKING:
    from mc_tf.ensemble.model import Ensemble

__all__ = ["best_temperature", "fit_temperature", "temperatures_from_loss"]

_LOGARITHMS = np.log(20.0)  # temperatures from 1/20 to 20


def temperatures_from_loss(losses: ArrayLike, power: float = 1.0) -> np.ndarray:
    """Computes temperatures of networks on a curve from their training losses (section A.6).

    Between the control points of a chain the loss is higher and the networks are overconfident. The
    paper multiplies logits by a factor "inversely proportional to the loss" and gives no constant.
    Here the network with the lowest loss keeps its logits:

        T_m = (L_m / min_j L_j) ** power,    logits_m / T_m

    Args:
        losses: training losses `(M,)`, positive: cross-entropy with the L2 terms, as in figure 6.
            (Without them, losses near zero differ by large factors, and the correction is too
            strong: use a smaller `power` or `fit_temperature` then.)
        power: 1 as in the paper (default), 0 for no correction.

    Returns:
        float64 array `(M,)`, at least 1.

    Raises:
        ValueError: if a loss is not a positive number.

    Example:
        >>> temperatures_from_loss([0.2, 0.3, 0.2])
        array([1. , 1.5, 1. ])
    """
    losses = np.asarray(losses, "float64")
    if losses.ndim != 1 or not losses.size or not (np.isfinite(losses) & (losses > 0)).all():
        raise ValueError(f"`losses` must be positive numbers (M,). Received: {losses}")
    return (losses / losses.min()) ** power


def fit_temperature(
    ensemble: "Ensemble",
    dataset: Data,
    per_member: bool = True,
    cache: PathLike | None = None,
    batch_size: int = 500,
    verbose: int = 1,
) -> np.ndarray:
    """Sets the temperatures that minimize the negative log-likelihood of held-out data.

    Temperature scaling (Guo et al., 2017), by a search over `log T`, from 1/20 to 20. Previous
    temperatures are ignored.

    Args:
        ensemble: `Ensemble` of classifiers; its `temperatures` are set.
        dataset: held-out `(inputs, labels)`, neither the training nor the test data; labels,
            sample weights and masks as for `evaluate_members`.
        per_member: True (default) for one temperature per member, which minimizes the member's
            loss; False for a common temperature, which minimizes the loss of the ensemble (and
            keeps all outputs in memory).
        cache, batch_size, verbose: as for `evaluate_members`.

    Returns:
        float32 array `(M,)`: the new temperatures.

    Raises:
        ValueError: for a regression, if a label is not one of the classes, and as for
            `evaluate_members`.
    """
    spec = ensemble.output_spec
    if spec.kind == "regression":
        raise ValueError(
            "A temperature is for classifiers, but this ensemble's output is 'regression'."
        )
    logits, temperatures = [], []
    for _, rows, targets in member_outputs(ensemble, dataset, cache, batch_size, verbose):
        logits.append(spec.log_scores(rows))
        if per_member:
            temperatures.append(best_temperature(logits, targets.labels, targets.sample_weight))
            logits.clear()
    if not per_member:
        best = best_temperature(logits, targets.labels, targets.sample_weight)
        temperatures = [best] * len(logits)
    ensemble.temperatures = np.asarray(temperatures, "float32")
    return ensemble.temperatures


def best_temperature(logits, labels, sample_weight=None):
    """Finds the common temperature for which the mean probabilities fit the labels best.

    Args:
        logits: list of the networks' logits, each `(R, C)`.
        labels: integers `(R,)`, or class probabilities `(R, C)`.
        sample_weight: weights `(R,)` of the rows. Default: equal weights.

    Returns:
        float.
    """
    rows = np.arange(len(labels))

    def loss(logarithm):
        parts = [_log_softmax(part / np.exp(logarithm)) for part in logits]
        if labels.ndim == 1:
            fit = np.logaddexp.reduce([part[rows, labels] for part in parts], axis=0)
        else:
            fit = (labels * np.logaddexp.reduce(parts, axis=0)).sum(-1)
        return -np.average(fit, weights=sample_weight)

    return float(np.exp(_minimum(loss, -_LOGARITHMS, _LOGARITHMS)))


def _log_softmax(logits):
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def _minimum(function, low, high, points=25, tolerance=1e-4):
    """Minimizes a function: by a grid, then by golden sections around its best point."""
    grid = np.linspace(low, high, points)
    best = int(np.argmin([function(x) for x in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, points - 1)]
    shrink = (np.sqrt(5) - 1) / 2
    left, right = high - shrink * (high - low), low + shrink * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > tolerance:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - shrink * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + shrink * (high - low)
            at_right = function(right)
    return (low + high) / 2
