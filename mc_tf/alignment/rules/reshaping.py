"""Layers that move units: flattening, padding, cropping and the like."""

from keras import layers

from mc_tf.alignment.axes import Group
from mc_tf.alignment.rules.common import reshaped, sliced
from mc_tf.alignment.table import register


@register(layers.Flatten)
def flatten(layer, units, x):
    if layer.data_format == "channels_first" and len(x) > 1:
        x = [x[0], *x[2:], x[1]]
    return reshaped(units, x, units.shapes[0])


@register(layers.Reshape)
def reshape(layer, units, x):
    return reshaped(units, x, units.shapes[0])


@register(layers.Permute)
def permute(layer, units, x):
    return [x[0], *(x[place] for place in layer.dims)]


@register(layers.RepeatVector)
def repeat_vector(layer, units, x):
    return [x[0], units.fixed(layer.n), x[1]]


@register(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
def zero_padding(layer, units, x):
    widths = [layer.padding] if isinstance(layer.padding[0], int) else layer.padding
    return _changed(
        layer, x, widths, lambda axis, before, after: padded(units, axis, before, after)
    )


def padded(units, axis, before, after):
    """An axis with equal numbers around it, which may lie in any order."""
    if axis.size is None:
        return units.fixed(None)
    parts = [Group(before), axis, Group(after)]
    return units.concat([part for part in parts if part.size])


@register(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(layer, units, x):
    widths = [layer.cropping] if isinstance(layer.cropping[0], int) else layer.cropping

    def cropped(axis, before, after):
        return sliced(units, axis, before, None if axis.size is None else axis.size - after)

    return _changed(layer, x, widths, cropped)


def _changed(layer, x, widths, change):
    first = 2 if getattr(layer, "data_format", "") == "channels_first" else 1
    axes = list(x)
    for place, (before, after) in enumerate(widths, first):
        axes[place] = change(axes[place], before, after)
    return axes
