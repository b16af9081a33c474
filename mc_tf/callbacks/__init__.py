"""Keras callbacks."""

from mc_tf.callbacks.checkpoint import AtomicCheckpoint, BestCheckpoint
from mc_tf.callbacks.cyclic import (
    CosineCyclicLearningRate,
    CyclicLearningRate,
    LinearCyclicLearningRate,
)
from mc_tf.callbacks.distance import DistanceFromStart
from mc_tf.callbacks.recurrent_state import ResetRecurrentState
from mc_tf.callbacks.snapshot_saver import SnapshotSaver, snapshot_files
from mc_tf.callbacks.swa import SWA

__all__ = [
    "AtomicCheckpoint",
    "BestCheckpoint",
    "CosineCyclicLearningRate",
    "CyclicLearningRate",
    "DistanceFromStart",
    "LinearCyclicLearningRate",
    "ResetRecurrentState",
    "SWA",
    "SnapshotSaver",
    "snapshot_files",
]
