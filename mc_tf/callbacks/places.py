"""Where callbacks act that do so at the minima of a cycle or at equal distances."""

import warnings

from mc_tf.callbacks.learning_rate_cycle import LearningRateCycle
from mc_tf.callbacks.step_callback import check_length
from mc_tf.typing import Unit
from mc_tf.weights.finite import FiniteVariables

__all__ = ["AtPlaces", "next_place"]


class AtPlaces:
    """What callbacks share that act at the minima of a cycle, or after each so many steps.

    To be mixed into a `StepCallback`.

    Attributes:
        cycle: the `LearningRateCycle` of the same `fit`, or `None`.
        every: number of epochs or steps from one place to the next; `None` for the minima of
            `cycle`.
        unit: of `every`, `"epochs"` or `"steps"`.
        done: what is done there with a network, for messages.
        to_be_continued: whether another `fit` continues the training, so that one which ends before
            its first place is no mistake. Default `False`.
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
            every: int, or `None` for the minima of `cycle`; without one, for 1.
            unit: `"epochs"` or `"steps"`.

        Raises:
            ValueError: if `every` is no positive whole number, or the unit is unknown.
        """
        every = 1 if every is None and cycle is None else every
        if every is not None:
            check_length("every", every, unit)
            every = int(every)
        self.cycle, self.every, self.unit = cycle, every, unit

    @property
    def places_in_epochs(self) -> bool:
        """Whether the places are the ends of epochs, see `StepCallback`."""
        return self.cycle.places_in_epochs if self.every is None else self.unit == "epochs"

    def find_places(self) -> tuple[int, int]:
        """`(first, distance)`: step of the first place and steps from one to the next.

        Raises:
            ValueError: if the length of an epoch is not known, or the cycle is of another `fit`.
        """
        if self.every is None:
            return self.cycle.places_in(self)
        every = self.every if self.unit == "steps" else self.epochs_as_steps(self.every)
        return every, every

    def check_reached(self, epochs: int) -> None:
        """Refuses a training that ends before its first place.

        Args:
            epochs: number of epochs at whose end training ends, as `fit` counts them.

        Raises:
            ValueError: naming the step of the first place and that at which training ends.
        """
        first, _ = self.find_places()
        last = self.epochs_as_steps(epochs - self.start_epoch, whole=False)
        if first > last:
            raise ValueError(
                f"No network would be {self.done}: the first one is at step {first}, but training "
                f"ends at step {last}. Give a shorter cycle or more epochs."
            )

    def check_reached_in_fit(self, step: int) -> None:
        """The same for a `fit` that begins now, where it says how long it is.

        Args:
            step: number of steps that were done before. After the start the rest of an epoch may
                be all that this `fit` has to do.

        Raises:
            ValueError: as `check_reached` does.
        """
        epochs = self.params.get("epochs")
        if step <= 0 and epochs and (self.steps_per_epoch or self.params.get("steps")):
            self.check_reached(epochs)

    def begin_watching(self) -> None:
        """Notes which variables are finite, and have to stay so."""
        self._finite = FiniteVariables(self.model)
        self.diverged = False

    def is_sound(self, step: int) -> bool:
        """Whether the network can be used, with a warning the first time that it cannot.

        Args:
            step: number of the step that was done.

        Returns:
            bool.
        """
        problem = self._finite.problem()
        if problem is not None and not self.diverged:
            self.diverged = True
            warnings.warn(
                f"Training diverged: '{problem}' is not finite after step {step}. Networks like "
                f"that are not {self.done} by {type(self).__name__}, which keeps those before.",
                stacklevel=2,
            )
        return problem is None


def next_place(step, first, distance):
    """The first place after a step, of places at equal distances.

    Args:
        step: int, possibly negative.
        first: the first place.
        distance: steps from one to the next.

    Returns:
        int above `step`, at least `first`.

    Example:
        >>> [next_place(step, 2, 4) for step in (-9, 1, 2, 6)]
        [2, 2, 6, 10]
    """
    return first + max((step - first) // distance + 1, 0) * distance
