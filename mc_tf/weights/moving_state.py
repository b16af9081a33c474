"""Finds the state that training updates besides the weights, such as moving averages."""

import keras
from keras import ops

from mc_tf.backend.keras_internals import (
    calls_within,
    input_structure,
    knows_training,
    layers_within,
    own_variables,
    training_in_fit,
)
from mc_tf.weights.flat import recurrent_state

__all__ = ["moved_by_training"]


def moved_by_training(network, variables):
    """Returns the non-trainable variables that training updates.

    Each layer is called once in training mode, on symbols, to record its assignments; only batch
    normalization is recognized by its class, since it is common and slow to run. If that fails, a
    layer is assumed to update its variables if its `call` accepts `training`. Random seeds and
    recurrent state are always updated.

    Args:
        network: built Keras layer or model.
        variables: list of some of its `state_variables`.

    Returns:
        List of the variables that training updates.
    """
    if not variables:
        return []
    parts = layers_within(network)
    owners = {id(v): part for part in reversed(parts) for v in own_variables(part)}
    carried = {id(v) for part in parts for v in recurrent_state(part)}
    calls, assigned = _first_calls(parts), {}
    graphs = all(calls_within(p) is not None for p in parts if isinstance(p, keras.Model))

    def moves(part, variable):
        """Whether this layer, or one within it, assigns to the variable; `None`: unknown."""
        if id(part) not in assigned:
            assigned[id(part)] = _assigned(part, calls.get(id(part)))
        return None if assigned[id(part)] is None else id(variable) in assigned[id(part)]

    def moved(variable):
        owner = owners.get(id(variable))
        if owner is None or id(variable) in carried:
            return True
        if isinstance(owner, keras.layers.BatchNormalization):
            statistics = (owner.moving_mean, owner.moving_variance)
            if not owner.trainable or not any(variable is each for each in statistics):
                return False
            # In a graph it does; custom code may call it with `training=False`.
            own_code = type(owner).call is not keras.layers.BatchNormalization.call
            plain = graphs and id(owner) in calls and not own_code
            return plain or moves(parts[0], variable) is not False
        by_owner = moves(owner, variable)
        if by_owner is None:
            return bool(owner.trainable and knows_training(owner))
        if by_owner:
            return True
        around = (part for part in reversed(parts) if part is not owner)
        return any(
            moves(part, variable)
            for part in around
            if calls_within(part) is None and any(variable is v for v in part.variables)
        )

    return [variable for variable in variables if moved(variable)]


def _first_calls(parts):
    """Arguments with which functional models call their layers, by id of the layer."""
    calls = {}
    for part in parts:
        for operation, args, kwargs, _ in calls_within(part) or ():
            calls.setdefault(id(operation), (args, kwargs))
    return calls


class _Probe(keras.layers.Layer):
    """Runs a function on symbols: `compute_output_spec` of a layer does so without its own code."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    def call(self, given):
        self._function(*given)
        return ops.zeros((1,))


def _assigned(layer, call):
    """Ids of the variables that a layer assigns in training; `None` if it cannot be run."""
    seen = set()

    def run(args, kwargs):
        with keras.StatelessScope() as scope:
            layer(*args, **{**kwargs, "training": training_in_fit(layer)})
        seen.update(id(v) for v in layer.variables if scope.get_current_value(v) is not None)

    for args, kwargs in [call] if call else _built_calls(layer):
        try:
            _Probe(run).compute_output_spec([list(args), dict(kwargs)])
        except Exception:  # user code may raise anything
            continue
        return seen
    return None


def _built_calls(layer):
    """Yields arguments of the shapes that a layer was built for, of several types."""
    if calls_within(layer) is not None:
        symbols = [keras.KerasTensor(i.shape, dtype=i.dtype) for i in layer.inputs]
        yield [keras.tree.pack_sequence_as(input_structure(layer)[0], symbols)], {}
        return
    built = (layer.get_build_config() if hasattr(layer, "get_build_config") else None) or {}
    for dtype in (layer.compute_dtype, "int32"):
        try:
            if "shapes_dict" in built:
                named = {
                    key.removesuffix("_shape"): _symbols(shape, dtype)
                    for key, shape in built["shapes_dict"].items()
                }
                yield [], named
            elif "input_shape" in built:
                yield [_symbols(built["input_shape"], dtype)], {}
        except (TypeError, ValueError):  # unsupported shapes
            return


def _symbols(shape, dtype):
    if isinstance(shape, dict):
        return {key: _symbols(each, dtype) for key, each in shape.items()}
    if shape and isinstance(shape[0], (list, tuple)):
        return [_symbols(each, dtype) for each in shape]
    return keras.KerasTensor(shape, dtype=dtype)
