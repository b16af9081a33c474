"""Checks that a model ends `fit` with the weights that a callback assigned."""

import keras
import numpy as np

from mc_tf.backend.keras_internals import append_callback, callbacks_of_fit
from mc_tf.warning import warn
from mc_tf.weights.flat import flat_weights

__all__ = ["FinalWeights"]

_KERAS_OWN = (keras.callbacks.History, keras.callbacks.ProgbarLogger)


class FinalWeights(keras.callbacks.Callback):
    """Checks the weights after all other callbacks and warns if they were replaced.

    Args:
        owner: the callback that assigns weights in its `on_train_end` and then calls `expect`.
        remedy: end of the message: how to fix it.
    """

    def __init__(self, owner, remedy):
        super().__init__()
        self._owner = owner
        self._remedy = remedy
        self._weights = None

    def come_last(self):
        """Moves to the end of the callbacks of the starting `fit`."""
        self.set_model(self._owner.model)
        self._weights = None
        append_callback(self)

    def expect(self):
        """Remembers the current weights as the expected final weights."""
        self._weights = flat_weights(self.model)

    def on_train_end(self, logs=None):
        """Runs at the end of training."""
        expected, self._weights = self._weights, None
        if expected is None or np.array_equal(expected, flat_weights(self.model), equal_nan=True):
            return
        name, callbacks = type(self._owner).__name__, callbacks_of_fit()
        later = callbacks[callbacks.index(self._owner) + 1 :]
        later = [c for c in later if not isinstance(c, (FinalWeights, *_KERAS_OWN))]
        names = " or ".join(type(c).__name__ for c in later) or "Another callback"
        warn(
            f"{names} has set other weights after {name} at the end of training, so the model does "
            f"not end with the average. {self._remedy}"
        )
