"""Networks given as models or as files."""

import os

from mc_tf.arguments import check_network
from mc_tf.storage.checkpoints import load_checkpoint

__all__ = ["given_network"]


def given_network(name, network):
    """Returns a network that was given as a model or as a file.

    Args:
        name: name of the argument, for messages.
        network: built Keras model, or the path of a `.keras` or legacy `.h5` file.

    Returns:
        `keras.Model`.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file is damaged or does not contain a whole model, or the model is not
            built.
    """
    if isinstance(network, (str, os.PathLike)):
        network = load_checkpoint(network, compile=False)
    check_network(name, network)
    return network
