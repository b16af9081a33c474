"""Callbacks that write checkpoints atomically."""

import math
import os
from collections.abc import Collection

import keras

from mc_tf.arguments import check_counts, check_kind, check_path
from mc_tf.storage.checkpoints import copy_after, read_metrics, read_record, save_checkpoint
from mc_tf.typing import Logs, Mode, PathLike
from mc_tf.warning import warn
from mc_tf.weights.finite import FiniteVariables

__all__ = ["AtomicCheckpoint", "BestCheckpoint"]


class AtomicCheckpoint(keras.callbacks.Callback):
    """Saves the model and its optimizer to one `.keras` file after each epoch.

    The file is written under a temporary name and then renamed, so it always contains one complete
    state: weights, momentum, random seeds, recurrent state and the number of steps, from which
    training can resume.

    Args:
        path: file name, ending in `.keras`.
        every: save every N epochs, and after the last epoch. Default 1.
        every_steps: also save every N steps. Default: no.
        keep_every: keep a copy as `NAME-0010.keras` every N epochs. Default: none.
        keep_epochs: also keep such a copy after these epochs. Default: none.
        steps_per_epoch: batches per epoch. Default: the number of batches in the first epoch of
            `fit`. Required for data of unknown length.
        first_step: batches of the first epoch that were already trained, up to the checkpoint in
            `path`. Loss and metrics then cover the whole epoch, if the metrics of the model are
            built. Default 0.

    If training diverges (the loss, validation loss, a weight or a statistic is not finite), it
    stops with a `ValueError` and nothing is saved.
    """

    def __init__(
        self,
        path: PathLike,
        every: int = 1,
        every_steps: int | None = None,
        keep_every: int | None = None,
        keep_epochs: Collection[int] = (),
        steps_per_epoch: int | None = None,
        first_step: int = 0,
    ) -> None:
        super().__init__()
        check_path("path", path)
        check_counts(optional=True, every=every, every_steps=every_steps, keep_every=keep_every)
        check_kind("keep_epochs", keep_epochs, (tuple, list, set, frozenset), "numbers of epochs")
        for number in keep_epochs:
            check_counts(keep_epochs=number)
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
        self._finite = None

    def save(self, model: keras.Model | None = None, step: int = 0) -> None:
        """Saves a checkpoint now.

        Args:
            model: the model, default the model in training.
            step: number of trained steps.

        Raises:
            ValueError: if a weight of the passed model is not finite; the file is kept.
        """
        problem = model and FiniteVariables(model).problem()  # the trained model was checked before
        if problem:
            raise ValueError(f"'{problem}' is not finite, so the model is not saved: {self.path}.")
        save_checkpoint(model or self.model, self.path, step=step)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the start of each epoch."""
        if self._finite is None:
            self._finite = FiniteVariables(self.model)
        self._epoch = epoch
        self._saved = self._first_step
        self._steps = self._steps_per_epoch or self.params["steps"]
        if self._steps is None:
            raise ValueError(
                "The data does not know the number of batches per epoch, which a checkpoint needs. "
                "Pass AtomicCheckpoint(steps_per_epoch=...)."
            )
        if self._first_step and os.path.exists(self.path):
            kept, variables = read_metrics(self.path), self.model.metrics_variables
            if [value.shape for value in kept] == [tuple(v.shape) for v in variables]:
                for variable, value in zip(variables, kept):
                    variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Saves every `every_steps` steps."""
        done = self._first_step + batch + 1
        if self.every_steps and done < self._steps and done - self._saved >= self.every_steps:
            if self._divergence(logs or {}) is None:
                self._saved = done
                step = self._epoch * self._steps + done
                metrics = self.model.metrics_variables
                save_checkpoint(self.model, self.path, metrics, step=step)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves at the end of an epoch, unless training diverged.

        Raises:
            ValueError: if the loss of the epoch, a weight or a statistic is not finite; the file is
                kept.
        """
        self._first_step = 0
        diverged = self._divergence(logs or {})
        if diverged:
            raise ValueError(
                f"Training diverged: the {diverged} of epoch {epoch + 1}. Start over in another "
                "directory with a smaller learning rate. The last checkpoint before it, if any, is "
                f"in '{self.path}'."
            )
        step = (epoch + 1) * self._steps
        periodic = self.keep_every and (epoch + 1) % self.keep_every == 0
        if periodic or epoch + 1 in self.keep_epochs:
            save_checkpoint(self.model, copy_after(self.path, epoch + 1), step=step)
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]:
            self.save(step=step)

    def _divergence(self, logs):
        """Returns the evidence of divergence, or `None`. No training loss covers the last step."""
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs.get(name, 0.0)):
                return f"{name.replace('val_', 'validation ')} is {logs[name]} at the end"
        problem = self._finite.problem()
        return problem and f"weights '{problem}' are not finite at the end"


class BestCheckpoint(keras.callbacks.Callback):
    """Saves the model of the epoch with the best value of a metric, atomically.

    Resumed training compares with the best value in the file, which Keras' `ModelCheckpoint`
    forgets. A diverged model is never the best; this raises a warning once.

    Args:
        path: file name, ending in `.keras`.
        monitor: name in the logs, such as `"val_accuracy"`.
        mode: `"max"` or `"min"`.
    """

    def __init__(self, path: PathLike, monitor: str, mode: Mode) -> None:
        super().__init__()
        check_path("path", path)
        self.path = os.fspath(path)
        self.monitor = monitor
        self._sign = {"max": 1.0, "min": -1.0}[mode]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of training."""
        self.best: float | None = None
        self._finite = None
        self._said = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks up the best value so far when training resumes."""
        if self._finite is None:
            self._finite = FiniteVariables(self.model)
        if self.best is None:
            record = read_record(self.path) if epoch and os.path.exists(self.path) else {}
            self.best = float(record.get("best", -self._sign * math.inf))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves the model if it is the best so far."""
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"The logs have no '{self.monitor}' to choose the best network. They have: "
                f"{', '.join(logs or {})}."
            )
        value = float(logs[self.monitor])
        better = math.isfinite(value) and self._sign * value > self._sign * self.best
        if better and (problem := self._finite.problem()):
            better = False
            if not self._said:
                self._said = True
                warn(
                    f"Training diverged: '{problem}' is not finite, so the model with "
                    f"{self.monitor} = {value:g} is not saved in '{self.path}'."
                )
        if better:
            self.best = value
            save_checkpoint(self.model, self.path, best=value, epoch=epoch + 1)
