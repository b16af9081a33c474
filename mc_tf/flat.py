"""The weights of a network as one flat vector, and what makes two networks comparable."""

import keras
import numpy as np
from keras import ops

from mc_tf.adapted import check_same_adapted

__all__ = [
    "FlatLayout",
    "assign_flat",
    "check_finite",
    "check_same_architecture",
    "flat_weights",
    "reset_recurrent_state",
    "state_variables",
]


class FlatLayout:
    """Where each trainable weight of a network lies in the flat vector `(P,)`.

    Args:
        variables: list of `keras.Variable`s, in the order of the vector.

    Attributes:
        shapes, sizes, dtypes, paths: one entry for each variable.
        num_weights: `P`, the number of weights in all.
        dtype: dtype of the flat vector, the widest of the variables'.
    """

    def __init__(self, variables):
        self.shapes = [tuple(v.shape) for v in variables]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.dtypes = [v.dtype for v in variables]
        self.paths = [v.path for v in variables]
        self.num_weights = sum(self.sizes)
        self.dtype = keras.backend.result_type(*self.dtypes)
        self._splits = np.cumsum(self.sizes)[:-1].tolist()

    def pack(self, values):
        """Joins one array for each weight into the flat vector.

        Args:
            values: list of arrays with the layout's shapes.

        Returns:
            numpy array of shape `(P,)`.

        Raises:
            ValueError: if the number of arrays or a shape differs, naming the first one.
        """
        if len(values) != len(self.shapes):
            raise ValueError(f"Expected {len(self.shapes)} weight arrays, received {len(values)}.")
        arrays = []
        for path, shape, value in zip(self.paths, self.shapes, values):
            array = ops.convert_to_numpy(value)
            if array.shape != shape:
                raise ValueError(
                    f"Weight '{path}' has shape {shape}. Received an array of shape {array.shape}"
                )
            arrays.append(np.ravel(array).astype(self.dtype))
        return np.concatenate(arrays)

    def unpack(self, flat):
        """Splits the flat vector into tensors with the weights' shapes and dtypes.

        One split, so that the gradient is one concatenation.

        Args:
            flat: tensor of shape `(P,)`.

        Returns:
            List of tensors, one for each weight.
        """
        pieces = ops.split(flat, self._splits) if self._splits else [flat]
        return [
            ops.cast(ops.reshape(piece, shape), dtype)
            for piece, shape, dtype in zip(pieces, self.shapes, self.dtypes)
        ]


def flat_weights(layer):
    """The trainable weights of a built layer or model as one flat vector.

    Args:
        layer: a built Keras layer or model.

    Returns:
        numpy array of shape `(P,)`, in the order of `layer.trainable_variables`.
    """
    variables = layer.trainable_variables
    return FlatLayout(variables).pack(variables)


def assign_flat(layer, flat):
    """Gives a built layer or model the trainable weights of a flat vector.

    Args:
        layer: a built Keras layer or model.
        flat: array of shape `(P,)`, as from `flat_weights`.
    """
    variables = layer.trainable_variables
    for variable, value in zip(variables, FlatLayout(variables).unpack(flat)):
        # Through numpy: on JAX a shared buffer would be deleted by a training step.
        variable.assign(ops.convert_to_numpy(value))


def state_variables(layer):
    """Everything that a built layer or model keeps apart from its trainable weights.

    That is `layer.variables` without the trainable ones, and the state of stateful recurrent
    layers, which Keras hides from `layer.variables`.

    Args:
        layer: a built Keras layer or model.

    Returns:
        List of `keras.Variable`s, each once.
    """
    known = {id(v) for v in layer.trainable_variables}
    found = {id(v): v for v in layer.variables if id(v) not in known}
    for part in layer._flatten_layers():
        found.update((id(v), v) for v in _recurrent_state(part) if id(v) not in found)
    return list(found.values())


def _recurrent_state(layer):
    """State of a stateful recurrent layer, which Keras keeps out of `layer.variables`."""
    states = keras.tree.flatten(getattr(layer, "states", None))
    return [v for v in states if isinstance(v, keras.Variable)]


def reset_recurrent_state(layer):
    """Sets the state of all stateful recurrent layers inside a layer or model back to zero.

    Args:
        layer: a built Keras layer or model, curve layers included.
    """
    for part in layer._flatten_layers():
        if getattr(part, "stateful", False) and hasattr(part, "reset_state"):
            part.reset_state()


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


def _owned_variables(layer):
    """`(variable, class name of the layer that owns it)` for all variables, each once."""
    owners = {}
    for part in layer._flatten_layers():
        own = (*part._trainable_variables, *part._non_trainable_variables)
        for variable in (*own, *_recurrent_state(part)):
            owners.setdefault(id(variable), type(part).__name__)
    # In the order of the layers, so that the first difference is where a reader would find it.
    states = [v for v in state_variables(layer) if id(v) in owners]
    order = {id(v): v for v in [*layer.variables, *states] if v.trainable or id(v) in owners}
    return [(v, owners.get(id(v), "SeedGenerator")) for v in order.values()]


def check_same_architecture(first, second, roles=("start", "end")):
    """Refuses two networks whose weights do not match one to one.

    Weights match if they stand at the same place with the same name, the same shape, the same
    dtype and the same class of layer. Names of layers may differ: Keras numbers them. What layers
    were adapted to and do not keep in variables, such as a vocabulary, must be equal, too.

    Args:
        first, second: built Keras layers or models.
        roles: what to call the two in the message.

    Raises:
        ValueError: naming the first difference with path, name and shape, or the layer.
    """
    if first is second:
        return
    left, right = _owned_variables(first), _owned_variables(second)
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else None
        b = right[index] if index < len(right) else None
        if a is None or b is None or _signature(*a) != _signature(*b):
            raise ValueError(
                f"`{roles[0]}` and `{roles[1]}` must have the same architecture. They first "
                f"differ at weight {index}: {_describe(a)} in `{roles[0]}`, {_describe(b)} in "
                f"`{roles[1]}`."
            )
    check_same_adapted(first, second, roles, variables=False)


def _signature(variable, owner):
    return variable.name, tuple(variable.shape), variable.dtype, owner, variable.trainable


def _describe(entry):
    if entry is None:
        return "nothing"
    variable, owner = entry
    frozen = "" if variable.trainable else ", not trainable"
    return (
        f"'{variable.path}' (name '{variable.name}', shape {tuple(variable.shape)}, "
        f"{variable.dtype}, of a {owner}{frozen})"
    )


def check_same_frozen(first, second, roles):
    """Refuses frozen weights that differ: nothing between the two networks could have both.

    Nor could it have what two layers were adapted to.

    Args:
        first, second: built models or layers of the same architecture.
        roles: what to call the two in the message.

    Raises:
        ValueError: naming the first weight that differs.
    """
    check_same_adapted(first, second, roles)
    for one, two in zip(first._flatten_layers(), second._flatten_layers()):
        for a, b in zip(one._trainable_variables, two._trainable_variables):
            if not a.trainable and not np.array_equal(
                ops.convert_to_numpy(a), ops.convert_to_numpy(b)
            ):
                raise ValueError(
                    f"The frozen weight '{a.path}' differs between `{roles[0]}` and `{roles[1]}`. "
                    "Only trainable weights vary along curves and surfaces: set `trainable = True` "
                    "on its layer in both networks before."
                )
