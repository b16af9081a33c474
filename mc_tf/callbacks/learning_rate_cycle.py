"""Base of the callbacks that let the learning rate go in cycles."""

import keras
from keras import ops

from mc_tf import backend
from mc_tf.callbacks.counting import innermost_optimizer, make_train_function
from mc_tf.callbacks.steps import StepCallback, check_length

__all__ = ["LearningRateCycle", "cycle_of"]


class LearningRateCycle(StepCallback):
    """Base of the callbacks that let the learning rate of any compiled optimizer go in cycles.

    The rate of each step is computed where the optimizer uses it, so it is right also where
    `steps_per_execution` runs several steps as one call. Before `start_epoch` the optimizer has
    its own rate, and after training it keeps the last one of the cycle; if `fit` is interrupted
    (Ctrl-C, an error), it has its own rate again wherever the model is trained next. The logs of
    each epoch have the `learning_rate` of its last step.

    Under loss scaling (`mixed_float16`) some updates are skipped. Cycles in steps wait for them,
    since steps are updates. Cycles in epochs begin and end with these: within an epoch the rate
    is late by the updates that were skipped in it (on JAX: in this training).

    Args:
        cycle_length: length of a cycle.
        unit: of `cycle_length`: `"epochs"` (default) or `"steps"` (updates of the weights).
        start_epoch, steps_per_epoch: see `StepCallback`.
    """

    def __init__(self, cycle_length, unit="epochs", start_epoch=0, steps_per_epoch=None):
        super().__init__(start_epoch, steps_per_epoch)
        check_length("cycle_length", cycle_length, unit)
        self.cycle_length = int(cycle_length)
        self.unit = unit
        self.places_in_epochs = unit == "epochs"
        self.cycle = self.make_cycle(self.cycle_length) if unit == "steps" else None

    def make_cycle(self, steps):
        """The schedule of a cycle of so many steps.

        Args:
            steps: int.

        Returns:
            `mc_tf.cycles.Cycle`.
        """
        raise NotImplementedError

    @property
    def rates(self):
        """The rates between which it goes, a dict from the arguments' names to floats."""
        raise NotImplementedError

    def rate_at(self, step):
        """The rate with which the update after `step` updates is made.

        Args:
            step: int or tensor, not negative, counted from `start_epoch`.

        Returns:
            float32 tensor.
        """
        return self.cycle(step)

    def places_in(self, callback):
        """Where another callback of the same `fit` finds the minima of the rate.

        Args:
            callback: a `StepCallback` with the same `start_epoch` whose steps are counted.

        Returns:
            `(first, distance)`: step of the first minimum and steps from one to the next.

        Raises:
            ValueError: if this callback has no part in that `fit`.
        """
        if self._model is not callback._model:
            raise ValueError(
                f"The `cycle` of {type(callback).__name__} is not among the callbacks of this "
                "`fit`. Give it, too: callbacks=[cycle, ...]."
            )
        cycle = self.cycle
        if self.unit == "epochs":  # this callback may come later in the list
            cycle = self.make_cycle(callback.epochs_as_steps(self.cycle_length))
        return cycle.snapshot_place, cycle.cycle_length

    def on_train_begin(self, logs=None):
        """Keras' hook."""
        super().on_train_begin(logs)
        model = self._model
        optimizer = innermost_optimizer(model)
        if not isinstance(optimizer._learning_rate, keras.Variable):
            raise ValueError(
                f"{type(self).__name__} sets the learning rate, but the optimizer was compiled "
                f"with a schedule ({type(optimizer._learning_rate).__name__}). Compile it with a "
                "number."
            )
        other = cycle_of(model)
        if other is not None and other is not self:
            raise ValueError(
                f"{type(other).__name__} and {type(self).__name__} both set the learning rate of "
                "this `fit`. Give one of them."
            )
        self._history = model.history
        self._install(optimizer)
        make_train_function(model)  # one that was traced has the former rate in it

    def _install(self, optimizer):
        """Lets the optimizer ask for its rate here.

        Keras' own way, `optimizer.learning_rate = schedule`, takes the rate's variable out of the
        optimizer, so that checkpoints of before and after do not fit each other.
        """
        self._accumulation = optimizer.gradient_accumulation_steps or 1
        # The step of this callback minus the updates that the optimizer has made.
        self._offset = keras.Variable(0, dtype="int", trainable=False, name="offset")

        def rate():
            own = optimizer._learning_rate
            if self._run is None:  # another callback asks before the first epoch
                return own
            updates = backend.read(optimizer._iterations) // self._accumulation
            step = updates + backend.read(self._offset)
            cyclic = ops.cast(self.rate_at(ops.maximum(step, 0)), own.dtype)
            return ops.where(step < 0, backend.read(own), cyclic)

        rate.cycle = self
        optimizer._get_current_learning_rate = rate

    def on_counting(self, step):
        """Finds the length of the cycle in steps."""
        if self.unit == "epochs":
            self.cycle = self.make_cycle(self.epochs_as_steps(self.cycle_length))

    def on_epoch_begin(self, epoch, logs=None):
        """Keras' hook."""
        super().on_epoch_begin(epoch, logs)
        iterations = int(ops.convert_to_numpy(innermost_optimizer(self._model)._iterations))
        self._offset.assign(self._run.step - iterations // self._accumulation)

    def on_epoch_end(self, epoch, logs=None):
        """Keras' hook."""
        if logs is not None:
            logs["learning_rate"] = self._last_rate()

    def on_train_end(self, logs=None):
        """Keras' hook: the optimizer is an ordinary one again."""
        if self._run is None:
            return self._uninstall()
        rate = self._last_rate()
        self._uninstall()
        innermost_optimizer(self._model)._learning_rate.assign(rate)
        self._model.train_function = None
        return None

    def on_interrupted(self):
        """Gives the optimizer its own rate back."""
        self._uninstall()

    def _last_rate(self):
        step = self.step - 1
        if step < 0:
            rate = innermost_optimizer(self._model)._learning_rate
        else:
            rate = self.rate_at(step)
        return float(ops.convert_to_numpy(rate))

    def _uninstall(self):
        vars(innermost_optimizer(self._model)).pop("_get_current_learning_rate", None)


def cycle_of(model):
    """The callback that sets a cyclic learning rate in the `fit` that runs.

    Args:
        model: the model that is trained.

    Returns:
        `LearningRateCycle`; None if there is none, or its `on_train_begin` is still to come.
    """
    rate = vars(innermost_optimizer(model)).get("_get_current_learning_rate")
    cycle = getattr(rate, "cycle", None)
    # One of an earlier `fit` that was refused may still be there.
    return cycle if cycle is not None and cycle._history is model.history else None
