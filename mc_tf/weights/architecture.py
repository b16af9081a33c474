"""Describes the computation of a network, without its weights, as comparable plain data.

Names are omitted, since Keras numbers them automatically, and so are settings that act only in
training: initializers, regularizers, constraints, dropout, augmentation, momentum of statistics.
"""

import enum
import functools
import hashlib
import itertools
import marshal
import sys
import types
import warnings

import keras
from keras import ops

from mc_tf.backend.keras_internals import calls_within, input_structure, layers_within
from mc_tf.weights.own_values import (
    has_own_config,
    is_function,
    is_own_array,
    is_users_function,
    own_values,
)
from mc_tf.weights.preprocessing import learned

__all__ = ["describe", "find_difference"]

_TRAINING_ONLY_NAMES = {
    "ActivityRegularization",
    "AlphaDropout",
    "AugMix",
    "CutMix",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "MixUp",
    "RandAugment",
    *(f"SpatialDropout{dimensions}D" for dimensions in (1, 2, 3)),
    # Augmentation; a random crop is a center crop at inference.
    *(name for name in dir(keras.layers) if name.startswith("Random") and name != "RandomCrop"),
}
_TRAINING_ONLY = tuple(  # not all exist in older versions
    getattr(keras.layers, name) for name in _TRAINING_ONLY_NAMES if hasattr(keras.layers, name)
)
_OF_TRAINING = {"momentum", "renorm_momentum", "renorm_clipping", "seed", "synchronized"}
_OF_SPEED = {"flash_attention", "implementation", "unroll", "use_cudnn"}
_LEARNED = {"bin_boundaries", "idf_weights", "mean", "variance", "vocabulary", "vocabulary_size"}
_IGNORED = {"dtype", "name", "trainable", "build_config", "compile_config"}
_IGNORED |= _OF_TRAINING | _OF_SPEED
_IGNORED_ENDS = ("initializer", "regularizer", "constraint")
_PYTHON = f"code of Python {sys.version_info[0]}.{sys.version_info[1]}"


def describe(network):
    """Describes a network as plain data, in the order of its layers.

    Args:
        network: built Keras layer or model.

    Returns:
        List of `[name, class name, settings]`, one per layer, with strings, numbers, lists and
        dicts only. The name is for messages.
    """
    return [[part.name, _class_of(part), _settings_of(part)] for part in _parts(network)]


def _parts(layer):
    """Yields all layers, including wrapped ones (`CurveLayer.layer`)."""
    for part in layers_within(layer):
        yield part
        code = getattr(getattr(part, "_code", None), "layer", None)
        if isinstance(code, keras.layers.Layer):
            yield from _parts(code)


def _class_of(part):
    plain = type(part) is keras.Sequential or type(part).__name__ == "Functional"
    return "network" if plain else type(part).__name__


def _settings_of(part):
    if isinstance(part, (keras.layers.InputLayer, *_TRAINING_ONLY)):
        return {}
    if calls_within(part) is not None:
        return _graph(part)
    settings = _settings(part)
    values = learned(part, variables=False)
    if values:
        for key in _LEARNED:
            settings.pop(key, None)
        settings["adapted to"] = [_digest(repr(value.tolist()).encode()) for value in values]
    return settings


def _graph(network):
    """Describes the calls of layers and operations with results of earlier calls."""
    numbers, places, calls = {}, {}, []

    def place(value):
        if isinstance(value, keras.KerasTensor):
            return {"result of": places.get(id(value))}
        return value

    for operation, args, kwargs, outputs in calls_within(network):
        number = numbers.setdefault(id(operation), len(numbers))
        call = {"of": f"{type(operation).__name__} {number}"}
        if not isinstance(operation, keras.layers.Layer):
            call |= {"settings": _settings(operation)}
        if not isinstance(operation, keras.layers.InputLayer):
            given = [[k, v] for k, v in sorted(kwargs.items()) if v is not None]
            call["arguments"] = _plain(keras.tree.map_structure(place, [args, given]))
        for index, tensor in enumerate(keras.tree.flatten(outputs)):
            places[id(tensor)] = [len(calls), index]
        calls.append(call)
    ends = [_plain(_listed(tensors, place)) for tensors in input_structure(network)]
    return {"graph": calls, "inputs": ends[0], "outputs": ends[1]}


def _listed(tensors, place):
    """Positions of inputs or outputs, with names if these are keys."""
    if isinstance(tensors, dict):
        return [[key, _listed(tensors[key], place)] for key in sorted(tensors)]
    if isinstance(tensors, (list, tuple)):
        return [_listed(each, place) for each in tensors]
    return [place(tensors)]  # a single tensor may be alone or in a list


