"""Access to training after any step, even if several steps run as one call."""

import keras

from mc_tf.backend.keras_internals import (
    call_counter,
    set_train_function,
    state_in_variables,
    steps_per_call,
    train_function_of,
)
from mc_tf.callbacks.optimizers import (
    accumulation_of,
    counting_train_function,
    innermost_optimizer,
    updates_of,
)

__all__ = ["CountedFit"]


class CountedFit:
    """One `fit`: replaces its train function by one that counts steps and stops at some.

    Keras calls callbacks after whole calls of the train function, which may cover several batches.
    Batches are counted as the data yields them, even if a `train_step` updates the weights twice,
    with several optimizers, or not at all. The optimizer's counter determines the steps only if
    loss scaling skips updates and the callback acts at steps.

    Args:
        callback: a `StepCallback`.
        model: the model in training, also an attribute.
        batches_done: batches of the previous epochs, as counted by `fit`.
        batches_to_start: batches of the epochs before the callback's step 0.

    Attributes:
        origin: step 0, in steps of this training and an earlier one whose gradients it continues.
        count: batches so far, from the same origin.
        trained: whether this `fit` has trained on a batch.
    """

    def __init__(self, callback, model, batches_done, batches_to_start):
        self._callback = callback
        self.model = model
        self._accumulation = accumulation_of(model)
        scaled = model.optimizer is not innermost_optimizer(model)
        self._from_optimizer = scaled and not callback.places_in_epochs
        self._at_most = scaled  # updates per batch; otherwise exactly one
        self._updates = updates = updates_of(model)
        before = 0  # batches of an earlier training, if relevant
        if self._from_optimizer or self._accumulation > 1 and not scaled:
            before = updates - batches_done
            if scaled and updates:
                before = max(before, 0)  # updates skipped by loss scaling are missing
        self.origin = (before + batches_to_start) // self._accumulation
        self.count = before + batches_done
        self._seen = 0  # batches of this `fit`
        self.trained = False
        self._one_each = None  # whether the optimizer counts each batch once
        self._history = model.history
        self._removed = False
        self._expected = False
        before = train_function_of(model)
        self._inner = before if isinstance(getattr(before, "__self__", None), CountedFit) else None
        self._functions = {model.steps_per_execution: before}
        set_train_function(model, self._train)

    def begin_epoch(self, batches):
        """Starts counting an epoch.

        Args:
            batches: batches in the epoch, or `None` if unknown.
        """
        self._left = batches
        self._short = False  # whether a call had fewer updates than steps
        self.recount(self.model)
        if self.trained and not self._removed:
            self.check_updates(updates_of(self.model))

    def recount(self, model):
        """Reads the optimizer's counter, if it counts steps.

        Args:
            model: the model, its variables up to date.
        """
        if self._from_optimizer:
            self.count = updates_of(model)

    @property
    def step(self):
        """The last step done."""
        return self.count // self._accumulation - self.origin

    def check_updates(self, updates):
        """Rejects training whose optimizer does not count the steps of the callback.

        Args:
            updates: number of updates by the optimizer so far.

        Raises:
            RuntimeError: naming the numbers of updates and batches.
        """
        made = updates - self._updates
        batches = self._seen
        self._one_each = made == batches and not self._at_most
        needed = self._accumulation > 1 or self._from_optimizer or self._callback.reads_optimizer
        if needed and (made > batches or made < batches and not self._at_most):
            raise RuntimeError(
                f"{type(self._callback).__name__} can count its steps here only if each batch "
                f"makes one call of the optimizer, but {batches} batches made {made}. Train "
                "without gradient accumulation, with `unit='epochs'`, or (cyclic learning rates) "
                "with the TensorFlow backend."
            )

    def look_ahead(self):
        """Computes the number of batches until the next action."""
        step = self._callback.next_step(self.step)
        self._due = None if step is None else (step + self.origin) * self._accumulation

    def remove(self):
        """Removes this from the train function, even if it was wrapped since."""
        self._removed = True
        function = train_function_of(self.model)
        while isinstance(run := getattr(function, "__self__", None), CountedFit) and run._removed:
            function = run._inner or run._functions.get(self.model.steps_per_execution)
        set_train_function(self.model, function)

    def expect_batch(self):
        """Announces that `fit` is about to call the train function; other callers do not.

        Raises:
            RuntimeError: if another caller has called it in this `fit`.
        """
        if self._removed:
            raise RuntimeError(
                f"The model '{self.model.name}' was trained by other code during `fit`, such as "
                f"`train_on_batch` in a callback, so {type(self._callback).__name__} cannot count "
                "its steps. Run that code after `fit`."
            )
        self._expected = True

    @staticmethod
    def drop_interrupted(model):
        """Removes what an unfinished `fit` left in the train function.

        Args:
            model: the model to be trained again.
        """
        run = getattr(train_function_of(model), "__self__", None)
        if isinstance(run, CountedFit) and run._history is not model.history:
            run._drop()

    def _drop(self):
        """Ends this and wrapped counters, because their `fit` will not."""
        run = self
        while isinstance(run, CountedFit):
            run._removed = True
            run._callback.on_interrupted()
            run = getattr(run._inner, "__self__", None)
        set_train_function(self.model, counting_train_function(self.model))

    def _train(self, *arguments):
        """Like Keras' train function: `(iterator)` on TensorFlow, `(state, iterator)` on JAX."""
        if not self._expected or self.model.history is not self._history:
            self._drop()  # `fit` was interrupted: this is `train_on_batch`, or a later `fit`
            return train_function_of(self.model)(*arguments)
        self._expected = False
        try:
            return self._train_counted(*arguments)
        except BaseException as error:  # `KeyboardInterrupt` too
            if not _is_end_of_data(error):
                self._drop()
            raise

    def _train_counted(self, *arguments):
        """The train function, split where an action is due."""
        size = self.model.steps_per_execution
        *state, iterator = arguments
        # The last call of an epoch may be short, or, with infinite data, not.
        number = size if self._left is None else min(size, self._left)
        sure = size == 1 or self._left is not None and self._left >= size
        if (sure or self._one_each) and (self._due is None or self._due - self.count >= size):
            return self._run_part(size, size if sure else None, state, iterator)
        result = None
        for _ in range(number):
            try:
                result = self._run_part(1, 1, state, iterator)
            except Exception as error:
                if result is None or not _is_end_of_data(error):
                    raise
                break  # end of a data set of unknown length
            state = result[1:] if state else []
        return result

    def _run_part(self, size, number, state, iterator):
        """Runs the function for `size` steps.

        `number` is the number of batches in the data, or `None` to use the optimizer's counter.
        """
        unsure = number is None or self._left is None
        before = updates_of(self.model, state) if unsure else None
        try:
            result = self._run_steps(size, state, iterator)
        except Exception as error:
            if _is_end_of_data(error):
                self._undo_count(before)
            raise
        new_state = result[1:] if state else []
        if number is None:
            number = self._number_of(size, updates_of(self.model, new_state) - before)
        self.count += number
        self._seen += number
        if self._left is not None:
            self._left -= number
        if not self.trained:
            self.trained = True
            self.check_updates(updates_of(self.model, new_state))
            self._callback.on_first_call()
        elif unsure and number == 1 and updates_of(self.model, new_state) - before != 1:
            self._one_each = False
        if self._due is not None and self.count >= self._due:
            self._stop_here(new_state)
        return result

    def _number_of(self, size, updates):
        """Returns the batches of a call that may end an epoch, from its number of updates."""
        if self._left is not None:
            return size if updates == size else self._left  # for infinite data, or finite data
        if self._short:  # then it was not the last, but had batches without an update
            raise RuntimeError(
                f"{type(self._callback).__name__} cannot count its steps: the length of the data "
                "is unknown, several steps run as one call, and not every batch makes one weight "
                "update. Train with steps_per_execution=1."
            )
        self._short = updates < size
        return updates

    def _run_steps(self, number, state, iterator):
        with steps_per_call(self.model, number):
            if self._inner is not None:  # of another callback, which splits its own calls
                return self._inner.__self__._train_counted(*state, iterator)
            if number not in self._functions:
                self._functions[number] = counting_train_function(self.model)
            return self._functions[number](*state, iterator)

    def _undo_count(self, before):
        """TensorFlow counts a step without a batch at the end of the data."""
        if before is None and self._one_each:
            before = self._updates + self._seen
        if keras.backend.backend() == "tensorflow" and before is not None:
            call_counter(innermost_optimizer(self.model)).assign(before)

    def _stop_here(self, state):
        with state_in_variables(self.model, state):
            self.recount(self.model)
            if self.count >= self._due:  # fewer if loss scaling skipped an update
                self._callback.on_step(self.step)
                self.look_ahead()


def _is_end_of_data(error):
    return isinstance(error, StopIteration) or type(error).__name__ == "OutOfRangeError"
