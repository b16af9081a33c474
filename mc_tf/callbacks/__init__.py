"""Keras callbacks."""

from mc_tf.callbacks.checkpoint import AtomicCheckpoint

__all__ = ["AtomicCheckpoint"]
