"""Convolutions of all kinds, pooling, and changes of size."""

from keras import layers

from mc_tf.alignment.rules.common import spatial
from mc_tf.alignment.table import register


def _placed(layer, units, x, out):
    """The axes of the output: `out` for channels, other positions."""
    positions, channels = spatial(layer, units, x)
    axes = list(x)
    for place in positions:
        axes[place] = units.fixed(units.shapes[0][place])
    axes[channels] = out
    return axes


def _channels(layer, units, x):
    return x[spatial(layer, units, x)[1]]


def _window(units, layer):
    return [units.fixed(size) for size in layer.kernel_size]


@register(layers.Conv1D, layers.Conv2D, layers.Conv3D)
def convolution(layer, units, x):
    window, channels = _window(units, layer), _channels(layer, units, x)
    groups, inputs = layer.groups, channels.size // layer.groups
    out = units.new(layer.filters)
    if groups == 1:
        units.weight(layer.kernel, [*window, channels, out])
    else:
        block = units.new(groups)
        one, two = units.new(inputs, block), units.new(layer.filters // groups, block)
        units.join(channels, units.product([block, one]))
        units.join(out, units.product([block, two]))
        rank = len(window)
        units.weight(
            layer.kernel,
            [*window, units.product([block, one, two])],
            (*layer.kernel_size, inputs, groups, layer.filters // groups),
            (*range(rank), rank + 1, rank, rank + 2),
        )
    units.weight(layer.bias, [out])
    return units.apply(layer.activation, _placed(layer, units, x, out))


@register(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
def transposed(layer, units, x):
    out = units.new(layer.filters)
    units.weight(layer.kernel, [*_window(units, layer), out, _channels(layer, units, x)])
    units.weight(layer.bias, [out])
    return units.apply(layer.activation, _placed(layer, units, x, out))


@register(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise(layer, units, x):
    out = _multiplied(layer, units, _channels(layer, units, x))
    units.weight(layer.kernel, [*_window(units, layer), out])
    units.weight(layer.bias, [out])
    return units.apply(layer.activation, _placed(layer, units, x, out))


@register(layers.SeparableConv1D, layers.SeparableConv2D)
def separable(layer, units, x):
    window = _window(units, layer)
    middle = _multiplied(layer, units, _channels(layer, units, x))
    out = units.new(layer.filters)
    units.weight(layer.depthwise_kernel, [*window, middle])
    units.weight(layer.pointwise_kernel, [*(units.fixed(1) for _ in window), middle, out])
    units.weight(layer.bias, [out])
    return units.apply(layer.activation, _placed(layer, units, x, out))


def _multiplied(layer, units, channels):
    if layer.depth_multiplier == 1:
        return channels
    own = units.new(channels.size)
    units.join(own, channels)
    return units.product([own, units.new(layer.depth_multiplier, own)])


_DIMENSIONS = (1, 2, 3)


@register(
    *(getattr(layers, f"{kind}Pooling{n}D") for kind in ("Average", "Max") for n in _DIMENSIONS),
    *(getattr(layers, f"UpSampling{n}D") for n in _DIMENSIONS),
    *(
        getattr(layers, f"Adaptive{kind}Pooling{n}D")
        for kind in ("Average", "Max")
        for n in _DIMENSIONS
        if hasattr(layers, f"Adaptive{kind}Pooling{n}D")
    ),
    layers.Resizing,
)
def pooling(layer, units, x):
    if not hasattr(layer, "data_format"):  # `UpSampling1D`, which knows one
        units.fix(x[1])
        return [x[0], units.fixed(units.shapes[0][1]), x[2]]
    return _placed(layer, units, x, _channels(layer, units, x))


@register(
    *(
        getattr(layers, f"Global{kind}Pooling{n}D")
        for kind in ("Average", "Max")
        for n in _DIMENSIONS
    )
)
def global_pooling(layer, units, x, mask=None):
    positions, channels = spatial(layer, units, x)
    kept = [units.fixed(1) if place in positions else axis for place, axis in enumerate(x)]
    return kept if layer.keepdims else [x[0], x[channels]]
