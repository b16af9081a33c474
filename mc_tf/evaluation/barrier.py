"""The barrier between two networks: how much worse the segment between them is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np

from mc_tf.alignment import Alignment
from mc_tf.alignment import align as align_units
from mc_tf.backend.batches import KeptBatches
from mc_tf.backend.keras_internals import evaluation_settings
from mc_tf.batch_norm.repair import Repairing
from mc_tf.curves import Segment
from mc_tf.evaluation.curves import evaluate_curve
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.models import connect
from mc_tf.storage.given_networks import given_network
from mc_tf.typing import Data, PathLike
from mc_tf.weights.compatibility import check_same_architecture
from mc_tf.weights.flat import flat_weights, layer_masks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Barrier", "barrier"]

_ALIGN = (False, True, "weights", "activations")


class Barrier:
    """Values along the segment between two networks, as `mc_tf.barrier` returns them.

    Attributes:
        results: dict from `"as trained"`, and `"aligned"` and `"repaired"` if asked for, to
            `CurveEvaluation`.
        alignment: `Alignment` of the second network, or `None`.
        layers: dict from a layer to a dict like `results`, while only it moves; perhaps empty.
    """

    def __init__(
        self,
        results: dict[str, CurveEvaluation],
        alignment: Alignment | None = None,
        layers: dict[str, dict[str, CurveEvaluation]] | None = None,
    ) -> None:
        self.results, self.alignment, self.layers = results, alignment, layers or {}

    def heights(self, name: str = "test_loss") -> dict[str, float]:
        """How much worse the worst point of each segment is than its worse end.

        Args:
            name: value of the evaluations, such as `"train_loss"`. Default: `"test_loss"`.

        Returns:
            dict from the keys of `results`.
        """
        return {key: result.summary(name)["barrier"] for key, result in self.results.items()}

    def layer_heights(self, name: str = "test_loss") -> dict[str, dict[str, float]]:
        """How much worse than the first network it becomes while one layer moves to the second's.

        Args:
            name: as for `heights`.

        Returns:
            dict from layers to dicts from the keys of `results`.
        """
        return {
            layer: {key: result.rise(name) for key, result in by_key.items()}
            for layer, by_key in self.layers.items()
        }

    def table(self) -> str:
        """Returns the summaries of all evaluations as text."""
        texts = [f"{key}\n{each.table()}" for key, each in self.results.items()]
        if self.layers:
            shown = [
                n for n in ("test_loss", "test_error") if n in self.results["as trained"].names
            ]
            texts += [self._layer_table(name) for name in shown]
        return "\n\n".join(texts)

    def _layer_table(self, name):
        heights = self.layer_heights(name)
        width = max(map(len, heights)) + 2
        lines = [f"{name.replace('_', ' ')}, one layer at a time: above the first network"]
        lines.append(" " * width + "".join(f"{key:>12}" for key in next(iter(heights.values()))))
        for layer, row in heights.items():
            lines.append(f"{layer:<{width}}" + "".join(f"{v:>12.4f}" for v in row.values()))
        return "\n".join(lines)

    def plot(self, **options: Any) -> "Figure":
        """Draws the values along the segments.

        Args:
            **options: of `mc_tf.plots.plot_barrier`, such as `names=["test_loss"]`.

        Returns:
            matplotlib figure.
        """
        from mc_tf.plots import plot_barrier

        return plot_barrier(self.results, **options)

    def plot_layers(self, **options: Any) -> "Figure":
        """Draws how much worse each layer alone makes the first network.

        Args:
            **options: of `mc_tf.plots.plot_layers`, such as `names=["test_loss"]`.

        Returns:
            matplotlib figure.
        """
        from mc_tf.plots import plot_layers

        return plot_layers(self.layers, **options)

    def __repr__(self):
        heights = ", ".join(f"{key} {value:.4g}" for key, value in self.heights().items())
        return f"<Barrier of the test loss: {heights}>"


def barrier(
    first: keras.Model | PathLike,
    second: keras.Model | PathLike,
    train: Data,
    test: Data,
    num_points: int = 25,
    align: bool | Literal["weights", "activations"] = False,
    repair: bool = False,
    layers: bool | Mapping[str, Sequence[str]] = False,
    path: PathLike | None = None,
    seed: int = 0,
    **options: Any,
) -> Barrier:
    """Evaluates the networks on the segment between two networks.

    Batch normalization statistics are re-estimated on `train` at each point.

    Args:
        first, second: built Keras models of the same architecture, or files of them. `first` is
            compiled: its loss and metrics are evaluated. They are not changed.
        train, test: data sets with labels, as for `mc_tf.evaluate_curve`.
        num_points: number of points, the two networks included. Default: 25.
        align: whether to evaluate the segment to the aligned second network as well: by
            `"weights"`, as for `True`, or by `"activations"` on `train`, see `mc_tf.align`. Default
            `False`.
        repair: whether to evaluate the repaired networks of the last segment as well, see
            `mc_tf.repair`. Default `False`.
        layers: whether to evaluate the first network also while one layer alone moves to the second
            network's; or a dict from names of blocks to the names of their layers, which move
            together. Default `False`.
        path: file name without extension for the values, followed by `-aligned` and `-repaired` for
            the other segments, and by `-LAYER` for layers. Default: none are written.
        seed: of the alignment. Default: 0.
        **options: of `mc_tf.evaluate_curve`, such as `batch_size` and `verbose`.

    Returns:
        `Barrier`.

    Raises:
        ValueError: if `first` is not compiled or has no such layers; also as
            `mc_tf.evaluate_curve` and `mc_tf.align`.

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
    start, end = given_network("first", first), given_network("second", second)
    if not getattr(start, "compiled", False):
        raise ValueError(
            "`first` is not compiled: call `first.compile(loss=..., metrics=...)`, to choose "
            "what to evaluate."
        )
    if align not in _ALIGN:
        raise ValueError(
            f"`align` must be True, False, 'weights' or 'activations'. Received: {align!r}"
        )
    check_same_architecture(start, end, ("first", "second"))
    parts = _parts(start, layers) if layers else {}
    segment = connect(start, end, Segment())
    segment.compile(**evaluation_settings(start))
    ends, alignment = {"as trained": flat_weights(end)}, None
    if align:
        by = {"data": train, "method": align} if align == "activations" else {}
        alignment = align_units(start, end, seed=seed, **by)
        ends["aligned"] = alignment.flat_weights()

    def evaluated(key, flat, layer=None, **more):
        segment.curve_layer.set_point(-1, flat)
        names = [path, layer, *[key][: key != "as trained"]]
        named = None if path is None else "-".join(str(name) for name in names if name)
        description = {**options.get("description", {}), "segment": key}
        more |= {"description": description | ({"layer": layer} if layer else {})}
        return evaluate_curve(segment, train, test, num_points, named, **{**options, **more})

    results = {key: evaluated(key, flat) for key, flat in ends.items()}
    if repair:
        network = end if alignment is None else alignment.model
        data = options.get("batch_norm_data")
        data = KeptBatches(train if data is None else data, options.get("batch_size", 500))
        results["repaired"] = evaluated(
            "repaired", flat_weights(network), weights_at=_repaired(segment, network, data)
        )
    begin = flat_weights(start)
    by_layer = {
        layer: {
            key: evaluated(key, np.where(moves, flat, begin), layer) for key, flat in ends.items()
        }
        for layer, moves in parts.items()
    }
    return Barrier(results, alignment, by_layer)


def _repaired(segment, end, data):
    """Function from positions to weights on the segment, with repaired statistics."""
    repairing, point = None, None

    def weights_at(t):
        nonlocal repairing, point
        repairing = repairing or Repairing([segment.network, end], data)
        point = segment.point(float(t), into=point)
        if 0 < t < 1:  # the ends have their own statistics
            repairing.rescale(point, [1 - t, t])
        return flat_weights(point)

    return weights_at


def _parts(network, layers):
    """Which numbers of the flat weights belong to each layer or block: dict of bool arrays."""
    own = layer_masks(network)
    blocks = {name: [name] for name in own} if layers is True else dict(layers)
    for block, names in blocks.items():
        unknown = [name for name in names if name not in own]
        if unknown or not names:
            raise ValueError(
                f"`layers` names no layers with weights of '{network.name}': '{block}' is "
                f"{list(names)}. Choose from: {', '.join(own)}."
            )
    return {block: np.any([own[name] for name in names], axis=0) for block, names in blocks.items()}
