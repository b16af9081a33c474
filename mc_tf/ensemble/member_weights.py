"""Reads a member of an ensemble from a file of weights."""

import os
import tempfile

from mc_tf.backend.keras_internals import seed_generators
from mc_tf.storage.files import weight_shapes
from mc_tf.storage.snapshots import take_snapshot

__all__ = ["read_weights_file"]


class _DoesNotFit(ValueError):
    """Error for a weights file of another network."""


def read_weights_file(network, path, role):
    """Reads a `.weights.h5` file as values of a network, which does not change.

    Args:
        network: built Keras model.
        path: file name.
        role: name of the file in messages.

    Returns:
        `Snapshot`.

    Raises:
        ValueError: if it does not fit, naming the first difference, or cannot be read.
    """
    stored = weight_shapes(path)
    try:
        return _read_weights(network, path, role, stored)
    except _DoesNotFit:
        raise
    except Exception as error:  # h5py and Keras raise different errors
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"Keras cannot load {role}, {os.path.getsize(path)} bytes: {reason} Save it again."
        ) from error


def _read_weights(network, path, role, stored):
    # Keras ignores layers that only the file has, so the contents are compared first.
    with tempfile.TemporaryDirectory() as directory:
        own = os.path.join(directory, "own.weights.h5")
        network.save_weights(own)
        wanted = weight_shapes(own)
    # Seeds are not part of a member; a dropout of rate 0 has none.
    wanted, stored = (
        {name: shape for name, shape in shapes.items() if "/seed_generator" not in name}
        for shapes in (wanted, stored)
    )
    for name in [*wanted, *stored]:
        if wanted.get(name) != stored.get(name):
            raise _DoesNotFit(
                f"{role} does not fit the model '{network.name}'. They first differ at '{name}': "
                f"{stored.get(name, 'nothing')} in the file, {wanted.get(name, 'nothing')} in the "
                "model. Pass the model that was trained."
            )
    before = take_snapshot(network)
    try:
        optimizer = getattr(network, "optimizer", None)
        skipped = [optimizer] if optimizer else []
        network.load_weights(path, objects_to_skip=[*skipped, *seed_generators(network)])
        return take_snapshot(network)
    finally:
        before.assign_to(network)
