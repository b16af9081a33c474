"""Several devices and processes: strategies, batches that they share, and who writes files."""

from mc_tf.distribute.global_batch import global_batch
from mc_tf.distribute.strategies import make_strategy

__all__ = ["global_batch", "make_strategy"]
