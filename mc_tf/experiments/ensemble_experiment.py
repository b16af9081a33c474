"""Ensembles and averages at equal budgets (Table 1; tables of arXiv 1803.05407), resumable."""

import dataclasses
import os

import numpy as np

from mc_tf.experiments.ensemble_runs import EnsembleRuns
from mc_tf.experiments.kept_networks import check_kept
from mc_tf.experiments.targets import Row
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_json
from mc_tf.training import TrainingOptions
from mc_tf.training.checks import check_classes
from mc_tf.training.fit import check_cycles

__all__ = ["METHODS", "EnsembleExperiment", "run_ensembles"]

METHODS = ("ind", "sse", "fge", "swa", "sgd")


@dataclasses.dataclass(frozen=True)
class EnsembleExperiment:
    """What to train and to compare.

    A budget is what one network takes: `training.epochs`. For `k` budgets each method runs `k`
    times from random weights, and the ensemble is of all networks of those runs.

    Attributes:
        network: name in the registry.
        training: `TrainingOptions` of independent networks; seeds follow each other.
        methods: of `METHODS`: independent networks, snapshot ensembles, fast geometric
            ensembling, weight averaging, and plain trainings of as many epochs as averages take.
        budgets: up to how many budgets, default 3.
        repetitions: how often everything is repeated with other seeds, default 1.
        sse: `TrainingOptions` of snapshot ensembles: as many epochs, in cosine cycles.
        fge: `TrainingOptions` of the cycles of fast geometric ensembling; with `trajectory_every`
            the networks of the first run are evaluated too (figure 3, left).
        fge_starts: numbers of epochs of an independent training after which the cycles begin, one
            run of them for each; 0 for the initial weights.
        swa: `TrainingOptions` of weight averaging, for the longest of `swa_epochs`.
        swa_epochs: numbers of epochs after which averages are compared, such as 1, 1.25 and 1.5
            budgets; of the method `"sgd"` those of its trainings.
        swa_pretraining: number of epochs of an independent training after which weight averaging
            begins, as for FGE; its own epochs are counted from there. 0 for the initial weights.
            Default: no other training, it begins in the epoch `swa.swa_start` of its own.
        weight_decay, network_options, initial_weights: as for `mc_tf.training.train_network`.
        include_start: whether the network from which FGE starts is a member. Default `False`.
        targets: list of `mc_tf.experiments.targets.Target`, the published numbers.
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
    swa_pretraining: int | None = None
    weight_decay: float = 0.0
    network_options: dict = dataclasses.field(default_factory=dict)
    initial_weights: str | None = None
    include_start: bool = False
    targets: tuple = ()
    title: str | None = None

    def __post_init__(self):
        """Checks that each method has its settings."""
        unknown = set(self.methods) - set(METHODS)
        if self.training.epochs < 1:
            raise ValueError(
                f"A budget must have at least 1 epoch. Received: {self.training.epochs}."
            )
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
        self._check_averages()
        if "sgd" in self.methods and (not self.swa_epochs or self.swa_pretraining is not None):
            raise ValueError(
                "The method 'sgd' trains anew for each of swa_epochs, and does not go on after "
                f"swa_pretraining. Received: swa_epochs={list(self.swa_epochs)}, "
                f"swa_pretraining={self.swa_pretraining}."
            )
        starts = self.fge_starts or (-1,)
        increasing = sorted(set(starts)) == list(starts)
        if "fge" in self.methods and not (
            increasing and 0 <= starts[0] and starts[-1] <= self.training.epochs
        ):
            raise ValueError(
                f"FGE must start in the {self.training.epochs} epochs of an independent network, "
                "or at 0, with the initial weights, at different epochs in their order. Received: "
                f"{list(self.fge_starts)}."
            )
        if not 0 <= (self.swa_pretraining or 0) <= self.training.epochs:
            raise ValueError(
                f"Weight averaging must begin in the {self.training.epochs} epochs of an "
                f"independent network, or at 0, with the initial weights. Received: "
                f"swa_pretraining={self.swa_pretraining}."
            )

    def _check_averages(self):
        if "swa" not in self.methods:
            return
        start, every = self.swa.swa_start, self.swa.cycle_epochs or self.swa.swa_every
        if start is None:
            raise ValueError("Weight averaging needs swa_start, the epoch where it starts.")
        none = [n for n in self.swa_epochs if n < start or (n - start) % every]
        if none:
            raise ValueError(
                f"There would be no average after {', '.join(map(str, none))} epochs: they are "
                f"made from epoch {start} on, after each {every} epochs. Choose such numbers."
            )

    def budgets_of(self, epochs):
        """Budgets that averages after so many epochs have taken, as text.

        Args:
            epochs: one of `swa_epochs`.

        Returns:
            str, such as `"1.25"`: two digits after the point, or as many as tell all apart.
        """
        begun, whole = self.swa_pretraining or 0, self.training.epochs
        shares = {(begun + n) / whole for n in self.swa_epochs}
        digits = next(d for d in range(2, 17) if len({round(s, d) for s in shares}) == len(shares))
        return f"{round((begun + epochs) / whole, digits):g}"


@holding("workdir")
def run_ensembles(plan, data, workdir, say=print):
    """Runs a comparison of ensembles from start to end, or goes on where it was stopped.

    Args:
        plan: `EnsembleExperiment`.
        data: data set from `mc_tf.data.load`.
        workdir: directory for everything: `repetition-0/ind-0` and so on, figures of all
            repetitions (`budgets.png`, by epochs) and of the first (`curves.png` by members,
            `trajectory.png` of FGE), also as SVG, what they show (`repetition-0/fge-epochs.npz`
            and so on) and `comparison.json`.
        say: function that is called with a line of text at each step.

    Returns:
        List of `mc_tf.experiments.targets.Row`: test errors of `ind-1` (one budget) and so on, as
        `min`, `mean`, `max` and standard deviation (`std`) over the repetitions, beside the
        targets.

    Raises:
        FileNotFoundError: before any work, if an earlier run is past an epoch whose network is
            needed now and was not kept.
        ValueError, OSError: as the steps themselves do.
    """
    check_classes(data, "Comparisons of ensembles", "--methods")
    for method in plan.methods:
        check_cycles(data, getattr(plan, method, plan.training))
    begun = [*plan.fge_starts] * ("fge" in plan.methods)
    begun += [plan.swa_pretraining] * ("swa" in plan.methods)
    if 0 in begun and not plan.initial_weights:
        say("There are no --initial_weights: what begins with them begins with random weights.")
    repetitions = [
        EnsembleRuns(plan, data, os.path.join(workdir, f"repetition-{k}"), k, say)
        for k in range(plan.repetitions)
    ]
    for runs in repetitions:
        check_kept(plan, data, runs.folder)
    found = {}
    for runs in repetitions:
        values = {}
        for method in plan.methods:
            values |= getattr(runs, f"evaluate_{method}")()
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    _draw(plan, repetitions, workdir)
    rows = _rows(found, plan.targets)
    write_json(os.path.join(workdir, "comparison.json"), [dataclasses.asdict(row) for row in rows])
    return rows


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


def _draw(plan, repetitions, workdir):
    from mc_tf.plots import in_both_formats, plot_budgets, plot_ensembles, plot_trajectory

    first = repetitions[0]
    if first.results:
        path = os.path.join(workdir, "curves")
        in_both_formats(plot_ensembles, first.results, path, title=plan.title)
        epochs = {method: [runs.epochs[method] for runs in repetitions] for method in first.epochs}
        path = os.path.join(workdir, "budgets")
        in_both_formats(plot_budgets, epochs, path, title=plan.title)
    if first.trajectory:
        path = os.path.join(workdir, "trajectory")
        in_both_formats(plot_trajectory, first.trajectory, path, title=plan.title)
