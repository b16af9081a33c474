"""Data sets: one protocol, `Dataset`, for images, texts, ImageNet, regressions and custom data."""

from mc_tf.data.arrays import ArrayData
from mc_tf.data.augmentation import crop_and_flip
from mc_tf.data.catalog import load, names, normalizations, register
from mc_tf.data.corruptions import corrupt
from mc_tf.data.dataset import Dataset
from mc_tf.data.endless import endless_batches
from mc_tf.data.images import ImageData
from mc_tf.data.options import DataOptions
from mc_tf.data.regression import RegressionData
from mc_tf.data.stand_in import stand_in
from mc_tf.data.text import TextData
from mc_tf.data.uci import UCIData

__all__ = [
    "ArrayData",
    "DataOptions",
    "Dataset",
    "ImageData",
    "RegressionData",
    "TextData",
    "corrupt",
    "UCIData",
    "crop_and_flip",
    "endless_batches",
    "load",
    "names",
    "normalizations",
    "register",
    "stand_in",
]
