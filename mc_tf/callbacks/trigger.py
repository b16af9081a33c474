"""Callbacks that act at the minima of a cycle or at regular steps."""

from mc_tf.callbacks.learning_rate_cycle import LearningRateCycle
from mc_tf.callbacks.step_callback import check_length
from mc_tf.typing import Unit
from mc_tf.warning import warn
from mc_tf.weights.finite import FiniteVariables

__all__ = ["Trigger", "next_place"]


class Trigger:
    """Mixin for callbacks that fire every N steps or at cycle minima.

    Mix it into a `StepCallback`.

    Attributes:
        cycle: the `LearningRateCycle` of the same `fit`, or `None`.
        every: number of epochs or steps between actions; `None` for the minima of `cycle`.
        unit: unit of `every`, `"epochs"` or `"steps"`.
        done: participle for the action on a network, for messages.
        to_be_continued: whether another `fit` continues the training, so that ending before the
            first action is not an error. Default `False`.
    """

    to_be_continued = False

    cycle: LearningRateCycle | None = None
    every: int | None = None
    unit: Unit = "epochs"
    done = "saved"

    def set_places(self, cycle: LearningRateCycle | None, every: int | None, unit: Unit) -> None:
        """Sets the attributes.

        Args:
            cycle: a `LearningRateCycle` or `None`.
            every: int, or `None` for the minima of `cycle`, or 1 without a cycle.
            unit: `"epochs"` or `"steps"`.

        Raises:
            ValueError: if `every` is not a positive integer, or the unit is unknown.
        """
        every = 1 if every is None and cycle is None else every
        if every is not None:
            check_length("every", every, unit)
            every = int(every)
        self.cycle, self.every, self.unit = cycle, every, unit

    @property
    def places_in_epochs(self) -> bool:
        """Whether actions are at the ends of epochs, see `StepCallback`."""
        return self.cycle.places_in_epochs if self.every is None else self.unit == "epochs"

    def find_places(self) -> tuple[int, int]:
        """Returns `(first, distance)`: step of the first action, and steps between actions.

        Raises:
            ValueError: if the length of an epoch is unknown, or the cycle belongs to another `fit`.
        """
        if self.every is None:
            return self.cycle.places_in(self)
        every = self.every if self.unit == "steps" else self.epochs_as_steps(self.every)
        return every, every

    def check_reached(self, epochs: int) -> None:
        """Rejects training that ends before the first action.

        Args:
            epochs: total number of epochs, as in `fit`.

        Raises:
            ValueError: naming the step of the first action and the last step of training.
        """
        first, _ = self.find_places()
        last = self.epochs_as_steps(epochs - self.start_epoch, whole=False)
        if first > last:
            raise ValueError(
                f"No network would be {self.done}: the first one is at step {first}, but training "
                f"ends at step {last}. Use a shorter cycle or more epochs."
            )

    def check_reached_in_fit(self, step: int) -> None:
        """Like `check_reached`, for the starting `fit`, if its length is known.

        Args:
            step: number of steps done before. If averaging or saving has started, this `fit` may
                only finish an epoch.

        Raises:
            ValueError: as for `check_reached`.
        """
        epochs = self.params.get("epochs")
        if step <= 0 and epochs and (self.steps_per_epoch or self.params.get("steps")):
            self.check_reached(epochs)

    def begin_watching(self) -> None:
        """Records which variables are finite and must remain finite."""
        self._finite = FiniteVariables(self.model)
        self.diverged = False

    def is_sound(self, step: int) -> bool:
        """Whether the network is finite; warns the first time it is not.

        Args:
            step: number of the step.

        Returns:
            bool.
        """
        problem = self._finite.problem()
        if problem is not None and not self.diverged:
            self.diverged = True
            warn(
                f"Training diverged: '{problem}' is not finite after step {step}. Such networks "
                f"are not {self.done} by {type(self).__name__}, which keeps earlier ones."
            )
        return problem is None


def next_place(step, first, distance):
    """Returns the first action after a step, for regular actions.

    Args:
        step: int, possibly negative.
        first: step of the first action.
        distance: steps between actions.

    Returns:
        int above `step`, at least `first`.

    Example:
        >>> [next_place(step, 2, 4) for step in (-9, 1, 2, 6)]
        [2, 2, 6, 10]
    """
    return first + max((step - first) // distance + 1, 0) * distance
