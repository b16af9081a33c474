"""Whether the weights that a callback gives a model at the end of `fit` are those it ends with."""

import warnings

import keras
import numpy as np

from mc_tf.backend.keras_internals import append_callback, callbacks_of_fit
from mc_tf.weights.flat import flat_weights

__all__ = ["FinalWeights"]

_KERAS_OWN = (keras.callbacks.History, keras.callbacks.ProgbarLogger)


class FinalWeights(keras.callbacks.Callback):
    """Looks at the weights after all other callbacks, and says if they were replaced.

    Args:
        owner: the callback that sets weights in its `on_train_end`, and calls `expect` then.
        remedy: what to do about it, the end of the message.
    """

    def __init__(self, owner, remedy):
        super().__init__()
        self._owner = owner
        self._remedy = remedy
        self._weights = None

    def come_last(self):
        """Takes the last place among the callbacks of the `fit` that begins."""
        self.set_model(self._owner.model)
        self._weights = None
        append_callback(self)

    def expect(self):
        """Remembers the present weights as those that the model should end with."""
        self._weights = flat_weights(self.model)

    def on_train_end(self, logs=None):
        """Keras' hook."""
        expected, self._weights = self._weights, None
        if expected is None or np.array_equal(expected, flat_weights(self.model), equal_nan=True):
            return
        name, callbacks = type(self._owner).__name__, callbacks_of_fit()
        later = callbacks[callbacks.index(self._owner) + 1 :]
        later = [c for c in later if not isinstance(c, (FinalWeights, *_KERAS_OWN))]
        names = " or ".join(type(c).__name__ for c in later) or "Another callback"
        warnings.warn(
            f"{names} has set other weights after {name} at the end of training, so the model does "
            f"not end with the average. {self._remedy}",
            stacklevel=2,
        )
