"""The last activation of a network, read from its graph."""

import keras

from mc_tf.backend.keras_internals import operation_of

__all__ = ["last_activation"]

_NAMES = {
    keras.activations.softmax: "softmax",
    keras.ops.softmax: "softmax",
    keras.activations.log_softmax: "log_softmax",
    keras.ops.log_softmax: "log_softmax",
    keras.activations.sigmoid: "sigmoid",
    keras.ops.sigmoid: "sigmoid",
    keras.activations.hard_sigmoid: "sigmoid",
    keras.ops.hard_sigmoid: "sigmoid",
    keras.activations.linear: "linear",
}
_BACKENDS = ("tensorflow", "jax", "torch")
_OPERATIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "sigmoid",
}
_SAME_VALUES = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.Identity,
)


def last_activation(network):
    """Returns the last activation before the outputs of a network.

    Args:
        network: built Keras model.

    Returns:
        `(name, axis)`: `"softmax"`, `"log_softmax"`, `"sigmoid"`, `"linear"`, or None if it is
        unknown; and the axis of a softmax in the outputs, from 0. (An axis may be a tuple or, after
        a reshape, None.)
    """
    try:
        tensor = network.outputs[0]
    except (AttributeError, IndexError, TypeError):  # a subclassed model has no graph
        return None, None
    return _of_tensor(tensor)


def _of_tensor(tensor):
    operation, inputs, index = operation_of(tensor)
    rank = len(tensor.shape)
    if operation is None or isinstance(operation, keras.layers.InputLayer):
        return None, None
    if isinstance(operation, keras.Model):
        outputs = getattr(operation, "outputs", None)
        return _of_tensor(outputs[index]) if outputs else (None, None)
    if isinstance(operation, keras.layers.Permute):
        name, axis = _of_tensor(inputs[0])
        return name, 1 + operation.dims.index(axis) if isinstance(axis, int) and axis else axis
    if isinstance(operation, (keras.layers.Reshape, keras.layers.Flatten)):
        name, axis = _of_tensor(inputs[0])
        return name, _axis_after(axis, inputs[0].shape, tensor.shape)
    if isinstance(operation, _SAME_VALUES):
        return _of_tensor(inputs[0])
    if isinstance(operation, keras.layers.TimeDistributed):
        inner = operation.layer
        if isinstance(inner, keras.Model):
            name, axis = last_activation(inner)
            return name, axis + 1 if isinstance(axis, int) else axis
        operation = inner
    if isinstance(operation, keras.layers.Softmax):
        return "softmax", _from_start(operation.axis, rank)
    if not isinstance(operation, keras.layers.Layer):
        name = _OPERATIONS.get(type(operation).__name__)
        return name, _from_start(getattr(operation, "axis", -1), rank) if name else None
    name = _name_of(getattr(operation, "activation", None))
    if name == "linear" and isinstance(operation, keras.layers.Activation):
        return _of_tensor(inputs[0])
    return name, rank - 1


def _name_of(function):
    try:
        if function in _NAMES:
            return _NAMES[function]
    except TypeError:  # not hashable
        return None
    # A function of the backend, such as `tf.nn.softmax`, which is named `softmax_v2`.
    module = (getattr(function, "__module__", None) or "").split(".")[0]
    name = getattr(function, "__name__", "").removesuffix("_v2")
    return name if module in _BACKENDS and name in _NAMES.values() else None


def _from_start(axis, rank):
    if isinstance(axis, (tuple, list)):
        return _from_start(axis[0], rank) if len(axis) == 1 else tuple(axis)
    return axis % rank


def _axis_after(axis, before, after):
    """Position of the axis after a reshape; None if the reshape splits or merges it."""
    if not isinstance(axis, int):
        return axis
    if axis == len(before) - 1 and after[-1] == before[-1]:
        return len(after) - 1
    if axis < len(after) and after[1 : axis + 1] == before[1 : axis + 1]:
        return axis
    return None
