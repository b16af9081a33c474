"""Two trained networks with their units in one order."""

from collections.abc import Sequence
from typing import Literal

import keras

from mc_tf.alignment.networks import Networks
from mc_tf.alignment.report import Alignment
from mc_tf.arguments import check_counts, check_kind
from mc_tf.storage.given_networks import given_network
from mc_tf.typing import Data, PathLike

__all__ = ["align", "align_all"]

Method = Literal["weights", "activations"]


def align(
    first: keras.Model | PathLike,
    second: keras.Model | PathLike,
    data: Data | None = None,
    method: Method = "weights",
    seed: int = 0,
) -> Alignment:
    """Puts the hidden units of a network in the order of another's, without changing what it does.

    Hidden units can be relabelled: two networks that differ in nothing else compute the same, and
    lie far apart in weight space. Curves, averages and planes are between weights, so that they
    need one order. See "Git Re-Basin" (Ainsworth, Hayase and Srinivasa 2023) for `"weights"` and
    "Optimizing Mode Connectivity via Neuron Alignment" (Tatro et al. 2020) for `"activations"`.

    Args:
        first, second: built Keras models of the same architecture, or files of them. They are not
            changed.
        data: for `method="activations"`, a data set such as the one for training; labels are not
            used.
        method: `"weights"`, the order in which the weights are nearest, or `"activations"`, in
            which units correlate most on `data`; units that no layer reads alone, as in
            attention, follow by their weights. Default: `"weights"`.
        seed: of the orders in which groups of units are tried. Default: 0.

    Returns:
        `Alignment`: `.model` is an ordinary Keras model with the outputs of `second`.

    Raises:
        ValueError: if the architectures differ, nothing can be permuted, weights are not finite, or
            `data` is missing or not used.

    Example:
        >>> import keras, mc_tf
        >>> first, second = (
        ...     keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)])
        ...     for _ in "ab"
        ... )
        >>> alignment = mc_tf.align(first, second)
        >>> [group.size for group in alignment.groups]
        [8]
        >>> alignment.distance_after <= alignment.distance_before
        True
        >>> curve = mc_tf.connect(first, alignment.model)
    """
    _check_arguments(data, method, seed)
    first, second = given_network("first", first), given_network("second", second)
    pair = Networks([first, second], ("first", "second"))
    orders = pair.match(0, 1, data, method, seed)
    return pair.alignment(1, orders, pair.values[0])


def align_all(
    networks: Sequence[keras.Model | PathLike],
    reference: int | Literal["mean"] = "mean",
    data: Data | None = None,
    method: Method = "weights",
    seed: int = 0,
) -> list[Alignment]:
    """Puts the hidden units of many networks in one order.

    Args:
        networks: list of built Keras models of the same architecture, or files of them.
        reference: index of the network whose order all take; or `"mean"`: each network is aligned
            to the mean of the others until nothing changes. Default: `"mean"`, for
            `method="weights"` only.
        data, method, seed: as for `align`.

    Returns:
        List of `Alignment`, one for each network. Distances are to the reference.

    Raises:
        ValueError: as `align`, or if there are fewer than two networks.

    Example:
        >>> import keras
        >>> networks = [
        ...     keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)])
        ...     for _ in "abc"
        ... ]
        >>> len(align_all(networks))
        3
    """
    _check_arguments(data, method, seed)
    check_kind("networks", networks, (list, tuple), "a list of networks")
    if len(networks) < 2:
        raise ValueError(f"`networks` must be two networks or more. Received: {len(networks)}")
    names = [f"networks[{index}]" for index in range(len(networks))]
    group = Networks([given_network(*each) for each in zip(names, networks)], names)
    if reference != "mean":
        check_counts(low=0, high=len(networks) - 1, reference=reference)
        others = range(len(networks))
        orders = [
            {} if k == reference else group.match(reference, k, data, method, seed) for k in others
        ]
        target = group.values[reference]
    elif method != "weights":
        raise ValueError(
            '`reference="mean"` needs `method="weights"`: activations have no common mean. Pass '
            "the index of a network, such as `reference=0`."
        )
    else:
        orders, target = group.match_to_mean(seed)
    return [group.alignment(index, each, target) for index, each in enumerate(orders)]


def _check_arguments(data, method, seed):
    check_counts(low=0, seed=seed)
    if method not in ("weights", "activations"):
        raise ValueError(f"`method` must be 'weights' or 'activations'. Received: {method!r}")
    if (data is None) == (method == "activations"):
        raise ValueError(
            "`method='activations'` needs `data`, the inputs on which units are compared."
            if data is None
            else "`data` is for `method='activations'` only. Received: method='weights'"
        )
