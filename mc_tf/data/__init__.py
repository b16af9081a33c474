"""Data sets: in-memory images with reproducible, resumable training batches, and texts."""

from mc_tf.data.augmentation import crop_and_flip
from mc_tf.data.catalog import load, names, normalizations
from mc_tf.data.endless import endless_batches
from mc_tf.data.images import ImageData
from mc_tf.data.regression import RegressionData
from mc_tf.data.stand_in import stand_in
from mc_tf.data.text import TextData

__all__ = [
    "ImageData",
    "RegressionData",
    "TextData",
    "crop_and_flip",
    "endless_batches",
    "load",
    "names",
    "normalizations",
    "stand_in",
]
