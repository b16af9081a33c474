"""Networks as plain Keras builders, and whole networks on a curve."""

from mc_tf.models import conv3fc3, convnet, fully_connected, preresnet, registry
from mc_tf.models.connect import connect
from mc_tf.models.curve_model import CurveModel
from mc_tf.models.registry import build

__all__ = [
    "CurveModel",
    "build",
    "connect",
    "conv3fc3",
    "convnet",
    "fully_connected",
    "preresnet",
    "registry",
]
