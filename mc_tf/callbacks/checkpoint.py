"""A checkpoint that is whole whenever the process is killed."""

import math
import os
import zipfile

import keras

from mc_tf.files import atomic_path

__all__ = ["AtomicCheckpoint", "load_checkpoint"]


class AtomicCheckpoint(keras.callbacks.Callback):
    """Saves the model with its optimizer to one `.keras` file after each epoch.

    The file is written under a temporary name and then renamed, so that at any moment it holds
    one complete state; `optimizer.iterations` in it says how far training had come. Weights and
    momentum are inside, and for a curve all random seeds. Keras does not save the seeds of a
    plain network's dropout layers: those begin anew when training goes on.

    Args:
        path: file name, ending in `.keras`.
        every: save after each so many epochs, and after the last one. Default 1.

    Training that diverges (a loss that is not finite) is ended with a `ValueError` and not saved.
    """

    def __init__(self, path, every=1):
        super().__init__()
        self.path = os.fspath(path)
        if every < 1:
            raise ValueError(f"`every` must be at least 1 epoch. Received: every={every}")
        self.every = every

    def save(self, model=None):
        """Saves now.

        Args:
            model: the model, default the one that is trained.
        """
        with atomic_path(self.path) as temporary:
            (model or self.model).save(temporary)

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook: saves, unless training diverged.

        Raises:
            ValueError: if the loss of the epoch is not finite; the file stays as it was.
        """
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise ValueError(
                f"Training diverged: the loss of epoch {epoch + 1} is {loss}. Start anew in "
                "another directory with a smaller learning rate. The last checkpoint before it, "
                f"if there is one, is in '{self.path}'."
            )
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]:
            self.save()


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
        return keras.saving.load_model(path, compile=compile)
    except Exception as error:  # zip, h5py, json and Keras each have their own
        reason = str(error).strip().splitlines() or [""]
        raise ValueError(
            f"The model file '{path}' is damaged or is not a Keras model "
            f"({type(error).__name__}: {reason[0][:200]}). Make it again."
        ) from error
