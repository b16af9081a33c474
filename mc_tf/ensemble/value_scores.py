"""How good the values of a regression are, in numpy."""

import keras
import numpy as np

__all__ = ["gaussian_negative_log_likelihood", "mean_squared_error", "score_values"]


def mean_squared_error(values, targets):
    """Mean squared error of a regression.

    Args:
        values, targets: arrays of one shape, or `(N, 1)` and `(N,)`.

    Returns:
        float.

    Raises:
        ValueError: if they have different numbers of elements.
    """
    values, targets = _same_size(values, targets)
    return float(np.mean((values - targets) ** 2))


def gaussian_negative_log_likelihood(mean, variance, targets, sample_weight=None):
    """Mean negative log-likelihood of targets under normal distributions, in nats.

    Args:
        mean, variance: arrays of one shape; of an ensemble: mean and variance over its members.
        targets: array of the same size.
        sample_weight: numbers `(N,)` that the examples are multiplied by before their mean is
            taken, as by the losses of Keras. Default: none.

    Returns:
        float; a variance of 0 counts as float32's resolution.
    """
    mean, targets = _same_size(mean, targets)
    variance, _ = _same_size(variance, targets)
    variance = np.maximum(variance, np.finfo("float32").eps)
    each = 0.5 * (np.log(2 * np.pi * variance) + (mean - targets) ** 2 / variance)
    return float(np.mean(_by_example(each) * (1 if sample_weight is None else sample_weight)))


def score_values(values, targets, sample_weight=None, loss=None):
    """All scores of a regression.

    Args:
        values, targets: arrays `(N, D)`, as for `mean_squared_error`.
        sample_weight: numbers `(N,)`: how much each example counts. Default: all alike.
        loss: `keras.losses.Loss` of the values. Default: the mean squared error.

    Returns:
        dict of floats: `loss`, `mean_squared_error` and `mean_absolute_error`. With sample
        weights the loss is the mean of the weighted losses over the examples and the others are
        divided by the sum of the weights, as Keras does.
    """
    values, targets = _same_size(values, targets)
    squared = _by_example((values - targets) ** 2)
    if loss is None or isinstance(loss, keras.losses.MeanSquaredError):
        losses = squared
    else:
        columns = (len(values), -1)
        losses = loss.call(
            keras.ops.convert_to_tensor(targets.reshape(columns), "float32"),
            keras.ops.convert_to_tensor(values.reshape(columns), "float32"),
        )
        losses = np.asarray(keras.ops.convert_to_numpy(losses), "float64")
    absolute = _by_example(np.abs(values - targets))
    return {
        "loss": float(np.mean(losses if sample_weight is None else losses * sample_weight)),
        "mean_squared_error": float(np.average(squared, weights=sample_weight)),
        "mean_absolute_error": float(np.average(absolute, weights=sample_weight)),
    }


def _by_example(each):
    return each.reshape(len(each), -1).mean(1)


def _same_size(values, targets):
    values, targets = np.asarray(values, "float64"), np.asarray(targets, "float64")
    if values.size != targets.size or not values.size:
        raise ValueError(
            "Values and targets must have the same number of elements, at least one. Received "
            f"shapes {values.shape} and {targets.shape}"
        )
    return values, targets.reshape(values.shape)