def _settings(part):
    """Settings of one layer or operation: its configuration, or values kept by its constructor."""
    of_layer = isinstance(part, keras.layers.Layer)
    own = own_values(part)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about unsafe lambdas
            config = dict(part.get_config())
    except Exception:  # missing, or failing
        config = {}
    # Functions, of which a configuration may only have names, and arrays, which it rarely has.
    always = {key: value for key, value in own.items() if is_function(value) or is_own_array(value)}
    for key in config:
        value = getattr(part, key, getattr(part, f"_{key}", None))
        if is_function(value):
            always[key] = value
    if not has_own_config(part):  # Keras at most records the arguments of the constructor
        config = {**own, **config}
    config |= always
    ignored = _IGNORED if of_layer else {"name"}
    return {key: _plain(value) for key, value in config.items() if not _is_ignored(key, ignored)}


def _is_ignored(key, ignored):
    return key in ignored or key.endswith(_IGNORED_ENDS) or "drop" in key


def _plain(value, depth=0):
    """Converts values of a configuration to strings, numbers, lists and dicts."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth > 20:
        return type(value).__name__
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, slice):
        return ["slice", *(_plain(k, depth + 1) for k in (value.start, value.stop, value.step))]
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, functools.partial):
        given = [value.func, value.args, value.keywords]
        return {"partial": [_plain(each, depth + 1) for each in given]}
    if isinstance(value, types.FunctionType):
        return _plain_function(value, depth)
    if isinstance(value, keras.layers.Layer):
        return type(value).__name__  # compared separately
    if isinstance(value, (bytes, memoryview)):
        return _digest(bytes(value))
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        array = ops.convert_to_numpy(value)
        return array.tolist() if array.size <= 16 else _digest(array.tobytes())
    if hasattr(value, "get_config") and not isinstance(value, type):
        try:
            config = value.get_config()
        except Exception:  # no configuration, so only the class can be compared
            config = {}
        return {"class": type(value).__name__, "config": _plain(config, depth + 1)}
    return getattr(value, "__name__", type(value).__name__)


def _plain_dict(value, depth):
    name, config = value.get("class_name"), value.get("config")
    if name == "__lambda__":
        return "a lambda"
    if name is not None and "config" in value:  # an object, as Keras serializes it
        if name in _TRAINING_ONLY_NAMES or isinstance(config, dict) and "layers" in config:
            return {"class": name}  # the graph of a nested network is compared
        return {"class": name, "config": _plain(config, depth + 1)}
    plain = {str(k): _plain(v, depth + 1) for k, v in value.items()}
    return {key: item for key, item in plain.items() if not _is_ignored(key, _IGNORED)}


def _plain_function(function, depth):
    if not is_users_function(function):
        return function.__name__
    cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    given = [function.__defaults__, function.__kwdefaults__, cells]
    if depth > 5:  # functions that refer to each other
        given = []
    parts = [_digest(marshal.dumps(_bare(function.__code__))), _plain(given, depth + 1)]
    # By version, since bytecode differs: settings of only one network are not compared.
    return {"function": function.__name__, _PYTHON: parts}


def _filled(cell):
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a function that is still being defined
        return False


def _bare(code):
    """Code without its location."""
    constants = tuple(
        _bare(each) if isinstance(each, types.CodeType) else each for each in code.co_consts
    )
    place = {"co_filename": "", "co_firstlineno": 1, "co_linetable": b""}
    return code.replace(co_consts=constants, co_name="", co_qualname="", **place)


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def find_difference(first, second):
    """Finds the first difference between two descriptions.

    Settings of only one of them are not compared: they differ between versions of Keras.

    Args:
        first, second: results of `describe`.

    Returns:
        `(which, one, two)`: the location and both values as text; `None` if they are equal.
    """
    for index, pair in enumerate(itertools.zip_longest(first, second)):
        if None in pair or pair[0][1] != pair[1][1]:
            return f"layer {index}", *map(_naming, pair)
    # Layers first: if they differ, so do the graphs that name them.
    for index, pair in sorted(enumerate(zip(first, second)), key=lambda k: "graph" in k[1][0][2]):
        difference = _differing(pair[0][2], pair[1][2])
        if difference:
            path, one, two = difference
            names = dict.fromkeys(f"'{each[0]}'" for each in pair)
            place = f"step {path[1]} of its graph" if path[0] == "graph" else _joined(path)
            kind = "" if pair[0][1] == "network" else f", of class {pair[0][1]}"
            where = f"layer {index}, {' or '.join(names)}{kind}: {place}"
            return where, *map(_shown, (one, two))
    return None


def _joined(path):
    return ".".join(map(str, path))


def _naming(entry):
    if entry is None:
        return "nothing"
    name, kind, _ = entry
    return f"'{name}'" if kind == "network" else f"'{name}', of class {kind}"


def _shown(value):
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _differing(one, two, path=()):
    """`(path, one, two)` of the first difference between plain data, or `None`."""
    if isinstance(one, dict) and isinstance(two, dict):
        keys = [key for key in one if key in two]
        pairs = [(key, one[key], two[key]) for key in keys]
    elif isinstance(one, list) and isinstance(two, list):
        both = itertools.zip_longest(one, two, fillvalue="nothing")
        pairs = [(index, *pair) for index, pair in enumerate(both)]
    elif one == two or one != one and two != two:
        return None
    else:
        return path, one, two
    for key, a, b in pairs:
        difference = _differing(a, b, (*path, key))
        if difference:
            return difference
    return None
