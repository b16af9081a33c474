"""Inner products of combinations of large vectors, in float64, a few million weights at a time."""

import numpy as np

__all__ = ["direction_products", "distance_beside", "inner_products", "rest_products"]

_CHUNK = 1 << 20


def direction_products(points, matrix):
    """The Gram matrix of directions `matrix @ points`.

    Args:
        points: list of `k` arrays `(P,)`.
        matrix: array `(d, k)`.

    Returns:
        float64 array `(d, d)`.
    """
    total = np.zeros((len(matrix), len(matrix)))
    for part in _chunks(points):
        directions = matrix @ part
        total += directions @ directions.T
    return total


def inner_products(points, matrix, offset, vector):
    """Inner products of the directions with a vector relative to the origin.

    Args:
        points: list of `k` arrays `(P,)`.
        matrix: array `(d, k)`, the coefficients of the directions.
        offset: array `(k,)`, the coefficients of the origin.
        vector: array `(P,)`.

    Returns:
        float64 array `(d,)`.
    """
    total = np.zeros(len(matrix))
    for part in _chunks([*points, vector]):
        total += (matrix @ part[:-1]) @ (part[-1] - offset @ part[:-1])
    return total


def distance_beside(points, coefficients, vector):
    """The distance of a vector from a combination of points.

    Args:
        points: list of `k` arrays `(P,)`.
        coefficients: array `(k,)`.
        vector: array `(P,)`.

    Returns:
        float.
    """
    return float(np.sqrt(rest_products(points, np.array([coefficients]), [vector])[0, 0]))


def rest_products(points, coefficients, vectors):
    """The Gram matrix of the residuals of vectors after subtracting combinations of points.

    Args:
        points: list of `k` arrays `(P,)`.
        coefficients: array `(m, k)`.
        vectors: list of `m` arrays `(P,)`.

    Returns:
        float64 array `(m, m)`.
    """
    total = np.zeros((len(vectors), len(vectors)))
    for part in _chunks([*points, *vectors]):
        rest = part[len(points) :] - coefficients @ part[: len(points)]
        total += rest @ rest.T
    return total


def _chunks(vectors):
    for first in range(0, len(vectors[0]), _CHUNK):
        yield np.stack([v[first : first + _CHUNK] for v in vectors]).astype("float64")
