"""Initial weights from a file."""

import os
import re
import warnings

import keras

from mc_tf.storage import checksums
from mc_tf.storage.files import weight_shapes
from mc_tf.typing import PathLike
from mc_tf.warning import warn

__all__ = ["load_initial_weights"]


def load_initial_weights(model: keras.Model, path: PathLike) -> None:
    """Loads a file of weights, with one-line error messages.

    Args:
        model: built Keras model.
        path: file name: `.keras`, `.weights.h5`, or `.h5` as `keras.applications` publishes.

    Raises:
        FileNotFoundError: if the file does not exist.
        DamagedFileError: if it is damaged, or contains no weights.
        ValueError: if its weights do not match.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file of weights '{path}'.")
    try:
        names = weight_shapes(path)
    except checksums.DamagedFileError as error:
        raise checksums.DamagedFileError(
            f"The file '{path}' does not hold the weights of the network '{model.name}'. {error}"
        ) from error
    try:
        with warnings.catch_warnings(record=True) as caught:
            model.load_weights(path)
        if path.endswith((".keras", ".weights.h5")):  # for older files Keras counts the layers
            _check_nothing_left(model, names)
    except Exception as error:  # h5py and Keras raise different errors
        reason = str(error).strip().splitlines() or [""]
        raise ValueError(
            f"The file '{path}' does not hold the weights of the network '{model.name}' "
            f"({type(error).__name__}: {reason[0][:200]})."
        ) from error
    for warning in caught:  # on failure, one line is enough
        warn(warning.message)


def _check_nothing_left(model, names):
    """Rejects a file with more weights than the network, which Keras would ignore silently."""
    count = sum(not re.search(r"\bseed_generator", name) for name in names)
    if count > len(model.weights):
        raise ValueError(f"it has {count} arrays of weights, the network {len(model.weights)}")
