"""The result of evaluating a curve: arrays over `t`, their summary, and the files."""

import numpy as np

from mc_tf.files import write_json
from mc_tf.point_results import PointResults

__all__ = ["CurveEvaluation"]

_TABLE = tuple(
    f"{part}_{value}"
    for part in ("train", "validation", "test")
    for value in ("loss", "error", "perplexity")
)


class CurveEvaluation(PointResults):
    """Values of loss and metrics at positions along a curve, made by `evaluate_curve`.

    Index it by name: `result["test_error"]` is a float64 array of shape `(num_points,)`.

    Attributes:
        t: positions, shape `(num_points,)`.
        done: which of them are evaluated, bool of shape `(num_points,)`.
        arc_lengths: weight-space distances between neighbours, shape `(num_points - 1,)`.
        length: length of the curve in weight space.
        length_ratio: `length` divided by the distance of the endpoints.
        bends: positions of the bends that the curve passes through, such as those of a chain.
        description: dict of what was evaluated.
    """

    kind = "curve evaluation"
    maker = "eval_curve.py"

    def __init__(self, t, fingerprint="", description=None):
        self.t = np.asarray(t, "float64")
        super().__init__(len(self.t), fingerprint, description)
        self.set_geometry(np.full(len(self.t) - 1, np.nan), np.nan, np.nan)

    def set_geometry(self, arc_lengths, length, length_ratio, bends=()):
        """Sets the lengths that Int and the length ratio need, and where the bends are."""
        self.arc_lengths = np.asarray(arc_lengths, "float64")
        self.length = float(length)
        self.length_ratio = float(length_ratio)
        self.bends = np.asarray(bends, "float64")

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
                validation and test data, as far as they are there, and the errors of several
                outputs.

        Returns:
            str.
        """
        others = [name for name in self.names if name.endswith("_error") and name not in _TABLE]
        names = names or [*_TABLE, *others]
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

    def _arrays(self):
        lengths = np.array([self.length, self.length_ratio])
        return {
            "t": self.t,
            "arc_lengths": self.arc_lengths,
            "lengths": lengths,
            "bends": self.bends,
        }

    @classmethod
    def _from_arrays(cls, stored, fingerprint, description):
        result = cls(stored["t"], fingerprint, description)
        bends = stored["bends"] if "bends" in stored else ()
        result.set_geometry(stored["arc_lengths"], *stored["lengths"], bends)
        return result
