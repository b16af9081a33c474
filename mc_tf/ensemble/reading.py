"""Infers the meaning of a network's outputs from its last activation and its loss."""

import dataclasses

import keras

from mc_tf.ensemble.activations import last_activation
from mc_tf.ensemble.losses import is_plain_cross_entropy, read_loss, with_logits
from mc_tf.ensemble.outputs import OutputSpec

__all__ = ["read_output"]


def read_output(network, output=None, compiled=()):
    """Infers the meaning of a network's outputs.

    Args:
        network: built Keras model.
        output: one of `KINDS`, or an `OutputSpec`, in which None is inferred from the network.
            Default: everything is inferred.
        compiled: models whose compiled loss is used.

    Returns:
        `OutputSpec`.

    Raises:
        ValueError: if neither the last activation nor a loss determines it, or they contradict each
            other or `output`; the message says what to pass.
    """
    if isinstance(output, dict):  # a model's config
        return OutputSpec.from_config(output)
    activation, axis = last_activation(network)
    outputs = getattr(network, "outputs", None)  # a subclassed model has none
    shape = tuple(outputs[0].shape) if outputs else None
    loss = read_loss(compiled, _width(shape, None))
    if output is not None and not isinstance(output, OutputSpec):
        output = OutputSpec(output)  # rejects everything but the names of kinds
    spec = output
    class_axis = spec.class_axis if spec else None
    if class_axis is None and activation in ("softmax", "log_softmax"):
        class_axis = _last_is_none(_checked_axis(network, axis, spec), shape)
    elif class_axis is None and loss is not None:
        class_axis = _last_is_none(loss.axis, shape)
    width = _width(shape, class_axis)
    if spec is None:
        spec = _infer(network, activation, loss, width)
    else:
        _check_stated(network, spec.kind, activation, loss, width)
        if spec.exclusive and shape is None and loss is not None and loss.family == "labels":
            # A yes or no per output; for a single output both are the same.
            spec = dataclasses.replace(spec, kind=f"multilabel_{spec.kind}")
    inferred = {}
    if spec.exclusive:
        inferred = {"class_axis": class_axis, "ignore_class": loss and loss.ignore_class}
    if loss is not None:
        inferred |= {"loss": _score(spec, loss, activation, width), "loss_weight": loss.weight}
    missing = {name: value for name, value in inferred.items() if getattr(spec, name) is None}
    return dataclasses.replace(spec, **missing)


def _score(spec, loss, activation, width):
    """Returns the loss that scores predictions; None for the standard cross-entropy."""
    by_label = loss.family == "labels"
    if loss.family == "regression" or spec.kind == "regression":
        return loss.loss
    if spec.multilabel or spec.exclusive and width == 1 if by_label else spec.exclusive:
        return None if is_plain_cross_entropy(loss.loss) else with_logits(loss.loss)
    # TensorFlow uses the logits of a softmax or sigmoid even if the loss is for the other one.
    if activation == "sigmoid" and keras.backend.backend() == "tensorflow":
        return with_logits(loss.loss)
    return loss.loss


def _width(shape, axis):
    """Returns the number of classes or labels; None if it is unknown."""
    if shape is None:
        return None
    return shape[-1 if axis is None else axis] if len(shape) > 1 else 1


def _last_is_none(axis, shape):
    rank = len(shape) if shape else None
    return None if axis in (-1, None) or rank and axis == rank - 1 else axis


def _checked_axis(network, axis, spec):
    if isinstance(axis, int) and axis > 0 or (spec and not spec.exclusive):
        return axis if isinstance(axis, int) else None
    raise ValueError(
        f"The axis of the classes in the outputs of '{network.name}' is unknown: its softmax is "
        f"over {'several axes' if isinstance(axis, tuple) else 'an axis that is reshaped'}. Set "
        "it: `output=mc_tf.ensemble.OutputSpec('probabilities', class_axis=...)`, or pass "
        "`output='regression'` to average the raw outputs."
    )


def _infer(network, activation, loss, width):
    name, family = f"The network '{network.name}'", loss and loss.family
    if activation == "softmax":
        return OutputSpec("probabilities")
    if activation == "log_softmax":
        return OutputSpec("logits")
    if family == "regression":
        return OutputSpec("regression")
    if activation == "sigmoid":
        if width == 1:
            return OutputSpec("probabilities", soft_labels=family is not None)
        if family == "labels":
            return OutputSpec("multilabel_probabilities")
        ends = f"{name} ends in a sigmoid of {width} outputs"
        ways = (
            "Pass `output='multilabel_probabilities'` if each is a separate yes or no, or "
            "`output='regression'` for a regression."
        )
        if family == "classes":
            raise ValueError(f"{ends}, but its loss is for classes that exclude each other. {ways}")
        raise ValueError(f"{ends}: these may not exclude each other, or be values. {ways}")
    if family is None or (activation == "linear" and not loss.from_logits):
        raise ValueError(
            f"The outputs of '{network.name}' could be of any kind: its last layer is no softmax "
            "or sigmoid, and it is not compiled with a regression loss or with `from_logits=True`. "
            "Pass `output='logits'`, `output='probabilities'`, `output='multilabel_logits'` or "
            "`output='multilabel_probabilities'` (labels that do not exclude each other) or, for a "
            "regression, `output='regression'`."
        )
    kind = "logits" if loss.from_logits else "probabilities"
    return OutputSpec(f"multilabel_{kind}" if family == "labels" and width != 1 else kind)


def _check_stated(network, kind, activation, loss, width):
    name = f"The network '{network.name}'"
    if kind.endswith("logits") and activation in ("softmax", "sigmoid"):
        raise ValueError(
            f"{name} ends in a softmax or sigmoid, so its outputs are not logits. Pass "
            f"`output='{kind[:-6]}probabilities'`, or leave it out."
        )
    several = width is not None and width > 1
    independent = activation == "sigmoid" or (
        loss is not None and loss.family == "labels" and activation != "softmax"
    )
    if kind in ("logits", "probabilities") and several and independent:
        why = "a sigmoid of" if activation == "sigmoid" else "a binary loss on"
        raise ValueError(
            f"{name} has {why} {width} outputs: labels that do "
            f"not exclude each other, but output={kind!r} is for classes that do. Pass "
            f"`output='multilabel_{kind}'`, or leave it out if the model is compiled with a loss."
        )
