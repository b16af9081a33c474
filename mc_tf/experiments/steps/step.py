"""Steps of an experiment, and references to networks saved by other steps."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from mc_tf.settings import check_settings, setting
from mc_tf.training.checks import check_classes

if TYPE_CHECKING:
    from mc_tf.experiments.smoke import Smoke
    from mc_tf.experiments.steps.run import Run

# From (label, value, statistic), such as ("bezier", "test_error", "max").
Values: TypeAlias = dict[tuple[str, str, str], float]

_KINDS = ("last", "checkpoint", "average", "member", "members", "trajectory", "posterior")


@dataclasses.dataclass(frozen=True)
class Network:
    """A network to build: registered name and options of its builder, `{"width": 0.5}`."""

    name: str
    options: dict = dataclasses.field(default_factory=dict)
    weight_decay: float = setting(
        0.0,
        help="Factor wd of the loss term wd/2 * sum of squares of all trainable weights.",
        low=0,
    )
    initial_weights: str | None = setting(
        None,
        help="File of initial weights (.keras, .weights.h5 or .h5). Default: random weights.",
    )

    def __post_init__(self):
        check_settings(self)


@dataclasses.dataclass(frozen=True)
class Saved:
    """One or more networks saved by a training of the experiment.

    Attributes:
        training: name of the `Train` step.
        kind: `"last"`; `"checkpoint"` after `number` epochs; `"average"` of weights, after
            `number` epochs or the latest; `"member"`, the `number`-th from 1; `"members"` or
            `"trajectory"`, all of them; `"posterior"`, the average with its deviations.
        number: see `kind`.
    """

    training: str
    kind: str = "last"
    number: int | None = None

    def __post_init__(self):
        if self.kind not in _KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(_KINDS)}. Received: {self.kind!r}.")

    @property
    def epoch(self) -> int | None:
        """Number of epochs after which the training keeps it, if not at its end."""
        return self.number if self.kind in ("checkpoint", "average") else None

    def __str__(self):
        """A name for figures and messages."""
        texts = {
            "last": self.training,
            "checkpoint": f"{self.training} after {self.number} epochs",
            "average": f"average of {self.training}",
            "member": f"{self.training}, member {self.number}",
        }
        return texts.get(self.kind, f"{self.kind} of {self.training}")


def last(training: str) -> Saved:
    """The network at the end of `training`, the name of a `Train` step."""
    return Saved(training)


def checkpoint(training: str, epoch: int) -> Saved:
    """The network of `training` after `epoch` epochs."""
    return Saved(training, "checkpoint", epoch)


def average(training: str, epoch: int | None = None) -> Saved:
    """The averaged weights of `training`, after `epoch` epochs or at its end."""
    return Saved(training, "average", epoch)


def member(training: str, number: int) -> Saved:
    """The `number`-th snapshot, from 1, at the minima of the cycles of `training`."""
    return Saved(training, "member", number)


def members(training: str) -> Saved:
    """All snapshots at the minima of the cycles of `training`."""
    return Saved(training, "members")


def trajectory(training: str) -> Saved:
    """All snapshots of `training` at regular steps."""
    return Saved(training, "trajectory")


def posterior(training: str) -> Saved:
    """The posterior of `training` with SWAG: the average and its deviations."""
    return Saved(training, "posterior")


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of an experiment: its dependencies, and a method that runs it in its folder.

    A new kind of step is a subclass with fields for its settings. It must be resumable: `run` is
    called again with the same settings after an interruption.

    Attributes:
        name: name of its folder or files in the experiment's directory; unique, may contain `/`.
        refers_to: class attribute, fields with names of other steps (or tuples or dicts of them).
        classifiers_only: class attribute for steps that need an error metric: the name of the
            result and the setting that asks for it, for the message about other data.
    """

    name: str
    refers_to: ClassVar[tuple[str, ...]] = ()
    classifiers_only: ClassVar[tuple[str, str] | None] = None

    @property
    def needs(self) -> list[str]:
        """Returns the names of the steps that must run before, as a list."""
        named = [getattr(self, field) for field in self.refers_to]
        return [saved.training for saved in networks_in(self)] + _found_in(named, str)

    def check(self, run: "Run") -> None:
        """Rejects a step that cannot run: `ValueError`, `FileNotFoundError`, before any work."""
        if self.classifiers_only:
            check_classes(run.data, *self.classifiers_only)

    def run(self, run: "Run") -> Any:
        """Runs or resumes the step; later steps and figures find its result in `run.results`."""
        raise NotImplementedError

    def values(self, result: Any) -> Values:
        """Returns the numbers of the comparison from the result of `run`.

        They are a dict from `(label, value, statistic)` to float, such as
        `("bezier", "test_error", "max")`. The same key from several steps is a repetition.
        """
        return {}

    def is_shown(self, value: str, statistic: str) -> bool:
        """Whether the comparison shows a number without a published one."""
        return True

    def small(self, smoke: "Smoke") -> Self:
        """Returns the step, of the same class and name, with settings for a smoke run.

        By default its trainings have a few epochs, its references to networks follow, and fields
        with names of `mc_tf.experiments.smoke.FEW`, such as `num_points`, are small.
        """
        return smoke.small(self)


def networks_in(value):
    """Returns every `Saved` in a step, or in a tuple, list, dict or dataclass of its fields."""
    return _found_in(value, Saved)


def _found_in(value, kind):
    if isinstance(value, kind):
        return [value]
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        value = list(value.values())
    several = value if isinstance(value, (tuple, list)) else ()
    return [one for part in several for one in _found_in(part, kind)]
