"""How units lie along an axis: groups, concatenations and products, and when two axes agree.

An axis is a tree. A leaf is a `Group`: units that every tensor must have in one order. `Sum` lays
axes one after the other, as `Concatenate` does; `Product` repeats the inner axes for each unit of
the outer ones, as `Flatten` does. Agreement is unification: a group becomes the compound axis that
it is joined with, and axes that cannot agree are fixed.
"""

import math
from typing import TypeAlias

__all__ = ["Axis", "Group", "Product", "Sum", "decouple", "fix", "groups_of", "join", "resolve"]


class Group:
    """A set of units.

    Args:
        size: number of units; `None` if unknown, which is always fixed.
        within: a group, such as the heads of an attention layer: each of its units has its own
            units of this group, in its own order. Default: `None`.
        fixed: whether the units stay where they are. Default: `False`.
        reason: why they are fixed. Default: `None`, nothing that a user would ask for.
    """

    def __init__(self, size, within=None, fixed=False, reason=None):
        self.size = size
        self.fixed = fixed or size is None or size <= 1
        self.reason = reason
        self._within = within
        self.became = None  # the axis that this group was joined with

    @property
    def within(self):
        """The group whose units have units of this group of their own, or `None`."""
        parent = None if self._within is None else resolve(self._within)
        return parent if isinstance(parent, Group) and parent is not self else None

    @within.setter
    def within(self, parent):
        self._within = parent


class Sum:
    """Axes laid one after the other."""

    def __init__(self, parts):
        self.parts = tuple(parts)
        sizes = [part.size for part in self.parts]
        self.size = None if None in sizes else sum(sizes)


class Product:
    """Axes of which the last runs fastest, as in a reshape of several axes to one."""

    def __init__(self, parts):
        self.parts = tuple(parts)
        sizes = [part.size for part in self.parts]
        self.size = None if None in sizes else math.prod(sizes)


Axis: TypeAlias = Group | Sum | Product


def resolve(axis):
    """The axis in its simplest form, after all that was joined.

    Returns:
        A `Group`; a `Sum` of others; or a `Product` of groups and sums.
    """
    if isinstance(axis, Group):
        if axis.became is None:
            return axis
        axis.became = resolve(axis.became)
        return axis.became
    kind, empty = type(axis), 1 if isinstance(axis, Product) else 0
    parts = []
    for part in map(resolve, axis.parts):
        parts += part.parts if isinstance(part, kind) else [part]
    parts = [part for part in parts if part.size != empty]
    if len(parts) == 1:
        return parts[0]
    return kind(parts) if parts else Group(empty)


def groups_of(axis):
    """The groups of an axis, each once, in their order."""
    axis = resolve(axis)
    if isinstance(axis, Group):
        return [axis]
    return list(dict.fromkeys(group for part in axis.parts for group in groups_of(part)))


def fix(axis, reason=None):
    """Fixes all groups of an axis; those that are fixed keep their reason."""
    for group in groups_of(axis):
        if not group.fixed:
            group.fixed, group.reason = True, reason


def decouple(axis):
    """Gives groups within others one order for all, unless the others lie beside them."""
    axis = resolve(axis)
    if isinstance(axis, Group):
        axis.within = None
        return
    beside = axis.parts if isinstance(axis, Product) else ()
    for part in axis.parts:
        if not isinstance(part, Group):
            decouple(part)
        elif beside.count(part.within) != 1:
            part.within = None


def join(first, second):
    """Makes two axes of one size agree.

    Raises:
        ValueError: if their sizes are known and differ.
    """
    a, b = resolve(first), resolve(second)
    if a is b:
        return
    if None not in (a.size, b.size) and a.size != b.size:
        raise ValueError(f"an axis of {a.size} units meets one of {b.size}")
    if not isinstance(a, Group) or (isinstance(b, Group) and b.fixed):
        a, b = b, a
    if isinstance(a, Group):
        _join_group(a, b)
    elif None in (a.size, b.size):
        fix(a)
        fix(b)
    elif isinstance(a, Sum) and isinstance(b, Sum):
        _join_sums(a.parts, b.parts)
    elif isinstance(a, Product) and isinstance(b, Product):
        _join_products(a.parts, b.parts)
    else:
        _join_mixed(*((a, b) if isinstance(a, Sum) else (b, a)))


def _join_group(group, axis):
    if group.fixed:
        fix(axis, group.reason)
        return
    if isinstance(axis, Group) and axis.within is not group.within:
        axis.within = None
    group.became = axis


def _join_sums(first, second):
    (a, *others), (b, *more) = first, second
    if a.size > b.size:
        (a, others), (b, more) = (b, more), (a, others)
    if a.size < b.size:
        rest = Group(b.size - a.size)
        head = Group(a.size)
        join(b, Sum([head, rest]))
        b, more = head, [rest, *more]
    join(a, b)
    if others:
        join(Sum(others), Sum(more))


def _join_products(first, second):
    (a, *others), (b, *more) = first, second
    if a.size > b.size:
        (a, others), (b, more) = (b, more), (a, others)
    if b.size % a.size:
        for axis in (a, b, *others, *more):
            fix(axis, f"{b.size} units do not divide into {a.size}")
        return
    if a.size < b.size:
        head, rest = Group(a.size), Group(b.size // a.size)
        join(b, Product([head, rest]))
        b, more = head, [rest, *more]
    join(a, b)
    if others:
        join(Product(others), Product(more))


def _join_mixed(whole, product):
    """Splits the outer axis of a product where a sum has its boundaries."""
    outer, *inner = product.parts
    repeats = math.prod(part.size for part in inner)
    if any(part.size % repeats for part in whole.parts):
        for axis in (whole, product):
            fix(axis, f"parts of other sizes than multiples of {repeats} are joined")
        return
    heads = [Group(part.size // repeats) for part in whole.parts]
    join(outer, Sum(heads))
    for head, part in zip(heads, whole.parts):
        join(part, Product([head, *inner]))
