"""Networks to merge: their weights, one at a time, and everything else that a network has."""

import dataclasses
import os
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from mc_tf.alignment import align_all
from mc_tf.arguments import check_network
from mc_tf.backend.keras_internals import layers_within
from mc_tf.batch_norm.statistics import BatchStatistics
from mc_tf.ensemble.members import listed, read_member
from mc_tf.ensemble.stacked import StackedModel
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.snapshots import take_snapshot
from mc_tf.warning import warn
from mc_tf.weights.compatibility import (
    check_one_network,
    check_same_architecture,
    find_fixed_difference,
)
from mc_tf.weights.constraints import PointConstraint
from mc_tf.weights.flat import FlatLayout, recurrent_state, state_variables, variable_name
from mc_tf.weights.network_code import clone_network

__all__ = ["Members"]


class Members(Sequence):
    """The weights of given networks, `(M, P)`, read one at a time.

    Args:
        models: list of members as for `Ensemble`, or an `Ensemble`.
        base: a member, or `None`.
        align: whether to put hidden units in the order of the base, or of the first network.

    Attributes:
        network: Keras model of their architecture; its values do not change.
        base: weights of the base `(P,)`, or `None`.
        names: a name for each, for tables.
        has_statistics: whether training updates batch normalization statistics.

    Raises:
        FileNotFoundError, ValueError: if a file is missing, or a network does not match.
    """

    def __init__(self, models, base=None, align=False):
        if isinstance(models, StackedModel):
            self.network, sources = models.model, range(models.num_members)
            self._read = models.snapshot
        else:
            sources = listed(models, "a list of networks, or an `Ensemble`", "models")
            self.network = _network_among([*sources, base])
            self._read = lambda m: read_member(self.network, sources[m], m)
        self._count = len(sources)
        self.names = [
            os.fspath(source) if isinstance(source, (str, os.PathLike)) else f"model {m}"
            for m, source in enumerate(sources)
        ]
        self._layout = FlatLayout(self.network.trainable_variables)
        self._constraint = PointConstraint(self.network.trainable_variables, self._layout)
        base = None if base is None else read_member(self.network, base, None, "`base`")
        if align:
            self._align(base)
        self.base = base and base.weights
        self._read_state(base)

    def __len__(self):
        return self._count

    def __getitem__(self, m):
        return self._read(range(self._count)[m]).weights

    def snapshot(self, m):
        """`Snapshot` of one network."""
        return self._read(m)

    def state(self, shares, statistics=None):
        """State of a merged network.

        Args:
            shares: share of each network in its statistics.
            statistics: `statistics_in` another state, to be used instead.

        Returns:
            List of arrays: batch normalization statistics are the mean; everything else is of the
            first network.
        """
        state = list(self._first.state)
        for index, (place, *values) in enumerate(zip(self._places, *self._statistics)):
            mean = sum(share * value.astype("float64") for share, value in zip(shares, values))
            state[place] = mean.astype(values[0].dtype) if statistics is None else statistics[index]
        return state

    def statistics_in(self, state):
        """The batch normalization statistics in a state, a list of arrays."""
        return [state[place] for place in self._places]

    def fitting(self, weights):
        """Merged weights in the dtype of the network, after the constraints of its layers."""
        weights = np.asarray(weights).astype(self._first.weights.dtype)
        return ops.convert_to_numpy(self._constraint(weights)) if self._constraint else weights

    def write(self, weights, state, into=None):
        """Writes weights and state to a model, by default a new one, compiled as `network`."""
        if into is None:
            into = clone_network(self.network, "pass a built instance: `into=another_instance`")
        dataclasses.replace(self._first, weights=weights, state=state).assign_to(into)
        return into

    def check_into(self, into):
        """Rejects a model for `write` of another architecture."""
        if into is not None:
            check_network("into", into)
            check_same_architecture(self.network, into, ("models", "into"))

    def _align(self, base):
        snapshots = [*([] if base is None else [base]), *map(self._read, range(self._count))]
        networks = [self._model_of(each) for each in snapshots]
        alignments = align_all(networks, reference=0)[base is not None :]
        aligned = [take_snapshot(each.model) for each in alignments]
        self._read = aligned.__getitem__

    def _model_of(self, snapshot):
        model = clone_network(self.network, "align the networks before: `mc_tf.align_all`")
        snapshot.assign_to(model)
        return model

    def _read_state(self, base):
        """Keeps the statistics, and compares everything that is merged by no formula."""
        variables = state_variables(self.network)
        layers = BatchStatistics(self.network).layers
        statistics = {id(v) for _, *both in layers for v in both}
        carried = {id(v) for part in layers_within(self.network) for v in recurrent_state(part)}
        self._places = [k for k, v in enumerate(variables) if id(v) in statistics]
        self.has_statistics = bool(self._places)
        self._statistics, others = [], {}
        for m, name in enumerate([*self.names, *(["`base`"] if base is not None else [])]):
            snapshot = self._read(m) if m < self._count else base
            self._first = snapshot if m == 0 else self._first
            fixed = find_fixed_difference(self.network, self._first.state, snapshot.state)
            if fixed is not None:
                raise ValueError(
                    f"The frozen weight '{fixed.path}' differs between {self.names[0]} and {name}. "
                    "Only trainable weights are merged: set `trainable = True` on its layer in all "
                    "networks, or give all the same values."
                )
            if m < self._count:
                self._statistics.append(self.statistics_in(snapshot.state))
            for variable, ours, theirs in zip(variables, self._first.state, snapshot.state):
                seed = variable_name(variable.path) == "seed_generator_state"
                known = seed or id(variable) in statistics | carried
                if not known and not np.array_equal(ours, theirs):
                    others[variable.path] = None
        if others:
            warn(
                f"Training updates {', '.join(others)}, which no formula merges: the merged "
                f"network has the values of {self.names[0]}."
            )


def _network_among(sources):
    """The first network in a list of members, with its compile settings if they can be loaded."""
    for index, source in enumerate(sources):
        if isinstance(source, (str, os.PathLike)) and os.fspath(source).endswith(".keras"):
            try:
                source = load_checkpoint(source)
            except ValueError:  # perhaps it has a custom loss or metric
                source = load_checkpoint(source, compile=False)
        if isinstance(source, keras.layers.Layer):
            check_one_network(source, f"models[{index}]")
            check_network(f"models[{index}]", source)
            if not source.trainable_variables:
                raise ValueError(
                    f"'{source.name}' has no trainable weights, so there is nothing to merge. Set "
                    "`trainable = True` on the layers that differ."
                )
            return source
    raise ValueError(
        "No network is among `models`, only weights. Pass the network, too: "
        "`mc_tf.Ensemble(network, models)` instead of `models`."
    )
