"""Ensembles of saved networks by budgets (Table 1), and training trajectories."""

import dataclasses
from typing import Any

import numpy as np

from mc_tf.ensemble import MemberFiles
from mc_tf.experiments.parts import ensemble_files
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Saved, Step, Values
from mc_tf.storage.checkpoints import load_checkpoint, read_record
from mc_tf.storage.files import write_arrays
from mc_tf.storage.snapshots import read_snapshot


@dataclasses.dataclass(frozen=True)
class Part:
    """Members of an ensemble from one training.

    Attributes:
        saved: `Saved`: its last network, or its members.
        before: total epochs of the previous trainings.
    """

    saved: Saved
    before: int = 0


@dataclasses.dataclass(frozen=True)
class Ensembles(Step):
    """Evaluates the ensembles of the first 1, 2, ... members.

    Attributes:
        name: name of its files `NAME.npz`, `NAME.json`, `NAME-epochs.npz` and its predictions.
        budgets: tuple of tuples of `Part`: the trainings of each budget, in order.
        label: label of the method: `ind-1` is the ensemble of one budget, and so on.
        include_start: whether the initial network is a member.
    """

    budgets: tuple[tuple[Part, ...], ...]
    label: str
    include_start: bool = False
    classifiers_only = ("Comparisons of ensembles", "them")

    def run(self, run: Run) -> dict[str, Any]:
        """Evaluates; returns a dict: the `result`, the `end` of budgets, and more numbers."""
        files = {part: self._files(run, part) for budget in self.budgets for part in budget}
        every, path = sum(files.values(), []), run.folder(self.name)
        network = load_checkpoint(run.network_file(next(iter(files)).saved), compile=False)
        members = MemberFiles(network, every, output="logits")
        result = ensemble_files.evaluate_ensemble(run.on_data(), members, path)
        counts = [sum(len(files[part]) for part in budget) for budget in self.budgets]
        runs = np.repeat(np.arange(len(counts)), counts)
        reached, moved = [], []
        for part, of_part in files.items():
            step = run.steps[part.saved.training]
            steps = step.data(run).steps_per_epoch(step.training.batch_size)
            records = [_record(file) for file in of_part]
            reached += [part.before + record["step"] / steps for record in records]
            moved += [record["distance_from_previous"] for record in records[1:]]
        epochs = {
            "epochs": np.array(reached),
            "error": result.cumulative["error"],
            "member_error": result.members["error"],
            "run": runs,
        }
        write_arrays(f"{path}-epochs.npz", **epochs)
        run.say(f"\n{self.label.upper()}\n{result.table()}\n")
        return {
            "result": result,
            "epochs": epochs,
            "ends": np.cumsum(counts),
            "disagreement": 100 * _within(result.disagreement, runs),
            "distance_from_previous": float(np.mean(moved)) if moved else None,
        }

    def _files(self, run, part):
        if part.saved.kind == "last":
            return [run.file(part.saved)]
        return ensemble_files.find_members([run.folder(part.saved.training)], self.include_start)

    def values(self, result: dict[str, Any]) -> Values:
        """Returns the error at each budget, and the disagreement of members."""
        errors = result["result"].cumulative["error"]
        numbers = {
            (f"{self.label}-{k}", "test_error", "mean"): errors[end - 1]
            for k, end in enumerate(result["ends"], start=1)
        }
        if self.include_start:
            numbers["start", "test_error", "mean"] = result["result"].members["error"][0]
        for name in ("disagreement", "distance_from_previous"):
            if result[name] is not None:
                numbers[self.label, name, "mean"] = result[name]
        return numbers


def _record(file):
    return read_snapshot(file).record if file.endswith(".npz") else read_record(file)


def _within(disagreement, run):
    """Mean disagreement of two networks of one run, or of single networks of two runs."""
    pairs = np.triu(np.ones((len(run), len(run)), bool), 1)
    if len(run) > len(set(run)):
        pairs &= run[:, None] == run
    return float(disagreement[pairs].mean()) if pairs.any() else float("nan")


@dataclasses.dataclass(frozen=True)
class Trajectory(Step):
    """Evaluates networks along a training trajectory (figure 3, left).

    Attributes:
        name: name of its files.
        saved: `Saved`: the trajectory of a training.
    """

    saved: Saved
    classifiers_only = ("Errors of a trajectory", "it")

    def run(self, run: Run) -> dict[str, np.ndarray]:
        """Evaluates; returns the data for `mc_tf.plots.plot_trajectory`."""
        folders = run.folder(self.saved.training), run.folder(self.name)
        return ensemble_files.evaluate_trajectory(run.on_data(), *folders)
