"""Runner of experiments: order of steps, resuming, comparison with published numbers."""

import dataclasses
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from mc_tf.data.dataset import Dataset
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Step, Values
from mc_tf.experiments.targets import Row, compare
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_json
from mc_tf.typing import PathLike

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
        seen = []
        for step in self.steps:
            if not _NAME.fullmatch(step.name):
                raise ValueError(f"'{step.name}' cannot be the name of a step.")
            if step.name in seen:
                raise ValueError(f"Two steps have the name '{step.name}'.")
            for name in step.needs:
                if name not in seen:
                    raise ValueError(
                        f"The step '{step.name}' needs '{name}', which is no step before it. "
                        f"There are: {', '.join(seen) or 'none'}."
                    )
            seen.append(step.name)


@holding("workdir")
def run_experiment(
    experiment: Experiment,
    data: Dataset,
    workdir: PathLike,
    *,
    targets: Values | None = None,
    say: Callable[[str], Any] = print,
    verbose: int = 2,
    publish: bool = True,
    load: Callable[[str], Any] | None = None,
) -> list[Row]:
    """Runs or resumes an experiment.

    Args:
        experiment: `Experiment`.
        data: data set from `mc_tf.data.load`.
        workdir: directory for the files of all steps and `comparison.json`.
        targets: published numbers, see `Recipe.targets`.
        say: function that prints a line of text, called at each step.
        verbose: verbosity of Keras in training: 0 silent, 1 progress bar, 2 one line per epoch.
        publish: whether the comparison shows the published numbers; `False` for smoke runs.
        load: as in `Run`.

    Returns:
        List of `mc_tf.experiments.targets.Row`.

    Raises:
        ValueError, OSError: as raised by the steps; invalid steps fail before any work.
    """
    steps, title = {step.name: step for step in experiment.steps}, experiment.title
    passes = (experiment.eval_batch_size, title, say, verbose, *filter(None, [load]))
    run = Run(steps, data, os.fspath(workdir), *passes)
    for step in experiment.steps:
        step.check(run)
    if experiment.cost:
        say(f"{title} (takes {experiment.cost})")
    repeated, shown = {}, set()
    for step in experiment.steps:
        run.results[step.name] = step.run(run)
        for key, number in step.values(run.results[step.name]).items():
            repeated.setdefault(key, []).append(number)
            if step.is_shown(*key[1:]):
                shown.add(key)
    rows = compare(_over_repetitions(repeated, shown), shown, targets or {}, publish)
    content = {"rows": [dataclasses.asdict(row) for row in rows]}
    write_json(os.path.join(run.workdir, "comparison.json"), content)
    return rows


def _over_repetitions(repeated, shown):
    """Aggregates numbers by key: for repetitions mean, minimum, maximum and deviation."""
    numbers = {}
    for (label, value, statistic), each in repeated.items():
        numbers[label, value, statistic] = float(np.mean(each))
        if len(each) > 1:
            spread = {"min": np.min(each), "max": np.max(each), "std": np.std(each, ddof=1)}
            more = {(label, value, name): float(number) for name, number in spread.items()}
            numbers |= more
            shown.update(more)
    return numbers
