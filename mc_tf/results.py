"""The result of evaluating a curve: arrays over `t`, their summary, and the files."""

import json
import os
import zipfile

import numpy as np

from mc_tf.files import atomic_path, remove_leftovers, write_json

__all__ = ["CurveEvaluation"]

_ACCURACIES = (
    "sparse_categorical_accuracy",
    "categorical_accuracy",
    "binary_accuracy",
    "accuracy",
    "acc",
)
_TABLE = tuple(
    f"{part}_{value}"
    for part in ("train", "validation", "test")
    for value in ("loss", "error", "perplexity")
)


class CurveEvaluation:
    """Values of loss and metrics at positions along a curve, made by `evaluate_curve`.

    Index it by name: `result["test_error"]` is a float64 array of shape `(num_points,)`.

    Attributes:
        t: positions, shape `(num_points,)`.
        done: which of them are evaluated, bool of shape `(num_points,)`.
        arc_lengths: weight-space distances between neighbours, shape `(num_points - 1,)`.
        length: length of the curve in weight space.
        length_ratio: `length` divided by the distance of the endpoints.
        description: dict of what was evaluated.
    """

    def __init__(self, t, fingerprint="", description=None):
        self.t = np.asarray(t, "float64")
        self.done = np.zeros(len(self.t), bool)
        self.fingerprint = fingerprint
        self.description = dict(description or {})
        self._values = {}
        self.set_geometry(np.full(len(self.t) - 1, np.nan), np.nan, np.nan)

    def set_geometry(self, arc_lengths, length, length_ratio):
        """Sets the lengths that Int and the length ratio need."""
        self.arc_lengths = np.asarray(arc_lengths, "float64")
        self.length = float(length)
        self.length_ratio = float(length_ratio)

    @property
    def complete(self):
        """Whether every position is evaluated."""
        return bool(self.done.all())

    @property
    def names(self):
        """Names of the arrays, sorted."""
        return sorted(self._values)

    def __getitem__(self, name):
        if name not in self._values:
            raise KeyError(f"No values named '{name}'. There are: {', '.join(self.names)}")
        return self._values[name]

    def record(self, index, logs):
        """Stores the values of one position; accuracies also become errors in percent.

        Args:
            index: which position.
            logs: dict name -> float.
        """
        logs = dict(logs)
        for name, value in list(logs.items()):
            error = _error_name(name)
            if error:
                logs.setdefault(error, 100.0 * (1.0 - value))
        for name, value in logs.items():
            values = self._values.setdefault(name, np.full(len(self.t), np.nan))
            values[index] = value
        self.done[index] = True

    def summary(self, name):
        """Min / Int / Mean / Max of the paper's tables, and the barrier.

        Args:
            name: such as `"train_loss"` or `"test_error"`.

        Returns:
            dict with `min`; `int`, the trapezoid rule over arc length divided by the length;
            `mean`, the trapezoid rule over `t`, which is the loss (2) that training minimises;
            `max`; `barrier`, the maximum minus the worse endpoint; `start` and `end`.
        """
        values = self[name]
        middles = (values[1:] + values[:-1]) / 2
        length = self.arc_lengths.sum()
        mean = float((middles * np.diff(self.t)).sum())
        return {
            "min": float(values.min()),
            "int": float((middles * self.arc_lengths).sum() / length) if length > 0 else mean,
            "mean": mean,
            "max": float(values.max()),
            "barrier": float(values.max() - max(values[0], values[-1])),
            "start": float(values[0]),
            "end": float(values[-1]),
        }

    def table(self, names=None):
        """The summary as lines of text, one for each name that is there.

        Args:
            names: which values, in order. Default: loss, error and perplexity on the training,
                validation and test data, as far as they are there.

        Returns:
            str.
        """
        names = names or _TABLE
        columns = ("start", "end", "min", "int", "mean", "max", "barrier")
        width = max(14, *(len(name) + 1 for name in names if name in self._values), 0)
        lines = [f"{'':<{width}}" + "".join(f"{column.capitalize():>10}" for column in columns)]
        for name in names:
            if name in self._values:
                row = self.summary(name)
                lines.append(
                    f"{name.replace('_', ' '):<{width}}"
                    + "".join(f"{row[c]:>10.4f}" for c in columns)
                )
        lines.append(f"length {self.length:.4f}, {self.length_ratio:.4f} x the segment")
        return "\n".join(lines)

    # Files.

    def save(self, path):
        """Writes `PATH.npz` in one step; nothing if `path` is `None`."""
        if path is None:
            return
        values = {f"value:{name}": array for name, array in self._values.items()}
        with atomic_path(f"{path}.npz") as temporary:
            np.savez(
                temporary,
                t=self.t,
                done=self.done,
                arc_lengths=self.arc_lengths,
                lengths=np.array([self.length, self.length_ratio]),
                fingerprint=np.array(self.fingerprint),
                description=np.array(json.dumps(self.description, default=str)),
                **values,
            )

    def finish(self, path):
        """Writes `PATH.npz` and the summary as `PATH.json`; nothing if `path` is `None`."""
        if path is None:
            return
        self.save(path)
        write_json(
            f"{path}.json",
            {
                "description": self.description,
                "num_points": len(self.t),
                "length": self.length,
                "length_ratio": self.length_ratio,
                "summary": {name: self.summary(name) for name in self.names},
            },
        )

    @classmethod
    def load(cls, path):
        """Reads what `evaluate_curve(..., path=path)` wrote.

        Args:
            path: file name without ending, or with `.npz`.

        Returns:
            `CurveEvaluation`.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged or is not a curve evaluation.
        """
        path = os.fspath(path)
        file = path if path.endswith(".npz") else f"{path}.npz"
        if not os.path.exists(file):
            raise FileNotFoundError(
                f"There is no result file '{file}'. Evaluate the curve first (eval_curve.py)."
            )
        try:
            with np.load(file) as stored:
                result = cls(
                    stored["t"],
                    str(stored["fingerprint"]),
                    json.loads(str(stored["description"])),
                )
                result.done = stored["done"]
                result.set_geometry(stored["arc_lengths"], *stored["lengths"])
                result._values = {
                    key.removeprefix("value:"): stored[key]
                    for key in stored.files
                    if key.startswith("value:")
                }
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"The result file '{file}' is damaged or is not a curve evaluation "
                f"({type(error).__name__}). Delete it and evaluate again."
            ) from error
        return result

    @classmethod
    def resume(cls, path, t, fingerprint, description):
        """The stored result of the same evaluation, or an empty one.

        Args:
            path: file name without ending, or `None`.
            t: positions.
            fingerprint: what the results depend on.
            description: dict of what is evaluated.

        Returns:
            `CurveEvaluation`.

        Raises:
            ValueError: if the file is damaged or belongs to another evaluation.
        """
        if path is not None:
            remove_leftovers(f"{path}.npz")
            remove_leftovers(f"{path}.json")
        if path is None or not os.path.exists(f"{path}.npz"):
            return cls(t, fingerprint, description)
        result = cls.load(path)
        if result.fingerprint != fingerprint:
            raise ValueError(
                f"'{path}.npz' holds the results of another curve, data set or grid. Choose "
                "another path, or delete it to evaluate anew."
            )
        return result


def _error_name(name):
    for accuracy in _ACCURACIES:
        if name.endswith(f"_{accuracy}") and not name.endswith(f"top_k_{accuracy}"):
            return name.removesuffix(accuracy) + "error"
    return None
