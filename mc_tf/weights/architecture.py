"""What a network computes, apart from its numbers, as plain data that can be compared.

Names are left out, since Keras numbers them by itself, and so is what acts in training only:
initializers, regularizers, constraints, dropout, augmentation, momentum of statistics.
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
    # Augmentation; a random crop cuts out the middle at inference.
    *(name for name in dir(keras.layers) if name.startswith("Random") and name != "RandomCrop"),
}
_TRAINING_ONLY = tuple(  # some are newer than others
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
    """A network as plain data, in the order of its layers.

    Args:
        network: built Keras layer or model.

    Returns:
        List of `[name, class name, settings]`, one for each layer; of strings, numbers, lists and
        dicts only. The name is for messages.
    """
    return [[part.name, _class_of(part), _settings_of(part)] for part in _parts(network)]


def _parts(layer):
    """All layers, those that run as code only (`CurveLayer.layer`) included."""
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
    found = learned(part, variables=False)
    if found:
        for key in _LEARNED:
            settings.pop(key, None)
        settings["adapted to"] = [_digest(repr(value.tolist()).encode()) for value in found]
    return settings


def _graph(network):
    """Which layer or operation is called with which results of earlier ones."""
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
    """The places of inputs or outputs, with their names where these are keys."""
    if isinstance(tensors, dict):
        return [[key, _listed(tensors[key], place)] for key in sorted(tensors)]
    if isinstance(tensors, (list, tuple)):
        return [_listed(each, place) for each in tensors]
    return [place(tensors)]  # one may stand alone or in a list


def _settings(part):
    """Settings of one layer or operation: its configuration, or what its constructor keeps."""
    of_layer = isinstance(part, keras.layers.Layer)
    own = own_values(part)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a lambda is not safe to be loaded
            config = dict(part.get_config())
    except Exception:  # none, or one that needs what is not there
        config = {}
    # Functions themselves: of a configuration the name may be all. Arrays, which it seldom has.
    always = {key: value for key, value in own.items() if is_function(value) or is_own_array(value)}
    for key in config:
        value = getattr(part, key, getattr(part, f"_{key}", None))
        if is_function(value):
            always[key] = value
    if not has_own_config(part):  # Keras tells the arguments of the constructor, if anything
        config = {**own, **config}
    config |= always
    ignored = _IGNORED if of_layer else {"name"}
    return {key: _plain(value) for key, value in config.items() if not _is_ignored(key, ignored)}


def _is_ignored(key, ignored):
    return key in ignored or key.endswith(_IGNORED_ENDS) or "drop" in key


def _plain(value, depth=0):
    """Anything that a configuration holds, as strings, numbers, lists and dicts."""
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
        return type(value).__name__  # compared by itself
    if isinstance(value, (bytes, memoryview)):
        return _digest(bytes(value))
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        array = ops.convert_to_numpy(value)
        return array.tolist() if array.size <= 16 else _digest(array.tobytes())
    if hasattr(value, "get_config") and not isinstance(value, type):
        try:
            config = value.get_config()
        except Exception:  # no configuration, so that the class is what can be compared
            config = {}
        return {"class": type(value).__name__, "config": _plain(config, depth + 1)}
    return getattr(value, "__name__", type(value).__name__)


def _plain_dict(value, depth):
    name, config = value.get("class_name"), value.get("config")
    if name == "__lambda__":
        return "a lambda"
    if name is not None and "config" in value:  # an object, as Keras serializes it
        if name in _TRAINING_ONLY_NAMES or isinstance(config, dict) and "layers" in config:
            return {"class": name}  # of a nested network the graph is compared
        return {"class": name, "config": _plain(config, depth + 1)}
    found = {str(k): _plain(v, depth + 1) for k, v in value.items()}
    return {key: item for key, item in found.items() if not _is_ignored(key, _IGNORED)}


def _plain_function(function, depth):
    if not is_users_function(function):
        return function.__name__
    cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    given = [function.__defaults__, function.__kwdefaults__, cells]
    if depth > 5:  # functions that hold each other
        given = []
    parts = [_digest(marshal.dumps(_bare(function.__code__))), _plain(given, depth + 1)]
    # By the version, since the same code is another one there: what only one has is not compared.
    return {"function": function.__name__, _PYTHON: parts}


def _filled(cell):
    try:
        return cell.cell_contents is not cell
    except ValueError:  # of a function that is still being defined
        return False


def _bare(code):
    """Code without where it was written."""
    constants = tuple(
        _bare(each) if isinstance(each, types.CodeType) else each for each in code.co_consts
    )
    place = {"co_filename": "", "co_firstlineno": 1, "co_linetable": b""}
    return code.replace(co_consts=constants, co_name="", co_qualname="", **place)


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def find_difference(first, second):
    """The first difference between two descriptions.

    Settings that only one of them has are not compared: other versions of Keras have others.

    Args:
        first, second: what `describe` returned.

    Returns:
        `(which, one, two)`: text that says where, and what the two have there; `None` if they are
        the same.
    """
    for index, pair in enumerate(itertools.zip_longest(first, second)):
        if None in pair or pair[0][1] != pair[1][1]:
            return f"layer {index}", *map(_naming, pair)
    # Layers first: where these differ, so do the graphs that name them.
    for index, pair in sorted(enumerate(zip(first, second)), key=lambda k: "graph" in k[1][0][2]):
        found = _differing(pair[0][2], pair[1][2])
        if found:
            path, one, two = found
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
        found = _differing(a, b, (*path, key))
        if found:
            return found
    return None
