"""Directions in weight space: random, normalized, and principal directions of a trajectory."""

import re
from collections.abc import Collection, Sequence
from typing import Literal

import keras
import numpy as np

from mc_tf.arguments import check_kind, check_network, check_seed
from mc_tf.backend.keras_internals import layers_within, own_weights
from mc_tf.landscape.vectors import flat_points
from mc_tf.typing import Weights
from mc_tf.weights.compatibility import check_one_network
from mc_tf.weights.flat import FlatLayout

__all__ = ["principal_directions", "random_direction"]

_NORMALIZATION_LAYERS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)
NORMALIZATIONS = ("filter", "layer", "weight", "unit", None)


def random_direction(
    model: keras.Layer,
    normalization: Literal["filter", "layer", "weight", "unit"] | None = "filter",
    ignore: str | Collection[str] | None = ("bias", "batch_norm"),
    seed: int | Sequence[int] = 0,
) -> np.ndarray:
    """Draws a random Gaussian direction, normalized as in Li et al. (2018).

    With `"filter"` each filter of the direction has the norm of the corresponding filter of the
    network. A filter consists of the weights of one output (usually an index of the last axis; in
    attention, one unit of one head). Biases and weights of normalization layers are zero, or are
    each scaled like one filter.

    Args:
        model: a built Keras model or layer.
        normalization: `"filter"`; `"layer"`, each weight array scaled to the network's norm;
            `"weight"`, each entry multiplied by the network's absolute weight; `"unit"`, the whole
            direction has length one, as for SWA's random rays; `None`, no scaling.
        ignore: weights with a zero direction: `"bias"` (biases and other vectors), `"batch_norm"`
            (also layer, group and RMS normalization), both (default for filter normalization, as in
            Li et al.) or neither, `()`.
        seed: integer, or a list of them.

    Returns:
        Array of shape `(P,)`, of the dtype of the weights.

    Raises:
        ValueError: if `normalization` or `ignore` is invalid, or no weights are left.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> direction = random_direction(model, seed=1)
        >>> direction.shape, direction[6:].tolist()  # the biases
        ((8,), [0.0, 0.0])
    """
    check_network("model", model)
    check_one_network(model, "model")
    check_seed(seed=seed)
    ignore = ignored(ignore)
    if normalization not in NORMALIZATIONS or set(ignore) - {"bias", "batch_norm"}:
        raise ValueError(
            f"`normalization` must be one of {NORMALIZATIONS} and `ignore` hold 'bias' or "
            f"'batch_norm'. Received: normalization={normalization!r}, ignore={ignore}"
        )
    generator = np.random.default_rng(seed)
    variables = model.trainable_variables
    owners = {id(v): part for part in layers_within(model) for v in own_weights(part)}
    pieces = []
    for variable in variables:
        weights = keras.ops.convert_to_numpy(variable).astype("float64")
        drawn = generator.standard_normal(weights.shape)  # always: a seed determines one direction
        owner = owners.get(id(variable))
        kind = "batch_norm" if isinstance(owner, _NORMALIZATION_LAYERS) else "bias"
        is_vector = weights.ndim <= 1 or kind == "batch_norm"
        is_vector |= variable.name.endswith("bias")  # a matrix in GRU and attention
        if is_vector and kind in ignore:
            pieces.append(np.zeros_like(drawn))
        else:
            filters = () if is_vector else _filter_axes(variable, owner)
            pieces.append(_scaled(drawn, weights, normalization, filters))
    flat = FlatLayout(variables).pack(pieces)
    length = np.linalg.norm(flat.astype("float64"))
    if not length:
        raise ValueError("The direction is zero: all weights of the model were left out.")
    return (flat / length).astype(flat.dtype) if normalization == "unit" else flat


def ignored(ignore):
    """Converts the `ignore` argument of `random_direction` to a tuple.

    Args:
        ignore: one name, several of them, or `None` for none.

    Example:
        >>> ignored("bias"), ignored(None)
        (('bias',), ())
    """
    return (ignore,) if isinstance(ignore, str) else tuple(ignore or ())


def _scaled(drawn, weights, normalization, filters):
    if normalization in (None, "unit"):
        return drawn
    if normalization == "weight":
        return drawn * np.abs(weights)
    filters = set() if normalization == "layer" else {axis % weights.ndim for axis in filters}
    axes = tuple(axis for axis in range(weights.ndim) if axis not in filters)
    length = np.sqrt((drawn**2).sum(axes, keepdims=True))
    wanted = np.sqrt((weights**2).sum(axes, keepdims=True))
    return drawn * wanted / np.maximum(length, 1e-10)


def _filter_axes(variable, owner):
    """Returns the axes of a weight array that index its filters, one per output."""
    kind = type(owner).__name__
    if isinstance(owner, keras.layers.EinsumDense):  # also in attention
        _, kernel, outputs = re.split(",|->", owner.equation)
        return tuple(axis for axis, letter in enumerate(kernel) if letter in outputs)
    if kind.startswith("DepthwiseConv") or variable.name == "depthwise_kernel":
        return (-2, -1)
    if kind.startswith("Conv") and kind.endswith("Transpose"):
        return (-2,)
    return (-1,)


def principal_directions(
    networks: Sequence[Weights] | np.ndarray, origin: Weights | None = None
) -> tuple[list[np.ndarray], list[float]]:
    """Finds the two directions of largest variation of a trajectory (Li et al., section 7.2).

    They are the principal components of the differences to the origin, not centered, as in the
    paper. The largest component of each direction is positive.

    Args:
        networks: list of at least two built models or flat weight vectors `(P,)`.
        origin: a model or flat vector. Default: the last of the networks.

    Returns:
        `(directions, shares)`: two orthonormal float32 vectors `(P,)`, and for each its share of
        the sum of squared differences.

    Raises:
        ValueError: if the networks differ in more than their weights, or do not span a plane.
    """
    check_kind("networks", networks, (list, tuple, np.ndarray), "a list of at least two networks")
    if len(networks) < 2:
        raise ValueError(f"`networks` must have at least two entries. Received: {len(networks)}")
    networks = [*networks, *([] if origin is None else [origin])]
    labels = [f"network {index}" for index in range(len(networks))]
    if origin is not None:
        labels[-1] = "origin"
    flats, _ = flat_points(networks, labels)
    origin = flats[-1]
    flats = flats if labels[-1] != "origin" else flats[:-1]
    differences = np.stack([flat - origin for flat in flats]).astype("float32")
    gram = np.zeros((len(flats), len(flats)))
    for first in range(0, differences.shape[1], 1 << 20):
        part = differences[:, first : first + (1 << 20)].astype("float64")
        gram += part @ part.T
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1], vectors[:, ::-1]
    if len(values) < 2 or values[1] <= 1e-10 * values[0]:
        raise ValueError(
            f"The {len(flats)} networks span no plane around the origin. Use more networks, from "
            "different stages of training."
        )
    directions = []
    for k in range(2):
        parts = np.array_split(differences, range(1 << 20, differences.shape[1], 1 << 20), axis=1)
        direction = np.concatenate([vectors[:, k] @ part for part in parts])
        direction *= np.sign(direction[np.argmax(np.abs(direction))]) / np.linalg.norm(direction)
        directions.append(direction.astype("float32"))
    return directions, (values[:2] / values.sum()).tolist()
