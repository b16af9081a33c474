"""What makes two networks one architecture, and what they must share to vary in weights alone."""

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
    """Refuses what holds the weights of many networks where one network is expected.

    Args:
        network: anything.
        role: what to call it in the message, such as `"start"`.

    Raises:
        ValueError: if it is a `CurveModel` or an `Ensemble`, saying how to take one network of it.
    """
    one = getattr(network, "_one_network", None)
    if one is not None:
        raise ValueError(
            f"`{role}` must be one network, but it is a {type(network).__name__}, which holds the "
            f"weights of several. Give one of them: {one}."
        )


def check_curve(curve_model, role="curve_model"):
    """Refuses what is no curve where one is expected.

    Args:
        curve_model: anything.
        role: what to call it in the message.

    Raises:
        ValueError: if it is no `CurveModel`.
    """
    if not hasattr(curve_model, "curve_layer"):
        raise ValueError(
            f"`{role}` must be a `CurveModel`, as `connect(start, end)` makes one of two networks. "
            f"Received: {curve_model!r}"
        )


def check_finite(variables, role):
    """Refuses weights that are not finite numbers.

    Args:
        variables: list of `keras.Variable`s.
        role: what to call their owner in the message, such as `"start"`.

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
                "Train that network again with a smaller learning rate, or give another one."
            )


def check_same_architecture(first, second, roles=("start", "end"), described=None):
    """Refuses two networks that are not the same but for their numbers.

    The same are: the variables, one to one, in shape, dtype, name and class of layer; the layers
    in their order, with all settings that matter at inference (see `weights.architecture`); how
    they are connected; and what they were adapted to and do not keep in variables, such as a
    vocabulary. Names of layers may differ, and numbers at the end of other names: Keras makes them.

    Args:
        first, second: built Keras layers or models.
        roles: what to call the two in the message.
        described: `mc_tf.weights.architecture.describe(first)`, where it is compared with several.

    Raises:
        ValueError: naming the first difference, and what each of the two has there; or if one is
            a curve or an ensemble.
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
    found = find_difference(describe(first) if described is None else described, describe(second))
    if found:
        _refuse(roles, *found)


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
    # In the order of the layers, so that the first difference is where a reader would find it.
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
    """Refuses two networks that differ in numbers which training does not move.

    Nothing between the two could have both: frozen weights, weights that were made with
    `trainable=False` (random features, masks, quantized kernels), and what layers were adapted to.

    Args:
        first, second: built models or layers of the same architecture.
        roles: what to call the two in the message.
        ours, theirs: what the two keep, one array for each of their `state_variables`, where they
            are code only. Default: their own.

    Raises:
        ValueError: naming the first of these that differs.
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
    """The first variable that two networks differ in and that training does not move.

    Args:
        network: built Keras layer or model.
        ours, theirs: arrays or variables, one for each of its `state_variables`. `ours` may be
            `None`, for the network's own.

    Returns:
        One of the `state_variables`, or `None`.
    """
    variables = state_variables(network)
    ours = variables if ours is None else ours
    counts = {  # of the examples that a layer was adapted to
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
