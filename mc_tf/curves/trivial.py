"""The trivial curves of section A.8: through the network whose weights are all zero."""

from collections import Counter
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import calls_within
from mc_tf.curves.base import Curve
from mc_tf.typing import Config

if TYPE_CHECKING:
    from mc_tf.weights.flat import FlatLayout

__all__ = ["TrivialCurve"]

_PASSES_SCALE = (
    keras.layers.InputLayer,
    keras.layers.ReLU,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Dropout,
    keras.layers.ZeroPadding2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
)
_WEIGHTED = (keras.layers.Dense, keras.layers.Conv2D)


@keras.saving.register_keras_serializable("mc_tf")
class TrivialCurve(Curve):
    """Curve from the start through the zero network to the end that preserves predicted labels.

    In a feed-forward network of ReLU layers without normalization, kernels `W_i * s` and biases
    `b_i * s ** i` of layer `i = 1 .. n` give `s ** n` times the outputs, and so the same labels for
    any `s > 0` (section A.8 of the paper). Here `s = 1 - 2 t` with the start's weights until
    `t = 0.5`, where all weights are zero, then `s = 2 t - 1` with the end's.

    Like every curve it is a matrix of control points with coefficients: the weights of each network
    are split by the power of `s` that scales them, which gives `2 n` points. It has no trainable
    parts.

    Args:
        num_layers: number `n` of layers with weights. Default: `connect` counts them.

    Example:
        >>> [float(c) for c in TrivialCurve(num_layers=2).coefficients(0.25)]
        [0.5, 0.25, 0.0, 0.0]
    """

    trainable = False

    def __init__(self, num_layers: int | None = None) -> None:
        super().__init__(2 * (1 if num_layers is None else num_layers) - 2)
        self.num_layers = num_layers

    def get_config(self) -> Config:
        """Returns the constructor arguments of the curve."""
        return {"num_layers": self.num_layers}

    def for_network(self, network: keras.Model) -> "TrivialCurve":
        """The trivial curve for the number of layers of a network.

        Args:
            network: built functional or sequential Keras model: dense and convolutional layers
                with ReLU, pooling, dropout; no normalization, no skip connections, and each
                layer called once.

        Returns:
            `TrivialCurve`.

        Raises:
            ValueError: if the network has an unsupported or a frozen layer (the message names it),
                or is not a single chain.
        """
        # A functional model's `layers` leaves out operations that are not layers, such as `x + y`.
        for layer in getattr(network, "operations", getattr(network, "layers", [network])):
            activation = getattr(layer, "activation", keras.activations.linear)
            bounded = isinstance(layer, keras.layers.ReLU) and (
                layer.max_value is not None or layer.threshold
            )
            if (
                not isinstance(layer, (*_PASSES_SCALE, *_WEIGHTED, keras.layers.Activation))
                or activation not in (keras.activations.linear, keras.activations.relu)
                or bounded
            ):
                raise ValueError(
                    "A trivial curve needs a feed-forward network of dense and convolutional "
                    "layers with ReLU, without normalization or skip connections. Received the "
                    f"layer '{layer.name}' of class {type(layer).__name__} in '{network.name}'."
                )
            if isinstance(layer, _WEIGHTED) and layer.non_trainable_variables:
                raise ValueError(
                    "A trivial curve needs a network whose weights are all trainable. Received the "
                    f"frozen layer '{layer.name}' in '{network.name}'."
                )
        _check_chain(network)
        return TrivialCurve(sum(isinstance(layer, _WEIGHTED) for layer in network.layers))

    def initial_points(
        self, start: np.ndarray, end: np.ndarray, layout: "FlatLayout"
    ) -> list[np.ndarray]:
        """The weights of both networks, split by the power of `s` that scales them.

        Args:
            start, end: flat weight vectors, numpy arrays `(P,)`.
            layout: their `FlatLayout`.

        Returns:
            List of `2 * num_layers` numpy arrays `(P,)`.
        """
        powers, layer = [], 0
        for path, size in zip(layout.paths, layout.sizes):
            is_kernel = path.endswith("kernel")
            layer += is_kernel
            powers.append(np.full(size, 1 if is_kernel else layer))
        powers = np.concatenate(powers)
        layers = range(1, self.num_layers + 1)
        return [np.where(powers == i, flat, 0) for flat in (start, end) for i in layers]

    def _coefficients(self, t):
        terms = []
        for s in (ops.relu(1 - 2 * t), ops.relu(2 * t - 1)):
            power = ops.ones_like(t)
            for _ in range(self.num_layers or 1):
                power = power * s
                terms.append(power)
        return ops.stack(terms, axis=-1)


def _check_chain(network):
    """Rejects a functional model that is not a chain of layers, each called once."""
    # Each of these layers has one input, so every branch would end in its own output.
    outputs = len(getattr(network, "outputs", None) or [None])
    operations = [operation.name for operation, *_ in calls_within(network) or []]
    ((name, calls),) = Counter(operations).most_common(1) or [("", 1)]
    if outputs > 1 or calls > 1:
        received = f"{outputs} outputs" if outputs > 1 else f"{calls} calls of the layer '{name}'"
        raise ValueError(
            "A trivial curve needs a chain of layers from the input to one output, with each layer "
            f"called once. Received: {received} in '{network.name}'."
        )
