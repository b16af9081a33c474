"""Matches labels, sample weights and masks to outputs."""

import dataclasses

import keras
import numpy as np

from mc_tf.metrics.class_arrays import checked_labels

__all__ = ["Targets", "output_name", "read_targets", "the_one"]


@dataclasses.dataclass(frozen=True)
class Targets:
    """Targets of a network, one row per prediction that counts.

    Attributes:
        labels: for classes, integers `(R,)` or soft labels `(R, C)`; for a regression, values
            `(R, D)`.
        sample_weight: float64 array `(R,)`; None if all weights are equal.
        kept: boolean array over all rows of the outputs, or None for all: masked rows and rows with
            the ignored label do not count.
        num_labels: number of labels per position for multilabel outputs; otherwise 1.
        shape: shape of the outputs.
        given: dict of the arrays `labels`, `sample_weight` and `mask` as passed.
    """

    labels: np.ndarray
    sample_weight: np.ndarray | None
    kept: np.ndarray | None
    num_labels: int = 1
    shape: tuple = ()
    given: dict = dataclasses.field(default_factory=dict)

    def of(self, rows):
        """Selects the rows that count from all rows of the outputs."""
        return rows if self.kept is None else rows[self.kept]


def the_one(structure, network, what="labels"):
    """Returns the only array of a structure: `y`, `[y]` or `{"output": y}`.

    Args:
        structure: array, or a list or dict of arrays; None stays None.
        network: Keras model, whose output name selects one of several arrays.
        what: name of the array in messages.

    Returns:
        The array.

    Raises:
        ValueError: if there are several arrays.
    """
    if isinstance(structure, dict) and len(structure) > 1:
        structure = structure.get(output_name(network), structure)
    leaves = keras.tree.flatten(structure)
    if len(leaves) != 1:
        of = f" ({', '.join(map(str, structure))})" if isinstance(structure, dict) else ""
        raise ValueError(
            f"The network '{network.name}' has one output, so one array of {what} is expected. "
            f"Received: {len(leaves)}{of}. Pass only the {what} for this output."
        )
    return leaves[0]


def output_name(network):
    """Returns the name of a network's output, a key for losses and labels: a str, or None."""
    names = getattr(network, "output_names", None)  # a graph has them, a `Sequential` layers
    return names[0] if names else next((layer.name for layer in network.layers[::-1]), None)


def read_targets(spec, shape, labels, sample_weight=None, mask=None):
    """Converts labels and weights to rows.

    Args:
        spec: `OutputSpec`.
        shape: shape of the outputs `(N, ..., C)`.
        labels: array. For classes that exclude each other: integers `(N, ...)` (also as bool or
            float) or `(N, ..., 1)`; or one-hot or soft labels with the shape of the outputs. For
            multilabel outputs: values from 0 to 1 of that shape. For a regression: values of that
            shape.
        sample_weight: array `(N,)`, optionally with more of the axes before the last.
        mask: boolean array `(N, ...)`, True for positions that count, as in Keras.

    Returns:
        `Targets`.

    Raises:
        ValueError: if a shape or value is invalid, nothing counts, or a weight is negative or not
            finite.
    """
    given = {"labels": labels, "sample_weight": sample_weight, "mask": mask}
    axis = spec.class_axis_of(shape) if spec.exclusive else None if len(shape) == 1 else -1
    positions = shape if axis is None else _without(shape, axis)
    labels = _numbers(labels)
    weights = None if sample_weight is None else _weights(sample_weight, positions)
    kept = None if mask is None else _spread(mask, positions, "masks").astype(bool)
    if spec.multilabel and axis is not None:  # one row per label
        weights, kept = (
            None if part is None else np.repeat(part, shape[-1]) for part in (weights, kept)
        )
    rows = _rows(spec, shape, positions, axis, labels)
    if spec.ignore_class is not None and rows.ndim == 1:
        counts = rows != spec.ignore_class
        kept = counts if kept is None else kept & counts
    if kept is not None:
        rows, weights = rows[kept], None if weights is None else weights[kept]
    if not len(rows):
        raise ValueError("No example counts: all are masked or have the ignored label.")
    if weights is not None and not weights.sum() > 0:
        raise ValueError("The sample weights sum to 0, so no example counts.")
    if spec.kind == "regression":
        return Targets(_finite(rows.astype("float64")), weights, kept, 1, shape, given)
    num_labels = shape[-1] if spec.multilabel and axis is not None else 1
    rows = _classes(spec, rows, shape, axis)
    return Targets(rows, weights, kept, num_labels, shape, given)


def _numbers(labels):
    labels = np.asarray(labels)
    if labels.dtype.kind == "O":
        labels = np.asarray(labels.tolist())
    if labels.dtype.kind == "V":  # bfloat16
        labels = labels.astype("float32")
    if labels.dtype.kind not in "buif":
        raise ValueError(
            f"Labels must be numbers. Received: {labels.dtype}, such as {labels.flat[0]!r}. Number "
            "the classes from 0, for instance with `keras.layers.StringLookup`."
        )
    return labels


