"""The weights of a network as one flat vector, and everything else that it keeps."""

import re

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import layers_within

__all__ = [
    "FlatLayout",
    "aligned_state",
    "assign_flat",
    "flat_weights",
    "recurrent_state",
    "reset_recurrent_state",
    "state_variables",
    "variable_name",
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
    for part in layers_within(layer):
        found.update((id(v), v) for v in recurrent_state(part) if id(v) not in found)
    return list(found.values())


def aligned_state(layer, paths, values):
    """What an equal layer or model keeps, in the order of `state_variables(layer)`.

    The two may draw random numbers in different layers, such as a dropout of rate 0, which draws
    none: the seeds are then those of `layer`.

    Args:
        layer: a built Keras layer or model.
        paths: paths of the other one's `state_variables`.
        values: list of arrays or variables, one for each of them.

    Returns:
        List like `values`; `values` themselves where nothing has to be, or can be, moved.
    """
    own = state_variables(layer)
    others = [value for path, value in zip(paths, values) if not _is_seed(path)]
    num_seeds = sum(_is_seed(v.path) for v in own)
    if len(values) - len(others) == num_seeds or len(others) != len(own) - num_seeds:
        return values
    others = iter(others)
    return [v if _is_seed(v.path) else next(others) for v in own]


def _is_seed(path):
    return variable_name(path) == "seed_generator_state"


def recurrent_state(layer):
    """The variables with the state of a stateful recurrent layer; none of other layers.

    Keras keeps them out of `layer.variables`.
    """
    states = keras.tree.flatten(getattr(layer, "states", None))
    return [v for v in states if isinstance(v, keras.Variable)]


def reset_recurrent_state(layer):
    """Sets the state of all stateful recurrent layers inside a layer or model back to zero.

    Args:
        layer: a built Keras layer or model, curve layers included.
    """
    for part in layers_within(layer):
        if getattr(part, "stateful", False) and hasattr(part, "reset_state"):
            part.reset_state()


def variable_name(path):
    """A variable's own name: those of layers, and Keras' numbers, differ between equal networks.

    Args:
        path: a variable's path or name.

    Example:
        >>> variable_name("dense_3/kernel"), variable_name("linear/variable_12")
        ('kernel', 'variable')
    """
    return re.sub(r"(_\d+)?$", "", path.rsplit("/", 1)[-1])
