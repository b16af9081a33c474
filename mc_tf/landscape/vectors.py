"""Networks as the flat weight vectors that span a surface."""

import math
import os

import keras
import numpy as np
from keras import ops

from mc_tf.arguments import check_network
from mc_tf.storage.checkpoints import check_model_file
from mc_tf.weights.compatibility import check_one_network, check_same_architecture, check_same_fixed
from mc_tf.weights.flat import flat_weights

__all__ = ["check_apart", "checked_directions", "flat_point", "flat_points"]


def flat_point(weights, network=None, state=None):
    """Returns one network as a flat vector.

    Args:
        weights: a built Keras model or layer, or a flat vector `(P,)`.
        network: a model of the required architecture. Default: any.
        state: other state of the surface's networks, see `Surface.state`.

    Returns:
        numpy array `(P,)`.

    Raises:
        ValueError: if `weights` is not a flat vector, or is a model of another architecture.
    """
    if isinstance(weights, keras.layers.Layer):
        check_one_network(weights, "weights")
        if network is not None:
            check_same_architecture(network, weights, ("surface", "weights"))
            check_same_fixed(network, weights, ("surface", "weights"), state)
        return flat_weights(weights)
    if isinstance(weights, (str, os.PathLike)):
        if os.path.exists(weights):
            check_model_file(weights)  # it may be no model
        raise ValueError(
            "Weights are a Keras model or a flat vector (P,). Received a path: give "
            f"`keras.models.load_model({os.fspath(weights)!r})`."
        )
    flat = ops.convert_to_numpy(weights)
    if flat.ndim != 1:
        raise ValueError(
            "Weights are a Keras model or a flat vector (P,), in the order of `trainable_weights`. "
            f"Received shape {flat.shape}"
        )
    size = network and sum(math.prod(v.shape) for v in network.trainable_variables)
    if size is not None and len(flat) != size:
        raise ValueError(f"The networks have {size} weights. Received a vector of {len(flat)}.")
    return flat


def flat_points(networks, labels):
    """Returns several networks of one architecture as flat vectors.

    Args:
        networks: list of models or flat vectors.
        labels: names of the networks in messages.

    Returns:
        `(points, network)`: list of arrays `(P,)`, and the first model among the networks, or
        `None`.

    Raises:
        ValueError: if the architectures or numbers of weights differ, or weights are not finite.
    """
    pairs = list(zip(networks, labels))
    models = [pair for pair in pairs if isinstance(pair[0], keras.layers.Layer)]
    for network, label in models:
        check_network(label, network)
    model, name = models[0] if models else (None, None)
    for network, label in models:
        check_same_architecture(model, network, (name, label))
        check_same_fixed(model, network, (name, label))
    points = [
        flat_weights(network) if isinstance(network, keras.layers.Layer) else flat_point(network)
        for network in networks
    ]
    for point, label in zip(points, labels):
        if point.shape != points[0].shape:
            raise ValueError(
                f"{labels[0]} and {label} must have the same number of weights. Received: "
                f"{points[0].shape} and {point.shape}"
            )
        if not np.isfinite(point).all():
            raise ValueError(f"{label} has weights that are not finite: its training diverged.")
    return points, model


def checked_directions(directions, origin):
    """Checks directions and returns them as arrays.

    Args:
        directions: list of flat vectors.
        origin: array `(P,)` of the required shape.

    Returns:
        List of arrays `(P,)`.

    Raises:
        ValueError: if one has another shape, is not finite, or is zero.
    """
    directions = [np.asarray(direction) for direction in directions]
    for direction in directions:
        if direction.shape != origin.shape:
            raise ValueError(
                f"A direction has the shape of the weights, {origin.shape}. "
                f"Received: {direction.shape}"
            )
        if not np.isfinite(direction).all() or not direction.any():
            raise ValueError("A direction must be finite and not zero.")
    return directions


def check_apart(distance, labels):
    """Rejects two networks with the same weights.

    Args:
        distance: float, distance of the two.
        labels: names of the two.

    Raises:
        ValueError: if the distance is zero.
    """
    if not distance > 0:
        raise ValueError(f"{labels[0]} and {labels[1]} are the same point of weight space.")
