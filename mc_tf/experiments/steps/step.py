"""Steps of an experiment, and references to networks saved by other steps."""

import dataclasses
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from mc_tf.experiments.runner import Run
    from mc_tf.experiments.smoke import Smoke

from mc_tf.settings import check_settings, setting

__all__ = [
    "Network",
    "Saved",
    "Step",
    "Values",
    "average",
    "checkpoint",
    "last",
    "member",
    "members",
    "networks_in",
    "trajectory",
    "with_networks",
]

# From (label, value, statistic), such as ("bezier", "test_error", "max").
Values: TypeAlias = dict[tuple[str, str, str], float]

_KINDS = ("last", "checkpoint", "average", "member", "members", "trajectory")


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
        """Checks the values."""
        check_settings(self)


@dataclasses.dataclass(frozen=True)
class Saved:
    """One or more networks saved by a training of the experiment.

    Attributes:
        training: name of the `Train` step.
        kind: `"last"`; `"checkpoint"` after `number` epochs; `"average"` of weights, after
            `number` epochs or the latest; `"member"`, the `number`-th from 1; `"members"` or
            `"trajectory"`, all of them.
        number: see `kind`.
    """

    training: str
    kind: str = "last"
    number: int | None = None

    def __post_init__(self):
        """Checks the kind."""
        if self.kind not in _KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(_KINDS)}. Received: {self.kind!r}.")

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


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of an experiment: its dependencies, and a method that runs it in its folder.

    A new kind of step is a subclass with fields for its settings. It must be resumable: `run` is
    called again with the same settings after an interruption.

    Attributes:
        name: name of its folder or files in the experiment's directory; unique, may contain `/`.
    """

    name: str

    @property
    def needs(self) -> list[str]:
        """Returns the names of the steps that must run before, as a list."""
        return [saved.training for saved in networks_in(self)]

    def check(self, run: "Run") -> None:
        """Rejects invalid steps before any work.

        Args:
            run: `mc_tf.experiments.runner.Run`.

        Raises:
            ValueError, FileNotFoundError: if the step cannot run.
        """

    def run(self, run: "Run") -> Any:
        """Runs or resumes the step.

        Args:
            run: `mc_tf.experiments.runner.Run`: the data, the folders, results of other steps.

        Returns:
            Result for later steps and figures, stored in `run.results`.
        """
        raise NotImplementedError

    def values(self, result: Any) -> Values:
        """Returns the numbers of the comparison.

        Args:
            result: result of `run`.

        Returns:
            dict from `(label, value, statistic)` to float, such as
            `("bezier", "test_error", "max")`. The same key from several steps is a repetition.
        """
        return {}

    def is_shown(self, value: str, statistic: str) -> bool:
        """Whether the comparison shows a number without a published one."""
        return True

    def small(self, smoke: "Smoke") -> Self:
        """Returns the step with settings for a smoke run.

        Args:
            smoke: `mc_tf.experiments.smoke.Smoke`: replacements of trainings and of `Saved`.

        Returns:
            `Step` of the same class and name.
        """
        return with_networks(self, smoke.saved)


def networks_in(value):
    """Yields every `Saved` in a step, or in a tuple, list or dict of its fields."""
    if isinstance(value, Saved):
        return [value]
    if isinstance(value, Step):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        value = list(value.values())
    return [s for part in value for s in networks_in(part)] if isinstance(value, _MANY) else []


def with_networks(value, change):
    """Applies `change` to every `Saved` in a step, tuple, list or dict."""
    if isinstance(value, Saved):
        return change(value)
    if isinstance(value, Step):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **with_networks(fields, change))
    if isinstance(value, dict):
        return {key: with_networks(part, change) for key, part in value.items()}
    return (
        type(value)(with_networks(p, change) for p in value) if isinstance(value, _MANY) else value
    )


_MANY = (tuple, list)
