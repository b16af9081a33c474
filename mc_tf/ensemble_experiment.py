"""Ensembles and averages at equal budgets (Table 1; tables of arXiv 1803.05407), resumable."""

import dataclasses
import os

import numpy as np

from mc_tf import ensembling, experiment, training
from mc_tf.callbacks.checkpoint import load_checkpoint
from mc_tf.ensemble import Ensemble
from mc_tf.files import check_writable, write_json
from mc_tf.fitting import MEMBERS
from mc_tf.options import TrainingOptions
from mc_tf.snapshots import read_snapshot
from mc_tf.targets import Row

__all__ = ["METHODS", "EnsembleExperiment", "run_ensembles"]

METHODS = ("ind", "sse", "fge", "swa")


@dataclasses.dataclass(frozen=True)
class EnsembleExperiment:
    """What to train and to compare.

    A budget is what one network takes: `training.epochs`. For `k` budgets each method runs `k`
    times from random weights, and the ensemble is of all networks of those runs.

    Attributes:
        network: name in the registry.
        training: `TrainingOptions` of independent networks; seeds follow each other.
        methods: of `METHODS`: independent networks, snapshot ensembles, fast geometric
            ensembling, weight averaging.
        budgets: up to how many budgets, default 3.
        repetitions: how often everything is repeated with other seeds, default 1.
        sse: `TrainingOptions` of snapshot ensembles: as many epochs, in cosine cycles.
        fge: `TrainingOptions` of the cycles of fast geometric ensembling.
        fge_starts: numbers of epochs of an independent training after which the cycles begin, one
            run of them for each; 0 for the initial weights.
        swa: `TrainingOptions` of weight averaging, for the longest of `swa_epochs`.
        swa_epochs: numbers of epochs after which averages are compared, such as 1, 1.25 and 1.5
            budgets.
        weight_decay, network_options, initial_weights: as for `training.train_network`.
        include_start: whether the network from which FGE starts is a member. Default `False`.
        eval_batch_size: examples a batch in evaluation.
        targets: list of `mc_tf.targets.Target`, the published numbers.
        title: heading of the figure.
    """

    network: str
    training: TrainingOptions
    methods: tuple = ("ind", "sse", "fge")
    budgets: int = 3
    repetitions: int = 1
    sse: TrainingOptions | None = None
    fge: TrainingOptions | None = None
    fge_starts: tuple = ()
    swa: TrainingOptions | None = None
    swa_epochs: tuple = ()
    weight_decay: float = 0.0
    network_options: dict = dataclasses.field(default_factory=dict)
    initial_weights: str | None = None
    include_start: bool = False
    eval_batch_size: int = 500
    targets: tuple = ()
    title: str | None = None

    def __post_init__(self):
        """Checks that each method has its settings."""
        unknown = set(self.methods) - set(METHODS)
        if unknown or not self.methods:
            raise ValueError(
                f"Methods must be of {', '.join(METHODS)}. Received: {', '.join(self.methods)}."
            )
        for name, settings in (("sse", self.sse), ("fge", self.fge), ("swa", self.swa)):
            if name in self.methods and not settings:
                raise ValueError(f"The method '{name}' needs its training options.")
        if "swa" in self.methods and max(self.swa_epochs, default=0) != self.swa.epochs:
            raise ValueError(
                f"Weight averaging ends after {self.swa.epochs} epochs, which must be the largest "
                f"of the numbers that are compared. Received: {list(self.swa_epochs)}."
            )
        if "fge" in self.methods and not all(
            0 <= start <= self.training.epochs for start in self.fge_starts or (-1,)
        ):
            raise ValueError(
                f"FGE must start in the {self.training.epochs} epochs of an independent network, "
                f"or at 0, with the initial weights. Received: {list(self.fge_starts)}."
            )


