"""Loss and metrics of networks to merge, of networks between them, and of the merged one."""

import numpy as np
from keras import ops

from mc_tf.backend.batches import KeptBatches
from mc_tf.backend.keras_internals import evaluation_settings
from mc_tf.curves import Segment
from mc_tf.evaluation.data import EvaluationData
from mc_tf.evaluation.metric_directions import directions_of
from mc_tf.evaluation.points import PointEvaluator
from mc_tf.models import CurveModel
from mc_tf.warning import warn
from mc_tf.weights.flat import state_variables

__all__ = ["Judge", "table_row"]

_POINTS = 0.02  # of accuracy, that a network between two others may be below both
_SHARE = 0.1  # of the loss, without an accuracy
_WIDTH = 28


class Judge:
    """Evaluates weights of one network, by functions that are compiled once.

    Args:
        members: `Members`.
        validation: data set with labels.
        batch_norm_data: data set for statistics, or `None`.
        batch_size: examples per batch, for arrays only.

    Raises:
        ValueError: if the network is not compiled, or the data does not fit it.
    """

    def __init__(self, members, validation, batch_norm_data, batch_size):
        network = members.network
        if not getattr(network, "compiled", False):
            raise ValueError(
                f"The first network, '{network.name}', is not compiled: call `compile(loss=..., "
                "metrics=...)` on it, to choose what to evaluate."
            )
        self._members = members
        validation = KeptBatches(validation, batch_size, role="validation")
        if batch_norm_data is not None:
            batch_norm_data = KeptBatches(batch_norm_data, batch_size, role="batch_norm_data")
        self._data = EvaluationData(validation, batch_norm_data=batch_norm_data)
        self._statistics = batch_norm_data
        self._model = CurveModel(network, Segment())
        self._model.compile(**evaluation_settings(network))
        self._points = PointEvaluator(self._model, batch_size)
        self._points.check(0.0, self._data)
        self._dtypes = [v.dtype for v in state_variables(network)]

    def estimated(self, weights, shares):
        """State of a network of given weights, with statistics estimated or averaged: arrays."""
        state = self._points.estimated(
            ops.convert_to_tensor(weights),
            self._tensors(self._members.state(shares)),
            self._statistics,
        )
        return [ops.convert_to_numpy(value) for value in state]

    def __call__(self, weights, state):
        """Evaluates a network.

        Args:
            weights, state: arrays, as in a `Snapshot`.

        Returns:
            dict of floats: `loss` and the metrics.
        """
        weights = ops.convert_to_tensor(weights)
        values = self._points.values(weights, self._tensors(state), self._data)
        return {key[6:]: value for key, value in values.items() if key.startswith("train_")}

    def directions(self, values):
        """Whether more is better, by name of the values."""
        return directions_of(self._model, values)

    def members_and_midpoints(self):
        """Evaluates each network, and the networks halfway from the first to the others.

        Returns:
            Two lists of dicts as `__call__` returns them; the second has `None` for the first
            network.
        """
        members, first, values, halfway = self._members, None, [], []
        for m in range(len(members)):
            snapshot = members.snapshot(m)
            values.append(self(snapshot.weights, snapshot.state))
            if m == 0:
                first = snapshot.weights.astype("float64")
                halfway.append(None)
                continue
            middle = members.fitting((first + snapshot.weights.astype("float64")) / 2)
            shares = [0.5 if k in (0, m) else 0.0 for k in range(len(members))]
            halfway.append(self(middle, self.estimated(middle, shares)))
        return values, halfway

    def report_barriers(self, values, halfway, verbose):
        """Prints the table of `members_and_midpoints`; warns if a barrier is large."""
        names, large = self._members.names, []
        shown = [name for name in values[0] if np.isscalar(values[0][name])]
        lines = [table_row("", shown)]
        for m, (at, between) in enumerate(zip(values, halfway)):
            lines.append(table_row(names[m], [at[name] for name in shown]))
            if between is None:
                continue
            lines.append(table_row(f"  halfway to {names[0]}", [between[n] for n in shown]))
            large += _large(names[0], names[m], values[0], at, between)
        if verbose:
            print("\n".join(lines), flush=True)
        if large:
            warn(
                f"Networks between those that are merged are worse than both: {large[0]}"
                f"{f' (and {len(large) - 1} more)' if large[1:] else ''}. An average of them is no "
                "good network: merge networks that were fine-tuned from one, try `align=True`, or "
                "use `mc_tf.Ensemble`."
            )

    def _tensors(self, state):
        return [ops.convert_to_tensor(v, dtype=dtype) for v, dtype in zip(state, self._dtypes)]


def table_row(name, values):
    """A line of a table."""
    name = name if len(name) <= _WIDTH else f"...{name[3 - _WIDTH :]}"
    shown = (value if isinstance(value, str) else format(value, ".4f") for value in values)
    return "".join([f"{name:<{_WIDTH}}", *(f"{each:>14}" for each in shown)])


def _large(first, second, one, two, between):
    """A sentence about the barrier between two networks, in a list, if it is large."""
    accuracies = [name for name in between if name.endswith(("accuracy", "acc"))]
    for name in accuracies:
        worse = min(one[name], two[name])
        if not between[name] >= worse - _POINTS:
            break
    else:
        name, worse = "loss", max(one["loss"], two["loss"])
        if accuracies or between["loss"] <= worse + _SHARE * abs(worse):
            return []
    return [
        f"halfway from {first} to {second}, the {name} is {between[name]:.4g}, and at the ends "
        f"{one[name]:.4g} and {two[name]:.4g}"
    ]
