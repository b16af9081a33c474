"""Whether the numbers of a network are still finite."""

import numpy as np
from keras import ops

from mc_tf.weights.flat import state_variables

__all__ = ["FiniteVariables", "is_finite"]


def is_finite(values):
    """Whether an array has finite numbers only.

    Args:
        values: array or variable of any dtype; what is no floating-point number counts as finite.

    Returns:
        bool.

    Example:
        >>> is_finite(np.ones(3)), is_finite(np.array([1.0, np.inf])), is_finite(np.array(["a"]))
        (True, False, True)
    """
    values = np.asarray(ops.convert_to_numpy(values) if hasattr(values, "assign") else values)
    if values.dtype.kind == "V":  # bfloat16 and the like
        values = values.astype("float32")
    return values.dtype.kind not in "fc" or bool(np.isfinite(values).all())


class FiniteVariables:
    """The variables of a model that have to stay finite while it is trained.

    Those are its trainable weights, and of the rest what is finite at the beginning: a mask of
    minus infinities is no sign of divergence.

    Args:
        model: built Keras model.
    """

    def __init__(self, model):
        state = [v for v in state_variables(model) if is_finite(v)]
        self._model = model
        self._variables = [*model.trainable_variables, *state]

    def problem(self):
        """Path of the first variable that is not finite, or `None`."""
        if hasattr(self._model, "jax_state_sync"):
            self._model.jax_state_sync()  # brings the variables up to date
        return next((v.path for v in self._variables if not is_finite(v)), None)
