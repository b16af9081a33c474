"""Calibration and uncertainty of networks and ensembles, and one table of many."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.ensemble import Ensemble, MemberFiles
from mc_tf.experiments.parts import curve_files, ensemble_files
from mc_tf.experiments.parts.curve_ensembles import curve_ensemble
from mc_tf.experiments.parts.shifted_data import (
    check_images,
    evaluate_corrupted,
    evaluate_outside,
)
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Saved, Step, Values
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.files import atomic_path, write_json

_CORRUPTED = ("error", "loss", "calibration_error")


@dataclasses.dataclass(frozen=True)
class _Evaluated(Step):
    """Evaluation of the ensemble that a subclass makes.

    A subclass for another kind of ensemble has one method, `ensemble(run)`.
    """

    label: str
    outside: str | None = dataclasses.field(default=None, kw_only=True)
    num_corrupted: int | None = dataclasses.field(default=None, kw_only=True)
    num_outside: int | None = dataclasses.field(default=None, kw_only=True)
    classifiers_only = ("Tables of uncertainty", "them")

    def check(self, run: Run) -> None:
        """Rejects other data than images, and another data set that is not there."""
        super().check(run)
        check_counts(optional=True, num_corrupted=self.num_corrupted, num_outside=self.num_outside)
        check_images(run.data, "A table of uncertainty")
        if self.outside:
            other = run.other_data(self.outside)
            check_images(other, "The data out of distribution")
            run.data.inputs_from(other, 1)

    def ensemble(self, run: Run) -> Ensemble | MemberFiles:
        """Makes the ensemble."""
        raise NotImplementedError

    def run(self, run: Run) -> dict[str, Any]:
        """Evaluates; returns a dict: the `result`, those on other data, and all `scores`."""
        on, path, ensemble = run.on_data(), run.folder(self.name), self.ensemble(run)
        count = ensemble.num_members
        run.say(f"Evaluating '{self.name}': {count} network{'s' * (count > 1)} ...")
        result = ensemble_files.evaluate_ensemble(on, ensemble, path)
        corrupted = evaluate_corrupted(on, ensemble, f"{path}-corrupted", self.num_corrupted)
        scores = result.scores | {
            f"corrupted_{name}": float(corrupted[name].mean()) for name in _CORRUPTED
        }
        results = {"result": result, "corrupted": corrupted, "scores": scores}
        if self.outside:
            other = run.other_data(self.outside)
            most = self.num_outside and min(self.num_outside, other.num_test)
            outside = evaluate_outside(on, ensemble, result, other, f"{path}-outside", most)
            results["outside"] = outside
            scores.update(outside.scores)
        return results

    def values(self, result: dict[str, Any]) -> Values:
        """Returns the error, the loss and the calibration errors on the test data."""
        names = {"error": "test_error", "loss": "loss", "calibration_error": "calibration_error"}
        scores = result["scores"]
        return {(self.label, value, "mean"): scores[name] for name, value in names.items()}


@dataclasses.dataclass(frozen=True)
class Uncertainty(_Evaluated):
    """Evaluates saved networks as an ensemble: calibration, corrupted data, other data.

    Attributes:
        name: name of its files: `NAME.npz` of `EnsembleEvaluation`, `NAME-corrupted.npz`,
            `NAME-outside.npz` and predictions.
        label: label in the comparison.
        saved: tuple of `Saved`: the members.
        outside: name of a data set of images, out of distribution. Default: none.
        num_corrupted: number of test images to corrupt. Default: all.
        num_outside: largest number of images of the other data set. Default: all.
    """

    saved: tuple[Saved, ...] = ()

    def ensemble(self, run: Run) -> MemberFiles:
        """Reads the members."""
        files = []
        for saved in self.saved:
            several = saved.kind == "members"
            folder = [run.folder(saved.training)]
            files += ensemble_files.find_members(folder) if several else [run.file(saved)]
        network = load_checkpoint(run.network_file(self.saved[0]), compile=False)
        return MemberFiles(network, files, output="logits")


@dataclasses.dataclass(frozen=True)
class CurveUncertainty(_Evaluated):
    """Evaluates the ensemble of networks on a curve, like `Uncertainty`.

    Attributes:
        name, label, outside, num_corrupted, num_outside: as in `Uncertainty`.
        curve: name of a `Connect` step.
        num_points: number of equally spaced positions.
    """

    curve: str = ""
    num_points: int = 2
    refers_to = ("curve",)

    def ensemble(self, run: Run) -> Ensemble:
        """Makes the networks on the curve."""
        curve_model = curve_files.load_curve(run.directory(self.curve).curve())
        return curve_ensemble(run.on_data(), curve_model, self.num_points)


# Columns of the table: name of the score, heading, digits.
_COLUMNS = (
    ("error", "error (%)", 2),
    ("loss", "NLL", 3),
    ("brier", "Brier", 4),
    ("calibration_error", "ECE", 4),
    ("adaptive_calibration_error", "ACE", 4),
    ("area_under_risk_coverage", "AURC", 5),
    ("entropy", "entropy", 3),
    ("mutual_information", "mutual information", 3),
    ("corrupted_error", "corrupted: error (%)", 1),
    ("corrupted_loss", "NLL", 2),
    ("corrupted_calibration_error", "ECE", 3),
    ("auroc_max_probability", "AUROC by probability", 3),
    ("auroc_entropy", "by entropy", 3),
    ("auroc_mutual_information", "by mutual information", 3),
    ("aupr_entropy", "AUPR by entropy", 3),
    ("fpr_at_95_tpr_entropy", "FPR at 95 % by entropy", 3),
)


@dataclasses.dataclass(frozen=True)
class UncertaintyTable(Step):
    """The table method x metric, as `NAME.md` (Markdown) and `NAME.json`.

    Attributes:
        name: name of its files.
        of: dict from method to a tuple of names of `Uncertainty` steps, one per repetition.
    """

    of: dict[str, tuple[str, ...]]
    refers_to = ("of",)

    def run(self, run: Run) -> Mapping[str, Any]:
        """Writes; returns a dict from method to a dict from score to a list of numbers."""
        by_method = {}
        for label, names in self.of.items():
            each = [run.results[name]["scores"] for name in names]
            by_method[label] = {key: [scores[key] for scores in each] for key in each[0]}
        text = markdown(by_method)
        write_json(f"{run.folder(self.name)}.json", by_method)
        with atomic_path(f"{run.folder(self.name)}.md") as path, open(path, "w") as file:
            file.write(text)
        run.say(f"\n{text}")
        return by_method


def markdown(by_method):
    """Formats the table: means and, for repetitions, standard deviations.

    Args:
        by_method: dict from method to a dict from score to a list of numbers.

    Returns:
        str.

    Example:
        >>> print(markdown({"SWA": {"error": [1.0, 2.0], "loss": [0.5, 0.5]}}).strip())
        | | error (%) | NLL |
        | --- | --- | --- |
        | SWA | 1.50 ± 0.71 | 0.500 ± 0.000 |
    """
    known = next(iter(by_method.values()))
    columns = [column for column in _COLUMNS if column[0] in known]
    lines = [" | ".join(["", *(heading for _, heading, _ in columns)])]
    lines.append(" | ".join(["---"] * (len(columns) + 1)))
    for label, scores in by_method.items():
        cells = [_cell(scores[name], digits) for name, _, digits in columns]
        lines.append(" | ".join([label, *cells]))
    return "".join(f"| {line.strip()} |\n" for line in lines)


def _cell(numbers, digits):
    text = f"{np.mean(numbers):.{digits}f}"
    return text if len(numbers) == 1 else f"{text} ± {np.std(numbers, ddof=1):.{digits}f}"
