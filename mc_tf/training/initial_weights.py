"""Weights from a file, to begin a training with."""

import os
import re
import warnings
import zipfile

from mc_tf import checksums
from mc_tf.files import weight_shapes

__all__ = ["load_initial_weights"]


def load_initial_weights(model, path):
    """Loads a file of weights with one clear line if that fails.

    Args:
        model: built Keras model.
        path: file name: `.keras`, `.weights.h5`, or `.h5` as `keras.applications` publishes.

    Raises:
        FileNotFoundError: if there is no such file.
        DamagedFileError: if its checksum does not match.
        ValueError: if it holds other weights, or none.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file of weights '{path}'.")
    checksums.check(path)
    try:
        names = _weight_names(path)
    except Exception as error:  # zip and h5py each have their own
        raise checksums.DamagedFileError(
            f"The file '{path}' does not hold the weights of the network '{model.name}': it is "
            f"damaged or something else ({type(error).__name__}, {os.path.getsize(path)} bytes)."
        ) from error
    try:
        with warnings.catch_warnings(record=True) as caught:
            model.load_weights(path)
        _check_nothing_left(model, names)
    except Exception as error:  # h5py and Keras each have their own
        reason = str(error).strip().splitlines() or [""]
        raise ValueError(
            f"The file '{path}' does not hold the weights of the network '{model.name}' "
            f"({type(error).__name__}: {reason[0][:200]})."
        ) from error
    for warning in caught:  # where it fails, one line is enough
        warnings.warn(warning.message, stacklevel=2)


def _weight_names(path):
    """Names of the arrays of weights in a file."""
    with open(path, "rb") as file:
        if not path.endswith(".keras"):
            names = list(weight_shapes(file))
            # Keras counts the layers of older files itself.
            return names if path.endswith(".weights.h5") else []
        with zipfile.ZipFile(file) as archive, archive.open("model.weights.h5") as weights:
            return list(weight_shapes(weights))


def _check_nothing_left(model, names):
    """Refuses a file with more weights than the network, which Keras would leave out silently."""
    found = sum(not re.search(r"\bseed_generator", name) for name in names)
    if found > len(model.weights):
        raise ValueError(f"it has {found} arrays of weights, the network {len(model.weights)}")
