"""Builders of Keras networks, and whole networks on a curve."""

from mc_tf.models.connect import connect
from mc_tf.models.curve_model import CurveModel
from mc_tf.models.zoo import (
    conv3fc3,
    convnet,
    densenet,
    fully_connected,
    imagenet_resnet,
    lstm,
    preresnet,
    pyramidnet,
    registry,
    resnet,
    shake_shake,
    vgg,
    wide_resnet,
)
from mc_tf.models.zoo.registry import build, names, register
from mc_tf.models.zoo.weight_decay import with_weight_decay

__all__ = [
    "CurveModel",
    "build",
    "connect",
    "conv3fc3",
    "convnet",
    "densenet",
    "fully_connected",
    "imagenet_resnet",
    "lstm",
    "names",
    "preresnet",
    "pyramidnet",
    "register",
    "registry",
    "resnet",
    "shake_shake",
    "vgg",
    "wide_resnet",
    "with_weight_decay",
]
