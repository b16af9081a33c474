"""A batch in parts, each run at its own position."""

import keras
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import mask_of, set_mask

__all__ = ["join_batch", "split_batch"]


def split_batch(values, number):
    """Splits a batch into parts of nearly equal size, in order.

    Args:
        values: nested structure; its tensors with at least one axis have the batch axis first, and
            keep their Keras mask. The first one is an input.
        number: number of parts, at least 2.

    Returns:
        List of structures like `values`.

    Raises:
        ValueError, or an error of TensorFlow within a compiled function: if the batch has fewer
            examples than parts.
    """
    leaves = [leaf for leaf in keras.tree.flatten(values) if _has_rows(leaf)]
    size = backend.checked_size(
        leaves[0], number, f"A batch needs an example for each of {number} positions."
    )
    places = [(k * size) // number for k in range(number + 1)]

    def rows(leaf, first, last):
        if not _has_rows(leaf):
            return leaf
        part, mask = leaf[first:last], mask_of(leaf)
        if mask is not None:
            set_mask(part, mask[first:last])
        return part

    return [
        keras.tree.map_structure(lambda leaf, ends=ends: rows(leaf, *ends), values)
        for ends in zip(places, places[1:])
    ]


def join_batch(parts):
    """Joins the outputs of the parts in the order of the batch.

    Args:
        parts: list of equal nested structures of tensors.

    Returns:
        A structure of the same kind.
    """
    return keras.tree.map_structure(lambda *leaves: ops.concatenate(leaves, axis=0), *parts)


def _has_rows(leaf):
    return ops.is_tensor(leaf) and len(leaf.shape) > 0
