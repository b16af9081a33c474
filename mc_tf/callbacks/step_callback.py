"""Callbacks that act after chosen weight updates."""

import keras

from mc_tf.arguments import check_numbers
from mc_tf.callbacks.optimizers import accumulation_of
from mc_tf.callbacks.step_counter import CountedFit
from mc_tf.typing import Logs

__all__ = ["StepCallback", "check_length"]

UNITS = ("epochs", "steps")


class StepCallback(keras.callbacks.Callback):
    """Base class of callbacks that act after chosen weight updates.

    Steps are training batches, counted from the start of epoch `start_epoch`, even if a custom
    `train_step` uses several optimizers, or makes two updates or none. With gradient accumulation
    the batches of one update are one step, and an update skipped by loss scaling is not a step,
    unless actions are at the ends of epochs. If `steps_per_execution` runs several steps per call,
    the call is split at each chosen step, so that the weights of exactly that step are available.

    A subclass chooses steps in `next_step` and does its work in `on_step`.

    Args:
        start_epoch: epoch, counted from 0 as in `fit` (including `initial_epoch`), at whose start
            step counting begins. Default 0.
        steps_per_epoch: batches per epoch. Default: the number of batches in the first epoch of
            `fit`. Required if `fit` starts within an epoch.

    Attributes:
        step: the last step done; negative before `start_epoch`.
        places_in_epochs: whether actions are at the ends of epochs, even if loss scaling has
            skipped updates. Default `False`.
        reads_optimizer: whether the optimizer must count each batch once. Default `False`.
    """

    places_in_epochs = False
    reads_optimizer = False

    def __init__(self, start_epoch: int = 0, steps_per_epoch: int | None = None) -> None:
        super().__init__()
        check_numbers(start_epoch=start_epoch)
        if start_epoch != int(start_epoch):
            raise ValueError(f"`start_epoch` must be a whole number. Received: {start_epoch}")
        if start_epoch < 0:
            raise ValueError(f"`start_epoch` must not be negative. Received: {start_epoch}")
        self.start_epoch = start_epoch
        self.steps_per_epoch = steps_per_epoch
        self._run = None

    @property
    def step(self) -> int:
        """The last step done; negative before `start_epoch`."""
        if self._run is None:
            raise ValueError("Steps are counted in `fit` only, which has not started.")
        self._run.recount(self.model)  # the last call of an epoch may have been a short one
        return self._run.step

    def next_step(self, step: int) -> int | None:
        """Returns the first step after `step` at which to call `on_step`.

        Args:
            step: number of the last step, possibly negative.

        Returns:
            int above `step`, or `None` for no more.
        """
        return None

    def on_step(self, step: int) -> None:
        """Acts after a step. `self.model` has the weights after this step.

        Args:
            step: number of the step.
        """

    def on_counting(self, step: int) -> None:
        """Called once per `fit`, when the number of its first step is known.

        Args:
            step: number of steps done before.
        """

    def on_first_call(self) -> None:
        """Called once per `fit`, after the first call of its train function."""

    def epochs_as_steps(self, epochs: int, whole: bool = True) -> int:
        """Converts a number of epochs to steps; before `fit` each batch counts as a step.

        Args:
            epochs: int.
            whole: whether to reject a fraction of an update. Default `True`.

        Returns:
            int.

        Raises:
            ValueError: if the length of an epoch is unknown, or contains a fraction of an update.
        """
        length = self.steps_per_epoch or (self.params or {}).get("steps")
        if length is None:
            raise ValueError(
                f"{epochs} epochs cannot be counted in steps, because the length of the data set "
                "is unknown. Pass `steps_per_epoch`, or a number of steps and `unit='steps'`."
            )
        accumulation = accumulation_of(self.model) if self.model else 1
        updates, rest = divmod(epochs * length, accumulation)
        if rest and whole:
            raise ValueError(
                f"{epochs} epochs of {length} batches are not a whole number of updates with "
                f"gradient_accumulation_steps={accumulation}. Choose a divisor of "
                f"{epochs * length}."
            )
        return updates

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of training.

        Raises:
            ValueError: if training ends before `start_epoch`.
        """
        self._run = None
        CountedFit.drop_interrupted(self.model)
        if not self.model.built:
            raise ValueError(
                f"The model '{self.model.name}' is not built, so it has no weights yet. Call it "
                "on a batch of data before `fit`."
            )
        epochs = self.params.get("epochs")
        if epochs is not None and self.start_epoch >= epochs:
            raise ValueError(
                f"{type(self).__name__} would never act: `start_epoch` is {self.start_epoch}, but "
                f"training ends after {epochs} epochs. Choose an earlier start."
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the start of each epoch."""
        model = self.model  # on JAX this brings the variables up to date
        batches = self.params.get("steps")
        whole = self.steps_per_epoch or batches
        if self._run is not None:
            self._run.begin_epoch(batches)
            return
        if whole is None and epoch != self.start_epoch:
            raise ValueError(
                f"{type(self).__name__} cannot tell where epoch {self.start_epoch} begins, because "
                "the length of the data set is unknown. Pass `steps_per_epoch`."
            )
        # Only the rest of a partial epoch is left.
        partial = whole - batches if whole and batches and batches < whole else 0
        done = epoch * (whole or 0) + partial
        self._run = CountedFit(self, model, done, self.start_epoch * (whole or 0))
        self._run.begin_epoch(batches)
        self.on_counting(self._run.step)
        self._run.look_ahead()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Runs before each training batch."""
        super().on_train_batch_begin(batch, logs)
        self._run.expect_batch()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Runs at the end of training."""
        if self._run is not None:
            self._run.remove()

    def on_interrupted(self) -> None:
        """Called if `fit` did not finish.

        This happens immediately if a step was interrupted, otherwise before the next training.
        """


def check_length(name, value, unit):
    """Rejects a period that is not a positive integer, or has an unknown unit.

    Args:
        name: name of the argument, for the message.
        value: int.
        unit: `"epochs"` or `"steps"`.

    Raises:
        ValueError: naming the received value.
    """
    if unit not in UNITS:
        raise ValueError(f"`unit` must be 'epochs' or 'steps'. Received: {unit!r}")
    check_numbers(**{name: value})
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise ValueError(f"`{name}` must be a whole number of at least 1 {unit}. Received: {value}")
