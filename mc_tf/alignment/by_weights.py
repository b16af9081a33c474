"""Matches units by their weights (Ainsworth, Hayase and Srinivasa 2023, section 3.2).

The distance between two networks depends on the order of the second's units. It is lowered group by
group, each time by a linear assignment that is exact while the other groups stay.
"""

import math
from functools import partial

import numpy as np

from mc_tf.alignment.assignment import (
    best_order,
    families_of,
    identity_of,
    is_known,
    places_of,
    units_first,
)
from mc_tf.alignment.axes import groups_of

__all__ = ["match_by_weights"]

_SMALLEST = 1e-6  # gain, relative to the squared norm of the weights: below is rounding
_SWEEPS = 100
_SLOW = 5e-4  # gain of a sweep, relative as above, at which networks that differ have settled
_LARGE = 2e9  # sum of the cubed sizes of groups, the time of an assignment: one start only


def match_by_weights(
    permutables, first, second, groups, seed=0, starts=3, held=(), orders=None, grow=True
):
    """Finds the orders of the second network's units that bring its weights nearest to the first's.

    Args:
        permutables: list of `Permutable`, one for each weight.
        first, second: list of laid-out arrays, one for each weight; function that makes one.
        groups: the free groups.
        seed: of the random orders in which groups are visited.
        starts: how many times; the best is kept. The first start is found from the fixed axes
            inwards, the others are the given order. Default: 3; 1 of very wide networks.
        held: groups that keep their order.
        orders: dict of orders to start with. Default: as given.
        grow: whether the first start is found so. Default: `True`.

    Returns:
        Dict from groups to orders, as `Permutable.reordered` takes it.
    """
    rng = np.random.default_rng(seed)
    candidates = []
    for start in range(1 if sum(group.size**3 for group in groups) > _LARGE else starts):
        matching = _Matching(permutables, first, second(), groups, set(held), orders or {})
        if start == 0 and grow:
            matching.grow()
        matching.descend(rng)
        candidates.append((matching.objective(), matching.orders))
        if matching.is_exact():
            break
    return max(candidates, key=lambda each: each[0])[1]


