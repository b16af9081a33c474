"""What several rules use: broadcasting, reductions, reshapes, slices."""

from mc_tf.alignment.axes import Group, Product, Sum, join
from mc_tf.alignment.units import Axes

__all__ = ["cut", "elementwise", "reduced", "reshaped", "sliced", "spatial"]


def elementwise(units, *tensors):
    """The axes of tensors that are combined unit by unit, with broadcasting."""
    tensors = [each for each in tensors if isinstance(each, Axes)]
    rank, result = max(map(len, tensors)), []
    for place in range(-rank, 0):
        here = [axes[place] for axes in tensors if -place <= len(axes)]
        many = [axis for axis in here if axis.size != 1] or here
        many.sort(key=lambda axis: axis.size is None)
        for other in many[1:]:
            join(many[0], other)
        result.append(many[0])
    return result


def reduced(axes, axis=None, keepdims=False):
    """The axes that a sum or a mean leaves: in any order it is the same."""
    gone = range(len(axes)) if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
    gone = {index % len(axes) for index in gone}
    kept = [Group(1) if index in gone else each for index, each in enumerate(axes)]
    return kept if keepdims else [each for index, each in enumerate(axes) if index not in gone]


def reshaped(units, axes, shape):
    """The axes after a reshape to `shape`, in which `None` is unknown."""
    old = [axis for axis in axes if axis.size != 1]
    new = [size for size in shape if size != 1]
    groups = []
    while new:
        ins, outs = [old.pop()] if old else [], [new.pop()]
        while (size := Product(ins).size) != (wanted := Product(map(Group, outs)).size):
            known = size is not None and wanted is not None
            if known and wanted < size and new:
                outs.insert(0, new.pop())
            elif known and size < wanted and old:
                ins.insert(0, old.pop())
            else:  # an unknown size among several
                units.fix(ins + old)
                outs, ins, old, new = new + outs, [], [], []
                groups = [units.fixed(size) for size in outs] + groups
                break
        else:
            made = [Product(ins)] if len(outs) == 1 else [Group(size) for size in outs]
            if len(outs) > 1:
                join(Product(ins), Product(made))
            groups = made + groups
    units.fix(old)
    groups = iter(groups)
    return [Group(1) if size == 1 else next(groups) for size in shape]


def cut(axis, sizes):
    """Parts of an axis, one after the other."""
    parts = [Group(size) for size in sizes]
    kept = [part for part in parts if part.size]
    join(axis, Sum(kept))
    return parts


def sliced(units, axis, start, stop, step=1):
    """The axis from `start` to `stop`, as in Python."""
    if axis.size is None:
        return units.fixed(None)
    chosen = range(axis.size)[slice(start, stop, step)]
    if len(chosen) == axis.size and chosen.step == 1:
        return axis
    if chosen.step != 1 or not len(chosen):
        units.fix(axis, "a slice with steps")
        return units.fixed(len(chosen))
    sizes = [chosen.start, len(chosen), axis.size - chosen.stop]
    return cut(axis, sizes)[1]


def spatial(layer, units, axes):
    """`(places of positions, place of channels)` of an image; the positions must stay."""
    rank, last = len(axes), layer.data_format == "channels_last"
    positions = list(range(1, rank - 1) if last else range(2, rank))
    reason = f"positions of {type(layer).__name__} '{layer.name}'"
    units.fix([axes[place] for place in positions], reason)
    return positions, rank - 1 if last else 1
