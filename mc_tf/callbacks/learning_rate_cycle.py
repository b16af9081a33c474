"""Base class of cyclic learning rate callbacks."""

import keras
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import (
    ask_for_rate,
    call_counter,
    own_rate,
    rate_asked_for,
    set_train_function,
    use_own_rate,
)
from mc_tf.callbacks.optimizers import (
    batch_counter,
    counting_train_function,
    innermost_optimizer,
)
from mc_tf.callbacks.rates import RateWatch, refuse_schedulers, warn_of_other_optimizers
from mc_tf.callbacks.step_callback import StepCallback, check_length
from mc_tf.cycles import Cycle
from mc_tf.typing import Logs, Tensor, TensorLike, Unit
from mc_tf.warning import warn

__all__ = ["LearningRateCycle", "cycle_of"]

_NEVER = -(2**30)  # a step before any start


class LearningRateCycle(StepCallback):
    """Base class of callbacks that set a cyclic learning rate for any compiled optimizer.

    The rate of each step is computed inside the optimizer, so it is also correct if
    `steps_per_execution` runs several steps per call. Before `start_epoch` the optimizer uses its
    own rate. After training it keeps the last rate of the cycle; if `fit` is interrupted (Ctrl-C,
    an error), its own rate is restored the next time the model is trained. The logs of each epoch
    contain the `learning_rate` of its last step.

    Steps are batches, even if a custom `train_step` updates the weights twice per batch, or not for
    every batch (on JAX such training is rejected). With loss scaling (`mixed_float16`) some updates
    are skipped: cycles in steps wait for them, cycles in epochs start and end with epochs (on JAX,
    the rate within an epoch lags by the updates skipped in this training).

    Nothing else can set the rate meanwhile. `LearningRateScheduler` and `ReduceLROnPlateau` are
    rejected together with a cycle that starts with training. Other changes of the optimizer's rate
    after `start_epoch` have no effect and raise a warning.

    Args:
        cycle_length: length of a cycle.
        unit: unit of `cycle_length`: `"epochs"` (default) or `"steps"` (weight updates).
        start_epoch, steps_per_epoch: see `StepCallback`.
    """

    def __init__(
        self,
        cycle_length: int,
        unit: Unit = "epochs",
        start_epoch: int = 0,
        steps_per_epoch: int | None = None,
    ) -> None:
        super().__init__(start_epoch, steps_per_epoch)
        check_length("cycle_length", cycle_length, unit)
        self.cycle_length = int(cycle_length)
        self.unit = unit
        self.places_in_epochs = unit == "epochs"
        self.cycle: Cycle | None = self.make_cycle(self.cycle_length) if unit == "steps" else None

    def make_cycle(self, steps: int) -> Cycle:
        """Returns the schedule of a cycle of `steps` steps.

        Args:
            steps: int.

        Returns:
            `mc_tf.cycles.Cycle`.
        """
        raise NotImplementedError

    @property
    def rates(self) -> dict[str, float]:
        """Returns the rates of the cycle, a dict from argument names to floats."""
        raise NotImplementedError

    def rate_at(self, step: TensorLike) -> Tensor:
        """Returns the rate of the update after `step` updates.

        Args:
            step: int or tensor, not negative, counted from `start_epoch`.

        Returns:
            float32 tensor.
        """
        return self.cycle(step)

    def places_in(self, callback: StepCallback) -> tuple[int, int]:
        """Returns the minima of the rate, for another callback of the same `fit`.

        Args:
            callback: a `StepCallback` with the same `start_epoch`, which counts the steps.

        Returns:
            `(first, distance)`: step of the first minimum, and steps between minima.

        Raises:
            ValueError: if this callback is not used in that `fit`.
        """
        if callback.model is not None and cycle_of(callback.model) is not self:
            raise ValueError(
                f"The `cycle` of {type(callback).__name__} is not among the callbacks of this "
                "`fit`. Pass it, too: callbacks=[cycle, ...]."
            )
        cycle = self.cycle
        if self.unit == "epochs":  # this callback may come later in the list
            cycle = self.make_cycle(callback.epochs_as_steps(self.cycle_length))
        return cycle.snapshot_place, cycle.cycle_length

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of training."""
        super().on_train_begin(logs)
        model = self.model
        self._optimizer = optimizer = innermost_optimizer(model)
        if not isinstance(own_rate(optimizer), keras.Variable):
            raise ValueError(
                f"{type(self).__name__} sets the learning rate, but the optimizer was compiled "
                f"with a schedule ({type(own_rate(optimizer)).__name__}). Compile it with a "
                "number."
            )
        other = cycle_of(model)
        if other is not None and other is not self:
            raise ValueError(
                f"{type(other).__name__} and {type(self).__name__} both set the learning rate of "
                "this `fit`. Pass only one of them."
            )
        refuse_schedulers(self)
        warn_of_other_optimizers(self)
        self._history = model.history
        self._watch = RateWatch(
            self,
            f"has no effect: {type(self).__name__} sets the rate. Drop one of the two.",
        )
        self._asked = False
        self._install(optimizer)
        # A traced function contains the previous rate.
        set_train_function(model, counting_train_function(model))

    def _install(self, optimizer):
        """Connects the optimizer to the rate of this callback."""
        self._accumulation = optimizer.gradient_accumulation_steps or 1
        # The step of this callback minus the steps of the counter.
        self._offset = keras.Variable(0, dtype="int", trainable=False, name="offset")
        scaled = self.model.optimizer is not optimizer
        waits = scaled and not self.places_in_epochs  # for updates skipped by loss scaling
        self._counter = counter = None if waits else batch_counter(self.model)
        self.reads_optimizer = counter is None
        own = own_rate(optimizer)

        def rate():
            self._asked = True
            if self._run is None:  # called by another callback before the first epoch
                return own
            done = backend.read(call_counter(optimizer) if counter is None else counter)
            step = done // self._accumulation + backend.read(self._offset)
            cyclic = ops.cast(self.rate_at(ops.maximum(step, 0)), own.dtype)
            return ops.where(step < 0, backend.read(own), cyclic)

        rate.cycle, rate.counter = self, counter
        ask_for_rate(optimizer, rate)

    def on_counting(self, step: int) -> None:
        """Computes the cycle length in steps; warns if training ends before its minimum."""
        if self.unit == "epochs":
            self.cycle = self.make_cycle(self.epochs_as_steps(self.cycle_length))
        epochs, first = self.params.get("epochs"), self.cycle.snapshot_place
        if step <= 0 and epochs and (self.steps_per_epoch or self.params.get("steps")):
            last = self.epochs_as_steps(epochs - self.start_epoch, whole=False)
            if first > last:
                warn(
                    f"The first minimum of {type(self).__name__} is at step {first}, but training "
                    f"ends at step {last}. Use a shorter cycle or more epochs."
                )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the start of each epoch."""
        super().on_epoch_begin(epoch, logs)
        if self._counter is None:
            done = int(ops.convert_to_numpy(call_counter(self._optimizer)))
        else:
            done = self._run.count
            self._counter.assign(done)
        self._offset.assign(self._run.step - done // self._accumulation)
        self._watch.look(epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Runs before each training batch."""
        super().on_train_batch_begin(batch, logs)
        if not self._run.trained:  # earlier calls came from another callback
            self._asked = False

    def on_first_call(self) -> None:
        """Rejects a `train_step` that does not use the optimizer of the model."""
        eager = self._run.model.run_eagerly or keras.backend.backend() == "torch"
        if not self._asked and not eager:  # batches without an update are traced, too
            raise RuntimeError(self._not_asked())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the end of each epoch."""
        if not self._asked:
            self._asked = True
            warn(self._not_asked())
        self._watch.look(epoch)
        if logs is not None:
            logs["learning_rate"] = self._last_rate()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Disconnects the optimizer."""
        if self._run is None:
            return self._uninstall()
        rate, own = self._last_rate(), own_rate(self._optimizer)
        self._uninstall()
        if isinstance(own, keras.Variable):
            own.assign(rate)
        set_train_function(self.model, None)
        return None

    def on_interrupted(self) -> None:
        """Restores the optimizer's own rate."""
        self._uninstall()

    def _last_rate(self):
        step = self.step - 1
        if step < 0:
            rate = own_rate(self._optimizer)
        else:
            rate = self.rate_at(step)
        return float(ops.convert_to_numpy(rate))

    def _uninstall(self):
        self._offset.assign(_NEVER)  # for functions compiled in a user's `train_step`
        use_own_rate(self._optimizer)

    def _not_asked(self):
        optimizer = type(self._run.model.optimizer).__name__
        return (
            f"{type(self).__name__} sets the learning rate of `model.optimizer` ({optimizer}), but "
            "the first steps did not use it: `train_step` uses other optimizers, compiles the step "
            "itself, or has no weights to train. Compile the model with the optimizer that "
            "`train_step` uses."
        )


def cycle_of(model):
    """Returns the callback that sets a cyclic learning rate in the running `fit`.

    Args:
        model: the model in training.

    Returns:
        `LearningRateCycle`; None if there is none, or its `on_train_begin` has not run yet.
    """
    rate = rate_asked_for(innermost_optimizer(model))
    cycle = getattr(rate, "cycle", None)
    # A callback of an earlier rejected `fit` may remain.
    return cycle if cycle is not None and cycle._history is model.history else None