def run_ensembles(plan, data, workdir, say=print):
    """Runs a comparison of ensembles from start to end, or goes on where it was stopped.

    Args:
        plan: `EnsembleExperiment`.
        data: data set from `mc_tf.data.load`.
        workdir: directory for everything: `repetition-0/ind-0` and so on, figures of
            the first repetition (`curves.png` by members, `budgets.png` by epochs, and as SVG) and
            `comparison.json`.
        say: function that is called with a line of text at each step.

    Returns:
        List of `mc_tf.targets.Row`: test errors of `ind-1` (one budget) and so on, as `min`,
        `mean`, `max` and standard deviation (`std`) over the repetitions, beside the targets.

    Raises:
        ValueError, OSError: as the steps themselves do.
    """
    check_writable(workdir)
    found, drawn = {}, None
    for repetition in range(plan.repetitions):
        runs = _Runs(plan, data, os.path.join(workdir, f"repetition-{repetition}"), repetition, say)
        for method in plan.methods:
            for name, value in getattr(runs, f"evaluate_{method}")().items():
                found.setdefault(name, []).append(value)
        drawn = drawn or runs
    _draw(plan, drawn, workdir)
    rows = _rows(found, plan.targets)
    write_json(os.path.join(workdir, "comparison.json"), [dataclasses.asdict(row) for row in rows])
    return rows


class _Runs:
    """The runs of one repetition and their errors."""

    def __init__(self, plan, data, folder, repetition, say):
        self.plan, self.data, self.folder, self.say = plan, data, folder, say
        self.first_seed = plan.training.seed + repetition * plan.budgets
        self.results, self.epochs = {}, {}

    def evaluate_ind(self):
        """Independent networks and their ensembles."""
        runs = [self._train_ind(run) for run in range(self.plan.budgets)]
        files = [[os.path.join(folder, "model.keras")] for folder in runs]
        return self._evaluate("ind", files)

    def evaluate_sse(self):
        """Snapshot ensembles."""
        files = []
        for run in range(self.plan.budgets):
            folder = self._train(f"sse-{run}", self.plan.sse, run)
            files.append(ensembling.find_members([folder]))
        return self._evaluate("sse", files)

    def evaluate_fge(self):
        """Fast geometric ensembles, from checkpoints of the independent trainings."""
        files = []
        for run in range(self.plan.budgets):
            of_run = []
            for start in self.plan.fge_starts:
                checkpoint = None
                if start:
                    pretrained = self._train_ind(run)
                    checkpoint = os.path.join(pretrained, f"model-{start:04d}.keras")
                folder = self._train(f"fge-{run}-{start}", self.plan.fge, run, checkpoint)
                of_run += ensembling.find_members([folder], self.plan.include_start)
            files.append(of_run)
        return self._evaluate("fge", files)

    def evaluate_swa(self):
        """Networks of averaged weights, and the one that was trained to the same end."""
        found, plan = {}, self.plan
        options = dataclasses.replace(plan.swa, keep_epochs=plan.swa_epochs)
        folder = self._train("swa", options, 0)
        for epochs in plan.swa_epochs:
            budgets = f"{round(epochs / plan.training.epochs, 2):g}"
            averaged = training.averaged_network(folder, self.data, epochs)
            last = load_checkpoint(os.path.join(folder, f"model-{epochs:04d}.keras"))
            for name, model in (("swa", averaged), ("last", last)):
                scores = experiment.evaluate_network(model, self.data, plan.eval_batch_size)
                found[f"{name}-{budgets}", "test_error"] = 100 * (1 - scores["accuracy"])
                self.say(f"{name} {budgets}: {experiment.describe(scores)}")
        return found

    def _train_ind(self, run):
        options = self.plan.training
        if "fge" in self.plan.methods:
            options = dataclasses.replace(options, keep_epochs=self.plan.fge_starts)
        return self._train(f"ind-{run}", options, run)

    def _train(self, name, options, run, checkpoint=None):
        folder = os.path.join(self.folder, name)
        self.say(f"Training {name} in {self.folder} ({options.epochs} epochs) ...")
        plan = self.plan
        new = {"initial_weights": checkpoint or plan.initial_weights}
        if checkpoint is None:
            new |= {"weight_decay": plan.weight_decay, "network_options": plan.network_options}
        training.train_network(
            folder,
            self.data,
            None if checkpoint else plan.network,
            dataclasses.replace(options, seed=self.first_seed + run),
            **new,
        )
        return folder

    def _evaluate(self, method, files_of_runs):
        """Errors of the ensembles of the first 1, 2, ... runs."""
        files = [file for files in files_of_runs for file in files]
        model = load_checkpoint(
            os.path.join(self.folder, _run_of(files[0]), "model.keras"), compile=False
        )
        ensemble = Ensemble(model, files, output="logits")
        result = ensembling.evaluate_ensemble(
            ensemble,
            self.data,
            os.path.join(self.folder, method),
            batch_size=self.plan.eval_batch_size,
            verbose=int(self.plan.training.verbose > 0),
        )
        self.results[method.upper()] = result
        self.epochs[method.upper()] = (
            self._epochs(method, files_of_runs),
            result.cumulative["error"],
        )
        self.say(f"\n{method.upper()}\n{result.table()}\n")
        found, members = {}, 0
        for budget, files in enumerate(files_of_runs, start=1):
            members += len(files)
            found[f"{method}-{budget}", "test_error"] = result.cumulative["error"][members - 1]
        if method == "fge" and self.plan.include_start:
            found["start", "test_error"] = result.members["error"][0]
        found[method, "disagreement"] = 100 * _within_runs(result, files_of_runs)
        return found

    def _epochs(self, method, files_of_runs):
        """Epochs of training that had been done in all when each member was there."""
        whole, found = self.plan.training.epochs, []
        for run, files in enumerate(files_of_runs):
            for file in files:
                epochs = whole
                if method != "ind":
                    begun = int(_run_of(file).split("-")[2]) if method == "fge" else 0
                    options = self.plan.fge if method == "fge" else self.plan.sse
                    steps = self.data.steps_per_epoch(options.batch_size)
                    epochs = begun + read_snapshot(file).record["step"] / steps
                found.append(run * whole + epochs)
        return found


