"""The meaning of a network's outputs, and their conversion to predictions."""

import dataclasses
import typing
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from mc_tf.deprecation import warn_renamed
from mc_tf.ensemble.losses import loss_config, loss_from_config
from mc_tf.typing import ArrayLike, Config, Tensor, TensorLike

__all__ = ["KINDS", "OutputSpec"]

KINDS = ("logits", "probabilities", "multilabel_logits", "multilabel_probabilities", "regression")
_SMALLEST = 1e-30  # replaces a probability of 0, in float32
_LARGEST = 1 - 2.0**-24  # upper limit for one of two classes
_ROUNDING = 0.02  # tolerance for the sum of probabilities in half precision


@dataclasses.dataclass(frozen=True)
class OutputSpec:
    """Meaning of a network's outputs. `Ensemble` infers it from the network if possible.

    Args:
        kind: `"logits"` or `"probabilities"` of classes that exclude each other (a single output is
            class 1 of two); `"multilabel_logits"` or `"multilabel_probabilities"` if each output is
            a separate yes or no; or `"regression"`.
        class_axis: the class axis of the outputs `(N, ..., C)`, such as 1 for channels first.
            Default: the last axis.
        ignore_class: integer label to ignore. Default: none.
        loss: `keras.losses.Loss` or function that scores predictions. Default: cross-entropy, or
            mean squared error for a regression.
        loss_weight: factor of the loss. Default: 1.
        soft_labels: whether labels of a single output may lie between 0 and 1. False if only a
            sigmoid suggests a classifier.

    Raises:
        ValueError: if `kind` is not in `KINDS`.

    Example:
        >>> OutputSpec("logits", class_axis=1).exclusive
        True
    """

    kind: str
    class_axis: int | None = None
    ignore_class: int | None = None
    loss: keras.losses.Loss | typing.Callable | None = None
    soft_labels: bool = True
    loss_weight: float | None = None

    def __post_init__(self):
        if self.kind == "values":
            warn_renamed("`output='values'`", "`output='regression'`")
            object.__setattr__(self, "kind", "regression")
        if self.kind not in KINDS:
            raise ValueError(
                "`output` must be 'logits', 'probabilities', 'regression', or 'multilabel_logits' "
                "or 'multilabel_probabilities' for labels that do not exclude each other. "
                f"Received: output={self.kind!r}"
            )

    @property
    def exclusive(self) -> bool:
        """Whether the outputs belong to classes that exclude each other."""
        return self.kind in ("logits", "probabilities")

    @property
    def multilabel(self) -> bool:
        """Whether each output is a separate yes or no."""
        return self.kind.startswith("multilabel")

    # For tensors of all members.

    def _axis(self, shape):
        """The class axis in outputs of all members `(M, N, ..., C)`, counted from the end."""
        axis = -1 if self.class_axis is None else self.class_axis
        return axis if axis < 0 else axis - (len(shape) - 1)

    def _binary(self, shape):
        return self.multilabel or len(shape) == 2 or shape[self._axis(shape)] == 1

    def probabilities(self, raw: Tensor, temperatures: TensorLike) -> Tensor:
        """Converts the networks' outputs to probabilities.

        Args:
            raw: float32 tensor `(M, N, ..., C)`.
            temperatures: tensor `(M,)`, positive divisors of the logits.

        Returns:
            float32 tensor of the shape of `raw`; values are returned unchanged. Probabilities keep
            their sum.
        """
        if self.kind == "regression":
            return raw
        shape = (-1, *[1] * (len(raw.shape) - 1))
        temperatures = ops.reshape(ops.cast(temperatures, raw.dtype), shape)
        given = self.kind.endswith("probabilities")
        if self._binary(raw.shape):
            if given:
                raw = ops.clip(raw, _SMALLEST, _LARGEST)
                raw = ops.log(raw) - ops.log1p(-raw)
            return ops.sigmoid(raw / temperatures)
        axis, total = self._axis(raw.shape), 1.0
        if given:
            total = ops.sum(raw, axis=axis, keepdims=True)
            raw = ops.log(ops.clip(raw, _SMALLEST, 1.0))
        return ops.softmax(raw / temperatures, axis=axis) * total

    def classes(self, probabilities: Tensor, argmax: Callable[..., Any] = ops.argmax) -> Tensor:
        """Returns the most probable class, or for each label whether it is more probable than not.

        Args:
            probabilities: tensor `(M, N, ..., C)`.
            argmax: function like `ops.argmax`, the default.

        Returns:
            int64 tensor without the class axis; for multilabel outputs `(M, N, ..., C)`.
        """
        shape = probabilities.shape
        if self.multilabel or len(shape) == 2:
            return ops.cast(probabilities > 0.5, "int64")
        axis = self._axis(shape)
        if shape[axis] == 1:
            return ops.cast(ops.squeeze(probabilities, axis) > 0.5, "int64")
        return ops.cast(argmax(probabilities, axis=axis), "int64")

    # For numpy arrays of one network, with one row per prediction.

    def class_axis_of(self, shape: Sequence[int]) -> int | None:
        """Returns the class axis of one network's outputs, from 0; None for outputs `(N,)`.

        Args:
            shape: shape of the outputs `(N, ..., C)`.

        Raises:
            ValueError: if the outputs do not have the axis.
        """
        if len(shape) == 1:
            return None
        axis = -1 if self.class_axis is None else self.class_axis
        if not -len(shape) < axis < len(shape) or axis in (0, -len(shape)):
            raise ValueError(
                f"Outputs of shape {shape} have no axis {axis} of classes. Choose another: "
                "`output=mc_tf.ensemble.OutputSpec(kind, class_axis=...)`."
            )
        return axis % len(shape)

    def rows(self, raw: np.ndarray) -> np.ndarray:
        """Reshapes one network's outputs to a matrix.

        Args:
            raw: array `(N, ..., C)`, or `(N,)`.

        Returns:
            `(R, C)` with one row per position; for multilabel outputs `(R, 1)` with one row per
            label.
        """
        if self.multilabel or raw.ndim == 1:
            return raw.reshape(-1, 1)
        if self.exclusive:
            raw = np.moveaxis(raw, self.class_axis_of(raw.shape), -1)
        return raw.reshape(-1, raw.shape[-1])

    def num_columns(self, shape: Sequence[int]) -> int:
        """Returns the number of columns of `rows` for outputs of a shape."""
        if self.multilabel or len(shape) == 1:
            return 1
        return shape[self.class_axis_of(shape) if self.exclusive else -1]

    def from_rows(self, rows: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Restores outputs of a shape from their `rows`."""
        if not self.exclusive or len(shape) == 1:
            return rows.reshape(shape)
        axis = self.class_axis_of(shape)
        moved = (*shape[:axis], *shape[axis + 1 :], shape[axis])
        return np.moveaxis(rows.reshape(moved), -1, axis)

    def check(self, rows: np.ndarray, member: int = 0) -> None:
        """Rejects outputs that are invalid for their kind.

        Args:
            rows: as from `rows`.
            member: index of the member, for the message.

        Raises:
            ValueError: if some are NaN or infinite, or not probabilities.
        """
        wrong = np.isnan(rows) | (rows == np.inf)
        wrong |= (rows == -np.inf) & (not self.kind.endswith("logits"))  # a masked class
        wrong |= (rows == -np.inf).all(-1, keepdims=True) & (rows.shape[-1] > 1)
        if wrong.any():
            raise ValueError(
                f"Member {member} predicts NaN or infinite numbers ({int(wrong.sum())} of "
                f"{wrong.size}). Leave it out, or check its inputs and weights."
            )
        if not self.kind.endswith("probabilities"):
            return
        low, high, sums = rows.min(), rows.max(), rows.sum(-1)
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            raise ValueError(
                "Probabilities must lie between 0 and 1, but the network's outputs range from "
                f"{low:.4g} to {high:.4g}. Pass `output='{self.kind[:-13]}logits'`, or "
                "`output='regression'` for a regression."
            )
        if rows.shape[-1] > 1 and np.abs(sums - 1).max() > _ROUNDING:
            raise ValueError(
                "Probabilities of classes that exclude each other must sum to 1, but the network's "
                f"sums range from {sums.min():.4g} to {sums.max():.4g}. Pass "
                "`output='multilabel_probabilities'` if each output is a separate yes or no, "
                "`output='regression'` for a regression, or set the class axis: "
                "`output=mc_tf.ensemble.OutputSpec('probabilities', class_axis=...)`."
            )

    def log_scores(self, rows: ArrayLike) -> np.ndarray:
        """Returns logits with one column per class, in float64.

        Args:
            rows: as from `rows`.

        Returns:
            float64 array `(R, C)`, with `C` at least 2, before any temperature.
        """
        rows = np.asarray(rows, "float64")
        binary = rows.shape[-1] == 1
        if self.kind.endswith("probabilities"):
            rows = np.clip(rows, _SMALLEST, _LARGEST if binary else 1.0)
            rows = np.log(rows) - np.log1p(-rows) if binary else np.log(rows)
        return np.concatenate([np.zeros_like(rows), rows], -1) if binary else rows

    def predictions(self, rows: ArrayLike, temperature: float = 1.0) -> np.ndarray:
        """Like `probabilities`, with one column per class, in float64.

        Args:
            rows: as from `rows`.
            temperature: positive number.

        Returns:
            float64 array `(R, C)`, with `C` at least 2; values are returned unchanged.
        """
        if self.kind == "regression":
            return np.asarray(rows, "float64")
        scaled = self.log_scores(rows) / temperature
        scaled -= scaled.max(-1, keepdims=True)
        exponentials = np.exp(scaled)
        return exponentials / exponentials.sum(-1, keepdims=True)

    # Serialization, as part of a model's config.

    def get_config(self) -> Config:
        """Returns the arguments that differ from their defaults, as JSON values."""
        config = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name == "kind" or getattr(self, field.name) != field.default
        }
        if self.loss is not None:
            config["loss"] = loss_config(self.loss)
        return config

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Creates an `OutputSpec` from its config."""
        config = dict(config)
        if config["kind"] == "values":  # in files of 0.1.0
            config["kind"] = "regression"
        if isinstance(config.get("loss"), dict):
            config["loss"] = loss_from_config(config["loss"])
        return cls(**config)
