"""The weights of a network as one flat vector, and its other state."""

import re

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import layers_within, own_weights

__all__ = [
    "FlatLayout",
    "aligned_state",
    "assign_flat",
    "flat_weights",
    "layer_masks",
    "layer_numbers",
    "recurrent_state",
    "reset_recurrent_state",
    "state_variables",
    "variable_name",
]


class FlatLayout:
    """Positions of the trainable weights of a network in the flat vector `(P,)`.

    Args:
        variables: list of `keras.Variable`s, in the order of the vector.

    Attributes:
        shapes, sizes, dtypes, paths: one entry per variable.
        num_weights: `P`, the total number of weights.
        dtype: dtype of the flat vector, the widest dtype of the variables.
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
        """Joins one array per weight into the flat vector.

        Args:
            values: list of arrays with the layout's shapes.

        Returns:
            numpy array of shape `(P,)`.

        Raises:
            ValueError: if the number of arrays or a shape differs; the message names the first
                difference.
        """
        if len(values) != len(self.shapes):
            raise ValueError(f"Expected {len(self.shapes)} weight arrays, received {len(values)}.")
        flat, begin = np.empty(self.num_weights, self.dtype), 0
        for path, shape, size, value in zip(self.paths, self.shapes, self.sizes, values):
            array = ops.convert_to_numpy(value)
            if array.shape != shape:
                raise ValueError(
                    f"Weight '{path}' has shape {shape}. Received an array of shape {array.shape}"
                )
            flat[begin : begin + size] = np.ravel(array)
            begin += size
        return flat

    def unpack(self, flat):
        """Splits the flat vector into tensors with the weights' shapes and dtypes.

        Args:
            flat: tensor of shape `(P,)`.

        Returns:
            List of tensors, one per weight.
        """
        pieces = backend.split(flat, self._splits) if self._splits else [flat]
        return [
            ops.cast(ops.reshape(piece, shape), dtype)
            for piece, shape, dtype in zip(pieces, self.shapes, self.dtypes)
        ]


def flat_weights(layer):
    """Returns the trainable weights of a built layer or model as one flat vector.

    Args:
        layer: a built Keras layer or model.

    Returns:
        numpy array of shape `(P,)`, in the order of `layer.trainable_variables`.
    """
    variables = layer.trainable_variables
    return FlatLayout(variables).pack(variables)


def layer_masks(network):
    """Finds which numbers of the flat vector belong to each layer.

    Args:
        network: a built Keras model.

    Returns:
        dict from the name of each layer that itself has trainable weights to a bool array `(P,)`.
    """
    variables = network.trainable_variables
    sizes = [int(np.prod(v.shape)) for v in variables]
    masks = {}
    for layer in layers_within(network):
        own = {id(v) for v in own_weights(layer)}
        mask = np.repeat([id(v) in own for v in variables], sizes)
        masks[layer.name] = masks.get(layer.name, False) | mask
    return {name: mask for name, mask in masks.items() if mask.any()}


def layer_numbers(network):
    """Numbers the layers that own the trainable weights, from 0, in the order of the weights.

    Args:
        network: a built Keras layer or model.

    Returns:
        List of ints, one for each trainable variable.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(1) for _ in "ab")])
        >>> layer_numbers(model)
        [0, 0, 1, 1]
    """
    layers = layers_within(network)
    owners = {id(v): number for number, each in enumerate(layers) for v in own_weights(each)}
    numbers = [owners[id(v)] for v in network.trainable_variables]
    return [list(dict.fromkeys(numbers)).index(owner) for owner in numbers]


def assign_flat(layer, flat):
    """Assigns a flat vector to the trainable weights of a built layer or model.

    Args:
        layer: a built Keras layer or model.
        flat: array of shape `(P,)`, as from `flat_weights`.
    """
    variables = layer.trainable_variables
    for variable, value in zip(variables, FlatLayout(variables).unpack(flat)):
        # Through numpy: on JAX a shared buffer would be deleted by a training step.
        variable.assign(ops.convert_to_numpy(value))


def state_variables(layer):
    """Returns all state of a built layer or model except its trainable weights.

    These are the non-trainable `layer.variables`, and the state of stateful recurrent layers, which
    Keras omits from `layer.variables`.

    Args:
        layer: a built Keras layer or model.

    Returns:
        List of `keras.Variable`s, each once.
    """
    known = {id(v) for v in layer.trainable_variables}
    variables = {id(v): v for v in layer.variables if id(v) not in known}
    for part in layers_within(layer):
        variables.update((id(v), v) for v in recurrent_state(part) if id(v) not in variables)
    return list(variables.values())


def aligned_state(layer, paths, values):
    """Reorders the state of an equal layer or model to the order of `state_variables(layer)`.

    The two may have random seeds in different layers, for instance with a dropout of rate 0, which
    has none: then the seeds of `layer` are used.

    Args:
        layer: a built Keras layer or model.
        paths: paths of the `state_variables` of the other layer.
        values: list of arrays or variables, one per path.

    Returns:
        List like `values`; `values` themselves if reordering is unnecessary or impossible.
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
    """Returns the state variables of a stateful recurrent layer; empty for other layers.

    Keras keeps them out of `layer.variables`.
    """
    states = keras.tree.flatten(getattr(layer, "states", None))
    return [v for v in states if isinstance(v, keras.Variable)]


def reset_recurrent_state(layer):
    """Resets the state of all stateful recurrent layers inside a layer or model.

    Args:
        layer: a built Keras layer or model, curve layers included.
    """
    for part in layers_within(layer):
        if getattr(part, "stateful", False) and hasattr(part, "reset_state"):
            part.reset_state()


def variable_name(path):
    """Returns a variable's name without layer names and numbers, which Keras generates.

    Args:
        path: a variable's path or name.

    Example:
        >>> variable_name("dense_3/kernel"), variable_name("linear/variable_12")
        ('kernel', 'variable')
    """
    return re.sub(r"(_\d+)?$", "", path.rsplit("/", 1)[-1])
