"""Keras layers on a curve."""

from mc_tf.layers.curve_layer import CurveLayer
from mc_tf.layers.standard import (
    CurveBatchNormalization,
    CurveConv2D,
    CurveDense,
    CurveEmbedding,
    CurveLSTM,
    set_position,
)

__all__ = [
    "CurveBatchNormalization",
    "CurveConv2D",
    "CurveDense",
    "CurveEmbedding",
    "CurveLSTM",
    "CurveLayer",
    "set_position",
]
