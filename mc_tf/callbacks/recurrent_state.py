"""Resets the state of stateful recurrent layers at the start of a pass."""

import keras

from mc_tf.typing import Logs
from mc_tf.weights.flat import reset_recurrent_state

__all__ = ["ResetRecurrentState"]


class ResetRecurrentState(keras.callbacks.Callback):
    """Resets the state of stateful recurrent layers before each epoch and each evaluation.

    Within a pass the state is carried over from batch to batch, as in a continuous text. Models
    without such layers are not affected.

    Args:
        keep_first: do not reset at the start of the first epoch, when training resumes within an
            epoch with the state of the checkpoint. Default `False`.
    """

    def __init__(self, keep_first: bool = False) -> None:
        super().__init__()
        self._keep = keep_first

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs at the start of each epoch."""
        if not self._keep:
            reset_recurrent_state(self.model)
        self._keep = False

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of each evaluation."""
        reset_recurrent_state(self.model)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Runs at the start of each prediction."""
        reset_recurrent_state(self.model)