def _rows(spec, shape, positions, axis, labels):
    """Returns labels `(R,)`, or `(R, C)` if each class or value has a label."""
    given = _squeezed(labels.shape)
    if spec.kind == "regression" and given == _squeezed(shape):
        return labels.reshape(-1, shape[-1] if len(shape) > 1 else 1)
    if spec.multilabel and given == _squeezed(shape):
        return labels.reshape(-1)
    if spec.exclusive and given == _squeezed(positions):
        return labels.reshape(-1)
    if spec.exclusive and given == _squeezed(shape):
        return np.moveaxis(labels.reshape(shape), axis, -1).reshape(-1, shape[axis])
    other = next((k for k in range(1, len(shape)) if given == _squeezed(_without(shape, k))), None)
    if spec.exclusive:
        expected = f"whole numbers of shape {positions}"
        expected += "" if shape == (*positions, 1) else f" or one-hot labels of shape {shape}"
        advice = "If the outputs are values of a regression pass `output='regression'`."
        if other is not None and axis is not None:
            advice = (
                f"If the classes are along axis {other} pass "
                f"`output=mc_tf.ensemble.OutputSpec({spec.kind!r}, class_axis={other})`."
            )
    else:
        expected = f"{'0 or 1' if spec.multilabel else 'values'}, of shape {shape}"
        advice = ""
        if other is not None and shape[-1] > 1:
            advice = (
                "If the outputs are of classes that exclude each other pass `output='logits'` or "
                "`output='probabilities'`."
            )
    raise ValueError(
        f"Outputs of shape {shape} that are {spec.kind.replace('_', ' ')} need labels that are "
        f"{expected}. Received shape: {labels.shape}. {advice}".rstrip()
    )


def _classes(spec, labels, shape, axis):
    """Returns labels of a classifier: integers if possible, otherwise probabilities."""
    if labels.ndim == 2:
        sums = labels.sum(-1, dtype="float64")
        if not (labels >= 0).all() or np.abs(sums - 1).max() > 0.01:
            raise ValueError(
                f"Labels of shape {shape} must be class probabilities that sum to 1. Received: "
                f"numbers from {labels.min():.4g} to {labels.max():.4g}, with sums from "
                f"{sums.min():.4g} to {sums.max():.4g}. If the labels do not exclude each other "
                "pass `output='multilabel_probabilities'` (or `'multilabel_logits'`), for a "
                "regression `output='regression'`."
            )
        hard = ((labels == 0) | (labels == 1)).all()
        return labels.argmax(-1) if hard else labels.astype("float64")
    binary = spec.multilabel or axis is None or shape[axis] == 1
    if not binary:
        return checked_labels(labels, shape[axis])
    if not ((labels >= 0) & (labels <= 1)).all():
        raise ValueError(
            f"Labels of yes-or-no outputs must be 0 or 1. Received: from {labels.min()} to "
            f"{labels.max()}. Convert -1 and 1, the labels of hinge losses, to 0 and 1, or pass "
            "`output='regression'` for a regression."
        )
    if ((labels == 0) | (labels == 1)).all():
        return labels.astype("int64")
    if not spec.soft_labels:
        raise ValueError(
            "The network ends in a sigmoid and its labels lie between 0 and 1: pass "
            "`output='regression'` if it is a regression, or `output='probabilities'` if these are "
            "soft labels of two classes. (A compiled loss also decides this.)"
        )
    return np.stack([1 - labels, labels], -1).astype("float64")


def _weights(weights, positions):
    weights = _spread(weights, positions, "sample weights").astype("float64")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            f"Sample weights must be finite and not negative. Received: from {weights.min()} to "
            f"{weights.max()}"
        )
    return weights


def _spread(part, positions, what):
    """Broadcasts values per example, or for some of the axes, to all positions."""
    part = np.asarray(part)
    while part.ndim > 1 and part.shape[-1] == 1 and part.shape != positions[: part.ndim]:
        part = part[..., 0]
    if part.shape != positions[: part.ndim] or not part.ndim:
        raise ValueError(
            f"Expected {what} of shape "
            f"{positions[:1]}{f' or {positions}' if len(positions) > 1 else ''}. Received shape: "
            f"{part.shape}"
        )
    part = part.reshape(part.shape + (1,) * (len(positions) - part.ndim))
    return np.broadcast_to(part, positions).reshape(-1)


def _finite(values):
    if not np.isfinite(values).all():
        raise ValueError(
            "Targets must be finite, but some are NaN or infinite. Leave those examples out, or "
            "give them the sample weight 0 and a finite target."
        )
    return values


def _without(shape, axis):
    axis %= len(shape)
    return (*shape[:axis], *shape[axis + 1 :])


def _squeezed(shape):
    """Drops axes of length 1 from a shape, except the first."""
    return tuple(int(size) for k, size in enumerate(shape) if k == 0 or size != 1)
