"""What the outputs of a network mean, and how they become probabilities."""

import keras
import numpy as np
from keras import ops

__all__ = [
    "KINDS",
    "check_activation",
    "check_kind",
    "infer_output",
    "log_scores",
    "probabilities_of",
    "to_numpy",
]

KINDS = ("logits", "probabilities", "values")
_BINARY = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy)
_SMALLEST = 1e-30  # a probability of 0 is taken as this one, in float32
_LARGEST = 1 - 2.0**-24  # and one of two classes is never quite 1


def check_kind(output):
    """Refuses a name that is not in `KINDS`.

    Args:
        output: str.

    Raises:
        ValueError: naming the three.
    """
    if output not in KINDS:
        raise ValueError(
            "`output` says what the network's outputs are: 'logits', 'probabilities' or 'values' "
            f"(of a regression). Received: output={output!r}"
        )


def check_activation(network, output):
    """Refuses to take probabilities for logits.

    Args:
        network: built Keras model.
        output: one of `KINDS`.

    Raises:
        ValueError: if the network ends in a softmax or sigmoid.
    """
    bounded = (keras.activations.softmax, keras.activations.sigmoid)
    if output == "logits" and _last_activation(network) in bounded:
        raise ValueError(
            f"The network '{network.name}' ends in a softmax or sigmoid, so its outputs are no "
            "logits. Pass `output='probabilities'`, or leave it out."
        )


def infer_output(network, *compiled):
    """What the outputs of a network are, from its last activation or its loss.

    Args:
        network: built Keras model.
        *compiled: models whose compiled loss may tell.

    Returns:
        `"probabilities"` where the last layer is a softmax over classes or a sigmoid of one
        output; `"logits"` where a model is compiled with a loss that has `from_logits=True`.

    Raises:
        ValueError: if neither tells, saying what to pass.
    """
    activation = _last_activation(network)
    if activation is keras.activations.softmax:
        return "probabilities"
    if activation is keras.activations.sigmoid:
        if network.output_shape[-1] == 1:
            return "probabilities"
        raise ValueError(
            f"The network '{network.name}' ends in a sigmoid of {network.output_shape[-1]} "
            "outputs: these are no probabilities of classes that exclude each other. Pass "
            "`output='values'` to average them as they are."
        )
    for model in compiled:
        for loss in keras.tree.flatten(getattr(model, "loss", None)):
            if getattr(loss, "from_logits", False) is True:
                shape = getattr(network, "output_shape", (1,))
                if isinstance(loss, _BINARY) and shape[-1] != 1:
                    raise ValueError(
                        f"The network '{network.name}' has {shape[-1]} outputs and "
                        "a binary loss: labels that do not exclude each other. End it in a "
                        "sigmoid and pass `output='values'` to average its probabilities."
                    )
                return "logits"
    raise ValueError(
        f"What the outputs of '{network.name}' are cannot be told: its last layer is no softmax "
        "or sigmoid, and it is not compiled with a loss that has `from_logits=True`. Pass "
        "`output='logits'`, `output='probabilities'` or, for a regression, `output='values'`."
    )


def _last_activation(network):
    """Activation function of the layer that makes the output, where the graph tells it."""
    while True:
        try:
            layer = network.outputs[0]._keras_history.operation
        except (AttributeError, IndexError, TypeError):  # a subclassed model has no graph
            return None
        if isinstance(layer, keras.Model):
            network = layer
            continue
        if isinstance(layer, keras.layers.Softmax):
            return keras.activations.softmax
        return getattr(layer, "activation", None)


def probabilities_of(raw, kind, temperatures):
    """Probabilities from the networks' outputs, in the backend's tensors.

    Args:
        raw: float32 tensor `(M, ..., C)`; `(M, ..., 1)` is one output for two classes.
        kind: `"logits"` or `"probabilities"`; for `"values"` the outputs come back as they are.
        temperatures: tensor `(M,)` of positive numbers that divide the logits.

    Returns:
        float32 tensor of the shape of `raw`.
    """
    if kind == "values":
        return raw
    binary = raw.shape[-1] == 1
    if kind == "probabilities":
        raw = ops.clip(raw, _SMALLEST, _LARGEST if binary else 1.0)
        raw = ops.log(raw) - ops.log1p(-raw) if binary else ops.log(raw)
    shape = (-1, *[1] * (len(raw.shape) - 1))
    scaled = raw / ops.reshape(ops.cast(temperatures, raw.dtype), shape)
    return ops.sigmoid(scaled) if binary else ops.softmax(scaled, axis=-1)


def log_scores(raw, kind):
    """Logits from one network's outputs, with a column for each class, in float64.

    Args:
        raw: array `(..., C)` or `(..., 1)`.
        kind: `"logits"` or `"probabilities"`.

    Returns:
        float64 array `(..., C)`, with `C` at least 2; divide it by a temperature.
    """
    raw = np.asarray(raw, "float64")
    binary = raw.shape[-1] == 1
    if kind == "probabilities":
        raw = np.clip(raw, _SMALLEST, _LARGEST if binary else 1.0)
        raw = np.log(raw) - np.log1p(-raw) if binary else np.log(raw)
    return np.concatenate([np.zeros_like(raw), raw], -1) if binary else raw


def to_numpy(raw, kind, temperature=1.0):
    """As `probabilities_of`, of one network, in float64 numpy, with a column for each class.

    Args:
        raw: array `(..., C)` or `(..., 1)`.
        kind: as there.
        temperature: positive number.

    Returns:
        float64 array `(..., C)`; for `"values"` of the shape of `raw`.
    """
    if kind == "values":
        return np.asarray(raw, "float64")
    scaled = log_scores(raw, kind) / temperature
    scaled -= scaled.max(-1, keepdims=True)
    exponentials = np.exp(scaled)
    return exponentials / exponentials.sum(-1, keepdims=True)
