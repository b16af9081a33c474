"""Optimizers of curves: they treat each weight separately, though a control point is one vector."""

import keras
import numpy as np
from keras import ops

from mc_tf.backend.keras_internals import (
    excluded_by_others,
    inner_optimizer,
    set_by_slice,
    uses_weight_decay,
)

__all__ = ["check_optimizer", "treat_by_weight"]

_BY_WEIGHT = ("Adafactor", "Lamb", "Muon", "MultiOptimizer")


def treat_by_weight(optimizer, weights):
    """Makes an optimizer treat each weight of a flat vector as in the network itself.

    Weights excluded by `exclude_from_weight_decay` do not decay, and `clipnorm` clips the gradient
    of each weight by its own norm.

    Args:
        optimizer: Keras optimizer.
        weights: the trainable variables of the network, in the order of the flat vector.
    """
    optimizer = inner_optimizer(optimizer)
    sizes = [int(np.prod(v.shape)) for v in weights]
    splits = np.cumsum(sizes)[:-1].tolist()

    def decay_factors(optimizer):
        decays = [uses_weight_decay(optimizer, v) for v in weights]
        return None if all(decays) else np.repeat(np.array(decays, "float32"), sizes)

    set_by_slice(optimizer, decay_factors, lambda flat: ops.split(flat, splits))


def check_optimizer(optimizer, variables):
    """Rejects optimizers that depend on the shapes or the names of single weights.

    Args:
        optimizer: Keras optimizer.
        variables: variables of the curve and of its network.

    Raises:
        ValueError: for `Adafactor`, `Lamb`, `Muon` and `MultiOptimizer`, and for an optimizer that
            excludes variables of another network from weight decay.
    """
    optimizer = inner_optimizer(optimizer)
    classes = [getattr(keras.optimizers, name, ()) for name in _BY_WEIGHT]
    if isinstance(optimizer, tuple(c for c in classes if c)):
        raise ValueError(
            f"{type(optimizer).__name__} treats each weight by its shape, norm or name, but a "
            "control point of a curve is one vector. Compile the curve with an optimizer that "
            "treats all values alike, such as SGD, Adam or AdamW."
        )
    if excluded_by_others(optimizer, variables):
        raise ValueError(
            "`exclude_from_weight_decay` was given variables of another network, such as the one "
            "that the curve ends in, and would do nothing. Pass variables of `curve_model.network` "
            "(they represent the same weights of all control points), or names: `var_names`."
        )
