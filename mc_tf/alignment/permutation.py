"""Orders of units, and weights whose units are in another order."""

import math

import numpy as np

from mc_tf.alignment.axes import Group, Sum, groups_of, resolve

__all__ = ["Permutable", "free_groups", "random_orders", "sources"]


class Permutable:
    """The axes of one variable, for values of it that lie in numpy arrays.

    An order is an array `(n,)` for a group of `n` units: unit `i` of the result is unit `order[i]`
    of the given one. Of a group within another of `m` units it is `(m, n)`: a row for each unit of
    the other, in the result.

    Args:
        weight: `Weight` of `find_units`.

    Attributes:
        name: path of the variable.
        axes: the axes in their simplest form.
        groups: the free groups among them.
    """

    def __init__(self, weight):
        self.name = weight.variable.path
        self.axes = weight.resolved()
        self.groups = [g for axis in self.axes for g in groups_of(axis) if not g.fixed]
        self.groups = list(dict.fromkeys(self.groups))
        self._given = tuple(weight.variable.shape)
        self._shape, self._order = weight.shape, weight.order
        self._sizes = [axis.size for axis in self.axes]

    def laid_out(self, value):
        """A value of the variable with one dimension for each axis."""
        return np.asarray(value).reshape(self._shape).transpose(self._order).reshape(self._sizes)

    def given_back(self, value):
        """The inverse of `laid_out`."""
        value = value.reshape([self._shape[place] for place in self._order])
        return value.transpose(np.argsort(self._order)).reshape(self._given)

    def reordered(self, value, orders):
        """A laid-out value with its units in other orders: a dict from groups to arrays."""
        for place, axis in enumerate(self.axes):
            if any(group in orders for group in groups_of(axis)):
                value = value.take(sources(axis, orders), axis=place)
        return value


def sources(axis, orders):
    """Where each place of an axis takes its value from: an array of the size of the axis."""
    axis = resolve(axis)
    if isinstance(axis, Group):
        return orders.get(axis, np.arange(axis.size))
    if isinstance(axis, Sum):
        starts = np.cumsum([0, *(part.size for part in axis.parts)])
        return np.concatenate([start + sources(p, orders) for start, p in zip(starts, axis.parts)])
    sizes = [part.size for part in axis.parts]
    indices = np.zeros(sizes, "int64")
    for place, part in enumerate(axis.parts):
        order, shape = sources(part, orders), [1] * len(sizes)
        shape[place] = sizes[place]
        if order.ndim > 1:  # of a group within another, whose place comes before or after
            other = axis.parts.index(part.within)
            shape[other] = sizes[other]
            order = order if other < place else order.T
        indices += order.reshape(shape) * math.prod(sizes[place + 1 :])
    return indices.ravel()


def free_groups(permutables):
    """The groups that can be permuted, in the order of the network."""
    return list(dict.fromkeys(group for each in permutables for group in each.groups))


def random_orders(groups, seed=0):
    """A random order for each group: a dict."""
    rng = np.random.default_rng(seed)
    orders = {}
    for group in groups:
        parent = group.within
        rows = [rng.permutation(group.size) for _ in range(1 if parent is None else parent.size)]
        orders[group] = rows[0] if parent is None else np.stack(rows)
    return orders
