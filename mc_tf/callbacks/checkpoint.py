"""A checkpoint that is whole whenever the process is killed, and everything that is in it."""

import contextlib
import io
import math
import os
import zipfile

import keras
import numpy as np
from keras import ops

from mc_tf.compiling import precision
from mc_tf.files import atomic_path, remove_leftovers
from mc_tf.flat import state_variables

__all__ = [
    "AtomicCheckpoint",
    "BestCheckpoint",
    "load_checkpoint",
    "read_record",
    "save_checkpoint",
]

_RECORD = "mc_tf_record.npz"  # inside the `.keras` archive


class AtomicCheckpoint(keras.callbacks.Callback):
    """Saves the model with its optimizer to one `.keras` file after each epoch.

    The file is written under a temporary name and then renamed, so that at any moment it holds
    one complete state: weights, momentum, random seeds, recurrent state, and how many steps
    training has come, so that it can go on there.

    Args:
        path: file name, ending in `.keras`.
        every: save after each so many epochs, and after the last one. Default 1.
        every_steps: also save after each so many steps. Default: no.
        keep_every: keep a copy as `NAME-0010.keras` after each so many epochs. Default: none.
        keep_epochs: keep such a copy after these numbers of epochs too. Default: none.
        steps_per_epoch: batches in a whole epoch. Default: as many as the epoch has that is
            trained.
        first_step: batches of the first epoch that were trained earlier. Default 0.

    Training that diverges (a loss that is not finite) is ended with a `ValueError` and not saved.
    """

    def __init__(
        self,
        path,
        every=1,
        every_steps=None,
        keep_every=None,
        keep_epochs=(),
        steps_per_epoch=None,
        first_step=0,
    ):
        super().__init__()
        self.path = os.fspath(path)
        for name, value in (("every", every), ("keep_every", keep_every)):
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1 epoch. Received: {name}={value}")
        if every_steps is not None and every_steps < 1:
            raise ValueError(f"`every_steps` must be at least 1. Received: {every_steps}")
        self.every = every
        self.every_steps = every_steps
        self.keep_every = keep_every
        self.keep_epochs = frozenset(keep_epochs)
        self._steps_per_epoch = steps_per_epoch
        self._first_step = first_step
        self._epoch = 0

    def save(self, model=None, step=0):
        """Saves now.

        Args:
            model: the model, default the one that is trained.
            step: number of steps that it was trained for.
        """
        save_checkpoint(model or self.model, self.path, step=step)

    def on_epoch_begin(self, epoch, logs=None):
        """Keras' hook."""
        self._epoch = epoch
        self._saved = self._first_step
        self._steps = self._steps_per_epoch or self.params["steps"]

    def on_train_batch_end(self, batch, logs=None):
        """Keras' hook: saves, where `every_steps` asks for it."""
        done = self._first_step + batch + 1
        if self.every_steps and done < self._steps and done - self._saved >= self.every_steps:
            if math.isfinite((logs or {}).get("loss", 0.0)):
                self._saved = done
                self.save(step=self._epoch * self._steps + done)

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook: saves, unless training diverged.

        Raises:
            ValueError: if the loss of the epoch is not finite; the file stays as it was.
        """
        self._first_step = 0
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise ValueError(
                f"Training diverged: the loss of epoch {epoch + 1} is {loss}. Start anew in "
                "another directory with a smaller learning rate. The last checkpoint before it, "
                f"if there is one, is in '{self.path}'."
            )
        step = (epoch + 1) * self._steps
        periodic = self.keep_every and (epoch + 1) % self.keep_every == 0
        if periodic or epoch + 1 in self.keep_epochs:
            root, ending = os.path.splitext(self.path)
            copy = f"{root}-{epoch + 1:04d}{ending}"
            remove_leftovers(copy)
            save_checkpoint(self.model, copy, step=step)
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]:
            self.save(step=step)


class BestCheckpoint(keras.callbacks.Callback):
    """Keeps the model of the epoch with the best value of a metric, written in one step.

    What the file holds counts when training goes on: Keras' `ModelCheckpoint` forgets it.

    Args:
        path: file name, ending in `.keras`.
        monitor: name in the logs, such as `"val_accuracy"`.
        mode: `"max"` or `"min"`.
    """

    def __init__(self, path, monitor, mode):
        super().__init__()
        self.path = os.fspath(path)
        self.monitor = monitor
        self._sign = {"max": 1.0, "min": -1.0}[mode]

    def on_train_begin(self, logs=None):
        """Keras' hook."""
        self.best = None

    def on_epoch_begin(self, epoch, logs=None):
        """Keras' hook: looks up the best value so far, where training goes on."""
        if self.best is None:
            record = read_record(self.path) if epoch and os.path.exists(self.path) else {}
            self.best = float(record.get("best", -self._sign * math.inf))

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook: saves the model if it is better than all before."""
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"The logs have no '{self.monitor}' to say which network is best. They have: "
                f"{', '.join(logs or {})}."
            )
        value = float(logs[self.monitor])
        if self._sign * value > self._sign * self.best:
            self.best = value
            save_checkpoint(self.model, self.path, best=value, epoch=epoch + 1)


def save_checkpoint(model, path, **record):
    """Saves a model with everything that its training depends on, in one step.

    Keras leaves random seeds and the state of stateful recurrent layers out of a `.keras` file;
    they are added to the archive, which Keras can still read.

    Args:
        model: built Keras model.
        path: file name, ending in `.keras`.
        **record: numbers to be read back by `read_record`.
    """
    arrays = {f"record:{name}": np.asarray(value) for name, value in record.items()}
    for index, variable in enumerate(_left_out(model)):
        arrays[f"state:{index}"] = ops.convert_to_numpy(variable)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with atomic_path(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_RECORD, buffer.getvalue())


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


def _read(path):
    try:
        with zipfile.ZipFile(path) as archive:
            if _RECORD not in archive.namelist():
                return {}
            with np.load(io.BytesIO(archive.read(_RECORD))) as stored:
                return dict(stored)
    except zipfile.BadZipFile as error:
        raise ValueError(f"The model file '{path}' is damaged. Make it again.") from error


def load_checkpoint(path, compile=True):
    """Loads a `.keras` file with clear errors.

    Args:
        path: file name.
        compile: whether to restore loss, metrics and optimizer. Default `True`.

    Returns:
        `keras.Model`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or no Keras model.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"There is no model file '{path}'. Give the `.keras` file that train.py or "
            "connect.py wrote."
        )
    if path.endswith(".keras") and not zipfile.is_zipfile(path):
        raise ValueError(
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
        raise ValueError(
            f"The model file '{path}' is damaged or is not a Keras model "
            f"({type(error).__name__}: {reason[0][:200]}). Make it again."
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
