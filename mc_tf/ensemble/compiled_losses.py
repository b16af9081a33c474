"""Scores predictions by the compiled loss of a network, as Keras applies it."""

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import loss_options, set_mask, whole_losses
from mc_tf.ensemble.losses import known_name
from mc_tf.warning import warn

__all__ = ["keras_loss", "loss_of_predictions"]

_BY_LABEL = ("binary_crossentropy", "binary_focal_crossentropy")
_SMALLEST = np.finfo("float64").tiny  # replaces a probability of 0 in logarithms


def keras_loss(loss, labels, outputs, sample_weight=None, mask=None):
    """Computes the loss of outputs as Keras' `evaluate` does with a single batch.

    Args:
        loss: any loss of one output that `compile` accepts.
        labels, outputs, sample_weight: numpy arrays in the format of the loss.
        mask: boolean array, as layers attach it to outputs. Default: none.

    Returns:
        float; the mean, if the loss has no reduction.
    """
    judge = keras.Model()  # without layers, so it adds no losses
    judge.compile(loss=loss)
    outputs = ops.convert_to_tensor(outputs, "float32")
    if mask is not None:
        set_mask(outputs, ops.convert_to_tensor(mask))
    labels, sample_weight = (
        None if part is None else ops.convert_to_tensor(_single(part))
        for part in (labels, sample_weight)
    )
    with whole_losses():
        value = judge.compute_loss(None, labels, outputs, sample_weight, training=False)
    return float(ops.convert_to_numpy(ops.mean(value)))


def loss_of_predictions(spec, predictions, targets, rows=None):
    """Computes the loss of predictions with `spec.loss`.

    The loss receives the same kind of outputs as from the network: probabilities, their logarithms
    instead of logits, or values.

    Args:
        spec: `OutputSpec` with a loss.
        predictions: array with one row per output, including ignored ones, as from
            `OutputSpec.predictions`.
        targets: `Targets`.
        rows: outputs of a single network as rows, if the predictions are its own.

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
        warn(
            "The network's classes exclude each other, but it is compiled with a binary "
            "cross-entropy. `loss` is computed from the probabilities; after a softmax, Keras "
            "uses the logits on TensorFlow and returns another value. Compile the network with "
            "`categorical_crossentropy`."
        )
    outputs = spec.from_rows(rows, targets.shape)
    given = targets.given
    return keras_loss(spec.loss, given["labels"], outputs, given["sample_weight"], given["mask"])


def _outputs(predictions, num_columns, loss, logits):
    """Converts predictions with one column per class to rows of the network's outputs."""
    if not logits:
        return predictions[:, -num_columns:]
    logarithms = np.log(np.maximum(predictions, _SMALLEST))
    if num_columns == 1:
        return logarithms[:, 1:] - logarithms[:, :1]
    if known_name(loss) in _BY_LABEL:
        return logarithms - np.log(np.maximum(1 - predictions, _SMALLEST))
    return logarithms


def _single(part):
    """Casts an array to the precision in which Keras passes it to a loss."""
    part = np.asarray(part)
    return part.astype("float32") if part.dtype == "float64" else part
