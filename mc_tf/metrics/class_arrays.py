"""Converts class probabilities and labels to matching arrays."""

import numpy as np

__all__ = [
    "checked",
    "checked_labels",
    "class_probabilities",
    "is_right",
    "normalized",
    "predicted_classes",
]


def class_probabilities(probabilities):
    """Returns probabilities with one column per class, in float64.

    Args:
        probabilities: array `(..., C)`; `(..., 1)` is the probability of class 1 of two.

    Returns:
        float64 array `(..., C)`, with `C` at least 2.
    """
    probabilities = np.asarray(probabilities, "float64")
    if probabilities.shape[-1:] == (1,):
        return np.concatenate([1 - probabilities, probabilities], -1)
    return probabilities


def predicted_classes(probabilities):
    """Returns the most probable class of each example; ties go to the first class.

    Args:
        probabilities: array `(..., C)`; `(..., 1)` is the probability of class 1 of two.

    Returns:
        Integer array `(...)`.
    """
    return class_probabilities(probabilities).argmax(-1)


def is_right(probabilities, labels):
    """Whether the most probable class is the label's.

    Args:
        probabilities, labels: as `checked` returns them.

    Returns:
        Boolean array `(N,)`.
    """
    classes = labels.argmax(-1) if labels.ndim == 2 else labels
    return probabilities.argmax(-1) == classes


def normalized(probabilities):
    """Checks that probabilities belong to classes that exclude each other.

    Args:
        probabilities: array `(..., C)`; integers and single columns are not checked.

    Returns:
        `probabilities`, unchanged.

    Raises:
        ValueError: if they do not sum to 1.
    """
    if probabilities.ndim and probabilities.shape[-1] > 1 and probabilities.dtype.kind == "f":
        sums = probabilities.sum(-1, dtype="float64")
        if not (np.abs(sums - 1) < 0.02).all():  # tolerance for half precision
            raise ValueError(
                "Probabilities of classes that exclude each other sum to 1. Received: sums from "
                f"{sums.min():.4g} to {sums.max():.4g}. Pass probabilities, not logits. For labels "
                "that do not exclude each other, pass `probabilities.reshape(-1, 1)` with "
                "`labels.reshape(-1)`."
            )
    return probabilities


def checked(probabilities, labels, sample_weight):
    """Prepares the inputs of the scores.

    Args:
        probabilities, labels, sample_weight: as for `mc_tf.ensemble.score`.

    Returns:
        `(probabilities, labels, sample_weight)`: float64 `(N, C)` with `C` at least 2; integers
        `(N,)` or float64 `(N, C)`; float64 `(N,)` or None.

    Raises:
        ValueError: if a shape or a value is invalid.
    """
    probabilities, labels = class_probabilities(probabilities), np.asarray(labels)
    soft = labels.shape == probabilities.shape
    if (
        probabilities.ndim != 2
        or not (soft or labels.shape == probabilities.shape[:1])
        or not len(labels)
    ):
        raise ValueError(
            "Expected probabilities of shape (N, C) and labels of shape (N,) or, soft, (N, C), "
            f"for at least one example. Received shapes {probabilities.shape} and {labels.shape}"
        )
    normalized(probabilities)
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, "float64")
        if sample_weight.shape != labels.shape[:1] or not sample_weight.sum() > 0:
            raise ValueError(
                f"Expected sample weights of shape {labels.shape[:1]} whose sum is positive. "
                f"Received shape {sample_weight.shape}, sum {sample_weight.sum()}"
            )
    if soft:
        return probabilities, labels.astype("float64"), sample_weight
    return probabilities, checked_labels(labels, probabilities.shape[1]), sample_weight


def checked_labels(labels, num_classes):
    """Labels as integers.

    Args:
        labels: array of numbers.
        num_classes: int.

    Returns:
        Integer array of the same shape.

    Raises:
        ValueError: if a label is not an integer from 0 to `num_classes - 1`.
    """
    labels = np.asarray(labels)
    with np.errstate(invalid="ignore"):  # NaN is rejected below
        classes, last = labels.astype(int), num_classes - 1
    if (classes != labels).any() or classes.min() < 0 or classes.max() > last:
        raise ValueError(
            f"Labels must be whole numbers from 0 to {last}. Received: from {labels.min()} to "
            f"{labels.max()}, {labels.dtype}. (For a regression pass `output='regression'` to the "
            "ensemble.)"
        )
    return classes
