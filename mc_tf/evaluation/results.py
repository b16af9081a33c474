"""The result of evaluating a curve: arrays over `t`, their summary and files."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mc_tf.evaluation.metric_directions import higher_is_better as by_name
from mc_tf.evaluation.point_results import SHOWN, PointResults
from mc_tf.storage.files import write_json
from mc_tf.typing import ArrayLike, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CurveEvaluation", "describe_length"]


class CurveEvaluation(PointResults):
    """Values of loss and metrics at positions along a curve, returned by `evaluate_curve`.

    Index it by name: `result["test_error"]` is a float64 array of shape `(num_points,)`.

    Attributes:
        t: positions, shape `(num_points,)`.
        done: whether each position is evaluated, bool of shape `(num_points,)`.
        arc_lengths: weight-space distances between neighbors, shape `(num_points - 1,)`.
        length: length of the curve in weight space.
        length_ratio: `length` divided by the distance of the endpoints. If both endpoints are
            equal: 1 if the curve stays there, otherwise infinite.
        bends: positions of the bends that the curve passes through, such as the bends of a chain.
        higher_is_better: dict from names of values to bools, as declared by the metrics.
        description: dict that describes the evaluation.
    """

    kind = "curve evaluation"
    maker = "eval_curve.py"

    def __init__(
        self, t: ArrayLike, fingerprint: str = "", description: dict[str, Any] | None = None
    ) -> None:
        self.t = np.asarray(t, "float64")
        super().__init__(len(self.t), fingerprint, description)
        self.higher_is_better: dict[str, bool] = {}
        self.set_geometry(np.full(len(self.t) - 1, np.nan), np.nan, np.nan)

    def set_geometry(
        self,
        arc_lengths: ArrayLike,
        length: float,
        length_ratio: float,
        bends: Sequence[float] | np.ndarray = (),
    ) -> None:
        """Sets the lengths for Int and the length ratio, and the positions of the bends."""
        self.arc_lengths = np.asarray(arc_lengths, "float64")
        self.length = float(length)
        self.length_ratio = float(length_ratio)
        self.bends = np.asarray(bends, "float64")

    def summary(self, name: str, higher_is_better: bool | None = None) -> dict[str, float]:
        """Min / Int / Mean / Max of the paper's tables, and the barrier.

        Args:
            name: such as `"train_loss"` or `"test_error"`.
            higher_is_better: whether higher values are better, for the barrier. Default: as
                declared by the metric, otherwise by its name (names such as `accuracy`, `auc`,
                `precision`, `f1` and `iou` are better when higher, unknown names when lower).

        Returns:
            dict with `min`; `int`, the trapezoid rule over arc length divided by the length;
            `mean`, the trapezoid rule over `t`, which is the loss (2) that training minimizes;
            `max`; `barrier`, how much worse than the worse endpoint the curve becomes: the maximum
            minus the value there, or, if higher is better, the value there minus the minimum;
            `start` and `end`.
        """
        if higher_is_better is None:
            higher_is_better = self._is_higher_better(name)
        values = self[name]
        middles = (values[1:] + values[:-1]) / 2
        length = self.arc_lengths.sum()
        mean = float((middles * np.diff(self.t)).sum())
        return {
            "min": float(values.min()),
            "int": float((middles * self.arc_lengths).sum() / length) if length > 0 else mean,
            "mean": mean,
            "max": float(values.max()),
            "barrier": _barrier(-values if higher_is_better else values),
            "start": float(values[0]),
            "end": float(values[-1]),
        }

    def rise(self, name: str) -> float:
        """How much worse than the start the curve becomes: the barrier if the end does not count.

        Args:
            name: as for `summary`.

        Returns:
            float of at least 0.
        """
        values = -self[name] if self._is_higher_better(name) else self[name]
        return float(values.max() - values[0])

    def _is_higher_better(self, name):
        return self.higher_is_better.get(name, by_name(name))

    def table(self, names: Sequence[str] | None = None) -> str:
        """Returns the summary as text, with one line per available name.

        Args:
            names: names of values, in order. Default: loss, error and perplexity on the training,
                validation and test data, if available, and the errors of several outputs.

        Returns:
            str.
        """
        others = [name for name in self.names if name.endswith("_error") and name not in SHOWN]
        names = names or [*SHOWN, *others]
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
        lines.append(describe_length(self.length, self.length_ratio))
        return "\n".join(lines)

    def is_unbent(self) -> bool:
        """Whether the curve has a loss barrier but is only as long as the segment.

        Returns:
            bool: length ratio below 1.01, and a barrier of a tenth of the worse endpoint's loss.
        """
        losses = [self.summary(name) for name in self.names if name.endswith("_loss")]
        return self.length_ratio < 1.01 and any(
            row["barrier"] > 0.1 * max(row["start"], row["end"], 0.1) for row in losses
        )

    def plot(self, **options: Any) -> "Figure":
        """Draws the values along the curve.

        Args:
            **options: of `mc_tf.plots.plot_curves`, such as `names=["test_loss"]` and `title`.

        Returns:
            matplotlib figure; write it with `mc_tf.plots.save`.
        """
        from mc_tf.plots import plot_curves

        return plot_curves(self, **options)

    def _title(self):
        curve = self.description.get("curve")
        of = f" of {curve}" if curve else ""
        length = describe_length(self.length, self.length_ratio)
        return f"CurveEvaluation{of}: {len(self.t)} points, {length}"

    def _positions(self):
        return [{"t": t} for t in self.t]

    def _parts(self):
        names = ("t", "arc_lengths", "length", "length_ratio", "bends")
        return {name: getattr(self, name) for name in names}

    # Files.

    def finish(self, path: PathLike | None) -> None:
        """Writes `PATH.npz` and the summary `PATH.json`; does nothing if `path` is `None`."""
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
                "higher_is_better": sorted(n for n in self.names if self._is_higher_better(n)),
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
            "higher_is_better": np.array(json.dumps(self.higher_is_better)),
        }

    @classmethod
    def _from_arrays(cls, stored, fingerprint, description):
        result = cls(stored["t"], fingerprint, description)
        bends = stored["bends"] if "bends" in stored else ()
        result.set_geometry(stored["arc_lengths"], *stored["lengths"], bends)
        if "higher_is_better" in stored:  # not in files of earlier releases
            result.higher_is_better = dict(json.loads(str(stored["higher_is_better"])))
        return result


def _barrier(values):
    return float(values.max() - max(values[0], values[-1]))


def describe_length(length, ratio):
    """Describes the length of a curve in words.

    Args:
        length: length of the curve.
        ratio: `length` divided by the segment's length.

    Returns:
        str.

    Example:
        >>> describe_length(2.5, 1.25), describe_length(2.5, float("inf"))
        ('length 2.5000, length ratio 1.2500', 'length 2.5000, from a network back to itself')
    """
    if np.isinf(ratio):
        return f"length {length:.4f}, from a network back to itself"
    return f"length {length:.4f}, length ratio {ratio:.4f}"
