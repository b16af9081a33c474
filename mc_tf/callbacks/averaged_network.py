"""The averaged network next to the network in training."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.array_kinds import is_finite
from mc_tf.backend.batches import Batches
from mc_tf.batch_norm.update import BatchNormUpdate, needs_statistics
from mc_tf.callbacks.checkpoint import BestCheckpoint
from mc_tf.callbacks.recurrent_state import ResetRecurrentState
from mc_tf.callbacks.step_callback import StepCallback
from mc_tf.storage.averages import WeightAverage
from mc_tf.typing import Data, Logs, Mode, PathLike
from mc_tf.weights.flat import assign_flat, state_variables

__all__ = ["AveragedNetwork"]


class AveragedNetwork(StepCallback):
    """Base class of callbacks that average weights: uses of the average.

    Args:
        start_epoch, steps_per_epoch: see `StepCallback`.
        batch_norm_data, validation_data, best_path, monitor, mode: see `SWA`.

    Attributes:
        average: `WeightAverage`: `average.mean`, `average.count`.
        average_settings: arguments of the average, a dict.
    """

    average_kind = WeightAverage
    average_settings: dict[str, Any] = {}

    def __init__(
        self,
        start_epoch: int,
        steps_per_epoch: int | None,
        batch_norm_data: Data | None,
        validation_data: Data | None,
        best_path: PathLike | None,
        monitor: str,
        mode: Mode,
    ) -> None:
        super().__init__(start_epoch, steps_per_epoch)
        if mode not in ("min", "max"):
            raise ValueError(f"`mode` must be 'min' or 'max'. Received: {mode!r}")
        if best_path is not None and validation_data is None:
            raise ValueError("`best_path` needs `validation_data`, to choose the best network.")
        if best_path is not None and not monitor.startswith("swa_val_"):
            raise ValueError(
                "`monitor` must be one of the averaged network's scores, such as 'swa_val_loss'. "
                f"Received: {monitor!r}"
            )
        self.batch_norm_data = batch_norm_data
        self.validation_data = validation_data
        self.average = self.average_kind(**self.average_settings)
        self._state = None  # the latest finite state
        self._names = None  # names of the scores
        self._best = None if best_path is None else BestCheckpoint(best_path, monitor, mode)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of training."""
        super().on_train_begin(logs)
        model = self.model
        if self.batch_norm_data is None and needs_statistics(model):
            raise ValueError(
                f"The model '{model.name}' has batch normalization, whose statistics must be "
                "estimated for the averaged weights. Pass `batch_norm_data`, one epoch of the "
                "training data as seen in `fit`, or `batch_norm_data=False` to keep them."
            )
        self._update_batch_norm = BatchNormUpdate(model)
        # Unsuitable data fails before training, not at its end.
        if self._has_batch_norm_data:
            batches = Batches(self.batch_norm_data, role="batch_norm_data")
            self._update_batch_norm.prepare(next(iter(batches))[0])
        if self.validation_data is not None:
            self._check_validation_data()
        if self._best is not None:
            self._best.set_model(model)
            self._best.on_train_begin()

    @property
    def _has_batch_norm_data(self):
        return self.batch_norm_data is not None and self.batch_norm_data is not False

    def _check_validation_data(self):
        model = self.model
        x, y, _ = next(iter(Batches(self.validation_data, role="validation_data")))
        if y is None and model.loss is not None:
            raise ValueError(
                "`validation_data` has inputs without labels, which the compiled loss needs. Pass "
                "`(x, y)`, or batches of both."
            )

        def forward(x):
            with keras.StatelessScope(collect_losses=True):
                return model(x, training=False)

        backend.traced(forward, x)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the start of each epoch."""
        super().on_epoch_begin(epoch, logs)
        if self._best is not None:
            self._best.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Evaluates the averaged network after an epoch."""
        if self.validation_data is None:
            return
        logs = {} if logs is None else logs
        if not self.average.count:  # `CSVLogger` uses the columns of the first epoch
            self._names = self._names or list(self._evaluate(steps=1))
            logs.update({f"swa_val_{name}": float("nan") for name in self._names})
            return
        with self.averaged():
            scores = self._evaluate()
            logs.update({f"swa_val_{name}": value for name, value in scores.items()})
            if self._best is not None:
                self._best.on_epoch_end(epoch, logs)

    def _evaluate(self, steps=None):
        """Scores of the current network on the validation data or its first batches."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(_for_keras(self.validation_data))
        with _kept(state_variables(self.model)):
            return self.model.evaluate(
                x,
                y,
                sample_weight=weight,
                steps=steps,
                verbose=0,
                return_dict=True,
                callbacks=[ResetRecurrentState()],
            )

    def keep_state(self) -> None:
        """Stores the network's other state, in case training diverges."""
        self._state = [np.array(ops.convert_to_numpy(v)) for v in state_variables(self.model)]

    @contextlib.contextmanager
    def averaged(self) -> Iterator[keras.Model]:
        """Context in which the model has the averaged weights and matching statistics.

        Afterwards all variables are restored exactly.

        Yields:
            The model.

        Raises:
            ValueError: if no weights have been averaged yet.
        """
        model = self.model
        with _kept([*model.trainable_variables, *state_variables(model)]):
            self._assign(model)
            yield model

    def _assign(self, model):
        if not self.average.count:
            raise ValueError("No weights were averaged yet.")
        assign_flat(model, self.average.mean)
        for variable, value in zip(state_variables(model), self._state or ()):
            if not is_finite(variable):
                variable.assign(value)
        if self._has_batch_norm_data:
            self._update_batch_norm(self.batch_norm_data, role="batch_norm_data")


@contextlib.contextmanager
def _kept(variables):
    """Context that restores variables exactly at its end."""
    before = [np.array(ops.convert_to_numpy(v)) for v in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before):
            variable.assign(value)


def _for_keras(data):
    """Converts data for `evaluate`; arrays of text and other types become batch generators."""
    batches = Batches(data, batch_size=32)  # the default of Keras
    known = isinstance(data, keras.utils.PyDataset) or hasattr(data, "cardinality")
    if known or batches.of_arrays and not batches.has_text:
        return data
    return (batch[: 2 if batch[2] is None else 3] for batch in batches)
