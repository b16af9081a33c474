"""The runs of a comparison of ensembles and averages, resumable, and how well each does."""

import dataclasses
import itertools
import os
from functools import partial

import numpy as np

from mc_tf import training
from mc_tf.ensemble import MemberFiles
from mc_tf.experiments import ensemble_files
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.files import write_arrays
from mc_tf.storage.snapshots import read_snapshot

__all__ = ["EnsembleRuns"]


class EnsembleRuns:
    """The runs of one repetition of a comparison, and their errors.

    Args:
        plan: `mc_tf.experiments.ensemble_experiment.EnsembleExperiment`.
        data: data set from `mc_tf.data.load`.
        folder: directory for all runs of this repetition.
        repetition: which one, from 0; it decides the seeds.
        say: function that is called with a line of text at each step.

    Attributes:
        results: dict from `"IND"` and so on to `mc_tf.ensemble.EnsembleEvaluation`.
        epochs: likewise to what `mc_tf.plots.plot_budgets` draws, which is also in the file
            `METHOD-epochs.npz`.
        trajectory: what `mc_tf.experiments.ensemble_files.evaluate_trajectory` found of the first
            FGE run, if its options say so.
    """

    def __init__(self, plan, data, folder, repetition, say):
        self.plan, self.data, self.folder, self.say = plan, data, folder, say
        self.first_seed = plan.training.seed + repetition * plan.budgets
        self.results, self.epochs, self.trajectory = {}, {}, None

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
            files.append(ensemble_files.find_members([folder]))
        return self._evaluate("sse", files)

    def evaluate_fge(self):
        """Fast geometric ensembles, from checkpoints of the independent trainings."""
        files = []
        for run in range(self.plan.budgets):
            of_run = []
            for start in self.plan.fge_starts:
                checkpoint = self._pretrained(run, start)
                folder = self._train(f"fge-{run}-{start}", self.plan.fge, run, checkpoint)
                of_run += ensemble_files.find_members([folder], self.plan.include_start)
                if self.plan.fge.trajectory_every and self.trajectory is None:
                    self.trajectory = self._evaluate_trajectory(folder)
            files.append(of_run)
        return self._evaluate("fge", files)

    def evaluate_swa(self):
        """Networks of averaged weights, and the one that was trained to the same end."""
        plan = self.plan
        begun, models = plan.swa_pretraining or 0, {}
        checkpoint = self._pretrained(0, begun)
        if plan.swa_pretraining is not None:
            models["start"] = partial(load_checkpoint, checkpoint or self._given())
        options = dataclasses.replace(plan.swa, keep_epochs=plan.swa_epochs)
        folder = self._train("swa", options, 0, checkpoint)
        for epochs in plan.swa_epochs:
            budgets = plan.budgets_of(epochs)
            path = os.path.join(folder, f"model-{epochs:04d}.keras")
            models[f"swa-{budgets}"] = partial(
                training.averaged_network, folder, self.data, epochs, plan.training.eval_batch_size
            )
            models[f"last-{budgets}"] = partial(load_checkpoint, path)
        return self._test_errors(models)

    def evaluate_sgd(self):
        """Networks that were trained for as many epochs as averages take, to the rate's end."""
        models = {}
        for epochs in self.plan.swa_epochs:
            options = dataclasses.replace(self.plan.training, epochs=epochs)
            whole = epochs == self.plan.training.epochs
            folder = self._train_ind(0) if whole else self._train(f"sgd-{epochs}", options, 0)
            path = os.path.join(folder, "model.keras")
            models[f"sgd-{self.plan.budgets_of(epochs)}"] = partial(load_checkpoint, path)
        return self._test_errors(models)

    def _test_errors(self, models):
        found = {}
        for name, load in models.items():
            scores = training.evaluate_network(
                load(), self.data, self.plan.training.eval_batch_size
            )
            value, number = training.test_score(scores)
            found[name, value] = number
            self.say(f"{name.replace('-', ' ')}: {training.describe(scores)}")
        return found

    def _train_ind(self, run):
        kept = self.plan.fge_starts if "fge" in self.plan.methods else ()
        if run == 0 and self.plan.swa_pretraining and "swa" in self.plan.methods:
            kept = (*kept, self.plan.swa_pretraining)
        options = dataclasses.replace(self.plan.training, keep_epochs=kept) if kept else None
        return self._train(f"ind-{run}", options or self.plan.training, run)

    def _pretrained(self, run, epochs):
        """Checkpoint of an independent training after so many epochs; none for 0 epochs."""
        if not epochs:
            return None
        last = epochs == self.plan.training.epochs
        name = "model.keras" if last else f"model-{epochs:04d}.keras"
        return os.path.join(self._train_ind(run), name)

    def _given(self):
        """File of the network as it is before any training."""
        options = dataclasses.replace(self.plan.training, epochs=0)
        return os.path.join(self._train("start", options, 0), "model.keras")

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

    def _evaluate_trajectory(self, folder):
        return ensemble_files.evaluate_trajectory(
            folder,
            self.data,
            os.path.join(folder, "trajectory-evaluation"),
            batch_size=self.plan.training.eval_batch_size,
            verbose=int(self.plan.training.verbose > 0),
        )

    def _evaluate(self, method, files_of_runs):
        """Errors of the ensembles of the first 1, 2, ... runs."""
        files = [file for files in files_of_runs for file in files]
        model = load_checkpoint(
            os.path.join(self.folder, _run_of(files[0]), "model.keras"), compile=False
        )
        ensemble = MemberFiles(model, files, output="logits")
        result = ensemble_files.evaluate_ensemble(
            ensemble,
            self.data,
            os.path.join(self.folder, method),
            batch_size=self.plan.training.eval_batch_size,
            verbose=int(self.plan.training.verbose > 0),
        )
        records = {}  # of the members that are snapshots
        if method != "ind":
            records = {file: read_snapshot(file).record for file in files}
        self.results[method.upper()] = result
        self.epochs[method.upper()] = {
            "epochs": np.array(self._epochs(method, files_of_runs, records)),
            "error": result.cumulative["error"],
            "member_error": result.members["error"],
        }
        path = os.path.join(self.folder, f"{method}-epochs.npz")
        write_arrays(path, **self.epochs[method.upper()])
        self.say(f"\n{method.upper()}\n{result.table()}\n")
        found, members = {}, 0
        for budget, of_run in enumerate(files_of_runs, start=1):
            members += len(of_run)
            found[f"{method}-{budget}", "test_error"] = result.cumulative["error"][members - 1]
        if method == "fge" and self.plan.include_start:
            found["start", "test_error"] = result.members["error"][0]
        found[method, "disagreement"] = 100 * _within_runs(result, files_of_runs)
        steps = [
            records[file]["distance_from_previous"]
            for before, file in itertools.pairwise(files if records else ())
            if _run_of(before) == _run_of(file)
        ]
        if steps:
            found[method, "distance_from_previous"] = float(np.mean(steps))
        return found

    def _epochs(self, method, files_of_runs, records):
        """Epochs of training that had been done in all when each member was there."""
        whole, found = self.plan.training.epochs, []
        for run, files in enumerate(files_of_runs):
            for file in files:
                epochs = whole
                if method != "ind":
                    options, begun = self.plan.sse, 0
                    if method == "fge":  # after the training until there, and earlier starts
                        options, starts = self.plan.fge, self.plan.fge_starts
                        begun = int(_run_of(file).split("-")[2])
                        begun += options.epochs * starts.index(begun)
                    steps = self.data.steps_per_epoch(options.batch_size)
                    epochs = begun + records[file]["step"] / steps
                found.append(run * whole + epochs)
        return found


def _run_of(file):
    """Name of the run that a member's file belongs to."""
    folder = os.path.dirname(file)
    return os.path.basename(os.path.dirname(folder) if folder.endswith("members") else folder)


def _within_runs(result, files_of_runs):
    """Mean disagreement of two networks of the same run, or of two runs of one network each."""
    run = np.repeat(np.arange(len(files_of_runs)), [len(files) for files in files_of_runs])
    pairs = np.triu(np.ones((len(run), len(run)), bool), 1)
    if len(run) > len(files_of_runs):
        pairs &= run[:, None] == run
    return float(result.disagreement[pairs].mean()) if pairs.any() else float("nan")
