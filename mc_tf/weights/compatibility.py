"""Checks that two networks have the same architecture and the same frozen values."""

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import layers_within, own_variables
from mc_tf.weights.architecture import describe, find_difference
from mc_tf.weights.flat import aligned_state, recurrent_state, state_variables, variable_name
from mc_tf.weights.moving_state import moved_by_training
from mc_tf.weights.preprocessing import check_same_adapted

__all__ = [
    "check_curve",
    "check_finite",
    "check_one_network",
    "check_same_architecture",
    "check_same_fixed",
    "find_fixed_difference",
]


def check_one_network(network, role):
    """Rejects a `CurveModel` or an `Ensemble` where a single network is expected.

    Args:
        network: anything.
        role: its name in the message, such as `"start"`.

    Raises:
        ValueError: if it is a `CurveModel` or an `Ensemble`; the message says how to select one
            network.
    """
    one = getattr(network, "_one_network", None)
    if one is not None:
        raise ValueError(
            f"`{role}` must be one network, but it is a {type(network).__name__}, which has the "
            f"weights of several. Pass one of them: {one}."
        )


def check_curve(curve_model, role="curve_model"):
    """Rejects values other than curves.

    Args:
        curve_model: anything.
        role: its name in the message.

    Raises:
        ValueError: if it is not a `CurveModel`.
    """
    if not hasattr(curve_model, "curve_layer"):
        raise ValueError(
            f"`{role}` must be a `CurveModel`, as `connect(start, end)` returns it. Received: "
            f"{curve_model!r}"
        )


def check_finite(variables, role):
    """Rejects weights that are not finite.

    Args:
        variables: list of `keras.Variable`s.
        role: name of their owner in the message, such as `"start"`.

    Raises:
        ValueError: naming the first weight with a NaN or an infinity.
    """
    for variable in variables:
        if not keras.backend.is_float_dtype(variable.dtype):
            continue
        values = np.asarray(ops.convert_to_numpy(variable), "float64")
        if not np.isfinite(values).all():
            raise ValueError(
                f"The weights of `{role}` must be finite numbers, but '{variable.path}' has "
                f"{int((~np.isfinite(values)).sum())} NaN or infinite entries of {values.size}. "
                "Train that network again with a smaller learning rate, or pass another one."
            )


def check_same_architecture(first, second, roles=("start", "end"), described=None):
    """Rejects two networks that differ in more than their weights.

    These must be equal: the variables in shape, dtype, name and class of layer; the order of
    layers, with all settings that affect inference (see `weights.architecture`); their connections;
    and adapted state outside of variables, such as vocabularies. Names of layers and numeric
    suffixes of other names may differ, since Keras generates them.

    Args:
        first, second: built Keras layers or models.
        roles: names of the two in the message.
        described: `mc_tf.weights.architecture.describe(first)`, for several comparisons.

    Raises:
        ValueError: naming the first difference and both values; or if one is a curve or an
            ensemble.
    """
    check_one_network(first, roles[0])
    check_one_network(second, roles[1])
    if first is second:
        return
    left, right = _owned_variables(first), _owned_variables(second)
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else None
        b = right[index] if index < len(right) else None
        if a is None or b is None or _signature(*a) != _signature(*b):
            _refuse(roles, f"weight {index}", _describe(a), _describe(b))
    check_same_adapted(first, second, roles, variables=False)
    difference = find_difference(
        describe(first) if described is None else described, describe(second)
    )
    if difference:
        _refuse(roles, *difference)


def _refuse(roles, where, one, two):
    raise ValueError(
        f"`{roles[0]}` and `{roles[1]}` must have the same architecture. They first differ at "
        f"{where}: {one} in `{roles[0]}`, {two} in `{roles[1]}`."
    )


def _owned_variables(layer):
    """`(variable, class name of the layer that owns it)` for all variables, each once."""
    owners = {}
    for part in layers_within(layer):
        for variable in (*own_variables(part), *recurrent_state(part)):
            owners.setdefault(id(variable), type(part).__name__)
    # In the order of the layers, so that the first difference is easy to find.
    states = [v for v in state_variables(layer) if id(v) in owners]
    order = {id(v): v for v in [*layer.variables, *states] if v.trainable or id(v) in owners}
    return [(v, owners.get(id(v), "SeedGenerator")) for v in order.values()]


def _signature(variable, owner):
    name = variable_name(variable.name)
    return name, tuple(variable.shape), variable.dtype, owner, variable.trainable


def _describe(entry):
    if entry is None:
        return "nothing"
    variable, owner = entry
    frozen = "" if variable.trainable else ", not trainable"
    return (
        f"'{variable.path}' (name '{variable.name}', shape {tuple(variable.shape)}, "
        f"{variable.dtype}, of a {owner}{frozen})"
    )


def check_same_fixed(first, second, roles, ours=None, theirs=None):
    """Rejects two networks that differ in non-trainable values.

    A network between the two could not have both values: frozen weights, weights created with
    `trainable=False` (random features, masks, quantized kernels), and adapted state.

    Args:
        first, second: built models or layers of the same architecture.
        roles: names of the two in the message.
        ours, theirs: state of the two, one array per variable in `state_variables`, if it is stored
            elsewhere. Default: their own.

    Raises:
        ValueError: naming the first difference.
    """
    if ours is None and theirs is None:
        if first is second:
            return
        check_same_adapted(first, second, roles)
    if theirs is None:
        theirs = state_variables(second)
        theirs = aligned_state(first, [v.path for v in theirs], theirs)
    variable = find_fixed_difference(first, ours, theirs)
    if variable is not None:
        raise ValueError(
            f"The frozen weight '{variable.path}' differs between `{roles[0]}` and `{roles[1]}`. "
            "Only trainable weights vary along curves and surfaces: set `trainable = True` "
            "on its layer in both networks before, or give both the same values before they are "
            "trained."
        )


def find_fixed_difference(network, ours, theirs):
    """Finds the first non-trainable variable in which two networks differ.

    Args:
        network: built Keras layer or model.
        ours, theirs: arrays or variables, one per variable in `state_variables`. `ours` may be
            `None`, for the network's own.

    Returns:
        One of the `state_variables`, or `None`.
    """
    variables = state_variables(network)
    ours = variables if ours is None else ours
    counts = {  # counts of examples in `adapt`
        id(part.count)
        for part in layers_within(network)
        if isinstance(part, keras.layers.Normalization) and hasattr(part, "count")
    }
    differing = [
        variable
        for variable, a, b in zip(variables, ours, theirs)
        if id(variable) not in counts
        and not np.array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))
    ]
    moved = {id(v) for v in moved_by_training(network, differing)}
    return next((v for v in differing if id(v) not in moved), None)
