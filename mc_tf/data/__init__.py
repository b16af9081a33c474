"""Data sets: in-memory images with reproducible, resumable training batches."""

from mc_tf.data.augmentation import crop_and_flip
from mc_tf.data.catalog import load, names, normalizations
from mc_tf.data.images import ImageData

__all__ = ["ImageData", "crop_and_flip", "load", "names", "normalizations"]
