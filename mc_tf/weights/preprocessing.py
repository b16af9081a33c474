"""State that preprocessing layers keep outside their variables.

Keras' `Normalization` uses constants derived from its variables when it is adapted or loaded; word
lookups keep a table.
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
    """Returns the layers whose mean and variance come from `adapt`."""
    return [
        part
        for part in layers_within(layer)
        if isinstance(part, keras.layers.Normalization) and part.built and part.input_mean is None
    ]


@contextlib.contextmanager
def derived(layer):
    """Context in which adapted layers use the values of their variables in that context.

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
    """Makes adapted layers use their variables after these were assigned.

    Args:
        model: built Keras layer or model.
    """
    parts = _normalizations(model)
    for part in parts:
        part.finalize_state()
    for name in ("train", "test", "predict") if parts else ():
        # Compiled functions contain the constants; a running `fit` uses the new function
        # immediately.
        if getattr(model, f"{name}_function", None) is not None:
            getattr(model, f"make_{name}_function")(force=True)


def check_same_adapted(first, second, roles, variables=True):
    """Rejects networks whose layers were adapted to different data.

    Args:
        first, second: built models or layers of the same architecture.
        roles: names of the two in the message.
        variables: whether adapted values in variables must be equal, too. Each member of an
            ensemble has its own.

    Raises:
        ValueError: naming the first layer that differs.
    """
    for one, two in zip(layers_within(first), layers_within(second)):
        values = [learned(part, variables) for part in (one, two)]
        if not all(map(np.array_equal, *values)):
            raise ValueError(
                f"The layer '{one.name}' was adapted to other data in `{roles[0]}` than in "
                f"`{roles[1]}`. Only weights differ between networks of one curve, surface or "
                "ensemble: adapt it once, before they are trained."
            )


def learned(layer, variables=True):
    """Returns the state of a layer from `adapt`.

    Args:
        layer: Keras layer.
        variables: whether to include variables.

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
    """Returns the lookup layers of a network.

    Args:
        network: Keras model.

    Returns:
        List of layers.
    """
    return [part for part in layers_within(network) if isinstance(part, _TABLES)]


def resources(network):
    """Returns TensorFlow resources of layers: lookup tables and their own variables.

    Args:
        network: Keras model, on the TensorFlow backend.

    Returns:
        List of objects that a SavedModel needs besides the variables of Keras.
    """
    import tensorflow as tf

    kinds = (tf.saved_model.experimental.TrackableResource, tf.Variable)
    kept = [part for layer in layers_within(network) for part in vars(layer).values()]
    return [part for part in kept if isinstance(part, kinds)]


def check_saved_whole(network):
    """Rejects saving a network whose configuration lacks a vocabulary.

    Args:
        network: Keras model.

    Raises:
        ValueError: naming the layer.
    """
    for part in tables(network):
        if part.get_config().get("vocabulary") is None:
            raise ValueError(
                f"The vocabulary of '{part.name}' in '{network.name}' was found by `adapt`, and is "
                "not saved here. Create the layer with `vocabulary=` (its `get_vocabulary()`), or "
                "leave it to the data pipeline; or use `save_weights`."
            )


def copy_tables(network, copy):
    """Copies adapted vocabularies to a copy of a network.

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
    else:  # only the words
        two.set_vocabulary(words, idf_weights=weights[-len(words) :])


def _idf_weights(table):
    """Returns the word weights of a table, if any."""
    weights = getattr(lookup_of(table), "idf_weights", None)
    return None if weights is None else ops.convert_to_numpy(weights)
