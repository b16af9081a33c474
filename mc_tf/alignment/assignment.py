"""Groups as families, the places of their units, and how alike the units of two networks are."""

import math

import numpy as np
from scipy.optimize import linear_sum_assignment

from mc_tf.alignment.axes import Group, Sum

__all__ = [
    "Family",
    "best_order",
    "families_of",
    "identity_of",
    "is_known",
    "places_of",
    "units_first",
]


class Family:
    """A group, and those within it, which move with it.

    Attributes:
        group: the group.
        children: groups within it.
        index: position in the list of families.
    """

    def __init__(self, group, children, index):
        self.group, self.children, self.index = group, children, index

    @property
    def members(self):
        """All groups of the family."""
        return [self.group, *self.children]


def families_of(groups):
    """List of `Family`, one for each group that is not within another free one."""
    within = {group: group.within for group in groups}
    roots = [g for g in groups if within[g] is None]
    # Groups within a fixed one: its units stay, and are a family without an order of their own.
    roots += list(dict.fromkeys(p for p in within.values() if p is not None and p.fixed))
    children = {root: [g for g in groups if within[g] is root] for root in roots}
    return [Family(root, children[root], index) for index, root in enumerate(roots)]


def places_of(axis, *groups):
    """Where the units of a group lie along an axis.

    Args:
        axis: resolved axis.
        *groups: the group, or two: one that others are within, and one of those.

    Returns:
        Integer array `(n, m)`: the `m` places of each unit; `(k, n, m)` for two groups.
    """
    sizes = [group.size for group in groups]
    if isinstance(axis, Group):
        whole = axis is groups[-1] and len(groups) == 1
        return np.arange(axis.size)[:, None] if whole else np.zeros([*sizes, 0], "int64")
    if isinstance(axis, Sum):
        starts = np.cumsum([0, *(part.size for part in axis.parts)])
        parts = [start + places_of(part, *groups) for start, part in zip(starts, axis.parts)]
        return np.concatenate(parts, axis=-1)
    shape = [part.size for part in axis.parts]
    grid, places = np.arange(axis.size).reshape(shape), []
    for place, part in enumerate(axis.parts):
        if part is groups[-1]:
            if all(group in axis.parts for group in groups):
                front = [*(axis.parts.index(group) for group in groups[:-1]), place]
                moved = np.moveaxis(grid, front, range(len(front)))
                places.append(moved.reshape([*sizes, -1]))
        elif isinstance(part, Sum):
            inner = places_of(part, *groups)
            taken = np.moveaxis(grid, place, 0)[inner]
            places.append(taken.reshape([*sizes, -1]))
    return np.concatenate(places, axis=-1) if places else np.zeros([*sizes, 0], "int64")


def units_first(value, place, places):
    """A laid-out array as a matrix: a row for each unit, with all its numbers.

    Args:
        value: array.
        place: its dimension along which the units lie.
        places: array of `places_of`.
    """
    rows = math.prod(places.shape[:-1])
    if places.shape[-1] == 1 and rows == value.shape[place] and _is_range(places.ravel()):
        return np.moveaxis(value, place, 0).reshape(rows, -1)
    taken = np.moveaxis(value, place, 0)[places.reshape(rows, -1)]
    return taken.reshape(rows, -1)


def _is_range(places):
    return bool((places == np.arange(len(places))).all())


def best_order(likeness):
    """The assignment of the largest sum: `order[i]` is the second network's unit for `i`."""
    if (likeness.argmax(1) == np.arange(len(likeness))).all():
        return np.arange(len(likeness))
    # Negated here: scipy would copy once more.
    return linear_sum_assignment(np.negative(likeness, dtype="float64"))[1]


def is_known(axis, known):
    """Which places of an axis belong to groups that are fixed or known only: a bool array."""
    if isinstance(axis, Group):
        return np.full(axis.size, axis.fixed or axis in known)
    parts = [is_known(part, known) for part in axis.parts]
    if isinstance(axis, Sum):
        return np.concatenate(parts)
    free = parts[0]
    for part in parts[1:]:
        free = np.logical_and.outer(free, part).ravel()
    return free


def identity_of(group):
    """The order of a group that changes nothing."""
    parent = group.within
    order = np.arange(group.size)
    return order if parent is None else np.tile(order, (parent.size, 1))
