"""Copies and configurations of networks, without compile settings."""

import contextlib
import re

import keras

from mc_tf.backend.keras_internals import (
    compile_arguments,
    layers_within,
    output_shape_of,
)
from mc_tf.weights.own_values import is_users_function
from mc_tf.weights.preprocessing import copy_tables

__all__ = ["clone_network", "network_config", "revive_network", "revive_parts", "what_is_missing"]


@contextlib.contextmanager
def _not_compiled(network):
    """Context in which Keras treats a network, and nested models, as not compiled."""
    parts = [part for part in layers_within(network) if isinstance(part, keras.Model)]
    compiled = [part for part in parts if vars(part).get("compiled")]
    try:
        for part in parts:  # bypasses Keras' `__setattr__`, so that it is not tracked
            vars(part)["get_compile_config"] = lambda: None
        for part in compiled:
            vars(part)["compiled"] = False
        yield
    finally:
        for part in parts:
            vars(part).pop("get_compile_config", None)
        for part in compiled:
            vars(part)["compiled"] = True


def network_config(network, otherwise=None):
    """Returns the configuration for `revive_network`, without weights and compile settings.

    Args:
        network: built Keras layer or model.
        otherwise: remedy for a class without configuration, for the message.

    Returns:
        dict.

    Raises:
        ValueError: if its class has no configuration, and `otherwise` is given.
    """
    try:
        with _not_compiled(network):
            return keras.saving.serialize_keras_object(network)
    except NotImplementedError as error:
        if otherwise is None:
            raise
        raise ValueError(
            f"The class {type(network).__name__} of the network cannot be saved whole: "
            "give it a `get_config` and register it with "
            "`keras.saving.register_keras_serializable`, or use `save_weights` and "
            f"{otherwise}."
        ) from error


def revive_network(config):
    """Creates an object from a configuration, without compiling it.

    Args:
        config: dict from `network_config`, or from files of earlier versions, with compile
            settings.

    Returns:
        A Keras layer or model, or another object that Keras can revive.
    """
    return keras.saving.deserialize_keras_object(_without_compile_settings(config))


def revive_parts(config, *names):
    """Creates the objects at some keys of a configuration, without compiling them.

    Args:
        config: dict of the arguments of a class.
        *names: keys of the configuration of a network, a curve or a dtype policy.

    Returns:
        dict; `config` is not changed.
    """
    parts = {name: config[name] for name in names if isinstance(config.get(name), dict)}
    return {**config, **{name: revive_network(part) for name, part in parts.items()}}


def _without_compile_settings(config):
    if isinstance(config, dict):
        return {
            key: _without_compile_settings(value)
            for key, value in config.items()
            if key != "compile_config"
        }
    if isinstance(config, (list, tuple)):
        return type(config)(map(_without_compile_settings, config))
    return config


def clone_network(network, otherwise):
    """Clones a model, including vocabularies.

    Its layers call the same functions, including lambdas. It is compiled with the same loss and
    metrics if the original is compiled and they can be recreated.

    Args:
        network: built Keras model.
        otherwise: remedy if Keras cannot copy it, for the message.

    Returns:
        Built `keras.Model` with its own weights.

    Raises:
        ValueError: if Keras cannot copy it; the message says why and how to fix it.
    """
    try:
        with _not_compiled(network), _own_names(network):
            if isinstance(network, keras.Sequential) or type(network).__name__ == "Functional":
                clone = keras.models.clone_model(network)
            else:
                config = keras.saving.serialize_keras_object(network)
                clone = keras.saving.deserialize_keras_object(config)
        if not clone.built:
            raise ValueError("the copy is not built")
        copy_tables(network, clone)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(
            f"Keras cannot copy the network '{network.name}' of class {type(network).__name__} "
            f"({type(error).__name__}: {reason[:200]}). Each custom class needs a `get_config` "
            "with all arguments of its constructor, which takes `**kwargs` for Keras, and no code "
            f"among them. Or {otherwise}."
        ) from error
    _compile_alike(network, clone)
    return clone


@contextlib.contextmanager
def _own_names(network):
    """Context in which Keras finds the classes and functions of a network's layers by name.

    A copy within one process needs no registration, and calls the same functions: Keras would
    serialize the code of a lambda and lose its references.
    """
    parts = layers_within(network)
    classes = [type(part) for part in parts if not type(part).__module__.startswith("keras.")]
    known = {cls.__name__: cls for cls in classes}
    shadowed = []
    try:
        for number, part in enumerate(parts):
            functions = _functions_of(part)
            if functions:
                names = {key: f"mc_tf_function_{number}_{key}" for key in functions}
                known |= {names[key]: functions[key] for key in functions}
                vars(part)["get_config"] = _config_with(part.get_config, names)
                shadowed.append(part)
        with keras.saving.custom_object_scope(known):
            yield
    finally:
        for part in shadowed:
            vars(part).pop("get_config", None)


def _functions_of(part):
    """Functions of the user's in a layer's configuration, by key."""
    if not isinstance(part, keras.layers.Lambda):
        attributes = vars(part)
    else:
        attributes = {**vars(part), "output_shape": output_shape_of(part)}
    return {
        key: value
        for key, value in attributes.items()
        if key[0] != "_" and is_users_function(value)
    }


def _config_with(get_config, names):
    def replaced():
        config = get_config()
        for key, name in names.items():
            if key in config and not callable(config[key]):
                config[key] = {
                    "module": None,
                    "class_name": "function",
                    "config": name,
                    "registered_name": name,
                }
        return config

    return replaced


def _compile_alike(network, clone):
    """Compiles a copy with fresh losses, metrics and optimizer; functions are shared."""
    if not getattr(network, "compiled", False) or type(network).compile is not keras.Model.compile:
        return

    def fresh(value):
        made = hasattr(value, "get_config") and not isinstance(value, type)
        return type(value).from_config(value.get_config()) if made else value

    # If a class cannot be recreated, users must compile the copy.
    with contextlib.suppress(Exception):
        given = {
            key: keras.tree.map_structure(fresh, value)
            for key, value in compile_arguments(network).items()
        }
        clone.compile(**given)


def what_is_missing(error):
    """Explains why an intact file or configuration cannot be loaded, and how to fix it.

    Args:
        error: exception of Keras.

    Returns:
        Text of one or two sentences, or `None` for other reasons.
    """
    text = ""
    while error is not None:
        text += f"{error}\n"
        error = error.__cause__ or error.__context__
    if "lambda" in text.lower() and "safe_mode" in text:
        return (
            "It holds a lambda, in a `Lambda` layer for instance: Python code, which Keras runs "
            "only if you trust the file. If you do, call "
            "`keras.config.enable_unsafe_deserialization()` before, or load it with "
            "`keras.saving.load_model(file, safe_mode=False)` and give the loaded model. A named "
            "function, registered with `keras.saving.register_keras_serializable`, needs neither."
        )
    at = text.find("Could not locate")
    if at >= 0:
        line = text[at:].splitlines()[0]
        what, _, config = line.partition(". ")
        family = re.search(r"'registered_name': 'mc_tf\.curves>([^']+)'", config)
        how = "@keras.saving.register_keras_serializable()"
        if family:
            what, how = f"the curve family '{family[1]}'", f"@mc_tf.curves.register('{family[1]}')"
        return (
            f"It has a class or function that is not known here: {what}. Import the module that "
            f"defines it, decorated with `{how}`, before the file is loaded; programs do so with "
            "--import=MODULE or --import=FILE.py."
        )
    return None
