"""Type aliases of public functions."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NewType, TypeAlias

import keras

__all__ = [
    "ArrayLike",
    "Config",
    "Data",
    "Logs",
    "Mode",
    "PathLike",
    "Shape",
    "Tensor",
    "TensorLike",
    "Unit",
    "Weights",
]

PathLike: TypeAlias = str | os.PathLike[str]
Shape: TypeAlias = Sequence[int | None]

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    # The type depends on the Keras backend.
    Tensor: TypeAlias = Any
    # A number, lists of them, an array or a tensor.
    TensorLike: TypeAlias = ArrayLike | Tensor
    # A network, or its trainable weights as a flat vector (P,).
    Weights: TypeAlias = keras.Layer | TensorLike
    # A `tf.data.Dataset` of batches, a `PyDataset`, a loader of PyTorch, or arrays `(x, y)`.
    Data: TypeAlias = Any
else:  # `help` shows these names; the unions of numpy would take ten lines
    ArrayLike = NewType("ArrayLike", object)
    Tensor = NewType("Tensor", object)
    TensorLike = NewType("TensorLike", object)
    Weights = NewType("Weights", object)
    Data = NewType("Data", object)

# Result of `get_config`, argument of `from_config`.
Config: TypeAlias = dict[str, Any]
# Logs that Keras passes to callbacks, which may add values.
Logs: TypeAlias = dict[str, Any]
Unit: TypeAlias = Literal["epochs", "steps"]
Mode: TypeAlias = Literal["min", "max"]
