"""Networks as they are given: models, or files of them."""

import os

from mc_tf.arguments import check_network
from mc_tf.storage.checkpoints import load_checkpoint

__all__ = ["given_network"]


def given_network(name, network):
    """A network that may be given as a file.

    Args:
        name: of the argument, for messages.
        network: built Keras model, or the path of a `.keras` or legacy `.h5` file of one.

    Returns:
        `keras.Model`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged, or it is no file of a whole model and no built
            model, saying what to give.
    """
    if isinstance(network, (str, os.PathLike)):
        network = load_checkpoint(network, compile=False)
    check_network(name, network)
    return network
