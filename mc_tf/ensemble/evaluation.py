"""Scores of the members, of the ensemble as it grows, and how much the members differ."""

import dataclasses
import sys

import keras
import numpy as np
import tqdm
from keras import ops

from mc_tf import backend
from mc_tf.batches import Batches
from mc_tf.ensemble.cache import PredictionCache, member_fingerprint
from mc_tf.ensemble.outputs import to_numpy
from mc_tf.ensemble.scores import disagreement_matrix, score
from mc_tf.ensemble.value_scores import gaussian_negative_log_likelihood, score_values
from mc_tf.files import read_arrays, write_arrays
from mc_tf.outputs import directory_held

__all__ = [
    "EnsembleEvaluation",
    "as_classes",
    "evaluate_members",
    "member_outputs",
]


@dataclasses.dataclass(frozen=True)
class EnsembleEvaluation:
    """What `evaluate_members` found.

    Attributes:
        members: dict name -> float64 array `(M,)`: each member's own scores. Names are `error`
            (percent), `accuracy`, `loss`, `brier` and `calibration_error`; of a regression `loss`
            and `mean_absolute_error`.
        cumulative: the same of the ensembles of the first 1, 2, ... M members; of a regression
            also `negative_log_likelihood` under the normal distributions of their means and
            variances, NaN for one member.
        disagreement: float64 array `(M, M)`, the share of examples that two members give different
            classes; None for a regression.
        predictions: float64 array of the whole ensemble: probabilities `(N, C)`; of a regression
            values, flat as `labels` are.
        labels: array `(N,)`.
        variance: of a regression: float64 array like `predictions`, over the members.
    """

    members: dict
    cumulative: dict
    disagreement: np.ndarray
    predictions: np.ndarray
    labels: np.ndarray
    variance: np.ndarray | None = None

    @property
    def mean_disagreement(self):
        """Mean disagreement of two members; NaN with one member, or of a regression."""
        matrix = self.disagreement
        if matrix is None or len(matrix) < 2:
            return float("nan")
        return float(matrix[np.triu_indices(len(matrix), 1)].mean())

    @property
    def scores(self):
        """Scores of the whole ensemble, a dict name -> float."""
        return {name: float(values[-1]) for name, values in self.cumulative.items()}

    def table(self):
        """One line of text for each member: its scores, and those of the ensemble up to it.

        Returns:
            str.
        """
        names = [name for name in ("error", "loss", "calibration_error") if name in self.members]
        titles = [f"{who} {name}" for who in ("member", "ensemble") for name in names]
        lines = ["  ".join(["  ", *(f"{title:>26}" for title in titles)])]
        for m in range(len(self.members["loss"])):
            values = [part[name][m] for part in (self.members, self.cumulative) for name in names]
            lines.append("  ".join([f"{m + 1:2d}", *(f"{value:26.4f}" for value in values)]))
        return "\n".join(lines)

    def save(self, path):
        """Writes everything to one `.npz` file, in one step.

        Args:
            path: file name, ending in `.npz`. Arrays are named `members:error` and the like.
        """
        arrays = {f"members:{name}": values for name, values in self.members.items()}
        arrays |= {f"cumulative:{name}": values for name, values in self.cumulative.items()}
        arrays |= {"predictions": self.predictions, "labels": self.labels}
        for name in ("disagreement", "variance"):
            if getattr(self, name) is not None:
                arrays[name] = getattr(self, name)
        write_arrays(path, **arrays)

    @classmethod
    def load(cls, path):
        """Reads what was saved.

        Args:
            path: file name, ending in `.npz`.

        Returns:
            `EnsembleEvaluation`.

        Raises:
            FileNotFoundError: if there is no such file.
            DamagedFileError: if it is damaged.
            ValueError: if it is something else.
        """
        names = ("members:loss", "cumulative:loss", "predictions", "labels")

        def build(arrays):
            found = {"members": {}, "cumulative": {}}
            for name in [name for name in arrays if ":" in name]:
                group, _, score_name = name.partition(":")
                found[group][score_name] = arrays.pop(name)
            return cls(**found, **{"disagreement": None, **arrays})

        return read_arrays(path, names, "an evaluation of an ensemble", "eval_ensemble.py", build)


