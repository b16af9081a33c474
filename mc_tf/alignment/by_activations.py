"""Matches units by what they compute on data (Tatro et al. 2020): one pass over both networks."""

import contextlib

import keras
import numpy as np
from keras import ops

from mc_tf.alignment.assignment import best_order, is_known, places_of, units_first
from mc_tf.alignment.axes import groups_of, resolve
from mc_tf.backend.batches import Batches
from mc_tf.backend.keras_internals import layers_within
from mc_tf.weights.flat import reset_recurrent_state

__all__ = ["match_by_activations"]


def match_by_activations(units, groups, owner, networks, data):
    """Finds the orders that correlate the second network's units most with the first's.

    Units are compared where layers with weights read them, at all positions of all examples.

    Args:
        units, owner: `Units`, and the network that they were found in.
        groups: free groups; those that no layer reads alone are left out.
        networks: two of the same architecture.
        data: data set as `Batches` takes it; labels are not used.

    Returns:
        Dict from groups to orders `(n,)`.
    """
    layers = layers_within(owner)
    readings = [(layers.index(layer), calls) for layer, calls in units.readings.items()]
    parents = {group.within for group in groups}
    wanted = {group for group in groups if group.within is None and group not in parents}
    totals = {}
    with _recorded(networks, [index for index, _ in readings]) as records:
        for network in networks:
            reset_recurrent_state(network)
        for inputs, _, _ in Batches(data):
            for record, network in zip(records, networks):
                record.clear()
                network(inputs, training=False)
            for index, calls in readings:
                seen = [record.get(index, []) for record in records]
                for number, (axes, *values) in enumerate(zip(calls, *seen)):
                    _add(totals, (index, number), axes, values, wanted)
        for network in networks:
            reset_recurrent_state(network)
    likeness = {}
    for (group, *_), moments in totals.items():
        likeness[group] = likeness.get(group, 0) + moments.correlation()
    return {group: best_order(likeness[group]) for group in groups if group in likeness}


@contextlib.contextmanager
def _recorded(networks, indices):
    """Context in which layers record what they are called with: dicts from index to a list."""
    records, changed = [{} for _ in networks], []
    try:
        for network, record in zip(networks, records):
            layers = layers_within(network)
            for index in indices:
                layer = layers[index]
                changed.append((layer, vars(layer).get("call")))
                # Bypasses Keras' `__setattr__`, so that nothing is tracked.
                vars(layer)["call"] = _recording(layer.call, record.setdefault, index)
        yield records
    finally:
        for layer, own in changed:
            vars(layer).pop("call")
            if own is not None:
                vars(layer)["call"] = own


def _recording(call, setdefault, index):
    def recording(*args, **kwargs):
        with contextlib.suppress(Exception):  # of symbols, where a layer maps another
            setdefault(index, []).append(ops.convert_to_numpy(keras.tree.flatten(args)[0]))
        return call(*args, **kwargs)

    return recording


def _add(totals, call, axes, values, wanted):
    if axes is None or any(value.ndim != len(axes) for value in values):
        return
    axes = [resolve(axis) for axis in axes]
    sure = [axis.size is None or is_known(axis, ()).all() for axis in axes]
    for place, axis in enumerate(axes):
        if axis.size != values[0].shape[place] or not all(sure[:place] + sure[place + 1 :]):
            continue
        for group in wanted.intersection(groups_of(axis)):
            places = places_of(axis, group)
            if not is_known(axis, {group})[places].all():  # beside others in any order
                continue
            one, two = (units_first(value, place, places) for value in values)
            totals.setdefault((group, call, place), _Moments(group.size)).add(one, two)


class _Moments:
    """Sums over examples of the numbers of two sets of units."""

    def __init__(self, size):
        self.count = 0
        self.sums, self.squares = np.zeros((2, size)), np.zeros((2, size))
        self.products = np.zeros((size, size))

    def add(self, one, two):
        one, two = one.astype("float32"), two.astype("float32")
        if self.count == 0:  # near the means, the differences of large sums lose fewer digits
            self.shifts = one.mean(1, keepdims=True), two.mean(1, keepdims=True)
        one, two = one - self.shifts[0], two - self.shifts[1]
        self.count += one.shape[1]
        self.sums += [one.sum(1), two.sum(1)]
        self.squares += [np.square(one).sum(1), np.square(two).sum(1)]
        self.products += one @ two.T

    def correlation(self):
        """Correlations `(n, n)`; 0 of units that never change."""
        means = self.sums / self.count
        variances = np.maximum(self.squares / self.count - means**2, 0)
        covariance = self.products / self.count - np.outer(*means)
        scale = np.sqrt(np.outer(*variances))
        return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 1e-12)
