"""Predictions scored by the loss that a network is compiled with, as Keras applies it."""

import warnings

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import loss_options, set_mask
from mc_tf.ensemble.losses import known_name

__all__ = ["keras_loss", "loss_of_predictions"]

_BY_LABEL = ("binary_crossentropy", "binary_focal_crossentropy")
_SMALLEST = np.finfo("float64").tiny  # the logarithm of a probability of 0 is taken here


def keras_loss(loss, labels, outputs, sample_weight=None, mask=None):
    """What Keras' `evaluate` finds for outputs, with all of them in one batch.

    Args:
        loss: anything that `compile` takes as the loss of one output.
        labels, outputs, sample_weight: numpy arrays as the loss takes them.
        mask: boolean array, as layers attach it to outputs. Default: none.

    Returns:
        float: of a loss without reduction the mean.
    """
    judge = keras.Model()  # without layers, so that nothing is added to the loss
    judge.compile(loss=loss)
    outputs = ops.convert_to_tensor(outputs, "float32")
    if mask is not None:
        set_mask(outputs, ops.convert_to_tensor(mask))
    labels, sample_weight = (
        None if part is None else ops.convert_to_tensor(_single(part))
        for part in (labels, sample_weight)
    )
    found = judge.compute_loss(None, labels, outputs, sample_weight, training=False)
    return float(ops.convert_to_numpy(ops.mean(found)))


def loss_of_predictions(spec, predictions, targets, rows=None):
    """The loss of predictions by `spec.loss`.

    It is given what the network itself would give it: probabilities, their logarithms in place
    of logits, or values.

    Args:
        spec: `OutputSpec` with a loss.
        predictions: array with a row for each output, counting or not, as from
            `OutputSpec.predictions`.
        targets: `Targets`.
        rows: of one network: its own outputs as rows, where predictions are no others.

    Returns:
        float.
    """
    num_columns = spec.num_columns(targets.shape)
    given_logits = spec.kind.endswith("logits")
    logits = loss_options(spec.loss).get("from_logits", given_logits)
    if spec.kind == "regression":
        rows = predictions
    elif rows is None or logits != given_logits:
        rows = _outputs(predictions, num_columns, spec.loss, logits)
    if spec.exclusive and num_columns > 1 and known_name(spec.loss) == "binary_crossentropy":
        warnings.warn(
            "The network's classes exclude each other, but it is compiled with a binary "
            "cross-entropy. `loss` is this one of the probabilities; behind a softmax Keras takes "
            "the logits on TensorFlow, and finds another number. Compile the network with "
            "`categorical_crossentropy`.",
            stacklevel=2,
        )
    outputs = spec.from_rows(rows, targets.shape)
    given = targets.given
    return keras_loss(spec.loss, given["labels"], outputs, given["sample_weight"], given["mask"])


def _outputs(predictions, num_columns, loss, logits):
    """Rows of the network's outputs from predictions with a column for each class."""
    if not logits:
        return predictions[:, -num_columns:]
    logarithms = np.log(np.maximum(predictions, _SMALLEST))
    if num_columns == 1:
        return logarithms[:, 1:] - logarithms[:, :1]
    if known_name(loss) in _BY_LABEL:
        return logarithms - np.log(np.maximum(1 - predictions, _SMALLEST))
    return logarithms


def _single(part):
    """An array in the precision in which Keras gives it to a loss."""
    part = np.asarray(part)
    return part.astype("float32") if part.dtype == "float64" else part