def evaluate_members(ensemble, dataset, cache=None, batch_size=500, verbose=1):
    """Scores each member, the ensembles of the first members, and their disagreement.

    Each member makes one pass over the data; one member's predictions are in memory at a time.
    With a `cache` a call that was stopped goes on, and one more member costs one more pass.

    Args:
        ensemble: `Ensemble`, or `MemberFiles`, of which one member is in memory at a time.
        dataset: `(inputs, labels)` in the same order at each pass, as `Batches` takes them.
            Labels are whole numbers `(N,)` or one-hot vectors; of a regression its targets.
            Sample weights are ignored.
        cache: directory for the members' predictions on this data set. Default: none is kept. The
            data set is known by its first batch, its size and, of arrays, all labels: one that
            differs later only is not noticed.
        batch_size: examples a batch, for arrays only. Default 500.
        verbose: 1 for a progress bar, 0 for silence.

    Returns:
        `EnsembleEvaluation`.

    Raises:
        ValueError: if the data has no labels, comes in another order at each pass, or `cache`
            holds the predictions for another data set.
        OSError: if `cache` cannot be made or written.
    """
    kind, temperatures = ensemble.output_kind, ensemble.temperatures
    members, cumulative, classes, total, squares, variance = [], [], [], 0.0, 0.0, None
    for m, raw, labels in member_outputs(ensemble, dataset, cache, batch_size, verbose):
        predictions = to_numpy(raw, kind, float(temperatures[m]))
        if kind == "values":
            score_of, targets = score_values, np.ravel(labels)
            predictions = predictions.reshape(-1)
        else:
            score_of, targets = score, as_classes(labels, raw)
            predictions = predictions.reshape(-1, predictions.shape[-1])
            classes.append(predictions.argmax(-1))
        total = total + predictions
        members.append(score_of(predictions, targets))
        mean = total / (m + 1)
        cumulative.append(score_of(mean, targets))
        if kind == "values":
            squares = squares + predictions**2
            variance = np.maximum(squares / (m + 1) - mean**2, 0)
            likelihood = gaussian_negative_log_likelihood(mean, variance, targets)
            cumulative[-1]["negative_log_likelihood"] = likelihood if m else np.nan
    return EnsembleEvaluation(
        {name: np.array([scores[name] for scores in members]) for name in members[0]},
        {name: np.array([scores[name] for scores in cumulative]) for name in cumulative[0]},
        disagreement_matrix(np.stack(classes)) if classes else None,
        total / len(members),
        targets,
        variance,
    )


def as_classes(labels, raw):
    """Labels as one class for each output: one-hot vectors and columns are made flat.

    Args:
        labels: array `(N, ...)`, `(N, ..., 1)` or one-hot `(N, ..., C)`.
        raw: the outputs `(N, ..., C)` that they belong to.

    Returns:
        Array of one axis.
    """
    labels = np.asarray(labels)
    if labels.shape == raw.shape and raw.shape[-1] > 1:
        return labels.argmax(-1).reshape(-1)
    return labels.reshape(-1)


def member_outputs(ensemble, dataset, cache=None, batch_size=500, verbose=1):
    """Goes through the members with each one's outputs on a data set.

    Args:
        ensemble, dataset, cache, batch_size, verbose: as for `evaluate_members`.

    Yields:
        `(m, outputs, labels)`: the member, the network's outputs `(N, ..., C)` in float32, before
        any temperature, and the labels `(N, ...)`.
    """
    with directory_held(cache):
        yield from _member_outputs(ensemble, dataset, PredictionCache(cache), batch_size, verbose)


def _member_outputs(ensemble, dataset, store, batch_size, verbose):
    known = labels = store.check_data(dataset, batch_size)
    run = backend.compiled(ensemble.run_member)
    for m in tqdm.trange(
        ensemble.num_members,
        desc="members",
        disable=not verbose,
        unit="member",
        mininterval=0.1 if sys.stderr.isatty() else 30,  # few lines in a log file
    ):
        numbers = ensemble.member_numbers(m)
        arrays = [ops.convert_to_numpy(value) for value in numbers]
        fingerprint = member_fingerprint(ensemble.model, arrays)
        outputs = None if labels is None else store.load(fingerprint, len(labels))
        if outputs is None:
            outputs, found, first, batches = _pass(run, numbers, Batches(dataset, batch_size))
            if labels is None:
                labels = found
                store.save_data(labels, first, batches)
            elif not np.array_equal(found, labels):
                if known is not None:
                    store.refuse_data(len(labels))
                raise ValueError(
                    "The labels came in another order at the second pass over the data. Give the "
                    "data set without `.shuffle()`."
                )
            store.save(fingerprint, outputs)
        yield m, outputs, labels


def _pass(run, numbers, batches):
    """Outputs and labels of one member, inputs of the first batch and the number of batches."""
    outputs, labels, first = [], [], None
    for x, y, _ in batches:
        if y is None:
            raise ValueError("The data has no labels: give `(inputs, labels)`.")
        first = keras.tree.map_structure(np.asarray, x) if first is None else first
        outputs.append(np.array(ops.convert_to_numpy(run(numbers, x))))
        labels.append(np.asarray(ops.convert_to_numpy(y)))
    if not outputs:
        raise ValueError("The data has no batch, so there is nothing to evaluate.")
    return np.concatenate(outputs), np.concatenate(labels), first, len(outputs)
