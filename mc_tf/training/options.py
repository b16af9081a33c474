"""Training settings."""

import dataclasses
import importlib.util
from numbers import Integral
from typing import TYPE_CHECKING, Any

from mc_tf.schedules import CYCLES, SCHEDULES
from mc_tf.settings import check_settings, documented, setting, that_change_results

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = ["OPTIMIZERS", "PRECISIONS", "TrainingOptions"]

OPTIMIZERS = ("sgd", "adam")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@documented
@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """Training settings of networks and curves.

    Raises:
        ValueError: if a value is invalid.
    """

    epochs: int = setting(help="Total number of epochs.", low=0, high=10_000_000)
    learning_rate: float = setting(help="Base learning rate.", low=0)
    batch_size: int = setting(
        128, help="Examples per batch (for text: streams).", low=1, high=1_000_000
    )
    seed: int = setting(
        0, help="Seed of initial weights, order, augmentation and positions t.", low=0
    )
    schedule: str = setting(
        "piecewise_linear",
        choices=SCHEDULES,
        help="Learning rate schedule. piecewise_linear (as in the reference): constant for half of "
        "the epochs, linear to final_ratio at 90 %, then constant. step: multiplied by "
        "decay_factor at each of decay_epochs. exponential (for Penn Treebank): constant for "
        "decay_epochs, then multiplied by decay_factor in each epoch. constant. swa: like "
        "piecewise_linear, with swa_start as its last epoch. Cyclic: triangular_cycle, down to "
        "min_learning_rate and up again (FGE); cosine_cycle, half a cosine (snapshot ensembles); "
        "linear_cycle, down (SWA).",
    )
    final_ratio: float = setting(
        0.01, help="For piecewise_linear and swa: final rate divided by the base rate.", low=0
    )
    decay_epochs: tuple = setting(
        (),
        help="For step: the epochs, counted from 0, at which the rate drops. For exponential: one "
        "number, the epoch from which it decays.",
    )
    decay_factor: float = setting(
        0.1, help="For step and exponential: the rate is multiplied by this.", low=0
    )
    cycle_epochs: int | None = setting(None, help="Epochs per cycle, for cyclic schedules.", low=1)
    min_learning_rate: float = setting(
        0.0, help="Minimum rate of triangular_cycle and linear_cycle.", low=0
    )
    snapshots: bool = setting(
        False, help="Save the network at the minima of the cycles, in members/."
    )
    trajectory_every: int | None = setting(
        None, help="Also save the network every N steps, in trajectory/.", low=1
    )
    swa_start: int | None = setting(None, help="Epoch at which weight averaging starts.", low=0)
    swa_every: int = setting(
        1, help="Epochs between averaged networks; cyclic schedules average at their minima.", low=1
    )
    swag_rank: int | None = setting(
        None,
        help="Also keep the variance and the last N deviations of averaged weights (SWAG).",
        low=2,
        high=10_000,
    )
    optimizer: str = setting("sgd", choices=OPTIMIZERS, help="Optimizer.")
    momentum: float = setting(0.9, help="Momentum of SGD, beta_1 of Adam.", low=0, high=1)
    clip_norm: float | None = setting(
        None, help="Maximum global norm of the gradient; larger gradients are scaled down.", above=0
    )
    precision: str = setting(
        "float32",
        choices=PRECISIONS,
        help="Precision of new networks; a curve uses the precision of its endpoints.",
    )
    steps_per_execution: int = setting(
        1, help="Steps per call of the backend.", low=1, changes_results=False
    )
    jit_compile: bool | str = setting(
        "auto",
        choices=("auto", True, False),
        help="Whether to compile the step with XLA; auto: not on CPUs.",
        changes_results=False,
    )
    save_every: int = setting(1, help="Epochs between checkpoints.", low=1, changes_results=False)
    save_every_steps: int | None = setting(
        None, help="Also write a checkpoint every N steps.", low=1, changes_results=False
    )
    keep_every: int | None = setting(
        None,
        help="Keep a copy of the checkpoint every N epochs.",
        low=1,
        changes_results=False,
    )
    keep_epochs: tuple = setting(
        (),
        help="Also keep a copy of the checkpoint and of the weight average after these epochs.",
        changes_results=False,
    )
    keep_best: bool = setting(
        False,
        help="Keep the network with the best validation score as best.keras; not with use_test.",
        changes_results=False,
    )
    tensorboard: bool = setting(
        False, help="Write TensorBoard logs to tensorboard/.", changes_results=False
    )
    eval_batch_size: int = setting(
        500,
        help="Examples per batch in validation and evaluation; a stateful network has its own.",
        low=1,
        high=1_000_000,
        changes_results=False,
    )
    verbose: int = setting(
        1,
        help="Verbosity of Keras: 0 silent, 1 progress bar, 2 one line per epoch.",
        low=0,
        changes_results=False,
    )

    def __post_init__(self):
        """Checks combinations of values."""
        check_settings(self)
        if self.tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise ValueError(
                "tensorboard=True needs TensorBoard, which is not installed: "
                "pip install tensorboard."
            )
        self._check_epochs()
        needed = {"step": "at least one epoch", "exponential": "exactly one number"}
        count = len(self.decay_epochs)
        if self.schedule == "exponential" and count != 1 or self.schedule == "step" and not count:
            raise ValueError(
                f"The schedule '{self.schedule}' needs {needed[self.schedule]} in decay_epochs. "
                f"Received: decay_epochs={list(self.decay_epochs)}."
            )
        self._check_cycles()

    def _check_epochs(self):
        """Rejects lists of epochs with invalid or duplicate values.

        Values above the last epoch are allowed: smaller versions of a training keep its lists.
        """
        # The rate drops before an epoch, a copy is kept after an epoch.
        for name, first in (("decay_epochs", 0), ("keep_epochs", 1)):
            numbers = getattr(self, name)
            fits = isinstance(numbers, (tuple, list)) and all(
                _is_count(number) and first <= number and numbers.count(number) == 1
                for number in numbers
            )
            if not fits:
                raise ValueError(
                    f"{name} must be different whole numbers from {first} on. Received: "
                    f"{name}={numbers!r}."
                )

    def _check_cycles(self):
        in_cycles = self.schedule in CYCLES
        if in_cycles != (self.cycle_epochs is not None):
            raise ValueError(
                f"cycle_epochs must be set for cyclic schedules ({', '.join(CYCLES)}), and only "
                f"for them. Received: schedule={self.schedule!r}, cycle_epochs={self.cycle_epochs}."
            )
        if self.snapshots and not in_cycles:
            raise ValueError(
                "snapshots are saved at the minima of a cyclic schedule. Received: "
                f"schedule={self.schedule!r}."
            )
        if self.schedule == "swa" and self.swa_start is None:
            raise ValueError(
                "The schedule 'swa' needs swa_start, the epoch at which averaging starts."
            )
        if self.swa_start is not None and not 0 <= self.swa_start < self.epochs:
            raise ValueError(
                f"Averaging must start before training ends. Received: swa_start={self.swa_start} "
                f"of epochs={self.epochs}."
            )
        if self.swag_rank is not None and self.swa_start is None:
            raise ValueError("swag_rank needs swa_start, the epoch at which averaging starts.")

    def settings(self, data: "Dataset") -> dict[str, Any]:
        """Returns settings that affect the result, for `open_run`; omits defaults of later options.

        Args:
            data: data set.
        """
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        chosen = {}
        for name in that_change_results(type(self)):
            value = getattr(self, name)
            if name in _ALWAYS or value != defaults[name]:
                chosen[name] = list(value) if isinstance(value, tuple) else value
        return {**data.settings, **chosen}


_ALWAYS = ("epochs", "learning_rate", "batch_size", "seed")


def _is_count(value):
    return isinstance(value, Integral) and not isinstance(value, bool)
