"""Inputs of a network, whose units stay."""

import keras

from mc_tf.alignment.axes import Group
from mc_tf.alignment.tensors import Axes
from mc_tf.backend.keras_internals import calls_within, input_structure

__all__ = ["inputs_of", "runs_its_graph"]


def inputs_of(network):
    """`(args, kwargs)` with the axes of the inputs."""

    def axes(shape, dtype=None):
        fixed = Axes(Group(size, fixed=True, reason="input") for size in shape)
        fixed.dtype = dtype
        return fixed

    if runs_its_graph(network):
        inputs = input_structure(network)[0]
        return [keras.tree.map_structure(lambda t: axes(t.shape, t.dtype), inputs)], {}
    config = network.get_build_config() or {}
    if not config.get("input_shape") and not config.get("shapes_dict"):
        raise ValueError(
            f"Keras does not know the shape of the inputs of '{network.name}'. Call it on a batch "
            "of data before."
        )

    def nested(shape):
        if isinstance(shape, dict):
            return {key: nested(each) for key, each in shape.items()}
        if all(size is None or isinstance(size, int) for size in shape):
            return axes((None, *shape[1:]))
        return [nested(each) for each in shape]

    if config.get("input_shape"):
        return [nested(config["input_shape"])], {}
    shapes = config["shapes_dict"].items()
    return [], {name.removesuffix("_shape"): nested(shape) for name, shape in shapes if shape}


def runs_its_graph(network):
    """Whether a network's `call` is the one of functional and sequential models."""
    own = type(network).call.__module__.startswith("keras.")
    return own and calls_within(network) is not None
