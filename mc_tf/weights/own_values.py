"""Values that user layers keep besides weights and configuration."""

import enum
import functools
import re
import types

import keras
import numpy as np

__all__ = ["has_own_config", "is_function", "is_own_array", "is_users_function", "own_values"]

_METHODS = ("__init__", "build")


def own_values(part):
    """Returns values that the constructor or `build` of a user class keeps in a layer.

    Args:
        part: Keras layer, model or operation.

    Returns:
        Dict by attribute names, without leading underscores: numbers, texts, functions, arrays, and
        lists and dicts of these. Of other objects, such as settings of a whole program, only the
        fields used in the code of the class are included. Layers and variables are omitted.
    """
    # Classes of this library describe themselves, and their code changes between versions.
    ours = ("keras", "builtins", "mc_tf")
    classes = [cls for cls in type(part).__mro__ if _package_of(cls) not in ours]
    kept = {name for cls in classes for key in _METHODS for name in _names(vars(cls).get(key))}
    read = {name for cls in classes for value in vars(cls).values() for name in _names(value)}
    values = {}
    for key, value in vars(part).items() if kept else ():
        value = _fields(value, read)
        if key in kept and _is_plain(value):
            values[key.lstrip("_")] = _unnumbered(value)
    return values


def has_own_config(part):
    """Whether a layer is described by a `get_config` of its class or of Keras."""
    first = next(cls for cls in type(part).__mro__ if "get_config" in vars(cls))
    general = (keras.layers.Layer, keras.Model, keras.Operation)
    return first not in general and not (_of_keras(first) and first.__name__ == "Operation")


def _names(method):
    """Returns names and texts in the code of a function."""
    code = getattr(method, "__code__", method)
    if not isinstance(code, types.CodeType):
        return set()
    inner = [_names(each) for each in code.co_consts]
    texts = {each for each in code.co_consts if isinstance(each, str)}
    return texts.union(code.co_names, *inner)


def _package_of(thing):
    return (getattr(thing, "__module__", None) or "").split(".")[0]


def _of_keras(thing):
    return _package_of(thing) in ("keras", "builtins")


def is_users_function(value):
    """Whether this is a function outside of Keras.

    Lambdas count, although Keras claims those that it loads.
    """
    if not isinstance(value, types.FunctionType):
        return False
    return value.__name__ == "<lambda>" or not _of_keras(value)


def is_function(value):
    """Whether this is a user function, possibly partially applied."""
    return isinstance(value, functools.partial) or is_users_function(value)


def is_own_array(value):
    """Whether this is an array or a tensor, but not a variable."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype != object
    if isinstance(value, (keras.Variable, keras.KerasTensor)) or hasattr(value, "assign"):
        return False
    return keras.ops.is_tensor(value)


def _fields(value, names, depth=0):
    """Returns the named fields of an object; other values unchanged."""
    objects = hasattr(value, "__dict__") and not callable(value) and not is_own_array(value)
    if isinstance(value, (dict, list, tuple, enum.Enum)) or not objects or depth > 5:
        return value
    if isinstance(value, keras.Variable) or _of_keras(type(value)):
        return value
    fields = {k: _fields(v, names, depth + 1) for k, v in vars(value).items() if k in names}
    return {key: each for key, each in fields.items() if _is_plain(each)}


def _is_plain(value):
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if callable(value):
        return hasattr(value, "__name__") or isinstance(value, functools.partial)
    plain = (bool, int, float, str, enum.Enum)
    return value is None or isinstance(value, plain) or is_own_array(value)


def _unnumbered(value):
    """Removes trailing numbers from texts, since they may be generated names."""
    if isinstance(value, dict):
        return {key: _unnumbered(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unnumbered(each) for each in value]
    if isinstance(value, enum.Enum) or not isinstance(value, str):
        return value
    return re.sub(r"_\d+$", "", value)
