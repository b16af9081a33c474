"""Networks of one architecture: their weights as arrays, in any order of their units."""

from itertools import islice

import numpy as np
from keras import ops

from mc_tf.alignment import rules  # noqa: F401 (registers them)
from mc_tf.alignment.axes import groups_of
from mc_tf.alignment.by_activations import match_by_activations
from mc_tf.alignment.by_weights import match_by_weights
from mc_tf.alignment.permutation import Permutable, free_groups
from mc_tf.alignment.report import Alignment, UnitGroup
from mc_tf.alignment.units import find_units
from mc_tf.backend.batches import KeptBatches
from mc_tf.backend.keras_internals import layers_within, own_weights
from mc_tf.weights.architecture import describe
from mc_tf.weights.compatibility import check_finite, check_same_architecture
from mc_tf.weights.flat import state_variables, variable_name
from mc_tf.weights.moving_state import moved_by_training

__all__ = ["Networks"]

_PASSES = 20  # over all networks, towards their mean
_UNSAID = (None, "input", "output")  # reasons that nobody asks for


class _Values:
    """The values of variables as arrays, each read when it is asked for: none is kept."""

    def __init__(self, variables):
        self._variables = variables

    def __getitem__(self, place):
        return ops.convert_to_numpy(self._variables[place])


class Networks:
    """Networks of one architecture, with the groups of their units.

    Attributes:
        values: for each network a sequence with one array for each of its variables.
    """

    def __init__(self, networks, names):
        self.networks = networks
        described = describe(networks[0])
        for name, network in zip(names, networks):
            check_same_architecture(networks[0], network, (names[0], name), described)
            check_finite(network.variables, name)
        self.values = [_Values(_variables(network)) for network in networks]
        first, variables = networks[0], _variables(networks[0])
        self.units = find_units(first)
        self.units.hold(self._common(variables), "frozen, and the same in both networks")
        index = {id(variable): place for place, variable in enumerate(variables)}
        weights = [w for w in self.units.weights if id(w.variable) in index]
        self.all = [(index[id(w.variable)], Permutable(w)) for w in weights]
        learned = {id(v) for part in layers_within(first) for v in own_weights(part)}
        self.compared = [
            (place, each)
            for place, each in self.all
            if each.groups and id(variables[place]) in learned
        ]
        self.groups = free_groups(each for _, each in self.all)
        if not self.groups:
            reasons = "; ".join(self._fixed()) or "it has no hidden units"
            raise ValueError(
                f"Nothing can be permuted in '{first.name}', so that it cannot be aligned: "
                f"{reasons}."
            )

    def _common(self, variables):
        """Weights that do not train and are equal in all networks: they must stay equal."""
        count = len(self.networks[0].trainable_variables)
        equal = [
            variable
            for place, variable in enumerate(variables[count:], count)
            if all(np.array_equal(self.values[0][place], v[place]) for v in self.values[1:])
        ]
        moved = {id(v) for v in moved_by_training(self.networks[0], equal)}
        return [v for v in equal if id(v) not in moved and len(v.shape)]

    def laid_out(self, values, orders=None):
        """Arrays to compare, from one for each variable."""
        return [
            each.reordered(each.laid_out(values[place]), orders or {})
            for place, each in self.compared
        ]

    def match(self, first, second, data, method, seed):
        """Orders of one network's units that are the other's."""
        # The second's are read for each start, so that none are kept beside those that move.
        arrays = self.laid_out(self.values[first]), lambda: self.laid_out(self.values[second])
        permutables = [each for _, each in self.compared]
        if method == "weights":
            return match_by_weights(permutables, *arrays, self.groups, seed)
        networks = self.networks[first], self.networks[second]
        data = KeptBatches(data, role="data")
        orders = match_by_activations(self.units, self.groups, self.networks[0], networks, data)
        return match_by_weights(
            *(permutables, *arrays, self.groups, seed), starts=1, held=set(orders), orders=orders
        )

    def match_to_mean(self, seed):
        """`(orders, mean)` of all networks at their common mean (section 4 of Git Re-Basin)."""
        permutables = [each for _, each in self.compared]
        arrays = [self.laid_out(values) for values in self.values]
        orders = [{} for _ in self.values]
        # First in the order of the first network; then each in the order of the others' mean.
        for index in range(1, len(arrays)):
            orders[index] = match_by_weights(
                *(permutables, arrays[0], lambda: arrays[index], self.groups, seed)  # noqa: B023
            )
        rng = np.random.default_rng(seed)
        for _ in range(_PASSES):
            changed = False
            for index in rng.permutation(len(arrays)):
                others = [k for k in range(len(arrays)) if k != index]
                mean = self._mean([self.laid_out(self.values[k], orders[k]) for k in others])
                new = match_by_weights(
                    *(permutables, mean, lambda: arrays[index], self.groups, seed),  # noqa: B023
                    starts=1,
                    orders=orders[index],
                    grow=False,
                )
                changed |= _differ(new, orders[index])
                orders[index] = new
            if not changed:
                break
        return orders, self._mean([self.reordered(k, orders[k]) for k in range(len(arrays))])

    @staticmethod
    def _mean(lists):
        return [sum(np.asarray(v, "float32") for v in each) / len(lists) for each in zip(*lists)]

    def reordered(self, index, orders):
        """All arrays of a network in other orders."""
        values = list(self.values[index])
        for place, each in self.all:
            if each.groups:
                value = each.reordered(each.laid_out(values[place]), orders)
                values[place] = each.given_back(value)
        return values

    def alignment(self, index, orders, target):
        """`Alignment` of one network, with distances to arrays."""
        count = len(self.networks[0].trainable_variables)
        before, after = self.values[index], self.reordered(index, orders)
        distances = tuple(
            _distance(islice(target, count), islice(values, count)) for values in (before, after)
        )
        groups = []
        for group in self.groups:
            names = [each.name for _, each in self.all if group in each.groups]
            order = orders.get(group, np.arange(group.size))
            groups.append(UnitGroup(names, group.size, order))
        sizes = [value.size for value in after[:count]]
        free = sum(sizes[place] for place, each in self.all if each.groups and place < count)
        share = free / max(sum(sizes), 1)
        network = self.networks[index]
        return Alignment(network, _variables, after, groups, self._fixed(), share, distances)

    def _fixed(self):
        fixed = {}
        for _, each in self.all:
            for place, axis in enumerate(each.axes):
                for reason in dict.fromkeys(g.reason for g in groups_of(axis) if g.fixed):
                    if reason not in _UNSAID:
                        fixed.setdefault(reason, []).append(f"{each.name}, axis {place}")
        return fixed


def _variables(network):
    """All variables that hold numbers of units: first the trainable ones."""
    state = [v for v in state_variables(network) if variable_name(v.path) != "seed_generator_state"]
    return [*network.trainable_variables, *state]


def _differ(first, second):
    return any(not np.array_equal(first[group], second.get(group, first[group])) for group in first)


def _distance(first, second):
    pairs = ((np.asarray(a, "float64"), np.asarray(b, "float64")) for a, b in zip(first, second))
    return float(np.sqrt(sum(np.square(a - b).sum() for a, b in pairs)))
