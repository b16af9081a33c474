"""Greedy soups of networks, an ordinary Keras model."""

from collections.abc import Sequence

import keras

from mc_tf.arguments import check_counts
from mc_tf.ensemble import Ensemble
from mc_tf.ensemble.members import Member
from mc_tf.merging.greedy import greedy
from mc_tf.merging.judge import Judge, table_row
from mc_tf.merging.merge import checked_members
from mc_tf.typing import Data

__all__ = ["greedy_soup"]


def greedy_soup(
    models: Ensemble | Sequence[Member],
    validation: Data,
    metric: str | None = None,
    *,
    batch_norm_data: Data | None = None,
    align: bool = False,
    into: keras.Model | None = None,
    batch_size: int = 500,
    verbose: int = 1,
) -> keras.Model:
    """Averages the networks of a selection that validation chooses (Wortsman et al. 2022).

    The soup begins as the best network. The others are tried from the best to the worst: each stays
    in the average if the average is no worse with it. On `validation`, the result is never worse
    than the best network.

    Args:
        models: as for `mc_tf.merge`; two networks or more.
        validation: data set with labels that were used in no training.
        metric: name of a compiled metric, or `"loss"`. Default: the first metric, or the loss if
            there are no metrics.
        batch_norm_data, align, into, batch_size: as for `mc_tf.merge`. A soup of one network keeps
            its own statistics.
        verbose: 1 to print which networks are kept, 0 for silence.

    Returns:
        `keras.Model`, compiled as the first of `models`, if that is a model or a `.keras` file.

    Raises:
        ValueError: if the first network is not compiled, the metric is unknown; also as
            `mc_tf.merge`.

    Example:
        >>> import keras, numpy as np
        >>> Dense = keras.layers.Dense
        >>> models = [keras.Sequential([keras.Input((4,)), Dense(1)]) for _ in "abc"]
        >>> models[0].compile(loss="mse")
        >>> validation = np.random.normal(size=(20, 4)), np.random.normal(size=(20, 1))
        >>> soup = greedy_soup(models, validation, verbose=0)
        >>> losses = [model.compile(loss="mse") or model.evaluate(*validation, verbose=0)
        ...           for model in (*models, soup)]
        >>> losses[3] <= min(losses[:3]) + 1e-6
        True
    """
    check_counts(batch_size=batch_size)
    members = checked_members(models, None, align, into, batch_norm_data)
    if len(members) < 2:
        raise ValueError(f"`models` must be two networks or more. Received: {len(members)}")
    judge = Judge(members, validation, batch_norm_data, batch_size)
    values, halfway = judge.members_and_midpoints()
    metric = _chosen(metric, values[0])
    judge.report_barriers(values, halfway, verbose)
    states = {}

    def score(weights, kept):
        if len(kept) == 1:
            return values[kept[0]][metric]
        weights = members.fitting(weights)
        state = judge.estimated(weights, _shares(members, kept))
        states[tuple(kept)] = members.statistics_in(state)
        scores = judge(weights, state)
        if verbose:
            print(table_row(f"with {members.names[kept[-1]]}", scores.values()), flush=True)
        return scores[metric]

    weights, kept = greedy(members, score, judge.directions([metric])[metric])
    if verbose:
        print(f"kept: {', '.join(members.names[m] for m in kept)}", flush=True)
    if len(kept) == 1:
        only = members.snapshot(kept[0])
        return members.write(only.weights, only.state, into)
    state = members.state(_shares(members, kept), states[tuple(kept)])
    return members.write(members.fitting(weights), state, into)


def _shares(members, kept):
    return [1 / len(kept) if m in kept else 0.0 for m in range(len(members))]


def _chosen(metric, values):
    """The metric to choose by."""
    if metric is None:
        metric = next((name for name in values if name != "loss"), "loss")
    if metric not in values:
        raise ValueError(f"`metric` must be one of {', '.join(values)}. Received: {metric!r}")
    return metric
