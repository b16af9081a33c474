"""Whether an ensemble is more uncertain of data unlike its training data."""

import dataclasses
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mc_tf.arguments import check_counts
from mc_tf.ensemble.results import EnsembleEvaluation
from mc_tf.ensemble.uncertainty import uncertainty_on
from mc_tf.evaluation.shown import plain_lists
from mc_tf.metrics.detection import aupr, auroc, fpr_at_tpr
from mc_tf.storage.checksums import OtherKindError
from mc_tf.storage.files import read_arrays, write_arrays
from mc_tf.typing import Data, PathLike

if TYPE_CHECKING:
    from mc_tf.ensemble.member_files import MemberFiles
    from mc_tf.ensemble.model import Ensemble

__all__ = ["OutOfDistributionEvaluation", "evaluate_out_of_distribution"]

_SCORES = {"auroc": auroc, "aupr": aupr, "fpr_at_95_tpr": fpr_at_tpr}


@dataclasses.dataclass(frozen=True, repr=False)
class OutOfDistributionEvaluation:
    """Result of `evaluate_out_of_distribution`.

    Measures are `max_probability` (Hendrycks and Gimpel 2017, arXiv 1610.02136), `entropy` and
    `mutual_information`; for a regression `variance` over the members. All are stored such that
    larger numbers are more uncertain: `max_probability` is the negative of the largest probability.
    For multilabel outputs they are of all labels together, as if these were independent.

    Attributes:
        inside: dict from measure to float64 array `(R,)`, one number per prediction on data in
            distribution.
        outside: the same on data out of distribution.
    """

    inside: dict[str, np.ndarray]
    outside: dict[str, np.ndarray]

    @property
    def scores(self) -> dict[str, float]:
        """Scores of the detection of outside data by each measure, a dict name -> float.

        Names are `auroc_entropy`, `aupr_entropy`, `fpr_at_95_tpr_entropy` and so on, see
        `mc_tf.metrics`. Data out of distribution is the positive class, as in Hendrycks et al. 2019
        (arXiv 1812.04606): `fpr_at_95_tpr` is the share of data in distribution that is as
        uncertain as the least uncertain of 95 % of the other data.
        """
        return {
            f"{score}_{measure}": value
            for measure, of_measure in self._by_measure().items()
            for score, value in of_measure.items()
        }

    def _by_measure(self):
        by_measure = {}
        for measure, inside in self.inside.items():
            values = np.concatenate([inside, self.outside[measure]])
            positive = np.arange(len(values)) >= len(inside)
            by_measure[measure] = {name: score(values, positive) for name, score in _SCORES.items()}
        return by_measure

    def table(self) -> str:
        """Returns one line per measure with its scores.

        Returns:
            str.
        """
        lines = [f"{'':<20}" + "".join(f"{name:>16}" for name in _SCORES)]
        for measure, scores in self._by_measure().items():
            lines.append(f"{measure:<20}" + "".join(f"{each:16.4f}" for each in scores.values()))
        return "\n".join(lines)

    def __repr__(self):
        sizes = (len(next(iter(part.values()))) for part in (self.inside, self.outside))
        title = "OutOfDistributionEvaluation: {} predictions inside, {} outside".format(*sizes)
        return f"{title}\n{self.table()}"

    def rows(self) -> list[dict[str, Any]]:
        """Returns the measures as table rows, for `pandas.DataFrame(result.rows())`.

        Returns:
            List of dicts with the `measure` and its scores.
        """
        by_measure = self._by_measure().items()
        return [{"measure": measure, **plain_lists(scores)} for measure, scores in by_measure]

    def to_dict(self) -> dict[str, Any]:
        """Returns all results as Python dicts, lists and numbers.

        Returns:
            dict with the keys `inside`, `outside` and `scores`.
        """
        return plain_lists({"inside": self.inside, "outside": self.outside, "scores": self.scores})

    def save(self, path: PathLike) -> None:
        """Writes everything to one `.npz` file atomically.

        Args:
            path: file name, ending in `.npz`. Arrays are named `inside:entropy` and so on.
        """
        parts = {"inside": self.inside, "outside": self.outside}
        arrays = {f"{part}:{name}": a for part, each in parts.items() for name, a in each.items()}
        write_arrays(path, **arrays)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Loads a saved result.

        Args:
            path: file name, ending in `.npz`.

        Returns:
            `OutOfDistributionEvaluation`.

        Raises:
            FileNotFoundError: if the file does not exist.
            DamagedFileError: if it is damaged.
            ValueError: if the file contains something else.
        """

        def build(arrays):
            parts = {"inside": {}, "outside": {}}
            for name, array in arrays.items():
                part, _, measure = name.partition(":")
                if part not in parts:
                    raise OtherKindError(f"'{path}' is not {kind}: it has an array '{name}'.")
                parts[part][measure] = array
            return cls(**parts)

        kind = "an evaluation out of distribution"
        return read_arrays(path, (), kind, "eval_ensemble.py", build)


def evaluate_out_of_distribution(
    ensemble: "Ensemble | MemberFiles",
    dataset: "Data | EnsembleEvaluation",
    outside: Data,
    batch_size: int = 500,
    verbose: int = 1,
) -> OutOfDistributionEvaluation:
    """Tests whether uncertainty tells data unlike the training data from data like it.

    The data sets are not made equal in size: `aupr` depends on their ratio, the other scores do
    not. A single network has no `mutual_information` (it is 0, and its AUROC 0.5).

    Args:
        ensemble: `Ensemble`, or `MemberFiles`, which keeps one member in memory at a time.
        dataset: data in distribution, such as the test set; data as for `evaluate_members`, whose
            labels, if any, are ignored. Or the `EnsembleEvaluation` of this ensemble on it, which
            saves its passes.
        outside: data out of distribution, with inputs of the same shape and scale, such as
            `mc_tf.data.ImageData.inputs_from` makes of another data set.
        batch_size: examples per batch, for arrays only. Default 500.
        verbose: 1 for progress bars, 0 for silence.

    Returns:
        `OutOfDistributionEvaluation`.

    Raises:
        ValueError: if data is empty, or outputs are invalid or not finite.

    Example:
        >>> import keras, mc_tf
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        >>> ensemble = mc_tf.Ensemble(model, 5, output="logits")
        >>> x = np.random.default_rng(0).normal(size=(8, 2))
        >>> outside = evaluate_out_of_distribution(ensemble, x, 0 * x, verbose=0)  # uniform there
        >>> outside.scores["auroc_entropy"]
        1.0
    """
    check_counts(batch_size=batch_size)
    if isinstance(dataset, EnsembleEvaluation):
        inside = dataset.uncertainty
    else:
        inside = uncertainty_on(ensemble, dataset, batch_size, verbose, "dataset")
    other = uncertainty_on(ensemble, outside, batch_size, verbose, "outside")
    return OutOfDistributionEvaluation(inside, {name: other[name] for name in inside})
