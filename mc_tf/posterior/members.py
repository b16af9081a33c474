"""Draws from a posterior, and their weight vectors as the members of an ensemble."""

import dataclasses

import numpy as np

from mc_tf.arguments import check_network, check_seed
from mc_tf.batch_norm.update import needs_statistics
from mc_tf.ensemble import Ensemble
from mc_tf.storage.snapshots import take_snapshot

__all__ = ["generator_of", "make_ensemble"]


def generator_of(seed):
    """Returns a `numpy.random.Generator` of a seed, an integer of at least 0 or `None`."""
    if seed is not None:
        check_seed(seed=seed)
    return np.random.default_rng(seed)


def make_ensemble(network, rows, state, batch_norm_data, output, verbose, **kwargs):
    """Creates an ensemble of sampled networks.

    Args:
        network: built Keras model, or `None`.
        rows: array `(M, P)` of weights.
        state: list of arrays, the other state of the networks. Default: of `network`.
        batch_norm_data: data for the statistics of each member; `False` keeps those in `state`.
        output, **kwargs: as for `Ensemble`.
        verbose: 1 for a progress bar, 0 for silence.

    Returns:
        `Ensemble`.

    Raises:
        ValueError: if there is no network, it has another number of weights, or batch normalization
            lacks data.
    """
    if network is None:
        raise ValueError(
            "The samples are weight vectors of an unknown network: pass a built model of its "
            "architecture, `network=model`."
        )
    check_network("network", network)
    if batch_norm_data is None and needs_statistics(network):
        raise ValueError(
            f"The model '{network.name}' has batch normalization, whose statistics must be "
            "estimated for each sample. Pass `batch_norm_data`, one epoch of the training data as "
            "seen in `fit`, or `batch_norm_data=False` to use the statistics of the average."
        )
    base = take_snapshot(network)
    if base.weights.size != rows.shape[1]:
        raise ValueError(
            f"The samples have {rows.shape[1]} weights, but the model '{network.name}' has "
            f"{base.weights.size}. Pass a model of the architecture that was trained."
        )
    state = base.state if state is None else state
    members = [dataclasses.replace(base, weights=row, state=state) for row in rows]
    ensemble = Ensemble(network, members, output, **kwargs)
    if batch_norm_data is not None and batch_norm_data is not False:
        ensemble.update_batch_norm(batch_norm_data, verbose=verbose)
    return ensemble
