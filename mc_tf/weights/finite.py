"""Checks that a network is finite."""

from mc_tf.backend.array_kinds import is_finite
from mc_tf.backend.keras_internals import bring_up_to_date
from mc_tf.weights.flat import state_variables

__all__ = ["FiniteVariables"]


class FiniteVariables:
    """The variables of a model that must stay finite in training.

    These are its trainable weights, and other variables that are finite at the start: a mask of
    minus infinities does not indicate divergence.

    Args:
        model: built Keras model.
    """

    def __init__(self, model):
        state = [v for v in state_variables(model) if is_finite(v)]
        self._model = model
        self._variables = [*model.trainable_variables, *state]

    def problem(self):
        """Path of the first variable that is not finite, or `None`."""
        bring_up_to_date(self._model)
        return next((v.path for v in self._variables if not is_finite(v)), None)
