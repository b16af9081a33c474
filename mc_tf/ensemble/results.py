"""The result of evaluating members and their ensemble: scores, predictions and file."""

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mc_tf.ensemble.uncertainty import of_predictions
from mc_tf.evaluation.shown import plain_lists, range_line
from mc_tf.metrics import reliability, risk_coverage
from mc_tf.storage.files import read_arrays, write_arrays
from mc_tf.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EnsembleEvaluation"]

_MORE = ("calibration_error", "entropy", "mutual_information", "interval_coverage", "crps")


@dataclasses.dataclass(frozen=True, repr=False)
class EnsembleEvaluation:
    """Result of `evaluate_members`.

    A row is one prediction: an example, or a position of an example (a word, a pixel). Masked
    positions and positions with the ignored label are left out.

    Attributes:
        members: dict name -> float64 array `(M,)`: scores of each member. Names are `error`
            (percent), `accuracy`, `loss`, `brier`, `calibration_error`,
            `adaptive_calibration_error`, `area_under_risk_coverage` and `entropy`, the mean
            `mc_tf.metrics.predictive_entropy`. For multilabel outputs (`"multilabel_..."`) each
            label is a two-class problem (`accuracy` is then Keras' `BinaryAccuracy`). For a
            regression: `loss`, `mean_squared_error` and `mean_absolute_error`.
        cumulative: the same scores for the ensembles of the first 1, 2, ... M members, and the mean
            `mutual_information` between the prediction and the member, 0 for the first member. For
            a regression, `negative_log_likelihood`, `interval_coverage` (of 95 % intervals) and
            `crps` (`mc_tf.metrics.gaussian_crps`) under normal distributions with the ensemble's
            mean and variance: NaN for the first member, which has no variance, and left out for a
            single member.
        disagreement: float64 array `(M, M)`, the share of rows (or labels) on which two members
            disagree; None for a regression.
        predictions: float64 array of the whole ensemble: probabilities `(R, C)`, or `(R, L)` for
            multilabel outputs; for a regression, values of the shape of `labels`.
        labels: array `(R,)`; `(R, C)` for soft labels, `(R, L)` for multilabel outputs.
        variance: for a regression, float64 array like `predictions`: variance over the members.
        sample_weight: float64 array `(R,)`; None if all weights are equal.
        mutual_information: float64 array `(R,)`, or `(R, L)` for multilabel outputs: information
            between each prediction and the member; None for a regression and in files of earlier
            releases.
    """

    members: dict[str, np.ndarray]
    cumulative: dict[str, np.ndarray]
    disagreement: np.ndarray | None
    predictions: np.ndarray
    labels: np.ndarray
    variance: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    mutual_information: np.ndarray | None = None

    @property
    def mean_disagreement(self) -> float:
        """Mean disagreement of two members; NaN for a single member or a regression."""
        matrix = self.disagreement
        if matrix is None or len(matrix) < 2:
            return float("nan")
        return float(matrix[np.triu_indices(len(matrix), 1)].mean())

    @property
    def scores(self) -> dict[str, float]:
        """Scores of the whole ensemble, a dict name -> float."""
        return {name: float(values[-1]) for name, values in self.cumulative.items()}

    @property
    def uncertainty(self) -> dict[str, np.ndarray]:
        """How uncertain the ensemble is of each prediction, a dict from measure to array `(R,)`.

        `OutOfDistributionEvaluation` has the same measures. Files of earlier releases have no
        `mutual_information`.
        """
        if self.disagreement is None:
            return {"variance": self.variance}
        return of_predictions(self.predictions, self.mutual_information, self._is_multilabel)

    def reliability(self, num_bins: int = 15) -> dict[str, np.ndarray]:
        """Confidence and accuracy of the ensemble by confidence: see `mc_tf.metrics.reliability`.

        Args:
            num_bins: number of bins. Default 15.

        Returns:
            dict of float64 arrays `(num_bins,)`: `confidence`, `accuracy` and `share`.

        Raises:
            ValueError: for a regression.
        """
        predictions, labels, weights = self._by_class()
        return reliability(predictions, labels, num_bins, weights)

    def risk_coverage(self) -> tuple[np.ndarray, np.ndarray]:
        """Error of the most certain predictions by their share: see `mc_tf.metrics.risk_coverage`.

        Returns:
            `(coverage, risk)`: float64 arrays, by increasing coverage.

        Raises:
            ValueError: for a regression.
        """
        predictions, labels, weights = self._by_class()
        return risk_coverage(predictions, labels, sample_weight=weights)

    @property
    def _is_multilabel(self):
        """Whether columns are labels, not classes, whose probabilities sum to 1."""
        return self.labels.ndim == 2 and not np.allclose(self.predictions.sum(-1), 1, atol=1e-6)

    def _by_class(self):
        """Probabilities, labels and weights; each label of multilabel outputs has its own row."""
        if self.disagreement is None:
            raise ValueError("These are values of a regression; this is for classifiers only.")
        if not self._is_multilabel:
            return self.predictions, self.labels, self.sample_weight
        labels, weights = self.labels.reshape(-1), self.sample_weight
        soft = not np.isin(labels, (0, 1)).all()
        weights = weights if weights is None else np.repeat(weights, self.labels.shape[1])
        labels = np.stack([1 - labels, labels], -1) if soft else labels
        return self.predictions.reshape(-1, 1), labels, weights

    def table(self, names: Collection[str] | None = None) -> str:
        """Returns one line per member: its scores and the scores of the ensemble up to it.

        Args:
            names: names of the scores. Default: `error`, `loss` and `calibration_error`, if known.
        """
        if names is None:
            names = [n for n in ("error", "loss", "calibration_error") if n in self.members]
        titles = ["error (%)" if name == "error" else name.replace("_", " ") for name in names]
        widths = [2] + 2 * [max(len(title), 8) for title in titles]
        skipped = [""] * (len(names) - 1)
        rows = [["", *skipped, "member", *skipped, "ensemble"], ["n", *titles, *titles]]
        for m in range(len(self.members["loss"])):
            values = [part[name][m] for part in (self.members, self.cumulative) for name in names]
            rows.append([m + 1, *(f"{value:.4f}" for value in values)])
        lines = ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths)) for row in rows]
        return "\n".join(lines)

    def __repr__(self):
        count = len(self.members["loss"])
        lines = [f"EnsembleEvaluation: {count} members, {len(self.predictions)} predictions"]
        for name in (name for name in ("error", "loss") if name in self.members):
            lines.append(range_line(f"ensemble_{name}", self.cumulative[name][-1:]))
            lines.append(range_line(f"member_{name}", self.members[name]))
        for name in (name for name in _MORE if name in self.cumulative):
            lines.append(range_line(name, self.cumulative[name][-1:]))
        if count > 1 and self.disagreement is not None:
            lines.append(f"  {'two members differ in':<22} {100 * self.mean_disagreement:.4g} %")
        return "\n".join(lines)

    def plot(self, **options: Any) -> "Figure":
        """Draws the error of the growing ensemble and of each member.

        Args:
            **options: of `mc_tf.plots.plot_ensembles`: `title` and `ax`.

        Returns:
            matplotlib figure; write it with `mc_tf.plots.save`.
        """
        from mc_tf.plots import plot_ensembles

        return plot_ensembles(self, **options)

    def plot_reliability(self, **options: Any) -> "Figure":
        """Draws a reliability diagram: see `mc_tf.plots.plot_reliability`, with its `options`."""
        from mc_tf.plots import plot_reliability

        return plot_reliability(self, **options)

    def plot_risk_coverage(self, **options: Any) -> "Figure":
        """Draws the risk by coverage: see `mc_tf.plots.plot_risk_coverage`, with its `options`."""
        from mc_tf.plots import plot_risk_coverage

        return plot_risk_coverage(self, **options)

    def rows(self) -> list[dict[str, Any]]:
        """Returns the members as table rows, for `pandas.DataFrame(result.rows())`.

        Returns:
            List of dicts, one per member: `members`, the number of members so far; the scores of
            this member as `member_error` and so on, and of the ensemble so far as `ensemble_error`
            and so on.
        """
        scores = {f"member_{name}": values for name, values in self.members.items()}
        scores |= {f"ensemble_{name}": values for name, values in self.cumulative.items()}
        return [
            plain_lists({"members": m + 1} | {name: values[m] for name, values in scores.items()})
            for m in range(len(self.members["loss"]))
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns all results as Python dicts, lists and numbers; `None` for missing values.

        Returns:
            dict with the attributes as keys.
        """
        return plain_lists({f.name: getattr(self, f.name) for f in dataclasses.fields(self)})

    def save(self, path: PathLike) -> None:
        """Writes everything to one `.npz` file atomically.

        Args:
            path: file name, ending in `.npz`. Arrays are named `members:error` and so on.
        """
        arrays = {f"members:{name}": values for name, values in self.members.items()}
        arrays |= {f"cumulative:{name}": values for name, values in self.cumulative.items()}
        arrays |= {"predictions": self.predictions, "labels": self.labels}
        for name in ("disagreement", "variance", "sample_weight", "mutual_information"):
            if getattr(self, name) is not None:
                arrays[name] = getattr(self, name)
        write_arrays(path, **arrays)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Loads a saved result.

        Args:
            path: file name, ending in `.npz`.

        Returns:
            `EnsembleEvaluation`.

        Raises:
            FileNotFoundError: if the file does not exist.
            DamagedFileError: if it is damaged.
            ValueError: if the file contains something else.
        """
        names = ("members:loss", "cumulative:loss", "predictions", "labels")

        def build(arrays):
            groups = {"members": {}, "cumulative": {}}
            for name in [name for name in arrays if ":" in name]:
                group, _, score_name = name.partition(":")
                groups[group][score_name] = arrays.pop(name)
            return cls(**groups, **{"disagreement": None, **arrays})

        return read_arrays(path, names, "an evaluation of an ensemble", "eval_ensemble.py", build)
