"""Re-estimates batch normalization statistics."""

from mc_tf.batch_norm.repair import repair
from mc_tf.batch_norm.update import has_batch_norm, update_batch_norm

__all__ = ["has_batch_norm", "repair", "update_batch_norm"]
