"""The barrier between two networks: how much worse the segment between them is."""

from typing import TYPE_CHECKING, Any

import keras

from mc_tf.alignment import Alignment
from mc_tf.alignment import align as align_units
from mc_tf.backend.keras_internals import evaluation_settings
from mc_tf.curves import Segment
from mc_tf.evaluation.curves import evaluate_curve
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.models import connect
from mc_tf.storage.given_networks import given_network
from mc_tf.typing import Data, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Barrier", "barrier"]


class Barrier:
    """Values along the segment between two networks, as `mc_tf.barrier` returns them.

    Attributes:
        results: dict from `"as trained"`, and `"aligned"` if asked for, to `CurveEvaluation`.
        alignment: `Alignment` of the second network, or `None`.
    """

    def __init__(self, results: dict[str, CurveEvaluation], alignment: Alignment | None) -> None:
        self.results = results
        self.alignment = alignment

    def heights(self, name: str = "test_loss") -> dict[str, float]:
        """How much worse the worst point of each segment is than its worse end.

        Args:
            name: value of the evaluations, such as `"train_loss"`. Default: `"test_loss"`.

        Returns:
            dict from the keys of `results`.
        """
        return {key: result.summary(name)["barrier"] for key, result in self.results.items()}

    def table(self) -> str:
        """Returns the summaries of all evaluations as text."""
        return "\n\n".join(f"{key}\n{each.table()}" for key, each in self.results.items())

    def plot(self, **options: Any) -> "Figure":
        """Draws the values along the segments.

        Args:
            **options: of `mc_tf.plots.plot_curves`, such as `names=["test_loss"]`.

        Returns:
            matplotlib figure.
        """
        from mc_tf.plots import plot_curves

        return plot_curves(self.results, **options)

    def __repr__(self):
        heights = ", ".join(f"{key} {value:.4g}" for key, value in self.heights().items())
        return f"<Barrier of the test loss: {heights}>"


def barrier(
    first: keras.Model | PathLike,
    second: keras.Model | PathLike,
    train: Data,
    test: Data,
    num_points: int = 25,
    align: bool = False,
    path: PathLike | None = None,
    batch_size: int = 500,
    verbose: int | str = 1,
) -> Barrier:
    """Evaluates the networks on the segment between two networks.

    Batch normalization statistics are re-estimated on `train` at each point.

    Args:
        first, second: built Keras models of the same architecture, or files of them. `first` is
            compiled: its loss and metrics are evaluated. They are not changed.
        train, test: data sets with labels, as for `mc_tf.evaluate_curve`.
        num_points: number of points, the two networks included. Default: 25.
        align: whether to evaluate the segment to the aligned second network as well, see
            `mc_tf.align`. Default `False`.
        path: file name without extension for the values, followed by `-aligned` for the second
            segment. Default: none are written.
        batch_size: examples per batch, for arrays only. Default 500.
        verbose: as for `mc_tf.evaluate_curve`.

    Returns:
        `Barrier`.

    Raises:
        ValueError: if `first` is not compiled; also as `mc_tf.evaluate_curve` and `mc_tf.align`.

    Example:
        >>> import keras, numpy as np, mc_tf
        >>> Dense = keras.layers.Dense
        >>> first, second = (
        ...     keras.Sequential([keras.Input((4,)), Dense(8, "tanh"), Dense(1)]) for _ in "ab"
        ... )
        >>> first.compile(loss="mse")
        >>> data = np.random.normal(size=(20, 4)), np.random.normal(size=(20, 1))
        >>> result = mc_tf.barrier(first, second, data, data, align=True, verbose=0)
        >>> list(result.heights("train_loss"))
        ['as trained', 'aligned']
    """
    start = given_network("first", first)
    if not getattr(start, "compiled", False):
        raise ValueError(
            "`first` is not compiled: call `first.compile(loss=..., metrics=...)`, to choose "
            "what to evaluate."
        )
    end = given_network("second", second)
    alignment = align_units(start, end) if align else None
    results = {}
    for key, suffix in (("as trained", ""), ("aligned", "-aligned"))[: 2 if align else 1]:
        segment = connect(start, end, Segment())
        if suffix:
            segment.curve_layer.set_point(-1, alignment.flat_weights())
        segment.compile(**evaluation_settings(start))
        results[key] = evaluate_curve(
            *(segment, train, test, num_points),
            path=None if path is None else f"{path}{suffix}",
            batch_size=batch_size,
            verbose=verbose,
        )
    return Barrier(results, alignment)
