"""Simplexes through trained networks, one vertex after the other (arXiv 2102.13042)."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_counts, check_kind, check_numbers
from mc_tf.curves import Combination
from mc_tf.layers.positions import PositionPer
from mc_tf.models import CurveModel
from mc_tf.models.connect import check_alike
from mc_tf.simplexes.regularizers import LogVolume
from mc_tf.simplexes.volume import log_volume_of_independent
from mc_tf.storage.given_networks import given_network
from mc_tf.typing import PathLike
from mc_tf.weights.flat import flat_weights, state_variables

__all__ = ["add_vertex"]

_BESIDE = 0.01  # distance of a new vertex from the mean of the others, relative to their norm


def add_vertex(
    given: CurveModel | Sequence[keras.Model | PathLike],
    volume_weight: float = 1.0,
    to: Sequence[int] | None = None,
    seed: int | None = None,
    positions_per_batch: int = 1,
    position_per: PositionPer = "batch",
    name: str | None = None,
) -> CurveModel:
    """Adds one trainable vertex to a simplicial complex of networks, and fixes all others.

    From several trained networks, the *modes*, the new vertex is a connector: it makes a line with
    each of them. The next one makes triangles, and so on (SPRO). From one network it makes a line,
    then a triangle, a tetrahedron (ESPRO). `fit` trains the new vertex: each batch draws a point of
    one of the simplexes. Then add the next.

    The vertex starts at the mean of the vertices of its simplexes, moved by a hundredth of their
    norm in a random direction, so that no simplex is flat. The loss has the term `-lambda *
    log(volume)`. As in the paper, `lambda` is `volume_weight` divided by the logarithm of the
    volume that the complex would have between independent networks; here between orthogonal vectors
    of the norm of the vertices, and never more than `volume_weight`.

    Args:
        given: a list of trained networks of one architecture (built models or files), or a
            `CurveModel` from `add_vertex`. They are not changed.
        volume_weight: the paper's `lambda*`, default 1; 0 for no term.
        to: list of the simplexes that the vertex joins, by their index in
            `curve_model.curve.simplexes`, or among the networks. Default: all.
        seed: integer seed of the random direction and of the positions drawn in training.
        positions_per_batch, position_per: see `CurveLayer`.
        name: name of the model.

    Returns:
        `CurveModel` over a `Combination`, not compiled. Its last point is the new vertex.

    Raises:
        ValueError: if the networks differ, `given` is another curve, or an argument is invalid.

    Example:
        >>> nets = [keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]) for _ in "abc"]
        >>> lines = add_vertex(nets)
        >>> lines.curve
        Combination(num_points=4, simplexes=[[0, 3], [1, 3], [2, 3]])
        >>> add_vertex(lines).curve.simplexes
        [[0, 3, 4], [1, 3, 4], [2, 3, 4]]
    """
    check_numbers(low=0, volume_weight=volume_weight)
    check_counts(low=0, optional=True, seed=seed)
    network, points, simplexes, state = _parts(given)
    new, joined = len(points), range(len(simplexes)) if to is None else _checked(to, simplexes)
    before = sorted({vertex for index in joined for vertex in simplexes[index]})
    curve = Combination(
        new + 1, [[*each, *[new] * (index in joined)] for index, each in enumerate(simplexes)]
    )
    norm = float(np.sqrt(np.mean([np.square(p.astype("float64")).sum() for p in points])))
    term = None
    if volume_weight:
        log_volume = log_volume_of_independent(curve, norm) if norm else 0
        term = LogVolume(volume_weight / max(1.0, log_volume))
    model = CurveModel(
        network,
        curve,
        seed=seed,
        position_per=position_per,
        positions_per_batch=positions_per_batch,
        fixed=list(range(new)),
        points_regularizer=term,
        name=name,
    )
    for index, point in enumerate(points):
        model.curve_layer.set_point(index, point)
    direction = ops.convert_to_numpy(
        keras.random.normal(points[0].shape, seed=keras.random.SeedGenerator(seed))
    )
    mean = np.mean([points[vertex] for vertex in before], axis=0, dtype="float64")
    direction = direction * (_BESIDE * norm / np.linalg.norm(direction))
    model.curve_layer.set_point(-1, (mean + direction).astype(points[0].dtype))
    for variable, value in zip(model.curve_layer.state, state):
        variable.assign(value)
    return model


def _parts(given):
    """Network, points, simplexes and other state of what a vertex is added to."""
    if isinstance(given, CurveModel):
        check_kind(
            "given", given.curve, Combination, "a simplicial complex, as `add_vertex` returns it"
        )
        layer = given.curve_layer
        points, state = (list(map(ops.convert_to_numpy, v)) for v in (layer.points, layer.state))
        return given.network, points, given.curve.simplexes, state
    if not isinstance(given, (list, tuple)) or not given:
        raise ValueError(
            "`given` must be a list of trained networks, or a curve model from `add_vertex`. "
            f"Received: {given!r}"
        )
    networks = {f"given[{j}]": given_network(f"given[{j}]", net) for j, net in enumerate(given)}
    check_alike(networks)
    first, *_ = models = list(networks.values())
    points = [flat_weights(model) for model in models]
    state = [ops.convert_to_numpy(variable) for variable in state_variables(first)]
    return first, points, [[j] for j in range(len(models))], state


def _checked(to, simplexes):
    listed = isinstance(to, (list, tuple)) and len(to) > 0
    if not listed or not all(hasattr(i, "__index__") and 0 <= i < len(simplexes) for i in to):
        raise ValueError(
            f"`to` must be a list of simplexes, from 0 to {len(simplexes) - 1}. Received: to={to!r}"
        )
    return set(map(int, to))
