"""The settings of a training, and the compilation that follows from them."""

import dataclasses
import importlib.util
from numbers import Integral
from typing import TYPE_CHECKING, Any

import keras

from mc_tf.schedules import CYCLES, SCHEDULES
from mc_tf.settings import check_settings, documented, setting, that_change_results

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = ["PRECISIONS", "TrainingOptions", "compile_for"]

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@documented
@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How to train: the settings that networks and curves share.

    Raises:
        ValueError: if a value cannot be.
    """

    epochs: int = setting(help="Number of epochs in all.", low=0, high=10_000_000)
    learning_rate: float = setting(help="Base rate of SGD.", low=0)
    batch_size: int = setting(
        128, help="Examples a batch (of text: streams).", low=1, high=1_000_000
    )
    seed: int = setting(
        0, help="Decides initial weights, order, augmentation and the positions t.", low=0
    )
    schedule: str = setting(
        "piecewise_linear",
        choices=SCHEDULES,
        help="Learning rate. piecewise_linear (the reference's): constant until half of the "
        "epochs, linear to final_ratio at 90 %, then that. step: times decay_factor at each of "
        "decay_epochs. exponential (Penn Treebank's): constant for decay_epochs, then times "
        "decay_factor in each epoch. constant. swa: as the first, but until swa_start. In cycles: "
        "triangular_cycle, down to min_learning_rate and up again (FGE); cosine_cycle, half a "
        "cosine (snapshot ensembles); linear_cycle, down (SWA).",
    )
    final_ratio: float = setting(
        0.01, help="Of piecewise_linear and swa: last rate divided by the base rate.", low=0
    )
    decay_epochs: tuple = setting(
        (), help="Of step: epochs, counted from 0, at which the rate falls; of exponential: one."
    )
    decay_factor: float = setting(
        0.1, help="Of step and exponential: what the rate is multiplied by.", low=0
    )
    cycle_epochs: int | None = setting(None, help="Epochs a cycle, of schedules in cycles.", low=1)
    min_learning_rate: float = setting(
        0.0, help="Smallest rate of triangular_cycle and linear_cycle.", low=0
    )
    snapshots: bool = setting(
        False, help="Save the network at the minima of the cycles, in members/."
    )
    trajectory_every: int | None = setting(
        None, help="Also save the network every this number of steps, in trajectory/.", low=1
    )
    swa_start: int | None = setting(
        None, help="Epoch at whose beginning the averaging of weights starts.", low=0
    )
    swa_every: int = setting(
        1, help="Epochs between averaged networks; in cycles their minima are averaged.", low=1
    )
    momentum: float = setting(0.9, help="Of SGD.", low=0, high=1)
    clip_norm: float | None = setting(
        None, help="Global norm to which a larger gradient is scaled down.", above=0
    )
    precision: str = setting(
        "float32",
        choices=PRECISIONS,
        help="Of networks that are built; a curve has its endpoints' precision.",
    )
    steps_per_execution: int = setting(
        1, help="Steps that run as one call of the backend.", low=1, changes_results=False
    )
    jit_compile: bool | str = setting(
        "auto",
        choices=("auto", True, False),
        help="Whether XLA compiles the step; auto: not on a CPU.",
        changes_results=False,
    )
    save_every: int = setting(
        1, help="Epochs between two checkpoints.", low=1, changes_results=False
    )
    save_every_steps: int | None = setting(
        None, help="Also a checkpoint every this number of steps.", low=1, changes_results=False
    )
    keep_every: int | None = setting(
        None,
        help="Keep a copy of the checkpoint every this number of epochs.",
        low=1,
        changes_results=False,
    )
    keep_epochs: tuple = setting(
        (),
        help="Keep such a copy, and the average of weights, after these numbers of epochs too.",
        changes_results=False,
    )
    keep_best: bool = setting(
        False,
        help="Keep the network with the best validation result as best.keras; not with use_test.",
        changes_results=False,
    )
    tensorboard: bool = setting(
        False, help="Write logs for TensorBoard, in tensorboard/.", changes_results=False
    )
    eval_batch_size: int = setting(
        500,
        help="Examples a batch in validation and evaluation; a network with carried state has its "
        "own.",
        low=1,
        high=1_000_000,
        changes_results=False,
    )
    verbose: int = setting(
        1,
        help="Keras' verbosity: 0 silent, 1 a bar, 2 a line an epoch.",
        low=0,
        changes_results=False,
    )

    def __post_init__(self):
        """Checks what the types cannot say."""
        check_settings(self)
        if self.tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise ValueError(
                "tensorboard=True needs TensorBoard, which is not installed: "
                'pip install "mc_tf[tensorboard]".'
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
        """Refuses lists of epochs that are no numbers of epochs, or name one twice.

        The last epoch is no limit here: smaller versions of a training keep its lists.
        """
        # The rate falls before an epoch, a copy is kept after one.
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
                f"cycle_epochs is given with a schedule in cycles ({', '.join(CYCLES)}), and only "
                f"with one. Received: schedule={self.schedule!r}, cycle_epochs={self.cycle_epochs}."
            )
        if self.snapshots and not in_cycles:
            raise ValueError(
                "snapshots are saved at the minima of a schedule in cycles. Received: "
                f"schedule={self.schedule!r}."
            )
        if self.schedule == "swa" and self.swa_start is None:
            raise ValueError(
                "The schedule 'swa' needs swa_start, the epoch where averaging starts."
            )
        if self.swa_start is not None and not 0 <= self.swa_start < self.epochs:
            raise ValueError(
                f"Averaging must start before training ends. Received: swa_start={self.swa_start} "
                f"of epochs={self.epochs}."
            )

    def settings(self, data: "Dataset") -> dict[str, Any]:
        """What the result depends on, as a dict for `claim`; defaults of later options left out.

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


def compile_for(
    model: keras.Model, data: "Dataset", options: TrainingOptions | None = None
) -> None:
    """Compiles a network or curve as the experiments do: SGD, and the data's loss and metrics.

    Args:
        model: a Keras model that outputs logits (of a regression: values).
        data: data set from `mc_tf.data.load`.
        options: `TrainingOptions`. Default: for evaluation only.
    """
    options = options or TrainingOptions(epochs=0, learning_rate=0.0)
    model.compile(
        optimizer=keras.optimizers.SGD(
            options.learning_rate, momentum=options.momentum, global_clipnorm=options.clip_norm
        ),
        loss=data.loss(),
        metrics=data.metrics(),
        steps_per_execution=options.steps_per_execution,
        jit_compile=options.jit_compile,
    )
