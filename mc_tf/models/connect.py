"""Two trained networks joined by a curve (section 3.1 of the paper)."""

from collections.abc import Sequence

import keras

from mc_tf.alignment import align as align_units
from mc_tf.arguments import check_counts, check_kind
from mc_tf.curves import Bezier, Curve
from mc_tf.layers.control_points import PointsRegularizer
from mc_tf.layers.positions import PositionPer
from mc_tf.models.curve_model import CurveModel
from mc_tf.storage.given_networks import given_network
from mc_tf.typing import PathLike
from mc_tf.weights.architecture import describe
from mc_tf.weights.compatibility import check_finite, check_same_architecture, check_same_fixed
from mc_tf.weights.flat import flat_weights

__all__ = ["check_alike", "connect"]


def check_alike(models):
    """Rejects networks that differ in more than their trainable weights.

    Args:
        models: dict from the role of a network in messages to a built Keras model.

    Raises:
        ValueError: naming the first difference, or a network whose weights are not finite.
    """
    (first, start), *_ = models.items()
    described = describe(start)
    for role, model in models.items():
        check_same_architecture(start, model, (first, role), described)
        check_finite(model.variables, role)
        check_same_fixed(start, model, (first, role))


def connect(
    start: keras.Model | PathLike,
    end: keras.Model | PathLike,
    curve: Curve | None = None,
    fix_start: bool = True,
    fix_end: bool = True,
    bends: Sequence[keras.Model | PathLike] | None = None,
    seed: int | None = None,
    name: str | None = None,
    align: bool = False,
    position_per: PositionPer = "batch",
    positions_per_batch: int = 1,
    fixed: Sequence[int] | None = None,
    points_regularizer: PointsRegularizer | None = None,
) -> CurveModel:
    """Joins two trained networks by a curve with trainable bends.

    The networks are never changed: their weights are copied to the curve.

    Args:
        start, end: built Keras models of the same architecture, or files of them (`.keras`, legacy
            `.h5`).
        curve: `Bezier(num_bends)`, `PolyChain(num_bends)`, `Segment()`, `TrivialCurve()` or another
            `Curve`. Default: `Bezier(1)`.
        fix_start, fix_end: whether the endpoint is fixed in training. Default `True`.
        bends: list of `curve.num_bends` models, in order from start to end: the initial values of
            the bends. Default: evenly spaced on the segment.
        seed: integer seed of the positions drawn in training. Default: Keras' random seed.
        name: name of the model.
        align: whether to put the hidden units of `end` and `bends` in the order of `start` first,
            by `mc_tf.align`, which changes no network's outputs. Default `False`.
        position_per: `"batch"` (default), one position in each training step, `"replica"`, one
            for each replica of a strategy, or `"layer"`, one for each layer; see `CurveLayer`.
        positions_per_batch: number of parts of a batch with a position of their own. Default 1.
        fixed: list of all control points that training does not move, by index. Default: the
            endpoints, unless `fix_start=False` or `fix_end=False`.
        points_regularizer: term of the training loss for the control points, such as
            `mc_tf.simplexes.Similarity()`; see `CurveLayer`. Default: none.

    Returns:
        `CurveModel`, not compiled. Its batch normalization statistics are copied from `start`.

    Raises:
        ValueError: if a network is not built, has no trainable weights, has weights that are not
            finite or is itself a curve; if the architectures differ (the message names the first
            difference) or non-trainable values differ; if `curve` is not a curve; or if the number
            of `bends` is not `curve.num_bends`.

    Example:
        >>> import keras
        >>> nets = [keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]) for _ in "ab"]
        >>> curve_model = connect(nets[0], nets[1], Bezier(num_bends=1))
        >>> curve_model.control_points().shape == (3, 10)
        True
    """
    curve = Bezier(1) if curve is None else curve
    if not isinstance(curve, Curve):
        raise ValueError(
            f"`curve` must be a curve, such as `Bezier(num_bends=1)`. Received: {curve!r}"
        )
    start, end = given_network("start", start), given_network("end", end)
    check_kind("bends", [] if bends is None else bends, (list, tuple), "a list of models")
    bends = bends and [given_network(f"bends[{j}]", bend) for j, bend in enumerate(bends)]
    check_counts(low=0, optional=True, seed=seed)
    models = {"start": start, "end": end}
    if bends is not None:
        if len(bends) != curve.num_bends:
            raise ValueError(
                f"{curve} has {curve.num_bends} bends, but `bends` has {len(bends)} models."
            )
        models.update({f"bends[{j}]": model for j, model in enumerate(bends)})
    check_alike(models)
    curve = curve.for_network(start)
    options = (position_per, positions_per_batch, fixed, points_regularizer)
    curve_model = CurveModel(start, curve, fix_start, fix_end, seed, *options, name=name)
    layer = curve_model.curve_layer
    flat = (lambda model: align_units(start, model).flat_weights()) if align else flat_weights
    layer.set_point(-1, flat(end))  # which were checked above
    if bends is None:
        layer.initialize_bends()
    else:
        for j, model in enumerate(bends):
            layer.set_point(j + 1, flat(model))
    return curve_model
