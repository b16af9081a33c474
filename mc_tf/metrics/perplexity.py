"""Perplexity, a Keras metric of language models."""

from typing import Any

import keras
from keras import ops

from mc_tf.backend.keras_internals import mask_of
from mc_tf.typing import Config, Tensor, TensorLike

__all__ = ["Perplexity"]


@keras.saving.register_keras_serializable("mc_tf")
class Perplexity(keras.metrics.SparseCategoricalCrossentropy):
    """Perplexity of a language model: the exponential of the mean cross-entropy per word.

    The mean is over all words of all batches, whatever their sizes (Table 3 of the paper).

    Args:
        name: default `"perplexity"`.
        dtype: dtype of the accumulators.
        from_logits: whether the network outputs logits. Default `True`.

    Example:
        >>> metric = Perplexity()
        >>> metric.update_state([[0, 3]], ops.zeros((1, 2, 4)))  # four equally likely words
        >>> round(float(metric.result()), 4)
        4.0
    """

    def __init__(
        self, name: str = "perplexity", dtype: Any = None, from_logits: bool = True
    ) -> None:
        super().__init__(name=name, dtype=dtype, from_logits=from_logits)

    def update_state(  # type: ignore[override]
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Adds the words of a batch.

        Args:
            y_true: word indices, `(batch, steps)`.
            y_pred: logits, `(batch, steps, words)`.
            sample_weight: weights, `(batch, steps)` or `(batch,)`. Default: equal weights. Masked
                words do not count.
        """
        # Each word is an example: Keras would weight all sequences equally, whatever their lengths.
        mask, y_pred = mask_of(y_pred), ops.convert_to_tensor(y_pred)
        words = ops.shape(y_pred)[:-1]
        y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, self.dtype)
            missing = len(words) - len(sample_weight.shape)
            sample_weight = ops.reshape(sample_weight, (*ops.shape(sample_weight), *[1] * missing))
            sample_weight = ops.reshape(ops.broadcast_to(sample_weight, words), (-1,))
        if mask is not None:
            mask = ops.cast(ops.reshape(mask, (-1,)), self.dtype)
            sample_weight = mask if sample_weight is None else sample_weight * mask
        return super().update_state(ops.reshape(y_true, (-1,)), y_pred, sample_weight)

    def result(self) -> Tensor:
        """Returns the perplexity so far."""
        return ops.exp(super().result())

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {"name": self.name, "dtype": self.dtype, "from_logits": self.from_logits}
