"""Reads members of an ensemble from files, models or vectors, as snapshots of one network."""

import dataclasses
import glob
import numbers
import os
from typing import TypeAlias

import keras
import numpy as np

from mc_tf.arguments import check_kind
from mc_tf.backend.array_kinds import is_finite
from mc_tf.backend.keras_internals import layers_within
from mc_tf.ensemble.member_weights import read_weights_file
from mc_tf.storage import checksums
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.files import numbered_files
from mc_tf.storage.snapshots import Snapshot, read_snapshot, take_snapshot
from mc_tf.typing import PathLike, TensorLike
from mc_tf.weights.compatibility import check_one_network, check_same_architecture
from mc_tf.weights.flat import state_variables

__all__ = ["Member", "check_network", "listed", "read_member", "read_members"]

Member: TypeAlias = PathLike | keras.Model | Snapshot | TensorLike


def check_network(network):
    """Rejects a network that cannot be the model of an ensemble.

    Args:
        network: Keras model.

    Raises:
        ValueError: if it is not a built Keras model with trainable weights and one output, or if it
            is stateful.
    """
    if not isinstance(network, keras.Model):
        raise ValueError(f"`model` must be a Keras model. Received: {network!r}")
    check_one_network(network, "model")
    if not network.built:
        raise ValueError(
            f"The model '{network.name}' is not built, so it has no weights yet. Call it on a "
            "batch of data before you create an ensemble."
        )
    if not network.trainable_variables:
        raise ValueError(
            f"The model '{network.name}' has no trainable weights, so its members would all be the "
            "same. Set `trainable = True` on the layers that differ."
        )
    if len(getattr(network, "outputs", None) or [None]) != 1:
        raise ValueError(
            f"An ensemble averages one output, but '{network.name}' has "
            f"{len(network.outputs)}. Make a model with the output of interest: "
            "`keras.Model(model.inputs, model.outputs[0])`."
        )
    for layer in layers_within(network):
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            raise ValueError(
                f"The recurrent layer '{layer.name}' of '{network.name}' is stateful: it carries "
                "over state from batch to batch, which an ensemble does not. Build the model with "
                "`stateful=False`; the weights are the same."
            )


def read_members(network, members):
    """Reads the values of each member.

    Args:
        network: built Keras model; its values do not change.
        members: as for `Ensemble`.

    Returns:
        List of `Snapshot`s, at least one.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if `members` is empty, or one does not match; the message names the first
            difference.
    """
    if isinstance(members, numbers.Integral):
        members = [take_snapshot(network)] * int(members)
    members = listed(members, "a number, or a list of members")
    return [read_member(network, member, index) for index, member in enumerate(members)]


def listed(members, words="a list of members", name="members"):
    """Lists members one by one: directories and patterns give several files.

    Args:
        members: as for `Ensemble`, but no number.
        words: description of valid values, for messages.
        name: name of the argument, for messages.

    Returns:
        List of members, at least one; nothing is read.
    """
    if isinstance(members, (str, os.PathLike, keras.Model, Snapshot)):
        members = [members]
    elif hasattr(members, "shape"):
        members = keras.ops.convert_to_numpy(members)
    check_kind(name, members, (list, tuple, np.ndarray), words)
    members = [one for member in members for one in _found(member)]
    if not members:
        raise ValueError(f"`{name}` is empty: at least one member is needed.")
    return members


def _found(member):
    """Returns the files of one list entry; a directory or a pattern can match several."""
    if not isinstance(member, (str, os.PathLike)) or os.path.isfile(member):
        return [member]
    path = os.fspath(member)
    if os.path.isdir(path):
        files = [*numbered_files(path, "snapshot").values()]
        files = files or [*numbered_files(os.path.join(path, "members"), "snapshot").values()]
    elif glob.has_magic(path):
        files = sorted(glob.glob(path))
    else:
        return [member]
    if not files:
        endings = [e for e in (".keras", ".weights.h5") if glob.glob(f"{glob.escape(path)}/*{e}")]
        if endings:  # the user must choose: they may belong to one training
            raise ValueError(
                f"'{path}' in `members` is a directory without snapshots. Use the pattern "
                f"'{os.path.join(path, '*' + endings[0])}' to take its {endings[0]} files as "
                "members."
            )
        raise ValueError(
            f"'{path}' in `members` holds no member. Pass a directory of snapshots "
            "(snapshot-00000390.npz) or of the run that saved them, a pattern such as "
            "'runs/*/model.keras', or a list of files or models."
        )
    return files


def read_member(network, member, index, role=None):
    """Reads the values of one member.

    Args:
        network: built Keras model; its values do not change.
        member: an entry of the list passed to `Ensemble`.
        index: its index, for messages.
        role: its name in messages. Default: by its index.

    Returns:
        `Snapshot`.

    Raises:
        FileNotFoundError, ValueError: as `read_members`.
    """
    role = role or f"member {index}"
    if isinstance(member, (str, os.PathLike)):
        path = os.fspath(member)
        role = f"'{path}' ({role})"
        snapshot = _read_file(network, path, role)
    elif isinstance(member, keras.layers.Layer):
        check_same_architecture(network, member, ("model", role))
        snapshot = take_snapshot(member)
    elif isinstance(member, Snapshot):
        snapshot = member
    elif hasattr(member, "shape"):
        snapshot = _from_flat(network, member, role)
    else:
        raise ValueError(
            "A member is a path, a built Keras model, a `Snapshot` or a flat vector of weights. "
            f"Received as {role}: {member!r}"
        )
    snapshot = snapshot.aligned(network)
    snapshot.check_fits(network, role[0].upper() + role[1:])
    pairs = zip(snapshot.state, state_variables(network))
    if not is_finite(snapshot.weights) or not all(_is_sound(*pair) for pair in pairs):
        raise ValueError(
            f"The weights of {role} must be finite numbers, but some are NaN or infinite. Leave "
            "that member out, or train it again with a smaller learning rate."
        )
    return snapshot


def _is_sound(value, of_network):
    """Whether values are finite, or infinite in the network, too: a mask."""
    return is_finite(value) or not (np.isnan(value).any() or is_finite(of_network))


def _from_flat(network, vector, role):
    base = take_snapshot(network)
    vector = np.array(keras.ops.convert_to_numpy(vector))
    if vector.shape != base.weights.shape:
        raise ValueError(
            f"A flat weight vector of '{network.name}' has shape {base.weights.shape}. Received "
            f"shape {vector.shape} as {role}."
        )
    return dataclasses.replace(base, weights=vector.astype(base.weights.dtype))


def _read_file(network, path, role):
    if not path.endswith((".npz", ".keras", ".weights.h5")):
        missing = "" if os.path.exists(path) else " This path does not exist."
        raise ValueError(
            "A member's file is a snapshot (.npz), a whole model (.keras) or weights "
            f"(.weights.h5). Received: {role}.{missing}"
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {role}.")
    if path.endswith(".npz"):
        return read_snapshot(path)
    if path.endswith(".weights.h5"):
        return read_weights_file(network, path, role)
    try:
        model = load_checkpoint(path, compile=False)
    except checksums.DamagedFileError:
        raise
    except ValueError as error:
        raise ValueError(
            f"Cannot read {role}. {error} If its class is not registered with Keras, pass the "
            "loaded model itself as the member."
        ) from error
    check_same_architecture(network, model, ("model", role))
    return take_snapshot(model)
