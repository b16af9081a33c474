"""Cyclic learning rates, and the schedule of weight averaging, for Keras' optimizers."""

import keras
from keras import ops

from mc_tf import schedules
from mc_tf.arguments import check_numbers
from mc_tf.typing import Config, Tensor, TensorLike

__all__ = ["CosineCycle", "Cycle", "LinearCycle", "SWASchedule", "TriangularCycle"]


class Cycle(keras.optimizers.schedules.LearningRateSchedule):
    """Base class of periodic learning rates.

    Args:
        cycle_length: steps per cycle.

    Attributes:
        snapshot_place: step within a cycle at which a network is saved.

    Raises:
        ValueError: if the length is not a whole number of at least 1.
    """

    def __init__(self, cycle_length: int) -> None:
        check_numbers(cycle_length=cycle_length)
        if int(cycle_length) != cycle_length or cycle_length < 1:
            raise ValueError(
                "`cycle_length` must be a whole number of at least 1 step. Received: "
                f"{cycle_length}"
            )
        self.cycle_length = int(cycle_length)

    @property
    def snapshot_place(self) -> int:
        """Step within a cycle at which a network is saved: its end."""
        return self.cycle_length

    def __call__(self, step: TensorLike) -> Tensor:
        """Returns the rate of a step.

        Args:
            step: number of previous updates, int or integer tensor. (Keras passes the number of
                batches to a compiled schedule: with gradient accumulation, use the callbacks, which
                count updates.)

        Returns:
            float32 tensor.
        """
        # Integer position in the cycle: exact for any length of training.
        place = ops.mod(ops.cast(step, "int32"), self.cycle_length)
        return ops.cast(self._rate(ops.cast(place, "float32")), "float32")

    def _rate(self, step):
        raise NotImplementedError

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {"cycle_length": self.cycle_length}


class _BoundedCycle(Cycle):
    """Base class of cycles between two rates."""

    def __init__(
        self, cycle_length: int, max_learning_rate: float, min_learning_rate: float
    ) -> None:
        super().__init__(cycle_length)
        _check_rates(max_learning_rate, min_learning_rate)
        self.max_learning_rate = max_learning_rate
        self.min_learning_rate = min_learning_rate

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        rates = {
            "max_learning_rate": self.max_learning_rate,
            "min_learning_rate": self.min_learning_rate,
        }
        return {**super().get_config(), **rates}


@keras.saving.register_keras_serializable("mc_tf")
class TriangularCycle(_BoundedCycle):
    """Learning rate of fast geometric ensembling; see `mc_tf.schedules.triangular_cycle`.

    Args:
        cycle_length: steps per cycle, an even number.
        max_learning_rate: `alpha_1`, at the ends of a cycle.
        min_learning_rate: `alpha_2`, exactly in its middle, where networks are saved.

    Raises:
        ValueError: if the length is odd or a rate is invalid.

    Example:
        >>> cycle = TriangularCycle(4, max_learning_rate=0.5, min_learning_rate=0.25)
        >>> [float(cycle(step)) for step in range(4)], cycle.snapshot_place
        ([0.375, 0.25, 0.375, 0.5], 2)
    """

    def __init__(
        self, cycle_length: int, max_learning_rate: float, min_learning_rate: float
    ) -> None:
        super().__init__(cycle_length, max_learning_rate, min_learning_rate)
        if self.cycle_length % 2:
            raise ValueError(
                "`cycle_length` must be an even number of steps, so that one of them is the "
                f"middle. Received: {self.cycle_length} steps. Use {self.cycle_length + 1}, or an "
                "even number of epochs."
            )

    @property
    def snapshot_place(self) -> int:
        """Step within a cycle at which a network is saved: its middle."""
        return self.cycle_length // 2

    def _rate(self, step):
        return schedules.triangular_cycle(
            step, self.cycle_length, self.max_learning_rate, self.min_learning_rate
        )


