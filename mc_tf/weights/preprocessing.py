"""Layers that are adapted to data: what they keep beside their variables.

Keras' `Normalization` computes with constants that it derives from its variables when it is
adapted or loaded; lookups of words keep a table.
"""

import contextlib

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import layers_within, lookup_of

__all__ = [
    "check_same_adapted",
    "check_saved_whole",
    "copy_tables",
    "derived",
    "learned",
    "refresh",
    "resources",
    "tables",
]

_TABLES = (keras.layers.StringLookup, keras.layers.IntegerLookup, keras.layers.TextVectorization)


def _normalizations(layer):
    """The layers whose mean and variance were found by `adapt`."""
    return [
        part
        for part in layers_within(layer)
        if isinstance(part, keras.layers.Normalization) and part.built and part.input_mean is None
    ]


@contextlib.contextmanager
def derived(layer):
    """Context in which adapted layers compute with what their variables read as there.

    Args:
        layer: built Keras layer or model.
    """
    parts = _normalizations(layer)
    before = [(part.mean, part.variance) for part in parts]
    try:
        for part in parts:
            part.finalize_state()
        yield
    finally:
        for part, (mean, variance) in zip(parts, before):
            part.mean, part.variance = mean, variance


def refresh(model):
    """Has adapted layers compute with their variables, after these were assigned.

    Args:
        model: built Keras layer or model.
    """
    parts = _normalizations(model)
    for part in parts:
        part.finalize_state()
    for name in ("train", "test", "predict") if parts else ():
        # Compiled functions hold the constants; a `fit` that runs takes the new one at once.
        if getattr(model, f"{name}_function", None) is not None:
            getattr(model, f"make_{name}_function")(force=True)


def check_same_adapted(first, second, roles, variables=True):
    """Refuses networks whose layers were adapted to different data.

    Args:
        first, second: built models or layers of the same architecture.
        roles: what to call the two in the message.
        variables: whether what layers keep in variables must be equal, too. Members of an ensemble
            each have their own.

    Raises:
        ValueError: naming the first layer that differs.
    """
    for one, two in zip(layers_within(first), layers_within(second)):
        found = [learned(part, variables) for part in (one, two)]
        if not all(map(np.array_equal, *found)):
            raise ValueError(
                f"The layer '{one.name}' was adapted to other data in `{roles[0]}` than in "
                f"`{roles[1]}`. Only weights differ between networks of one curve, surface or "
                "ensemble: adapt it once, before they are trained."
            )


def learned(layer, variables=True):
    """What a layer keeps of the data that it was adapted to.

    Args:
        layer: Keras layer.
        variables: whether what it keeps in variables is wanted, too.

    Returns:
        List of numpy arrays, empty for layers that are not adapted to data.
    """
    if isinstance(layer, _TABLES):
        weights = _idf_weights(layer)
        return [np.asarray(layer.get_vocabulary()), *([] if weights is None else [weights])]
    if isinstance(layer, keras.layers.Discretization):
        return [np.asarray(layer.bin_boundaries or ())]
    if isinstance(layer, keras.layers.Normalization) and layer.built:
        if layer.input_mean is not None:
            return [np.asarray(layer.input_mean), np.asarray(layer.input_variance)]
        if variables:
            return [
                ops.convert_to_numpy(layer.adapt_mean),
                ops.convert_to_numpy(layer.adapt_variance),
            ]
    return []


def tables(network):
    """Layers of a network that look words or numbers up in a table.

    Args:
        network: Keras model.

    Returns:
        List of layers.
    """
    return [part for part in layers_within(network) if isinstance(part, _TABLES)]


def resources(network):
    """What layers of a network keep in TensorFlow itself: tables of words, variables of their own.

    Args:
        network: Keras model, on the TensorFlow backend.

    Returns:
        List of what a SavedModel of the network must hold beside the variables of Keras.
    """
    import tensorflow as tf

    kinds = (tf.saved_model.experimental.TrackableResource, tf.Variable)
    kept = [part for layer in layers_within(network) for part in vars(layer).values()]
    return [part for part in kept if isinstance(part, kinds)]


def check_saved_whole(network):
    """Refuses to save a network as code if its code has lost a vocabulary.

    Args:
        network: Keras model.

    Raises:
        ValueError: naming the layer.
    """
    for part in tables(network):
        if part.get_config().get("vocabulary") is None:
            raise ValueError(
                f"The vocabulary of '{part.name}' in '{network.name}' was found by `adapt`, and is "
                "not saved here. Make the layer with `vocabulary=` (its `get_vocabulary()`), or "
                "leave it to the data pipeline; or use `save_weights`."
            )


def copy_tables(network, copy):
    """Gives a copy of a network the vocabularies that its layers found by `adapt`.

    Args:
        network, copy: Keras models of one architecture.
    """
    for one, two in zip(tables(network), tables(copy)):
        if two.get_config().get("vocabulary") is None:
            _copy_table(one, two)


def _copy_table(one, two):
    words = one.get_vocabulary(include_special_tokens=False)
    weights = _idf_weights(one)
    if weights is None:
        two.set_vocabulary(words)
    else:  # of the words alone
        two.set_vocabulary(words, idf_weights=weights[-len(words) :])


def _idf_weights(table):
    """What a table multiplies counts of words by, if anything."""
    weights = getattr(lookup_of(table), "idf_weights", None)
    return None if weights is None else ops.convert_to_numpy(weights)
