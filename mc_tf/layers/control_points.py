"""How the control points of a layer on a curve are set."""

from collections.abc import Sequence

import keras
from keras import ops

from mc_tf.backend.array_kinds import is_finite
from mc_tf.deprecation import warn_renamed
from mc_tf.typing import Tensor, TensorLike, Weights
from mc_tf.weights.compatibility import (
    check_finite,
    check_same_architecture,
    check_same_fixed,
)
from mc_tf.weights.flat import flat_weights

__all__ = ["ControlPoints"]


class ControlPoints:
    """Setting the control points of a `CurveLayer`, and the weights between them."""

    def set_point(self, index: int, weights: Weights | Sequence[TensorLike]) -> None:
        """Sets control point `index`: 0 the start, then the bends in order, -1 the end.

        Args:
            index: integer position in the list of control points.
            weights: a layer or model of the same architecture, a list of arrays in the order
                of `layer.trainable_variables`, or a flat vector `(P,)`.

        Raises:
            ValueError: if the weights do not match (the message names the first difference) or are
                not finite.
        """
        if isinstance(weights, keras.layers.Layer):
            check_same_architecture(self.layer, weights, ("layer", "weights"))
            check_same_fixed(self.layer, weights, ("layer", "weights"), self.state)
            flat = flat_weights(weights)
        elif isinstance(weights, (list, tuple)):
            flat = self.layout.pack(weights)
        else:
            flat = ops.convert_to_numpy(weights)
            if flat.shape != (self.layout.num_weights,):
                raise ValueError(
                    f"A flat weight vector of '{self.layer.name}' has shape "
                    f"({self.layout.num_weights},). Received shape {flat.shape}"
                )
        if not is_finite(flat):
            raise ValueError(f"The weights of control point {index} must be finite numbers.")
        self.points[index].assign(flat)

    def initialize_bends(self) -> None:
        """Resets the bends to the curve's initial points: evenly spaced on the segment."""
        ends = (ops.convert_to_numpy(self.points[j]) for j in (0, -1))
        for point, value in zip(self.points, self.curve.initial_points(*ends, self.layout)):
            point.assign(value)

    def weights_at(self, t: TensorLike) -> list[Tensor]:
        """The weights of an ordinary network at `t`.

        Args:
            t: position in [0, 1], scalar.

        Returns:
            List of tensors, in the order of `layer.trainable_variables`.

        Raises:
            ValueError: if a control point is not finite, or `trainable` of the layer has changed.
        """
        check_finite(self.points, "curve")
        self._code.check_same_weights()
        return self.layout.unpack(self.flat_weights_at(t))

    def flat_point(self, t: TensorLike) -> Tensor:
        """The old name of `flat_weights_at`."""
        warn_renamed("`flat_point`", "`flat_weights_at`")
        return self.flat_weights_at(t)
