"""Attention: heads, and the units within each, which queries and keys share, and values."""

import math

from keras import layers

from mc_tf.alignment.table import register
from mc_tf.alignment.units import NotUnderstood
from mc_tf.backend.keras_internals import layers_within


def _weights(units, part, axes, shape, bias):
    """The weights of one projection, of which `shape` has heads and their units in one."""
    units.weight(part.kernel, axes, shape)
    if part.bias is not None:
        units.weight(part.bias, bias, [axis.size for axis in bias])


@register(layers.MultiHeadAttention)
def multi_head(layer, units, query, value, key=None, attention_mask=None, **options):
    key = value if key is None else key
    heads = units.new(layer.num_heads)
    scored, summed = units.new(layer.key_dim, heads), units.new(layer.value_dim, heads)
    scored, summed = units.product([heads, scored]), units.product([heads, summed])
    return _attention(
        layer,
        units,
        (query, key, value),
        (scored, scored, summed, summed),
        heads,
        attention_mask,
        options,
    )


@register(layers.GroupQueryAttention)
def group_query(layer, units, query, value, key=None, attention_mask=None, **options):
    key = value if key is None else key
    pairs = units.new(layer.num_key_value_heads)  # of a key and a value
    own = units.new(layer.num_repeats, pairs)
    scored, summed = units.new(layer.head_dim, pairs), units.new(layer.head_dim, pairs)
    places = (
        units.product([pairs, own, scored]),
        units.product([pairs, scored]),
        units.product([pairs, summed]),
        units.product([pairs, own, summed]),
    )
    heads = units.product([pairs, own])
    return _attention(layer, units, (query, key, value), places, heads, attention_mask, options)


def _attention(layer, units, inputs, places, heads, mask, options):
    parts = {part.name: part for part in layers_within(layer)}
    query, key, value = inputs
    for axes in (query, key, value):
        units.fix(axes[1:-1])
    if mask is not None:
        units.fix(mask)
        if len(mask) > 3 and mask[1].size != 1:
            units.fix(heads, "a mask for each head")
    for name, axes, place in zip(("query", "key", "value"), (query, key, value), places):
        _weights(units, parts[name], [axes[-1], place], (axes[-1].size, place.size), [place])
    if "gate" in parts:
        gate = [query[-1], places[3]]
        _weights(units, parts["gate"], gate, (query[-1].size, places[3].size), [places[3]])
    last = parts["attention_output"]
    rank = 2
    out = [units.new(size) for size in last.kernel.shape[rank:]]
    _weights(units, last, [places[3], *out], [places[3].size, *(axis.size for axis in out)], out)
    output = [*query[:-1], *out]
    if options.pop("return_attention_scores", False):
        if len(query) != 3:
            raise NotUnderstood("scores of attention over several axes")
        return [output, [query[0], heads, query[1], value[1]]]
    options.pop("use_causal_mask", None)
    if any(not name.endswith("_mask") for name in options):
        raise NotUnderstood(f"nothing is known of {sorted(options)}")
    return output


@register(layers.Attention, layers.AdditiveAttention)
def attention(layer, units, inputs, mask=None, **options):
    query, value = inputs[:2]
    key = inputs[2] if len(inputs) > 2 else value
    for axes in (query, key, value):
        units.fix(axes[1])
    units.join(query[2], key[2])
    scale = getattr(layer, "scale", None)
    for variable in (scale, getattr(layer, "concat_score_weight", None)):
        if variable is not None and math.prod(variable.shape) > 1:
            units.weight(variable, [query[2]])
    output = [query[0], query[1], value[2]]
    if options.get("return_attention_scores"):
        return [output, [query[0], query[1], key[1]]]
    return output
