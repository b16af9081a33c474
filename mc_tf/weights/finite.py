"""Whether a network is still finite."""

from mc_tf.backend.array_kinds import is_finite
from mc_tf.backend.keras_internals import bring_up_to_date
from mc_tf.weights.flat import state_variables

__all__ = ["FiniteVariables"]


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
        bring_up_to_date(self._model)
        return next((v.path for v in self._variables if not is_finite(v)), None)
