"""A model in a file with everything that its training depends on."""

import contextlib
import io
import os
import zipfile

import keras
import numpy as np
from keras import ops

from mc_tf import checksums
from mc_tf.compiling import precision
from mc_tf.files import atomic_path
from mc_tf.flat import state_variables
from mc_tf.network_code import what_is_missing

__all__ = ["load_checkpoint", "read_metrics", "read_record", "save_checkpoint"]

_RECORD = "mc_tf_record.npz"  # inside the `.keras` archive


def save_checkpoint(model, path, metrics=(), **record):
    """Saves a model with everything that its training depends on, in one step.

    Keras leaves random seeds and the state of stateful recurrent layers out of a `.keras` file;
    they are added to the archive, which Keras can still read.

    Args:
        model: built Keras model.
        path: file name, ending in `.keras`.
        metrics: variables of metrics in the middle of an epoch, to be read back by `read_metrics`.
        **record: numbers to be read back by `read_record`.
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
            archive.comment = b""  # the checksum of what Keras wrote
            archive.writestr(_RECORD, buffer.getvalue())
        checksums.seal(temporary)


def _left_out(model):
    """Variables that decide how training goes on and that Keras does not save."""
    saved = {id(v) for v in model.weights}
    return [v for v in state_variables(model) if id(v) not in saved]


def read_record(path):
    """The numbers that `save_checkpoint` was given.

    Args:
        path: `.keras` file.

    Returns:
        dict of floats and ints; empty if Keras alone wrote the file.
    """
    return {
        key.removeprefix("record:"): value.item()
        for key, value in _read(path).items()
        if key.startswith("record:")
    }


def read_metrics(path):
    """The values of metrics that `save_checkpoint` was given.

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


def load_checkpoint(path, compile=True):
    """Loads a `.keras` file with clear errors.

    Args:
        path: file name.
        compile: whether to restore loss, metrics and optimizer. Default `True`.

    Returns:
        `keras.Model`.

    Raises:
        FileNotFoundError: if there is no such file.
        DamagedFileError: if the file is damaged.
        ValueError: if it holds no Keras model, or one that cannot be loaded here.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"There is no model file '{path}'. Give the `.keras` file that train.py or "
            "connect.py wrote."
        )
    sealed = checksums.check(path, "train.py or connect.py")
    if path.endswith(".keras") and not zipfile.is_zipfile(path):
        raise checksums.DamagedFileError(
            f"The model file '{path}' is damaged or is not a Keras model: it is not a whole "
            f"`.keras` archive ({os.path.getsize(path)} bytes). Make it again."
        )
    try:
        with _precision_of(path):
            model = keras.saving.load_model(path, compile=compile)
        stored = _read(path)
        for index, variable in enumerate(_left_out(model)):
            if f"state:{index}" in stored:
                variable.assign(stored[f"state:{index}"])
    except Exception as error:  # zip, h5py, json and Keras each have their own
        reason = str(error).strip().splitlines() or [""]
        missing = what_is_missing(error)
        if missing:
            raise ValueError(f"The model file '{path}' cannot be loaded here. {missing}") from error
        problem = f"{type(error).__name__}: {reason[0][:200]}"
        if sealed:  # what was written is all there
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
    """Context with the precision of a model that scales its loss.

    Keras makes the optimizer that does so where a model is compiled under `mixed_float16`, and
    forgets that it did: without it the optimizer's variables are left out on loading.
    """
    with zipfile.ZipFile(path) if path.endswith(".keras") else contextlib.nullcontext() as archive:
        scaled = archive is not None and b'"mixed_float16"' in archive.read("config.json")
    with precision("mixed_float16") if scaled else contextlib.nullcontext():
        yield
