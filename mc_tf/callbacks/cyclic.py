"""Cyclic learning rates as callbacks, for any compiled optimizer."""

from mc_tf.callbacks.learning_rate_cycle import LearningRateCycle
from mc_tf.cycles import CosineCycle, LinearCycle, TriangularCycle
from mc_tf.typing import Unit

__all__ = ["CosineCyclicLearningRate", "CyclicLearningRate", "LinearCyclicLearningRate"]


class _BoundedLearningRateCycle(LearningRateCycle):
    """Base class of cycles between two rates."""

    def __init__(
        self,
        cycle_length: int,
        max_learning_rate: float,
        min_learning_rate: float,
        unit: Unit = "epochs",
        start_epoch: int = 0,
        steps_per_epoch: int | None = None,
    ) -> None:
        self.max_learning_rate = max_learning_rate
        self.min_learning_rate = min_learning_rate
        self.make_cycle(2)  # rejects bad rates now
        super().__init__(cycle_length, unit, start_epoch, steps_per_epoch)

    @property
    def rates(self) -> dict[str, float]:
        """Returns a dict of `max_learning_rate` and `min_learning_rate`."""
        return {
            "max_learning_rate": float(self.max_learning_rate),
            "min_learning_rate": float(self.min_learning_rate),
        }


class CyclicLearningRate(_BoundedLearningRateCycle):
    """The learning rate of fast geometric ensembling (FGE; section 5, Algorithm 1).

    In each cycle it falls from `max_learning_rate` to `min_learning_rate`, reached exactly in the
    middle, and rises again. `SnapshotSaver(directory, cycle)` saves the network there.

    Args:
        cycle_length: length of a cycle, an even number of steps; 2 or 4 epochs in the paper.
        max_learning_rate: `alpha_1`, such as 5e-2.
        min_learning_rate: `alpha_2`, such as 5e-4.
        unit: unit of `cycle_length`: `"epochs"` (default) or `"steps"` (weight updates).
        start_epoch: epoch, counted from 0 as in `fit`, at which the first cycle starts. Before it,
            the optimizer uses its own rate. Default 0.
        steps_per_epoch: batches per epoch, for data sets of unknown length.

    Raises:
        ValueError: if the cycle has an odd number of steps (possibly only when training starts), or
            a rate is invalid.

    Example:
        >>> cycle = CyclicLearningRate(4, 5e-2, 5e-4, unit="steps")
        >>> [round(float(cycle.rate_at(step)), 5) for step in range(4)]
        [0.02525, 0.0005, 0.02525, 0.05]
    """

    def make_cycle(self, steps: int) -> TriangularCycle:
        """Returns the schedule of a cycle of `steps` steps, a `TriangularCycle`."""
        return TriangularCycle(steps, self.max_learning_rate, self.min_learning_rate)


class LinearCyclicLearningRate(_BoundedLearningRateCycle):
    """The cyclic learning rate of stochastic weight averaging (arXiv 1803.05407, section 3.1).

    In each cycle it falls from `max_learning_rate` to `min_learning_rate`, reached exactly at the
    end, where `SWA(cycle=...)` averages the weights.

    Args:
        cycle_length: length of a cycle.
        max_learning_rate: `alpha_1`, such as 5e-2.
        min_learning_rate: `alpha_2`, such as 5e-4.
        unit, start_epoch, steps_per_epoch: as in `CyclicLearningRate`.

    Raises:
        ValueError: if the length or a rate is invalid.

    Example:
        >>> cycle = LinearCyclicLearningRate(2, 0.5, 0.25, unit="steps")
        >>> [float(cycle.rate_at(step)) for step in range(3)]
        [0.375, 0.25, 0.375]
    """

    def make_cycle(self, steps: int) -> LinearCycle:
        """Returns the schedule of a cycle of `steps` steps, a `LinearCycle`."""
        return LinearCycle(steps, self.max_learning_rate, self.min_learning_rate)


class CosineCyclicLearningRate(LearningRateCycle):
    """The learning rate of snapshot ensembles (SSE; Huang et al. 2017): half a cosine per cycle.

    `SnapshotSaver(directory, cycle)` saves the network at the end of each cycle, where the rate is
    nearly 0.

    Args:
        cycle_length: length of a cycle.
        initial_learning_rate: `alpha_0`, the rate at the start of each cycle, such as 0.1.
        unit, start_epoch, steps_per_epoch: as in `CyclicLearningRate`.

    Raises:
        ValueError: if the length or the rate is invalid.

    Example:
        >>> cycle = CosineCyclicLearningRate(4, 0.1, unit="steps")
        >>> [round(float(cycle.rate_at(step)), 4) for step in range(5)]
        [0.1, 0.0854, 0.05, 0.0146, 0.1]
    """

    def __init__(
        self,
        cycle_length: int,
        initial_learning_rate: float,
        unit: Unit = "epochs",
        start_epoch: int = 0,
        steps_per_epoch: int | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.make_cycle(1)  # rejects a bad rate now
        super().__init__(cycle_length, unit, start_epoch, steps_per_epoch)

    @property
    def rates(self) -> dict[str, float]:
        """Returns a dict of `initial_learning_rate`."""
        return {"initial_learning_rate": float(self.initial_learning_rate)}

    def make_cycle(self, steps: int) -> CosineCycle:
        """Returns the schedule of a cycle of `steps` steps, a `CosineCycle`."""
        return CosineCycle(steps, self.initial_learning_rate)
