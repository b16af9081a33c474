"""How the axes of the layers and operations of Keras go, a file for each family."""

from mc_tf.alignment.rules import (  # noqa: F401
    attention,
    convolution,
    core,
    merging,
    normalization,
    operations,
    recurrent,
    reshaping,
)
