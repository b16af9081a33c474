"""Models whose files have a checksum."""

import json
import os
from typing import Any

import numpy as np

from mc_tf.storage import checksums
from mc_tf.storage.files import DESCRIPTION, weight_shapes
from mc_tf.typing import PathLike
from mc_tf.weights.architecture import describe, find_difference

__all__ = ["SealedFiles"]


class SealedFiles:
    """Mixin that adds a checksum and a description to saved models, and checks them on loading.

    Files of weights contain a description of the network. Keras can read the files. Files from
    `save_weights` of an ordinary network have neither: only names and shapes are compared, so that
    weights of a ReLU network can be loaded into a network with tanh. Snapshots
    (`mc_tf.storage.snapshots.save_snapshot`) describe their network.
    """

    def save(self, filepath: PathLike, *args: Any, **kwargs: Any) -> None:
        """Saves the model like `keras.Model.save`, with a checksum.

        Args:
            filepath: `.keras` file.
            *args, **kwargs: see `keras.Model.save`.
        """
        super().save(filepath, *args, **kwargs)
        if _is(filepath, ".keras"):
            checksums.seal(filepath)

    def save_weights(self, filepath: PathLike, *args: Any, **kwargs: Any) -> None:
        """Saves the weights like `keras.Model.save_weights`, with a description and a checksum.

        Args:
            filepath: `.weights.h5` file.
            *args, **kwargs: see `keras.Model.save_weights`.
        """
        super().save_weights(filepath, *args, **kwargs)
        if _is(filepath, ".weights.h5"):
            import h5py  # a dependency of Keras

            text = json.dumps(describe(self)).encode()
            with h5py.File(filepath, "a") as file:  # attributes hold 64 KiB at most
                file.create_dataset(DESCRIPTION, data=np.frombuffer(text, "uint8"))
            checksums.seal(filepath)

    def load_weights(self, filepath: PathLike, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Loads weights like `keras.Model.load_weights`, after checking the file.

        Args:
            filepath: `.weights.h5` or `.keras` file.
            skip_mismatch: whether to skip weights with other shapes; see
                `keras.Model.load_weights`. Default `False`.
            **kwargs: see `keras.Model.load_weights`.

        Raises:
            DamagedFileError: if it is damaged.
            ValueError: if the model differs; the message names the first difference.
        """
        if str(filepath).endswith((".h5", ".keras")) and os.path.isfile(filepath):
            weight_shapes(filepath)
            difference = None if skip_mismatch else self._difference(filepath)
            if difference:
                path, saved, own = difference
                raise ValueError(
                    f"The weights in '{filepath}' are of another model than '{self.name}'. They "
                    f"first differ at {path}: {saved} in the file, {own} in the model."
                )
        super().load_weights(filepath, skip_mismatch, **kwargs)

    def _difference(self, path):
        import h5py

        if not _is(path, ".h5"):
            return None
        with h5py.File(path, "r") as file:
            stored = file[DESCRIPTION][()].tobytes() if DESCRIPTION in file else None
        return stored and find_difference(json.loads(stored), describe(self))


def _is(path, ending):
    return str(path).endswith(ending) and os.path.isfile(path)
