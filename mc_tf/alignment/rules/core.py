"""Dense layers, embeddings, activations, and layers that leave units where they are."""

import numpy as np
from keras import layers

from mc_tf.alignment.rules.common import elementwise
from mc_tf.alignment.table import register
from mc_tf.alignment.units import NotUnderstood
from mc_tf.backend.keras_internals import own_variables


@register(layers.Dense)
def dense(layer, units, x):
    out = units.new(layer.units)
    units.weight(layer.kernel, [x[-1], out])
    units.weight(layer.bias, [out])
    return units.apply(layer.activation, [*x[:-1], out])


@register(layers.EinsumDense)
def einsum_dense(layer, units, x):
    inputs, _, outputs = layer.equation.replace(" ", "").partition("->")
    inputs, _, kernel = inputs.partition(",")
    known = _by_letter(inputs, x)
    for letter, size in zip(kernel, layer.kernel.shape):
        known.setdefault(letter, units.new(size))
    units.weight(layer.kernel, [known[letter] for letter in kernel])
    if layer.bias is not None:
        letters = outputs.replace("...", "")
        shape = layer.bias.shape
        places = [known[letter] for letter in letters[len(letters) - len(shape) :]]
        if len(places) != len(shape):
            raise NotUnderstood("a bias of more dimensions than its equation")
        one = [units.fixed(1) if size == 1 else axis for size, axis in zip(shape, places)]
        units.weight(layer.bias, one)
    before = known.get("...", ())
    axes = [known[letter] for letter in outputs.replace("...", "")]
    place = outputs.find("...")
    axes = axes if place < 0 else [*axes[:place], *before, *axes[place:]]
    return units.apply(layer.activation, axes)


def _by_letter(letters, axes):
    """Letter -> axis; `"..."` -> a list of axes."""
    start, dots, end = letters.partition("...")
    if not dots:
        return dict(zip(letters, axes, strict=True))
    middle = axes[len(start) : len(axes) - len(end)]
    after = axes[len(axes) - len(end) :]
    return {**dict(zip(start, axes)), "...": middle, **dict(zip(end, after))}


@register(layers.Embedding)
def embedding(layer, units, x):
    out = units.new(layer.output_dim)
    units.weight(layer.embeddings, [units.fixed(layer.input_dim), out])
    return [*x, out]


@register(
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Identity),
    *(layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    *(layers.GaussianDropout, layers.GaussianNoise, layers.AlphaDropout, layers.Masking),
    *(layers.ActivityRegularization, layers.UnitNormalization),
)
def same(layer, units, x):
    return units.apply(getattr(layer, "activation", None), x)


@register(layers.Softmax)
def softmax(layer, units, x, mask=None):
    return elementwise(units, x, mask)


@register(layers.PReLU)
def prelu(layer, units, x):
    sizes = layer.alpha.shape
    units.weight(layer.alpha, [units.fixed(1) if n == 1 else a for n, a in zip(sizes, x[1:])])
    return x


@register(layers.Rescaling)
def rescaling(layer, units, x):
    if any(np.ndim(each) for each in (layer.scale, layer.offset)):
        units.fix(x, "rescaled unit by unit")
    return x


@register(layers.Normalization)
def normalization(layer, units, x):
    reason = "normalized by statistics of the data"
    units.fix(x, reason)
    units.hold(own_variables(layer), reason)
    return x


@register(layers.TimeDistributed)
def time_distributed(layer, units, x):
    (axes,) = units.call(layer.layer, (x[0], *x[2:]))
    return [axes[0], x[1], *axes[1:]]
