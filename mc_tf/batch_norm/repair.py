"""Statistics of a network between others (Jordan et al. 2023, REPAIR)."""

import contextlib
import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from mc_tf.alignment.units import find_units
from mc_tf.arguments import check_kind, check_network
from mc_tf.backend.batches import KeptBatches
from mc_tf.backend.keras_internals import layers_within, overridden
from mc_tf.batch_norm.update import has_batch_norm, update_batch_norm
from mc_tf.typing import Data
from mc_tf.weights.compatibility import check_same_architecture

__all__ = ["Repairing", "repair"]

_LINEAR = (
    *(keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
    *(keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D),
)


def repair(
    model: keras.Model,
    networks: Sequence[keras.Model],
    data: Data,
    shares: Sequence[float] | None = None,
    batch_size: int = 500,
) -> int:
    """Gives the units of an averaged network the means and deviations that they should have.

    Units of an interpolated network vary less than the units of its ends, layer by layer. Each is
    scaled and shifted so that, before its activation, its mean and standard deviation on `data` are
    the average of those in `networks`. Weights and biases of dense and convolutional layers with
    a bias are changed, except in the output layers; statistics of batch normalization are
    re-estimated, as `mc_tf.update_batch_norm` does, which is all that is changed in networks that
    normalize after every such layer.

    Args:
        model: built Keras model, such as `curve.point(0.5)` of a segment. It is changed.
        networks: networks of the same architecture that it is an average of.
        data: training data as `Batches` takes it; labels are not used. Two passes are made.
        shares: share of each network in the average. Default: equal ones.
        batch_size: examples per batch, for arrays only. Default 500.

    Returns:
        Number of layers that were changed.

    Raises:
        ValueError: if the architectures differ, or the number of shares.

    Example:
        >>> import keras, numpy as np
        >>> Dense = keras.layers.Dense
        >>> first, second, middle = (
        ...     keras.Sequential([keras.Input((4,)), Dense(8, "relu"), Dense(2)]) for _ in "abc"
        ... )
        >>> repair(middle, [first, second], np.random.normal(size=(20, 4)))
        1
    """
    check_network("model", model)
    check_kind("networks", networks, (list, tuple), "a list of networks")
    for index, network in enumerate(networks):
        check_same_architecture(model, network, ("model", f"networks[{index}]"))
    shares = [1 / len(networks)] * len(networks) if shares is None else list(shares)
    if len(shares) != len(networks):
        raise ValueError(f"`shares` must be {len(networks)} numbers. Received: {shares}")
    data = KeptBatches(data, batch_size)
    rescaled = Repairing(networks, data).rescale(model, shares)
    return rescaled + (update_batch_norm(model, data) if has_batch_norm(model) else 0)


class Repairing:
    """What `repair` needs of networks, measured once for all their averages.

    Args:
        networks: list of networks of one architecture.
        data: `KeptBatches`.
    """

    def __init__(self, networks, data):
        self._data, self._places = data, _hidden_layers(networks[0])
        measured = networks if self._places else []
        self._moments = [_moments_of(network, self._places, data) for network in measured]

    def rescale(self, model, shares):
        """Rescales the units of an average; returns the number of layers."""
        targets = {place: self._target(place, shares) for place in self._places}
        moments = _moments_of(model, self._places, self._data, targets) if targets else {}
        layers = layers_within(model)
        for place, target in targets.items():
            _rescale(layers[place], moments[place], target)
        return len(targets)

    def _target(self, place, shares):
        pairs = list(zip(shares, self._moments))
        return [sum(share * each[place][k] for share, each in pairs) for k in (0, 1)]


def _hidden_layers(model):
    """Places, among all layers, of those to repair."""
    outputs = {
        id(weight.variable)
        for weight in find_units(model).weights
        if any(getattr(axis, "reason", None) == "output" for axis in weight.resolved())
    }
    return [
        place
        for place, layer in enumerate(layers_within(model))
        if isinstance(layer, _LINEAR)
        and layer.trainable
        and layer.bias is not None
        and id(layer.bias) not in outputs
    ]


def _moments_of(network, places, data, targets=None):
    """Means and deviations of units before their activations, by place of their layer.

    With targets, each layer is given inputs as if those before it had been repaired.
    """
    totals = {place: (0, 0.0, 0.0) for place in places}
    layers = layers_within(network)
    with contextlib.ExitStack() as stack:
        for place in places:
            target = None if targets is None else targets[place]
            stack.enter_context(_observed(layers[place], totals, place, target))
        for batch in data:
            network(keras.utils.unpack_x_y_sample_weight(batch)[0], training=False)
    return {place: (mean, np.sqrt(squares / n)) for place, (n, mean, squares) in totals.items()}


@contextlib.contextmanager
def _observed(layer, totals, place, target):
    run, activation = layer.call, layer.activation
    channels = 1 if getattr(layer, "data_format", None) == "channels_first" else -1

    def call(inputs, *args, **kwargs):
        with overridden(layer, activation=None):
            outputs = run(inputs, *args, **kwargs)
        axes = [axis for axis in range(len(outputs.shape)) if axis != channels % len(outputs.shape)]
        mean, variance = ops.moments(ops.cast(outputs, "float32"), axes, keepdims=True)
        size = math.prod(outputs.shape[axis] for axis in axes)
        flat = [ops.convert_to_numpy(value).ravel().astype("float64") for value in (mean, variance)]
        totals[place] = _merged(totals[place], size, *flat)
        if target is not None:
            shape = mean.shape
            wanted, spread = (np.reshape(each, shape).astype("float32") for each in target)
            scale = spread / ops.sqrt(variance + 1e-12)
            outputs = ops.cast((outputs - mean) * scale + wanted, outputs.dtype)
        return outputs if activation is None else activation(outputs)

    with overridden(layer, call=call):
        yield


def _merged(total, size, mean, variance):
    """Pools two sets of numbers: `(count, mean, sum of squares)`."""
    count, old, squares = total
    change = mean - old
    new = old + change * size / (count + size)
    return count + size, new, squares + variance * size + change**2 * count * size / (count + size)


def _rescale(layer, moments, target):
    (mean, spread), (wanted, wanted_spread) = moments, target
    factor = np.where(spread > 1e-6, wanted_spread / np.maximum(spread, 1e-6), 1.0)
    kernel, bias = (ops.convert_to_numpy(v).astype("float64") for v in (layer.kernel, layer.bias))
    last = 2 if isinstance(layer, _LINEAR[4:]) else 1  # dimensions of the units
    shaped = factor.reshape(kernel.shape[-last:])
    layer.kernel.assign((kernel * shaped).astype("float32"))
    layer.bias.assign(((bias - mean) * factor + wanted).astype("float32"))
