"""Models of this library whose files carry a checksum, as all its files do."""

import os

from mc_tf import checksums
from mc_tf.files import weight_shapes

__all__ = ["SealedFiles"]


class SealedFiles:
    """Adds a checksum to what a Keras model saves, and looks at it when weights are loaded."""

    def save(self, filepath, *args, **kwargs):
        """Saves the model as `keras.Model.save` does, with a checksum.

        Args:
            filepath: `.keras` file.
            *args, **kwargs: see `keras.Model.save`.
        """
        super().save(filepath, *args, **kwargs)
        _seal(filepath, ".keras")

    def save_weights(self, filepath, *args, **kwargs):
        """Saves the weights as `keras.Model.save_weights` does, with a checksum.

        Args:
            filepath: `.weights.h5` file.
            *args, **kwargs: see `keras.Model.save_weights`.
        """
        super().save_weights(filepath, *args, **kwargs)
        _seal(filepath, ".weights.h5")

    def load_weights(self, filepath, *args, **kwargs):
        """Loads weights as `keras.Model.load_weights` does, from a file that is not damaged.

        Args:
            filepath: `.weights.h5` or `.keras` file.
            *args, **kwargs: see `keras.Model.load_weights`.

        Raises:
            DamagedFileError: if it is damaged.
        """
        if str(filepath).endswith((".h5", ".keras")) and os.path.isfile(filepath):
            weight_shapes(filepath)
        super().load_weights(filepath, *args, **kwargs)


def _seal(path, ending):
    if str(path).endswith(ending) and os.path.isfile(path):
        checksums.seal(path)
