"""Where on the curve a layer runs: at its own position, at a given one, or at drawn ones."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Literal, Self, TypeAlias

import numpy as np
from keras import ops

from mc_tf.arguments import check_counts
from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import layers_within, once_a_call
from mc_tf.typing import Tensor, TensorLike
from mc_tf.weights.flat import recurrent_state

__all__ = ["PositionPer", "Positions", "check_parts", "check_positions", "shares"]

PositionPer: TypeAlias = Literal["batch", "replica", "layer"]


def check_positions(position_per, positions_per_batch):
    """Rejects settings of the positions drawn in training, naming them."""
    if position_per not in ("batch", "replica", "layer"):
        raise ValueError(
            f"`position_per` must be 'batch', 'replica' or 'layer'. Received: {position_per!r}"
        )
    check_counts(high=1000, positions_per_batch=positions_per_batch)


def check_parts(layer, positions_per_batch):
    """Rejects parts of batches for a layer that keeps a state for each example of a batch."""
    stateful = [part.name for part in layers_within(layer) if recurrent_state(part)]
    if positions_per_batch > 1 and stateful:
        raise ValueError(
            f"The stateful layer '{stateful[0]}' of '{layer.name}' keeps a state for each example "
            "of a batch, so its batches cannot be split. Received: positions_per_batch="
            f"{positions_per_batch}. Leave it out."
        )


class Positions:
    """The position of a `CurveLayer`, and the positions that it draws in training."""

    @property
    def t(self) -> float | list[float]:
        """Position in [0, 1] at which the layer runs at inference; assign it to move."""
        return ops.convert_to_numpy(self._position).tolist()

    @t.setter
    def t(self, value: TensorLike) -> None:
        self._position.assign(self._one_position(value))

    def _one_position(self, t):
        t = self.curve.check_position(t)
        if tuple(t.shape) != self.curve.position_shape:
            raise ValueError(f"`t` must be one position, received shape {tuple(t.shape)}")
        return t

    def _positions(self, t, training):
        """One position for each part of the batch: `position_shape`, or `(L, *position_shape)`."""
        if t is not None:
            return [ops.cast(self._one_position(t), "float32")]
        if not training:
            return [backend.read(self._position)]
        own = f"_{id(self)}" if self.position_per == "layer" else ""
        return once_a_call(self, f"mc_tf_position{own}", self._draw)

    def _draw(self):
        return [self._draw_one() for _ in range(self.positions_per_batch)]

    def _draw_one(self):
        own, count = 0, 1
        if self.position_per == "replica":
            own, count = backend.replica()
        elif self.position_per == "layer":
            own, count = ..., self._code.num_layers
        # Each replica draws all positions, so that all generators stay the same.
        drawn = [self.curve.draw(self._seed_generator) for _ in range(count)]
        return ops.stack(drawn)[own] if count > 1 else drawn[0]

    def _coefficients(self, position):
        """The coefficients at a drawn position: `(k,)`, or `(k, P)` for one of each layer."""
        coefficients = self.curve.coefficients(position)
        if len(coefficients.shape) == 1:
            return coefficients
        by_weight = ops.take(coefficients, self._code.layer_of_weight, axis=0)
        return ops.transpose(ops.repeat(by_weight, np.array(self.layout.sizes), axis=0))

    def flat_weights_at(self, t: TensorLike) -> Tensor:
        """The flat weight vector `phi(t)`, differentiable in the points and in `t`.

        Args:
            t: position in [0, 1], scalar.

        Returns:
            Tensor of shape `(P,)`.
        """
        return self._combined(self.curve.coefficients(self._one_position(t)))

    def _combined(self, coefficients):
        """`c @ points` for coefficients `(k,)`, or of each weight, `(k, P)`."""
        coefficients = ops.cast(coefficients, self.layout.dtype)
        terms = [coefficients[j] * backend.read(p) for j, p in enumerate(self.points)]
        return sum(terms[1:], terms[0])

    def evaluate_point(self, t: TensorLike) -> tuple[list[Tensor], list[Tensor]]:
        """Computes weights and penalties at `t` once, for many calls under `at_point`.

        Args:
            t: position in [0, 1], scalar.

        Returns:
            `(weights, penalties)`, two lists of tensors.
        """
        return self.unpack_point(self.flat_weights_at(t))

    def unpack_point(self, flat: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Like `evaluate_point`, for any flat weight vector; differentiable.

        Args:
            flat: tensor of shape `(P,)`.

        Returns:
            `(weights, penalties)`, two lists of tensors.
        """
        weights = self.layout.unpack(flat)
        return weights, self._code.penalty(flat, weights)

    @contextlib.contextmanager
    def at_point(self, weights: Sequence[Tensor], penalties: Sequence[Tensor]) -> Iterator[Self]:
        """Context in which calls run with weights from `evaluate_point`, whatever `t` is."""
        with self._at_parts([(weights, penalties)]):
            yield self

    @contextlib.contextmanager
    def _at_parts(self, points):
        """Like `at_point`, with one point for each part of the batch."""
        self._at = lambda: points  # a function is not tracked
        try:
            yield self
        finally:
            self._at = None

    def _points_at(self, t, training):
        """Weights and penalties for each part of the batch; the points' penalty in training."""
        flats = [self._combined(self._coefficients(p)) for p in self._positions(t, training)]
        points = [self.unpack_point(flat) for flat in flats]
        points = [(weights, shares(terms, len(points))) for weights, terms in points]
        if training and self.points_regularizer is not None:
            points[0][1].append(self.points_regularizer(self.inner_products(), self.curve))
        return points


def shares(losses, count):
    """The losses of one of several parts of a batch, as shares of the mean."""
    return losses if count == 1 else [loss / count for loss in losses]
