"""Merges networks into one, an ordinary Keras model."""

import inspect
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import keras
import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.batch_norm import update_batch_norm
from mc_tf.ensemble import Ensemble
from mc_tf.ensemble.members import Member
from mc_tf.merging import formulas
from mc_tf.merging.judge import Judge, table_row
from mc_tf.merging.members import Members
from mc_tf.storage.snapshots import take_snapshot
from mc_tf.typing import Data
from mc_tf.warning import warn

__all__ = ["METHODS", "Method", "checked_members", "merge"]

Method: TypeAlias = Literal["uniform", "slerp", "task_arithmetic", "ties", "dare", "dare_ties"]


def _dare(members, base, drop=0.5, scale=0.4, seed=0):
    return formulas.task_arithmetic(formulas.Thinned(members, base, drop, seed), base, scale)


def _dare_ties(members, base, drop=0.5, scale=1.0, seed=0):
    return formulas.ties(formulas.Thinned(members, base, drop, seed), base, 1.0, scale)


METHODS = {
    "uniform": formulas.uniform,
    "slerp": formulas.slerp,
    "task_arithmetic": formulas.task_arithmetic,
    "ties": formulas.ties,
    "dare": _dare,
    "dare_ties": _dare_ties,
}


def merge(
    models: Ensemble | Sequence[Member],
    method: Method = "uniform",
    base: Member | None = None,
    *,
    validation: Data | None = None,
    batch_norm_data: Data | None = None,
    align: bool = False,
    into: keras.Model | None = None,
    batch_size: int = 500,
    verbose: int = 1,
    **options: Any,
) -> keras.Model:
    """Merges the weights of several networks into one network.

    Networks that were fine-tuned from one often lie in one basin of the loss, and a network between
    them is as good as they are or better. Networks that were trained separately do not, and their
    average is worthless: pass `validation` to measure it.

    | method | weights | options |
    | --- | --- | --- |
    | `"uniform"` | the average (a uniform soup) | `shares` |
    | `"slerp"` | spherical interpolation of two; `base` is optional | `t=0.5` |
    | `"task_arithmetic"` | base plus the sum of task vectors | `scale=0.4` |
    | `"ties"` | base plus the task vectors without those that interfere | `density=0.2, scale=1` |
    | `"dare"` | task arithmetic, with entries dropped at random | `drop=0.5, scale=0.4, seed=0` |
    | `"dare_ties"` | TIES without trimming, after such drops | `drop=0.5, scale=1, seed=0` |

    `mc_tf.merging` has the formulas. A soup of a selection of the networks is `mc_tf.greedy_soup`.

    Args:
        models: list of built Keras models of one architecture, of files of them, or of other
            members that `mc_tf.Ensemble` takes; or an `Ensemble`. They are not changed.
        method: see the table. Default `"uniform"`.
        base: the network that the others were fine-tuned from, a model or a file.
        validation: data set with labels. If given, each network, and the network halfway from the
            first to each other, is evaluated before the merge, with a warning if a network between
            is much worse than both; and the merged network. Default: none are.
        batch_norm_data: data set for re-estimating batch normalization statistics: the training
            data as seen in training. Default: the mean of the statistics, with a warning.
        align: whether to put hidden units in the order of `base`, or of the first network,
            by `mc_tf.align_all`. Default `False`.
        into: built model of the same architecture to write to. Default: a new model.
        batch_size: examples per batch, for arrays only. Default 500.
        verbose: 1 to print what was evaluated, 0 for silence.
        **options: of the method.

    Returns:
        `keras.Model`, compiled as the first of `models`, if that is a model or a `.keras` file.
        Constraints of layers are applied to its weights. Everything but trainable weights and
        statistics is as in the first.

    Raises:
        ValueError: if the architectures or frozen weights differ, there are too few networks, a
            method lacks its base, or an option is unknown or out of range.

    Example:
        >>> import keras, numpy as np
        >>> Dense = keras.layers.Dense
        >>> first, second = (
        ...     keras.Sequential([keras.Input((4,)), Dense(8, "tanh"), Dense(1)]) for _ in "ab"
        ... )
        >>> soup = merge([first, second])
        >>> kernel = (first.layers[0].get_weights()[0] + second.layers[0].get_weights()[0]) / 2
        >>> bool(np.allclose(soup.layers[0].get_weights()[0], kernel))
        True
    """
    options = _checked_options(method, options)
    function = METHODS[method]
    needed = inspect.signature(function).parameters.get("base")
    if needed and needed.default is needed.empty and base is None:
        raise ValueError(
            f"The method '{method}' needs `base`, the network that the others were fine-tuned from."
        )
    if not needed and base is not None and not align:
        raise ValueError(f"The method '{method}' has no `base`. Leave it out.")
    check_counts(batch_size=batch_size)
    members = checked_members(models, base, align, into, batch_norm_data)
    given = {"base": members.base} if needed else {}
    tiny = {"base": np.zeros(1)} if needed else {}
    function(np.zeros((len(members), 1)), **tiny, **options)  # rejects options before any work
    judge = None
    if validation is not None:
        judge = Judge(members, validation, batch_norm_data, batch_size)
        judge.report_barriers(*judge.members_and_midpoints(), verbose)
    weights = members.fitting(function(members, **given, **options))
    model = members.write(weights, members.state(_shares(members, options)), into)
    if members.has_statistics and batch_norm_data is not None:
        update_batch_norm(model, batch_norm_data, batch_size=batch_size)
    if judge and verbose:
        snapshot = take_snapshot(model).aligned(members.network)
        values = judge(snapshot.weights, snapshot.state)
        print(table_row(f"merged: {method}", values.values()), flush=True)
    return model


def checked_members(models, base, align, into, batch_norm_data):
    """`Members`, with a warning about statistics that are averaged."""
    members = Members(models, base, align)
    members.check_into(into)
    if members.has_statistics and batch_norm_data is None:
        warn(
            f"'{members.network.name}' has batch normalization, whose statistics belong to the "
            "weights of one network. The merged network has their mean: pass `batch_norm_data`, "
            "the training data, to re-estimate them."
        )
    return members


def _checked_options(method, options):
    if method not in METHODS:
        hint = " (`mc_tf.greedy_soup` makes a greedy soup)" if "greedy" in str(method) else ""
        if not isinstance(method, str):
            hint = ". Pass all networks in one list: `merge([first, second])`."
        raise ValueError(
            f"`method` must be one of {', '.join(METHODS)}. Received: {method!r}{hint}"
        )
    parameters = inspect.signature(METHODS[method]).parameters
    known = [name for name in parameters if name not in ("members", "base")]
    for name in options:
        if name not in known:
            raise ValueError(
                f"The method '{method}' has no option `{name}`. It has: {', '.join(known)}."
            )
    return options


def _shares(members, options):
    """Shares of the networks in the merged one, for their statistics."""
    if "t" in options:
        return [1 - options["t"], options["t"]]
    shares = options.get("shares")
    return formulas.equal_shares(members) if shares is None else shares
