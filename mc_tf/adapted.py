"""Layers that are adapted to data: what they keep beside their variables.

Keras' `Normalization` computes with constants that it derives from its variables when it is
adapted or loaded; lookups of words keep a table.
"""

import contextlib
import tempfile

import keras
import numpy as np
from keras import ops

__all__ = [
    "check_same_adapted",
    "check_saved_whole",
    "clone_network",
    "derived",
    "refresh",
    "tables",
]


def _normalizations(layer):
    """The layers whose mean and variance were found by `adapt`."""
    return [
        part
        for part in layer._flatten_layers()
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
    if parts and isinstance(model, keras.Model):  # compiled functions hold the constants
        model.train_function = model.test_function = model.predict_function = None


def check_same_adapted(first, second, roles):
    """Refuses networks whose layers were adapted to different data.

    Args:
        first, second: built models or layers of the same architecture.
        roles: what to call the two in the message.

    Raises:
        ValueError: naming the first layer that differs.
    """
    for kind in (_normalizations, tables):
        for one, two in zip(kind(first), kind(second)):
            if not _same_adapted(one, two):
                raise ValueError(
                    f"The layer '{one.name}' was adapted to other data in `{roles[0]}` than in "
                    f"`{roles[1]}`. Only trainable weights vary along curves and surfaces: adapt "
                    "it once, before both networks are trained."
                )


def _same_adapted(one, two):
    if not isinstance(one, keras.layers.Normalization):
        return one.get_vocabulary() == two.get_vocabulary()
    return all(
        np.array_equal(*(ops.convert_to_numpy(getattr(part, name)) for part in (one, two)))
        for name in ("adapt_mean", "adapt_variance")
    )


def tables(network):
    """Layers of a network that look words or numbers up in a table.

    Args:
        network: Keras model.

    Returns:
        List of layers.
    """
    kinds = (keras.layers.StringLookup, keras.layers.IntegerLookup, keras.layers.TextVectorization)
    return [part for part in network._flatten_layers() if isinstance(part, kinds)]


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


def clone_network(network, otherwise):
    """A new model like a given one, vocabularies included.

    Args:
        network: built Keras model.
        otherwise: what to do where Keras cannot copy it, for the message.

    Returns:
        `keras.Model`, built, with weights of its own.

    Raises:
        ValueError: if Keras cannot copy it, saying why and what to do.
    """
    try:
        if isinstance(network, keras.Sequential) or type(network).__name__ == "Functional":
            clone = keras.models.clone_model(network)
        else:
            config = keras.saving.serialize_keras_object(network)
            clone = keras.saving.deserialize_keras_object(config)
        if not clone.built:
            raise ValueError("the copy is not built")
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(
            f"Keras cannot copy the network '{network.name}' of class {type(network).__name__} "
            f"({type(error).__name__}: {reason[:200]}). Its class must be registered "
            "(`keras.saving.register_keras_serializable`), and its constructor take `**kwargs` for "
            f"`keras.Model`. Or {otherwise}."
        ) from error
    for one, two in zip(tables(network), tables(clone)):
        with tempfile.TemporaryDirectory() as directory:
            one.save_assets(directory)
            two.load_assets(directory)
    return clone