def _run_of(file):
    """Name of the run that a member's file belongs to."""
    folder = os.path.dirname(file)
    return os.path.basename(os.path.dirname(folder) if folder.endswith(MEMBERS) else folder)


def _within_runs(result, files_of_runs):
    """Mean disagreement of two networks of the same run, or of two runs of one network each."""
    run = np.repeat(np.arange(len(files_of_runs)), [len(files) for files in files_of_runs])
    pairs = np.triu(np.ones((len(run), len(run)), bool), 1)
    if len(run) > len(files_of_runs):
        pairs &= run[:, None] == run
    return float(result.disagreement[pairs].mean()) if pairs.any() else float("nan")


def _rows(found, targets):
    wanted = {(target.curve, target.value, target.statistic): target.number for target in targets}
    rows = []
    for (name, value), numbers in found.items():
        statistics = {"mean": np.mean(numbers), "min": np.min(numbers), "max": np.max(numbers)}
        if len(numbers) > 1:
            statistics["std"] = np.std(numbers, ddof=1)
        for statistic, number in statistics.items():
            key = (name, value, statistic)
            if len(numbers) > 1 or statistic == "mean" or key in wanted:
                rows.append(Row(*key, wanted.pop(key, None), float(number)))
    return rows + [Row(*key, number, None) for key, number in wanted.items()]


def _draw(plan, runs, workdir):
    from mc_tf.plots import plot_budgets, plot_ensembles

    for ending in ("png", "svg") if runs.results else ():
        path = os.path.join(workdir, f"curves.{ending}")
        plot_ensembles(runs.results, path, title=plan.title)
        path = os.path.join(workdir, f"budgets.{ending}")
        plot_budgets(runs.epochs, path, title=plan.title)
