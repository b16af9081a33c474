"""Evaluations of trained curves: ensembles, pairs of networks, distances in weight space."""

import dataclasses
import hashlib
import os

import numpy as np
from keras import ops

from mc_tf.arguments import check_counts
from mc_tf.ensemble import Ensemble, temperatures_from_loss
from mc_tf.experiments.parts import curve_files
from mc_tf.experiments.parts.curve_ensembles import curve_ensemble, evaluate_pairs, train_losses
from mc_tf.experiments.parts.ensemble_files import evaluate_ensemble
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Step, Values
from mc_tf.storage.files import read_json, write_json
from mc_tf.training.run_directory import as_stored


@dataclasses.dataclass(frozen=True)
class _OnCurve(Step):
    """Evaluations at equally spaced positions of `curve`, the name of a `Connect` step."""

    curve: str
    num_points: int
    refers_to = ("curve",)

    def __post_init__(self):
        check_counts(low=2, high=10**4, num_points=self.num_points)

    def _load(self, run):
        """The data, the curve and the path of results."""
        curve_model = curve_files.load_curve(run.directory(self.curve).curve())
        return run.on_data(run.steps[self.curve].num_train), curve_model, run.folder(self.name)


@dataclasses.dataclass(frozen=True)
class CurveEnsembles(_OnCurve):
    """Evaluates the ensemble on a curve, with and without temperatures (section A.6).

    Attributes:
        name: name of its files.
        curve: name of a `Connect` step.
        num_points: number of equally spaced positions.
        label: label of the curve in the comparison.
        ends_label: label of the endpoints' ensemble there. Default: not shown.
    """

    label: str = "curve"
    ends_label: str | None = None
    classifiers_only = ("Ensembles on a curve", "ensemble_points")

    def run(self, run: Run) -> dict[str, float]:
        """Evaluates; returns the test errors by name."""
        on, curve_model, path = self._load(run)
        points = ops.convert_to_numpy(curve_model.control_points())
        curve = hashlib.sha256(points.tobytes()).hexdigest()[:32]
        about = as_stored({**on.about, "curve": curve, "positions": self.num_points})
        errors = _stored_errors(f"{path}.json", about)
        if errors is None:
            ensemble, errors = curve_ensemble(on, curve_model, self.num_points), {}
            if self.num_points == run.steps[self.curve].num_points:
                losses = run.results[self.curve]["train_loss"]
            else:
                losses = train_losses(on, curve_model, self.num_points, path)
            ends = [ensemble.snapshot(0), ensemble.snapshot(-1)]
            ends = Ensemble(ensemble.model, ends, output="logits")
            several = {"ensemble": ensemble, "ends": ends, "scaled ensemble": ensemble}
            for name, each in several.items():
                if name == "scaled ensemble":
                    each.temperatures = temperatures_from_loss(losses)
                files = f"{path}-{name.replace(' ', '-')}", f"{path}-predictions"
                errors[name] = evaluate_ensemble(on, each, *files).scores["error"]
            write_json(f"{path}.json", {"about": about, "errors": errors})
        for (label, _, _), error in self.values(errors).items():
            run.say(f"{label}: test error {error:.2f} %")
        return errors

    def values(self, result: dict[str, float]) -> Values:
        """The test errors."""
        labels = {name: f"{self.label} {name}" for name in result} | {"ends": self.ends_label}
        named = {labels[name]: error for name, error in result.items()}
        return {(label, "test_error", "mean"): error for label, error in named.items() if label}


def _stored_errors(path, about):
    """The errors that an earlier run has stored; `None` if there is none."""
    if not os.path.exists(path):
        return None
    stored = read_json(path, "the errors of ensembles on a curve", "reproduce.py")
    if not isinstance(stored, dict) or not {"about", "errors"} <= stored.keys():
        raise ValueError(f"The file '{path}' has no errors of ensembles. Move it away.")
    return stored["errors"] if stored["about"] == about else None


@dataclasses.dataclass(frozen=True)
class Pairs(_OnCurve):
    """Evaluates ensembles of the start of a curve with networks along it (figure 2, right).

    Attributes:
        name, curve, num_points: as in `CurveEnsembles`.
        seed: seed of a random segment of the same length that replaces the curve. Default: the
            curve itself.
    """

    seed: int | None = None
    classifiers_only = ("Ensembles of two networks", "pair_points")

    def run(self, run: Run) -> dict[str, np.ndarray]:
        """Evaluates; returns the data for `mc_tf.plots.plot_pairs`."""
        on, curve_model, path = self._load(run)
        if self.seed is not None:
            curve_model = curve_files.random_segment(curve_model, self.seed)
        return evaluate_pairs(on, curve_model, path, self.num_points)


@dataclasses.dataclass(frozen=True)
class Distances(Step):
    """Measures distances in weight space: of endpoints, and of bends of curves (section 4).

    Attributes:
        name: unique name of the step; nothing is written.
        curves: dict from family to the names of its `Connect` steps, with different seeds.
        prefix: prefix of the labels in the comparison.
    """

    curves: dict
    prefix: str = ""
    refers_to = ("curves",)

    def run(self, run: Run) -> dict[str, float]:
        """Returns distances by label. The bends of one family are in memory together."""
        distances = {}
        for family, names in self.curves.items():
            bends = {}
            for name in names:
                curve_model = curve_files.load_curve(run.directory(name).curve())
                start, *inner, end = map(ops.convert_to_numpy, curve_model.curve_layer.points)
                if not distances:  # all curves have the same endpoints
                    apart = np.subtract(end, start, dtype="float64")
                    distances[f"{self.prefix}endpoints"] = float(np.linalg.norm(apart))
                seed = run.steps[name].training.seed
                for other, before in bends.items():
                    pair = f" {other} and {seed}" if len(names) > 2 else ""
                    apart = np.linalg.norm(np.subtract(before, inner, dtype="float64"), axis=1)
                    distances[f"{self.prefix}bends of {family}{pair}"] = float(apart.mean())
                bends[seed] = inner
        return distances

    def values(self, result: dict[str, float]) -> Values:
        """The distances."""
        return {(label, "distance", ""): distance for label, distance in result.items()}
