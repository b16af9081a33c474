"""Layers of several inputs."""

from keras import layers

from mc_tf.alignment.rules.common import elementwise
from mc_tf.alignment.table import register
from mc_tf.alignment.units import Axes


@register(
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
)
def merge(layer, units, inputs):
    rank = max(map(len, inputs))
    ones = lambda axes: [units.fixed(1)] * (rank - len(axes))  # after the batch
    return elementwise(units, *(Axes([axes[0], *ones(axes), *axes[1:]]) for axes in inputs))


@register(layers.Concatenate)
def concatenate(layer, units, inputs):
    return joined(units, inputs, layer.axis)


def joined(units, inputs, axis):
    """The axes of a concatenation along an axis."""
    axis %= len(inputs[0])
    whole = units.concat([axes[axis] for axes in inputs])
    one = [units.fixed(1)]
    rest = elementwise(units, *(Axes([*axes[:axis], *one, *axes[axis + 1 :]]) for axes in inputs))
    return [*rest[:axis], whole, *rest[axis + 1 :]]


@register(layers.Dot)
def dot(layer, units, inputs):
    first, second = inputs
    axes = [layer.axes] * 2 if isinstance(layer.axes, int) else layer.axes
    one, two = axes[0] % len(first), axes[1] % len(second)
    units.join(first[one], second[two])
    if layer.normalize:  # over one axis, in any order
        pass
    left = [axis for place, axis in enumerate(first) if place != one]
    right = [axis for place, axis in enumerate(second) if place not in (0, two)]
    rest = [*left, *right]
    return rest if len(rest) > 1 else [*rest, units.fixed(1)]
