"""The volume of a simplicial complex (arXiv 2102.13042, equation (3))."""

import math
from collections import Counter

import numpy as np
from keras import ops

from mc_tf.arguments import check_kind
from mc_tf.landscape.gram import direction_products
from mc_tf.models import CurveModel

__all__ = ["largest_simplexes", "log_volume_of_independent", "sides", "volume"]


def volume(curve_model: CurveModel) -> float:
    """Computes the volume of a simplex, or of a simplicial complex, of networks.

    A simplex of `n + 1` vertices has `n` dimensions; its volume is `sqrt(det(G)) / n!`, with `G`
    the inner products of its sides at one vertex, which equals the Cayley-Menger determinant of its
    distances. The volume of a complex is the sum over its simplexes of the most dimensions. It is
    computed in float64.

    Args:
        curve_model: `CurveModel` of a `Combination`, such as from `add_vertex`. The points of other
            curves count as one simplex.

    Returns:
        float: a length, an area, or a volume of more dimensions. Zero if all simplexes are flat.

    Example:
        >>> import keras
        >>> from mc_tf import Combination, CurveModel
        >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, use_bias=False)])
        >>> triangle = CurveModel(network, Combination(3))
        >>> for index, point in enumerate([[0, 0], [3, 0], [0, 4]]):
        ...     triangle.curve_layer.set_point(index, np.array(point, "float32"))
        >>> round(volume(triangle), 6)
        6.0
    """
    check_kind("curve_model", curve_model, CurveModel, "a curve model, as from `add_vertex`")
    points = [ops.convert_to_numpy(point) for point in curve_model.curve_layer.points]
    total = 0.0
    for rows, simplexes in sides(curve_model.curve):
        products = direction_products(points, rows)
        for chosen in simplexes:
            _, log_det = np.linalg.slogdet(products[np.ix_(chosen, chosen)])
            total += math.exp(log_det / 2 - math.lgamma(len(chosen) + 1))
    return total


def log_volume_of_independent(curve, norm):
    """Logarithm of the volume that a complex of independent networks would have.

    Independent vectors of many dimensions are nearly orthogonal.

    Args:
        curve: `Combination`.
        norm: norm of every vertex.

    Returns:
        float.
    """
    simplexes = largest_simplexes(curve)
    dimensions = len(simplexes[0]) - 1
    regular = dimensions * math.log(norm) + math.log(dimensions + 1) / 2
    return math.log(len(simplexes)) + regular - math.lgamma(dimensions + 1)


def largest_simplexes(curve):
    """Returns the simplexes of the most dimensions: lists of indices of points."""
    simplexes = getattr(curve, "simplexes", [list(range(curve.num_points))])
    most = max(map(len, simplexes))
    return [simplex for simplex in simplexes if len(simplex) == most]


def sides(curve):
    """The sides of the largest simplexes at a vertex that many of them share.

    Differences of points are exact; the inner products of the points themselves would cancel.

    Args:
        curve: a `Curve`.

    Returns:
        List of `(rows, simplexes)`: an array `(d, k)`, whose rows are the coefficients of sides,
        and for each simplex the indices of its rows.
    """
    rest, simplexes = largest_simplexes(curve), []
    every = np.eye(curve.num_points)
    while rest and len(rest[0]) > 1:
        ((shared, _),) = Counter(v for simplex in rest for v in simplex).most_common(1)
        these = [simplex for simplex in rest if shared in simplex]
        rest = [simplex for simplex in rest if shared not in simplex]
        ends = sorted({v for simplex in these for v in simplex if v != shared})
        own = [[ends.index(v) for v in simplex if v != shared] for simplex in these]
        simplexes.append((every[ends] - every[shared], own))
    return simplexes
