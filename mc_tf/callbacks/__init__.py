"""Keras callbacks."""

from mc_tf.callbacks.checkpoint import AtomicCheckpoint, BestCheckpoint
from mc_tf.callbacks.recurrent_state import ResetRecurrentState

__all__ = ["AtomicCheckpoint", "BestCheckpoint", "ResetRecurrentState"]