class _Matching:
    """The second network's weights in an order that is improved step by step."""

    def __init__(self, permutables, first, second, groups, held, orders):
        self.axes = [each.axes for each in permutables]
        self.first = [np.asarray(value, "float32") for value in first]
        self.second = [
            np.asarray(each.reordered(value, orders), "float32")
            for each, value in zip(permutables, second)
        ]
        self.permutables = permutables
        self.orders = {group: identity_of(group) for group in groups} | dict(orders)
        self.families = [f for f in families_of(groups) if f.group not in held]
        self.weights = [self._weights_of(family) for family in self.families]
        self.known = set(held)
        self.norms = np.array([float(np.vdot(value, value)) for value in self.first])

    def _weights_of(self, family):
        """`(weight, dimension)` of the axes that a family has units on."""
        members = set(family.members)
        return [
            (index, place)
            for index, axes in enumerate(self.axes)
            for place, axis in enumerate(axes)
            if members.intersection(groups_of(axis))
        ]

    def objective(self, weights=None):
        """The inner product of the networks: the larger, the nearer."""
        chosen = range(len(self.first)) if weights is None else weights
        return sum(float(np.vdot(self.first[index], self.second[index])) for index in chosen)

    def is_exact(self, tolerance=1e-10):
        """Whether the networks have become equal, up to rounding."""
        gaps = (a - b for a, b in zip(self.first, self.second))
        return sum(float(np.vdot(gap, gap)) for gap in gaps) <= tolerance * self.norms.sum()

    # Steps.

    def grow(self):
        """Matches each family once, from those whose weights others have fixed most."""
        left = {index: self._share_known(index) for index in range(len(self.families))}
        while left:
            index = max(left, key=lambda each: (left[each], -each))
            del left[index]
            family = self.families[index]
            self._propose(index, known=self.known)
            self.known.update(family.members)
            near = {weight for weight, _ in self.weights[index]}
            for other in left:
                if near.intersection(weight for weight, _ in self.weights[other]):
                    left[other] = self._share_known(other)

    def _share_known(self, index):
        family, known, total = self.families[index], 0.0, 0.0
        for weight, place in self.weights[index]:
            share = self.first[weight].size
            total += share
            for other, axis in enumerate(self.axes[weight]):
                extra = family.members if other == place else ()
                share *= is_known(axis, self.known.union(extra)).mean()
            known += share
        return known / total

    def descend(self, rng):
        """Improves family by family, in random order, until none can be."""
        waiting = set(range(len(self.families)))
        for _ in range(_SWEEPS):
            before = self.objective()
            for index in rng.permutation(sorted(waiting)):
                waiting.discard(index)
                if self._improve(index):
                    near = {weight for weight, _ in self.weights[index]}
                    for other, weights in enumerate(self.weights):
                        if other != index and near.intersection(w for w, _ in weights):
                            waiting.add(other)
                    if self._is_coupled(index):
                        waiting.add(index)
            slow = self.objective() - before < _SLOW * self.norms.sum()
            if slow and not (waiting and self.is_exact(0.01)):
                return

    def _is_coupled(self, index):
        """Whether a family has two axes of one weight: then its own order matters to itself."""
        weights = [weight for weight, _ in self.weights[index]]
        return len(weights) > len(set(weights)) or bool(self.families[index].children)

    def _improve(self, index):
        weights = sorted({weight for weight, _ in self.weights[index]})
        improved = False
        for stay in (False, True) if self.families[index].children else (False,):
            before = self.objective(weights)
            kept = [self.second[weight] for weight in weights], dict(self.orders)
            moved = self._propose(index, stay=stay)
            if moved and self.objective(weights) > before + _SMALLEST * self.norms[weights].sum():
                improved = True
            elif moved:
                for weight, value in zip(weights, kept[0]):
                    self.second[weight] = value
                self.orders = kept[1]
        return improved

    def _propose(self, index, known=None, stay=False):
        """Moves a family to where the other groups, or the known ones, want it.

        Args:
            index: of the family.
            known: groups that alone count, as those whose order is found. Default: all.
            stay: whether only groups within the family's move.

        Returns:
            Whether anything moved.
        """
        family = self.families[index]
        group, size = family.group, family.group.size
        within = {child: self._likeness(index, known, group, child) for child in family.children}
        if group.fixed or stay:
            order = np.arange(size)
        else:
            likeness = self._likeness(index, known, group)
            for child, values in within.items():
                values = values.reshape(size, child.size, size, child.size)
                rows, columns = values.max(3).sum(1), values.max(1).sum(2)
                likeness = likeness + np.minimum(rows, columns)
            order = best_order(likeness)
        moves = {} if group.fixed else {group: order}
        for child, values in within.items():
            values = values.reshape(size, child.size, size, child.size)
            moves[child] = np.stack([best_order(values[k, :, order[k]]) for k in range(size)])
        return self._move(index, moves, order)

    def _move(self, index, moves, order):
        if all((move == np.arange(move.shape[-1])).all() for move in moves.values()):
            return False
        for weight in {weight for weight, _ in self.weights[index]}:
            self.second[weight] = self.permutables[weight].reordered(self.second[weight], moves)
        for group, move in moves.items():
            old = self.orders[group]
            self.orders[group] = (
                old[move] if move.ndim == 1 else np.take_along_axis(old[order], move, axis=1)
            )
        return True

    def _likeness(self, index, known, *chosen):
        """Inner products of the units of the first network with the second's: a matrix.

        Args:
            index: of the family.
            known: `None`, or the groups whose units can be compared one by one.
            *chosen: the family's group, and one within it if that one's units are asked for.
        """
        children = self.families[index].children
        places = [
            (weight, place, places_of(self.axes[weight][place], *chosen))
            for weight, place in self.weights[index]
            if len(chosen) > 1
            or not any(each in groups_of(self.axes[weight][place]) for each in children)
        ]
        places = [each for each in places if each[2].size]
        total = self._products(places, known, chosen)
        if known is not None and not total.any():  # each number beside one that is not known
            total = self._products(places, known, chosen, blind=True)
        return total

    def _products(self, all_places, known, chosen, blind=False):
        """The sum of the inner products over axes; `blind`: of numbers sorted by size.

        Sorted along an axis, the numbers are the same in any order of that axis.
        """
        size = math.prod(group.size for group in chosen)
        total = np.zeros((size, size), "float32")
        for weight, place, places in all_places:
            both, own = (self.first[weight], self.second[weight]), self.axes[weight][place]
            sorts = False
            if known is not None:
                sure = is_known(own, known.union(chosen))[places.reshape(size, -1)[0]]
                sorts = blind and not sure.all()
                places = places if sorts else places[..., sure]
                for other, axis in enumerate(self.axes[weight]):
                    sure = is_known(axis, known)
                    if other != place and not sure.all():
                        change = np.sort if blind else partial(np.compress, sure)
                        both = [change(value, axis=other) for value in both]
            one, two = (units_first(value, place, places) for value in both)
            if sorts:
                shape = size, places.shape[-1], -1
                one, two = (np.sort(m.reshape(shape), axis=1).reshape(size, -1) for m in (one, two))
            total += one @ two.T
        return total
