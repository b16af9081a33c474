"""Runner of experiments: order of steps, resuming, comparison with published numbers."""

import dataclasses
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mc_tf import training
from mc_tf.callbacks import snapshot_files
from mc_tf.experiments.parts.on_data import OnData
from mc_tf.experiments.steps.step import Network, Saved, Step, networks_in
from mc_tf.experiments.steps.train import Train
from mc_tf.experiments.targets import Row, Target, compare
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_json
from mc_tf.training import TrainingOptions
from mc_tf.training.run_directory import RunDirectory
from mc_tf.typing import PathLike

if TYPE_CHECKING:
    from mc_tf.data.dataset import Dataset

__all__ = ["Experiment", "Run", "run_experiment"]

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Named steps, ordered by their dependencies.

    Attributes:
        steps: tuple of `Step`.
        title: heading of the figures.
        eval_batch_size: examples per batch in evaluations, default 500.
        cost: duration and machine, printed at the start.

    Raises:
        ValueError: if a name is duplicate or invalid, or a step needs the result of no earlier
            step.
    """

    steps: tuple[Step, ...]
    title: str | None = None
    eval_batch_size: int = 500
    cost: str | None = None

    def __post_init__(self):
        """Checks names and references."""
        seen = {}
        for step in self.steps:
            if not _NAME.fullmatch(step.name):
                raise ValueError(f"'{step.name}' cannot be the name of a step.")
            if step.name in seen:
                raise ValueError(f"Two steps have the name '{step.name}'.")
            missing = [name for name in step.needs if name not in seen]
            if missing:
                raise ValueError(
                    f"The step '{step.name}' needs '{missing[0]}', which is no step before it. "
                    f"There are: {', '.join(seen) or 'none'}."
                )
            seen[step.name] = step


@dataclasses.dataclass(eq=False)
class Run:
    """A running experiment: data, folders and results for its steps.

    Attributes:
        experiment: `Experiment`.
        data: data set from `mc_tf.data.load`.
        workdir: directory of the experiment.
        say: function that prints a line of text.
        verbose: verbosity of Keras in training, 0 for none.
        steps: dict from name to `Step`.
        results: dict from name to the results of finished steps.
        batch_size: examples per batch in evaluations.
        title: heading of the figures.
    """

    experiment: Experiment
    data: "Dataset"
    workdir: str
    say: Callable[[str], Any] = print
    verbose: int = 2

    def __post_init__(self) -> None:
        """Prepares what steps look up."""
        self.steps: dict[str, Any] = {step.name: step for step in self.experiment.steps}
        self.results: dict[str, Any] = {}
        self.batch_size, self.title = self.experiment.eval_batch_size, self.experiment.title

    def on_data(self, num_train: int | None = None, num_test: int | None = None) -> OnData:
        """The data for evaluations, limited to numbers of examples."""
        return OnData(self.data, self.batch_size, num_train, num_test, int(self.verbose > 0))

    def folder(self, name: str) -> str:
        """The folder of a step."""
        return os.path.join(self.workdir, *name.split("/"))

    def directory(self, name: str) -> RunDirectory:
        """The `RunDirectory` of a training or a curve."""
        return RunDirectory(self.folder(name))

    def options(self, name: str) -> TrainingOptions:
        """Returns the `TrainingOptions` of a training, with checkpoints needed by other steps."""
        options = self.steps[name].training
        kept = {saved.epoch for saved in self.saved(name) if saved.epoch}
        kept = tuple(sorted(kept | set(options.keep_epochs)))
        passes = {"verbose": self.verbose, "eval_batch_size": self.batch_size}
        return dataclasses.replace(options, keep_epochs=kept, **passes)

    def saved(self, name: str) -> list[Saved]:
        """Returns the networks of a training that steps refer to."""
        every = networks_in(tuple(self.steps.values()))
        return [saved for saved in every if saved.training == name]

    def still_needs(self, saved: Saved) -> bool:
        """Whether an unfinished step needs a saved network.

        A started training no longer needs its initial network.
        """
        return any(
            saved in networks_in(step) and not os.path.exists(self.directory(name).network())
            for name, step in self.steps.items()
        )

    def origin(self, saved: Saved) -> Train:
        """Returns the `Train` step that built a saved network."""
        step = self.steps[saved.training]
        return self.origin(step.begin) if isinstance(step.begin, Saved) else step

    def first_network(self) -> Network | None:
        """Returns the `Network` that is built first."""
        begins = (step.begin for step in self.steps.values() if isinstance(step, Train))
        return next(begins, None)  # type: ignore[return-value]  # no `Saved` can come first

    def network_file(self, saved: Saved) -> str:
        """Returns the `.keras` file with the architecture of a saved network."""
        return self.directory(saved.training).network()

    def file(self, saved: Saved) -> str:
        """Returns the file of one network.

        Args:
            saved: `Saved`.

        Raises:
            ValueError: if the training does not have the member.
        """
        directory = self.directory(saved.training)
        if saved.kind == "average":
            training.averaged_network(directory.path, self.data, saved.number, self.batch_size)
            return directory.average(saved.number)
        if saved.kind == "member":
            found = snapshot_files(directory.members)
            if not 1 <= saved.number <= len(found):
                raise ValueError(
                    f"'{directory.path}' has members 1 to {len(found)}. Received: {saved.number}. "
                    "Train it with snapshots and a cyclic schedule."
                )
            return found[saved.number - 1]
        return directory.network(saved.number)

    def files(self, networks: Mapping[str, Saved]) -> dict[str, str]:
        """Returns files of networks by label; members and trajectories give one file per network.

        Args:
            networks: dict from label to `Saved`.
        """
        found = {}
        for label, saved in networks.items():
            if saved.kind in ("members", "trajectory"):
                folder = getattr(self.directory(saved.training), saved.kind)
                several = snapshot_files(folder, include_start=True)
                found |= {f"{label} {number}": file for number, file in enumerate(several)}
            else:
                found[label] = self.file(saved)
        return found


@holding("workdir")
def run_experiment(
    experiment: Experiment,
    data: "Dataset",
    workdir: PathLike,
    *,
    targets: Sequence[Target] = (),
    say: Callable[[str], Any] = print,
    verbose: int = 2,
    publish: bool = True,
) -> list[Row]:
    """Runs or resumes an experiment.

    Args:
        experiment: `Experiment`.
        data: data set from `mc_tf.data.load`.
        workdir: directory for the files of all steps and `comparison.json`.
        targets: list of `mc_tf.experiments.targets.Target`, the published numbers.
        say: function that prints a line of text, called at each step.
        verbose: verbosity of Keras in training: 0 silent, 1 progress bar, 2 one line per epoch.
        publish: whether the comparison shows the published numbers; `False` for smoke runs.

    Returns:
        List of `mc_tf.experiments.targets.Row`.

    Raises:
        ValueError, OSError: as raised by the steps; invalid steps fail before any work.
    """
    run = Run(experiment, data, os.fspath(workdir), say, verbose)
    for step in experiment.steps:
        step.check(run)
    if experiment.cost:
        say(f"{experiment.title} (takes {experiment.cost})")
    found, shown = {}, set()
    for step in experiment.steps:
        run.results[step.name] = step.run(run)
        for key, number in step.values(run.results[step.name]).items():
            found.setdefault(key, []).append(number)
            shown |= {key} if step.is_shown(*key[1:]) else set()
    rows = compare(_over_repetitions(found, shown), shown, targets, publish)
    content = {"rows": [dataclasses.asdict(row) for row in rows]}
    write_json(os.path.join(run.workdir, "comparison.json"), content)
    return rows


def _over_repetitions(found, shown):
    """Aggregates numbers by key: for repetitions mean, minimum, maximum and deviation."""
    numbers = {}
    for (label, value, statistic), each in found.items():
        numbers[label, value, statistic] = float(np.mean(each))
        if len(each) > 1:
            spread = {"min": np.min(each), "max": np.max(each), "std": np.std(each, ddof=1)}
            more = {(label, value, name): float(number) for name, number in spread.items()}
            numbers |= more
            shown.update(more)
    return numbers
