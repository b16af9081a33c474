"""Layers that normalize."""

from keras import layers

from mc_tf.alignment.table import register
from mc_tf.backend.keras_internals import own_variables


@register(layers.BatchNormalization)
def batch_normalization(layer, units, x, mask=None):
    for variable in own_variables(layer):
        units.weight(variable, [x[layer.axis]])
    return x


@register(layers.LayerNormalization, layers.RMSNormalization)
def layer_normalization(layer, units, x):
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    for variable in own_variables(layer):
        units.weight(variable, [x[axis] for axis in axes])
    return x


@register(layers.GroupNormalization)
def group_normalization(layer, units, x):
    channels = x[layer.axis]
    groups = channels.size if layer.groups == -1 else layer.groups
    if 1 < groups < channels.size:
        block = units.new(groups)
        units.join(channels, units.product([block, units.new(channels.size // groups, block)]))
    for variable in own_variables(layer):
        units.weight(variable, [channels])
    return x
