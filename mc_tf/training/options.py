"""The settings of a training, and the compilation that follows from them."""

import dataclasses
import math
from numbers import Integral, Real

import keras

from mc_tf.schedules import CYCLES, SCHEDULES

__all__ = ["PRECISIONS", "TrainingOptions", "compile_for"]

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How to train: the settings that networks and curves share.

    Attributes:
        epochs: number of epochs in all.
        learning_rate: base rate of SGD.
        batch_size: examples a batch (of text: streams).
        seed: integer that decides initial weights, order, augmentation and positions `t`.
        schedule: `"piecewise_linear"` (the reference's), `"step"`, `"exponential"` (Penn
            Treebank's), `"constant"`, `"swa"` (constant, falling, constant while weights are
            averaged), or in cycles `"triangular_cycle"` (of fast geometric ensembling),
            `"cosine_cycle"` (of snapshot ensembles) or `"linear_cycle"` (of weight averaging);
            see `mc_tf.schedules`.
        final_ratio: of `"piecewise_linear"` and `"swa"`: last rate divided by the base rate,
            default 0.01.
        decay_epochs: of `"step"`: epochs at which the rate falls; of `"exponential"`: one number,
            of epochs at the base rate.
        decay_factor: of `"step"` and `"exponential"`: what the rate is multiplied by.
        cycle_epochs: epochs a cycle, of schedules in cycles.
        min_learning_rate: of `"triangular_cycle"` and `"linear_cycle"`: the smallest rate; the
            base rate is the largest.
        snapshots: whether to save the network at the minima of the cycles, in `members/`.
        trajectory_every: also save the network after each so many steps, in `trajectory/`.
        swa_start: epoch at whose beginning the averaging of weights starts, with those at the
            start. Default: no averaging.
        swa_every: epochs from one network of the average to the next, default 1; with a schedule
            in cycles the networks at their minima are averaged.
        momentum: of SGD, default 0.9.
        clip_norm: global norm to which a larger gradient is scaled down. Default: none.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`, of networks that are
            built; a curve has its endpoints' precision.
        steps_per_execution: steps that run as one call of the backend, default 1.
        jit_compile: whether XLA compiles the step: `"auto"` (Keras: not on a CPU),
            `True` or `False`.
        save_every: epochs between two checkpoints.
        save_every_steps: also a checkpoint after each so many steps. Default: none.
        keep_every: keep a copy of the checkpoint after each so many epochs. Default: none.
        keep_epochs: keep such a copy, and the average of weights, after these numbers of epochs
            too.
        keep_best: whether to keep the network with the best validation result as `best.keras`.
        tensorboard: whether to write logs for TensorBoard.
        eval_batch_size: examples a batch in validation and other evaluation, default 500; a network
            with carried state has its own.
        verbose: Keras' verbosity of training.

    Raises:
        ValueError: if a value cannot be.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 128
    seed: int = 0
    schedule: str = "piecewise_linear"
    final_ratio: float = 0.01
    decay_epochs: tuple = ()
    decay_factor: float = 0.1
    cycle_epochs: int | None = None
    min_learning_rate: float = 0.0
    snapshots: bool = False
    trajectory_every: int | None = None
    swa_start: int | None = None
    swa_every: int = 1
    momentum: float = 0.9
    clip_norm: float | None = None
    precision: str = "float32"
    steps_per_execution: int = 1
    jit_compile: bool | str = "auto"
    save_every: int = 1
    save_every_steps: int | None = None
    keep_every: int | None = None
    keep_epochs: tuple = ()
    keep_best: bool = False
    tensorboard: bool = False
    eval_batch_size: int = 500
    verbose: int = 1

    def __post_init__(self):
        """Checks what the types cannot say."""
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"Unknown schedule {self.schedule!r}. Choose one of: {', '.join(SCHEDULES)}."
            )
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"Unknown precision {self.precision!r}. Choose one of: {', '.join(PRECISIONS)}."
            )
        for names, kind, words, fits in _RANGES:
            for name in names:
                value = getattr(self, name)
                given = value is not None or self.__dataclass_fields__[name].default is not None
                if given and not (_is_number(value, kind) and fits(value)):
                    raise ValueError(f"{name} must be {words}. Received: {name}={value!r}.")
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
                _is_number(number, Integral) and first <= number and numbers.count(number) == 1
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

    def settings(self, data):
        """What the result depends on, as a dict for `claim`; defaults of later options left out.

        Args:
            data: data set.
        """
        chosen = {"epochs": self.epochs, "learning_rate": self.learning_rate}
        chosen |= {"batch_size": self.batch_size, "seed": self.seed}
        for name in _RESULT_DEPENDS_ON:
            value = getattr(self, name)
            if value != TrainingOptions.__dataclass_fields__[name].default:
                chosen[name] = list(value) if isinstance(value, tuple) else value
        return {**data.settings, **chosen}


def _is_number(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)


_RANGES = (
    (("epochs", "seed", "swa_start"), Integral, "at least 0, a whole number", lambda n: n >= 0),
    (
        (
            *("batch_size", "eval_batch_size", "steps_per_execution", "cycle_epochs"),
            *("trajectory_every", "swa_every", "save_every", "save_every_steps", "keep_every"),
        ),
        Integral,
        "at least 1, a whole number",
        lambda n: n >= 1,
    ),
    (
        ("learning_rate", "min_learning_rate", "final_ratio", "decay_factor"),
        Real,
        "at least 0, a finite number",
        lambda x: x >= 0,
    ),
    (("clip_norm",), Real, "positive and finite", lambda x: x > 0),
    (("momentum",), Real, "a number from 0 to 1", lambda x: 0 <= x <= 1),
)
_RESULT_DEPENDS_ON = (
    "schedule",
    "final_ratio",
    "decay_epochs",
    "decay_factor",
    "cycle_epochs",
    "min_learning_rate",
    "snapshots",
    "trajectory_every",
    "swa_start",
    "swa_every",
    "momentum",
    "clip_norm",
    "precision",
)


def compile_for(model, data, options=None):
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
