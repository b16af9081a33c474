"""Several devices and processes: strategies, batches that they share, and who writes files."""

from mc_tf.distribute.global_batch import global_batch
from mc_tf.distribute.processes import is_chief
from mc_tf.distribute.strategies import make_strategy

__all__ = ["global_batch", "is_chief", "make_strategy"]
