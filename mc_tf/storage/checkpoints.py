"""Checkpoints: a model file with the complete training state."""

import contextlib
import io
import os
import zipfile

import keras
import numpy as np
from keras import ops

from mc_tf.backend.precision import precision
from mc_tf.storage import checksums
from mc_tf.storage.files import atomic_path
from mc_tf.weights.flat import state_variables
from mc_tf.weights.network_code import what_is_missing

__all__ = [
    "check_model_file",
    "copy_after",
    "load_checkpoint",
    "read_metrics",
    "read_record",
    "save_checkpoint",
]

_RECORD = "mc_tf_record.npz"  # inside the `.keras` archive


def save_checkpoint(model, path, metrics=(), **record):
    """Saves a model with its complete training state, atomically.

    Keras leaves random seeds and the state of stateful recurrent layers out of a `.keras` file;
    they are added to the archive, which Keras can still read.

    Args:
        model: built Keras model.
        path: file name, ending in `.keras`.
        metrics: variables of metrics within an epoch, for `read_metrics`.
        **record: numbers for `read_record`.
    """
    arrays = {f"record:{name}": np.asarray(value) for name, value in record.items()}
    for index, variable in enumerate(_left_out(model)):
        arrays[f"state:{index}"] = ops.convert_to_numpy(variable)
    for index, variable in enumerate(metrics):
        arrays[f"metric:{index}"] = ops.convert_to_numpy(variable)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with atomic_path(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.comment = b""  # the checksum of the file from Keras
            archive.writestr(_RECORD, buffer.getvalue())
        checksums.seal(temporary)


def _left_out(model):
    """Returns variables of the training state that Keras does not save."""
    saved = {id(v) for v in model.weights}
    return [v for v in state_variables(model) if id(v) not in saved]


def copy_after(path, epochs):
    """Returns the file of the checkpoint copy after a number of epochs.

    Args:
        path: `.keras` file of the latest checkpoint.
        epochs: number of epochs, or `None` for `path` itself.

    Returns:
        str.

    Example:
        >>> copy_after("model.keras", 24)
        'model-0024.keras'
    """
    root, ending = os.path.splitext(path)
    return path if epochs is None else f"{root}-{epochs:04d}{ending}"


def read_record(path):
    """Reads the numbers passed to `save_checkpoint`.

    Args:
        path: `.keras` file.

    Returns:
        dict of floats and ints; empty for files written by Keras alone.
    """
    return {
        key.removeprefix("record:"): value.item()
        for key, value in _read(path).items()
        if key.startswith("record:")
    }


def read_metrics(path):
    """Reads the metrics passed to `save_checkpoint`.

    Args:
        path: `.keras` file.

    Returns:
        List of arrays.
    """
    stored = _read(path)
    return [stored[f"metric:{i}"] for i in range(sum(k.startswith("metric:") for k in stored))]


def _read(path):
    def parse(file):
        with zipfile.ZipFile(file) as archive:
            if _RECORD not in archive.namelist():
                return {}
            with np.load(io.BytesIO(archive.read(_RECORD)), allow_pickle=False) as stored:
                return dict(stored)

    return checksums.read(path, parse, "a Keras model", "train.py or connect.py")


def check_model_file(path):
    """Rejects a path without a whole Keras model, with an error that fits its contents.

    Args:
        path: file name.

    Returns:
        Whether the file has a checksum.

    Raises:
        FileNotFoundError: if nothing or a directory is there; the message says what to pass.
        DamagedFileError: if the file is damaged.
        OtherKindError: a `ValueError`, if it is another kind of file; the message says what to
            pass.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        raise FileNotFoundError(
            f"There is no model file '{path}': it is a directory{_what_to_give(path)}"
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"There is no model file '{path}'. Give the `.keras` file that `model.save`, train.py "
            "or connect.py wrote."
        )
    sealed = checksums.check(path, "train.py or connect.py")
    other = None
    if path.endswith(".npz"):
        other = (
            "holds numbers only, as a snapshot does. Build the network, load the "
            "snapshot by `mc_tf.load_snapshot(network, path)`, and give the network."
        )
    elif path.endswith(".h5") and not _has_architecture(path):
        other = (
            "holds weights only. Build the network, load them by `network.load_weights(path)`, and "
            "give the network, or save it whole: `network.save('a.keras')`."
        )
    elif not path.endswith((".keras", ".h5")):
        other = "does not end in `.keras`, as the file of a Keras model does."
        if zipfile.is_zipfile(path):
            other += " If it is one, give it that name."
    if other:
        raise checksums.OtherKindError(f"The file '{path}' {other}")
    return sealed


def _what_to_give(path):
    if os.path.exists(os.path.join(path, "saved_model.pb")):
        return (
            ", a model exported as a SavedModel, whose weights cannot be taken by their layers. "
            "Give the `.keras` file of that network: `network.save('a.keras')`."
        )
    files = sorted(name for name in os.listdir(path) if name.endswith(".keras"))
    if files:
        return f". Give a file in it: {', '.join(os.path.join(path, f) for f in files[:4])}."
    return ". Give the `.keras` file of a network."


def _has_architecture(path):
    """Whether an HDF5 file describes a model; `True` if it cannot be read."""
    import h5py  # a dependency of Keras

    with contextlib.suppress(Exception), h5py.File(path, "r") as content:
        return "model_config" in content.attrs
    return True


def load_checkpoint(path, compile=True):
    """Loads a `.keras` file, or a model in Keras' legacy `.h5` format, with clear errors.

    Args:
        path: file name.
        compile: whether to restore loss, metrics and optimizer. Default `True`.

    Returns:
        `keras.Model`.

    Raises:
        FileNotFoundError: if the file does not exist.
        DamagedFileError: if the file is damaged.
        ValueError: if it does not contain a Keras model, or the model cannot be loaded here.
    """
    path = os.fspath(path)
    sealed = check_model_file(path)
    if path.endswith(".keras") and not zipfile.is_zipfile(path):
        raise checksums.DamagedFileError(
            f"The model file '{path}' is damaged or is not a Keras model: it is not a whole "
            f"`.keras` archive ({os.path.getsize(path)} bytes). Make it again."
        )
    try:
        with _precision_of(path):
            model = keras.saving.load_model(path, compile=compile)
        stored = _read(path) if path.endswith(".keras") else {}
        for index, variable in enumerate(_left_out(model)):
            if f"state:{index}" in stored:
                variable.assign(stored[f"state:{index}"])
    except Exception as error:  # zip, h5py, json and Keras raise different errors
        reason = str(error).strip().splitlines() or [""]
        missing = what_is_missing(error)
        if missing:
            raise ValueError(f"The model file '{path}' cannot be loaded here. {missing}") from error
        problem = f"{type(error).__name__}: {reason[0][:200]}"
        if sealed:  # the file is complete
            raise ValueError(
                f"Keras cannot load the model file '{path}', which is whole ({problem})."
            ) from error
        raise checksums.DamagedFileError(
            f"The model file '{path}' is damaged or is not a Keras model ({problem}). Make it "
            "again."
        ) from error
    return model


@contextlib.contextmanager
def _precision_of(path):
    """Context with the precision of a model with loss scaling.

    Keras adds loss scaling when a model is compiled under `mixed_float16`, but does not save it:
    without this context the optimizer's variables are dropped on loading.
    """
    with zipfile.ZipFile(path) if path.endswith(".keras") else contextlib.nullcontext() as archive:
        scaled = archive is not None and b'"mixed_float16"' in archive.read("config.json")
    with precision("mixed_float16") if scaled else contextlib.nullcontext():
        yield