@keras.saving.register_keras_serializable("mc_tf")
class LinearCycle(_BoundedCycle):
    """Cyclic learning rate of stochastic weight averaging; see `mc_tf.schedules.linear_cycle`.

    Args:
        cycle_length: steps per cycle.
        max_learning_rate: `alpha_1`, at the start of each cycle.
        min_learning_rate: `alpha_2`, at its end, where the weights are averaged.

    Raises:
        ValueError: if the length or a rate is invalid.

    Example:
        >>> cycle = LinearCycle(4, max_learning_rate=0.5, min_learning_rate=0.25)
        >>> [float(cycle(step)) for step in range(4)]
        [0.4375, 0.375, 0.3125, 0.25]
    """

    def _rate(self, step):
        return schedules.linear_cycle(
            step, self.cycle_length, self.max_learning_rate, self.min_learning_rate
        )


@keras.saving.register_keras_serializable("mc_tf")
class CosineCycle(Cycle):
    """Learning rate of snapshot ensembles; see `mc_tf.schedules.cosine_cycle`.

    Args:
        cycle_length: steps per cycle.
        initial_learning_rate: `alpha_0`, at the start of each cycle.

    Raises:
        ValueError: if the length or the rate is invalid.

    Example:
        >>> [round(float(CosineCycle(4, 0.1)(step)), 4) for step in range(5)]
        [0.1, 0.0854, 0.05, 0.0146, 0.1]
    """

    def __init__(self, cycle_length: int, initial_learning_rate: float) -> None:
        super().__init__(cycle_length)
        _check_rates(initial_learning_rate, 0.0)
        self.initial_learning_rate = initial_learning_rate

    def _rate(self, step):
        return schedules.cosine_cycle(
            step, self.cycle_length, self.initial_learning_rate, cos=ops.cos
        )

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {**super().get_config(), "initial_learning_rate": self.initial_learning_rate}


@keras.saving.register_keras_serializable("mc_tf")
class SWASchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate of stochastic weight averaging; see `mc_tf.schedules.swa`.

    Args:
        swa_start: step from which weights are averaged, at least 1.
        learning_rate: rate until half of `swa_start`.
        swa_learning_rate: rate from 90 % of `swa_start` on; linear in between.

    Raises:
        ValueError: if the start or a rate is invalid.

    Example:
        >>> schedule = SWASchedule(100, learning_rate=0.1, swa_learning_rate=0.05)
        >>> [round(float(schedule(step)), 4) for step in (0, 50, 70, 90, 200)]
        [0.1, 0.1, 0.075, 0.05, 0.05]
    """

    def __init__(self, swa_start: int, learning_rate: float, swa_learning_rate: float) -> None:
        check_numbers(swa_start=swa_start)
        check_numbers(learning_rate=learning_rate, swa_learning_rate=swa_learning_rate)
        if int(swa_start) != swa_start or swa_start < 1:
            raise ValueError(
                f"`swa_start` must be a whole number of at least 1 step. Received: {swa_start}"
            )
        if not learning_rate > 0 or swa_learning_rate < 0:
            raise ValueError(
                "`learning_rate` must be above 0 and `swa_learning_rate` not negative. Received: "
                f"{learning_rate} and {swa_learning_rate}."
            )
        self.swa_start = int(swa_start)
        self.learning_rate = learning_rate
        self.swa_learning_rate = swa_learning_rate

    def __call__(self, step: TensorLike) -> Tensor:
        """The rate of a step.

        Args:
            step: number of previous updates, int or integer tensor.

        Returns:
            float32 tensor.
        """
        ratio = self.swa_learning_rate / self.learning_rate
        step = ops.cast(step, "float32")
        rate = schedules.swa(step, self.swa_start, self.learning_rate, ratio, clip=ops.clip)
        return ops.cast(rate, "float32")

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {
            "swa_start": self.swa_start,
            "learning_rate": self.learning_rate,
            "swa_learning_rate": self.swa_learning_rate,
        }


def _check_rates(highest, lowest):
    check_numbers(learning_rate=highest)
    check_numbers(learning_rate=lowest)
    if not 0 <= lowest <= highest or not highest > 0:
        raise ValueError(
            "Learning rates must not be negative, and the largest must be above 0 and no less "
            f"than the smallest. Received: {highest} and {lowest}."
        )
