"""Callbacks that act after chosen updates of the weights, wherever these fall."""

import keras

from mc_tf.arguments import check_numbers
from mc_tf.callbacks.optimizers import accumulation_of
from mc_tf.callbacks.step_counter import CountedFit
from mc_tf.typing import Logs

__all__ = ["StepCallback", "check_length"]

UNITS = ("epochs", "steps")


class StepCallback(keras.callbacks.Callback):
    """Base of callbacks that act after chosen updates of the weights.

    Steps are batches that `fit` trains on, counted from the beginning of epoch `start_epoch`,
    whatever a custom `train_step` does with one: several optimizers, two updates or none. With
    gradient accumulation the batches of one update are one step, and an update that loss scaling
    skips is not a step, unless the places are in epochs. Where `steps_per_execution` runs several
    steps as one call, the call is cut at each step that is wanted, so that the weights of exactly
    that step can be looked at.

    A subclass says with `next_step` where, and does its work in `on_step`.

    Args:
        start_epoch: epoch, as `fit` counts them from 0 (`initial_epoch` included), at whose
            beginning steps are counted from. Default 0.
        steps_per_epoch: batches of a whole epoch. Default: as many as the first epoch has that is
            trained; give it where `fit` begins in the middle of an epoch.

    Attributes:
        step: the last step that was done; negative before `start_epoch`.
        places_in_epochs: whether the places are the ends of epochs, also where loss scaling has
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
        """The last step that was done; negative before `start_epoch`."""
        if self._run is None:
            raise ValueError("Steps are counted in `fit` only, which has not begun.")
        self._run.recount(self.model)  # the last call of an epoch may have been a short one
        return self._run.step

    def next_step(self, step: int) -> int | None:
        """The first step after `step` at which `on_step` is to be called.

        Args:
            step: number of a step that was done, possibly negative.

        Returns:
            int above `step`, or `None` for no more.
        """
        return None

    def on_step(self, step: int) -> None:
        """Does the work. `self.model` has the weights after this step.

        Args:
            step: number of the step that was done.
        """

    def on_counting(self, step: int) -> None:
        """Called once a `fit`, when the number of its first step is known.

        Args:
            step: number of steps that were done before.
        """

    def on_first_call(self) -> None:
        """Called once per `fit`, after the first call of its train function."""

    def epochs_as_steps(self, epochs: int, whole: bool = True) -> int:
        """A number of epochs in steps; before `fit` each batch counts as a step.

        Args:
            epochs: int.
            whole: whether to refuse a fraction of an update. Default `True`.

        Returns:
            int.

        Raises:
            ValueError: if the length of an epoch is not known, or holds a fraction of an update.
        """
        length = self.steps_per_epoch or (self.params or {}).get("steps")
        if length is None:
            raise ValueError(
                f"{epochs} epochs cannot be counted in steps, because the data set does not say "
                "how long it is. Give `steps_per_epoch`, or a number of steps and `unit='steps'`."
            )
        accumulation = accumulation_of(self.model) if self.model else 1
        updates, rest = divmod(epochs * length, accumulation)
        if rest and whole:
            raise ValueError(
                f"{epochs} epochs of {length} batches are no whole number of updates with "
                f"gradient_accumulation_steps={accumulation}. Choose a divisor of "
                f"{epochs * length}."
            )
        return updates

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Keras' hook.

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
                f"training ends after {epochs} epochs. Give an earlier start."
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Keras' hook."""
        model = self.model  # on JAX this brings the variables up to date
        batches = self.params.get("steps")
        whole = self.steps_per_epoch or batches
        if self._run is not None:
            self._run.begin_epoch(batches)
            return
        if whole is None and epoch != self.start_epoch:
            raise ValueError(
                f"{type(self).__name__} cannot tell where epoch {self.start_epoch} begins, because "
                "the data set does not say how long it is. Give `steps_per_epoch`."
            )
        # Of an epoch that was begun earlier only the rest is left.
        partial = whole - batches if whole and batches and batches < whole else 0
        done = epoch * (whole or 0) + partial
        self._run = CountedFit(self, model, done, self.start_epoch * (whole or 0))
        self._run.begin_epoch(batches)
        self.on_counting(self._run.step)
        self._run.look_ahead()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keras' hook."""
        super().on_train_batch_begin(batch, logs)
        self._run.expect_batch()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Keras' hook."""
        if self._run is not None:
            self._run.remove()

    def on_interrupted(self) -> None:
        """Called when `fit` did not come to its end.

        That is at once if a step was interrupted, otherwise before the model is trained again.
        """


def check_length(name, value, unit):
    """Refuses a length of time that is no positive whole number, or has an unknown unit.

    Args:
        name: of the argument, for the message.
        value: int.
        unit: `"epochs"` or `"steps"`.

    Raises:
        ValueError: saying what was received.
    """
    if unit not in UNITS:
        raise ValueError(f"`unit` must be 'epochs' or 'steps'. Received: {unit!r}")
    check_numbers(**{name: value})
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise ValueError(f"`{name}` must be a whole number of at least 1 {unit}. Received: {value}")
