"""Named curve layers, for networks that are built layer by layer on a curve.

They extend `CurveLayer` only by the constructor of the wrapped layer. `connect` puts a whole model
on a curve at once and does not need them.
"""

from collections.abc import Sequence
from typing import Any, Self

import keras

from mc_tf.backend.keras_internals import layers_within
from mc_tf.curves import Bezier, Curve
from mc_tf.layers.control_points import PointsRegularizer
from mc_tf.layers.curve_layer import CurveLayer
from mc_tf.layers.positions import PositionPer
from mc_tf.typing import Config, TensorLike
from mc_tf.weights.network_code import revive_parts

__all__ = [
    "CurveBatchNormalization",
    "CurveConv2D",
    "CurveDense",
    "CurveEmbedding",
    "CurveLSTM",
    "set_position",
]


class _NamedCurveLayer(CurveLayer):
    """A curve layer that creates its wrapped layer.

    Args:
        *args: positional arguments of the wrapped layer.
        curve: the curve, default `Bezier(1)`. Layers of one network share its position.
        fix_start, fix_end: whether the endpoint is fixed in training, default `True`.
        seed: integer seed of the positions drawn in training.
        position_per, positions_per_batch, fixed, points_regularizer: see `CurveLayer`. The first
            layer of a network decides for all who shares a position, and how many there are.
        **kwargs: keyword arguments of the wrapped layer, `name` included.
    """

    wrapped_class: type[keras.Layer]

    def __init__(
        self,
        *args: Any,
        curve: Curve | None = None,
        fix_start: bool = True,
        fix_end: bool = True,
        seed: int | None = None,
        position_per: PositionPer = "batch",
        positions_per_batch: int = 1,
        fixed: Sequence[int] | None = None,
        points_regularizer: PointsRegularizer | None = None,
        **kwargs: Any,
    ) -> None:
        layer = self.wrapped_class(*args, **kwargs)
        super().__init__(
            layer,
            Bezier(1) if curve is None else curve,
            fix_start,
            fix_end,
            seed,
            position_per,
            positions_per_batch,
            fixed,
            points_regularizer,
            name=kwargs.get("name"),
        )

    def get_config(self) -> Config:
        """Returns the arguments of the wrapped layer and of the curve."""
        return {**self.layer.get_config(), "name": self.name, **self._curve_config()}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Creates a layer from its config."""
        config = revive_parts(config, "curve", "points_regularizer")
        names = ("fix_start", "fix_end", "seed", "position_per", "positions_per_batch", "fixed")
        names += ("points_regularizer",)
        options = {key: config.pop(key) for key in names if key in config}
        curve = config.pop("curve")
        layer = cls.wrapped_class.from_config(config)
        made = cls.__new__(cls)
        CurveLayer.__init__(made, layer, curve, name=config["name"], **options)
        return made


@keras.saving.register_keras_serializable("mc_tf")
class CurveDense(_NamedCurveLayer):
    """`keras.layers.Dense` on a curve.

    Example:
        >>> layer = CurveDense(3, curve=Bezier(num_bends=2))
        >>> layer.build((None, 4))
        >>> [tuple(v.shape) for v in layer.trainable_variables]
        [(15,), (15,)]
    """

    wrapped_class = keras.layers.Dense


@keras.saving.register_keras_serializable("mc_tf")
class CurveConv2D(_NamedCurveLayer):
    """`keras.layers.Conv2D` on a curve."""

    wrapped_class = keras.layers.Conv2D


@keras.saving.register_keras_serializable("mc_tf")
class CurveBatchNormalization(_NamedCurveLayer):
    """`keras.layers.BatchNormalization` on a curve.

    Its statistics belong to one position: after moving, call `update_batch_norm` (section A.2).
    """

    wrapped_class = keras.layers.BatchNormalization


@keras.saving.register_keras_serializable("mc_tf")
class CurveEmbedding(_NamedCurveLayer):
    """`keras.layers.Embedding` on a curve."""

    wrapped_class = keras.layers.Embedding


@keras.saving.register_keras_serializable("mc_tf")
class CurveLSTM(_NamedCurveLayer):
    """`keras.layers.LSTM` on a curve."""

    wrapped_class = keras.layers.LSTM


def set_position(network: keras.Layer, t: TensorLike) -> None:
    """Moves all curve layers of a network to the position `t`.

    Args:
        network: a Keras layer or model with curve layers inside, at any depth.
        t: position in [0, 1] at which they run at inference.

    Raises:
        ValueError: if `t` is outside [0, 1] or the network has no curve layer.
    """
    layers = [part for part in layers_within(network) if isinstance(part, CurveLayer)]
    if not layers:
        raise ValueError(f"'{network.name}' has no curve layer, so it has no position to set.")
    for part in layers:
        part.t = t
