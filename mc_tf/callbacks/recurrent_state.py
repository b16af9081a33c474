"""The state of stateful recurrent layers at the beginning of a pass."""

import keras

from mc_tf.typing import Logs
from mc_tf.weights.flat import reset_recurrent_state

__all__ = ["ResetRecurrentState"]


class ResetRecurrentState(keras.callbacks.Callback):
    """Sets the state of stateful recurrent layers to zero before each epoch and each evaluation.

    Within a pass the state is carried from batch to batch, as a text continues. A model without
    such layers is left alone.

    Args:
        keep_first: leave the first epoch's beginning as it is: training goes on in the middle of
            an epoch, with the state of the checkpoint. Default `False`.
    """

    def __init__(self, keep_first: bool = False) -> None:
        super().__init__()
        self._keep = keep_first

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Keras' hook."""
        if not self._keep:
            reset_recurrent_state(self.model)
        self._keep = False

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Keras' hook."""
        reset_recurrent_state(self.model)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Keras' hook."""
        reset_recurrent_state(self.model)
