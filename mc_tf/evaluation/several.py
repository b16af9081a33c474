"""Several points of an evaluation in one call."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.keras_internals import layers_within, own_weights

__all__ = ["SeveralPoints", "scalars", "several_points"]

_SEVERAL = 16  # points in one call on a device, where calls take longer than computing
_MANY = 3 * _SEVERAL  # points, from which one more compilation pays
_MOST_BATCHES = 8  # of a point, for several points in one call
_SMALL = 2**15  # weights up to which dense networks run side by side, vectorized over the points
_SIDE_BY_SIDE = 64  # points
_VERY_MANY = 16 * _SIDE_BY_SIDE  # points, from which a longer compilation pays


@dataclasses.dataclass(frozen=True)
class SeveralPoints:
    """Measures several points in one call.

    Attributes:
        size: number of points in one call.
        measure: function of positions `(size, ...)` that returns a list of dicts of floats, or of
            `None` for values that are not finite.
    """

    size: int
    measure: Callable[..., Any]

    def __call__(self, positions):
        """Measures up to `size` points; always as many are computed, so that one trace serves."""
        padded = np.resize(positions, (self.size, *positions.shape[1:]))
        return self.measure(padded)[: len(positions)]


def several_points(evaluator, data, num_points):
    """Prepares for several points in one call, if that is faster.

    Each device of the model's strategy computes other points. Where calls take longer than
    their work, each computes 16 in one call, or more of a small dense network.

    Args:
        evaluator: `PointEvaluator`.
        data: `EvaluationData` of `KeptBatches`, after `evaluator.check`.
        num_points: number of points of the whole evaluation.

    Returns:
        `SeveralPoints`; or `None` for one device, if there are few points, many batches or no
        memory for them, or under PyTorch.
    """
    devices = evaluator.devices
    kept = _in_few_batches(evaluator, data) if num_points >= _MANY else None
    if kept is None:
        one_each = SeveralPoints(len(devices), lambda positions: evaluator.each(positions, data))
        return one_each if devices else None
    size, run = _SEVERAL, ops.map
    if num_points >= _VERY_MANY and _is_small(evaluator):
        size, run = _SIDE_BY_SIDE, ops.vectorized_map
    compute = backend.compiled_each(
        lambda positions: run(lambda t: evaluator.values_at(t, *kept), positions), devices
    )

    def measure(positions):
        parts = np.split(positions.astype("float32"), len(devices) or 1)
        results = compute([(ops.convert_to_tensor(part),) for part in parts])
        results = keras.tree.map_structure(ops.convert_to_numpy, results)
        each = [
            scalars(keras.tree.map_structure(lambda values, i=i: values[i], of_device))
            for of_device in results
            for i in range(size)
        ]
        return [one if np.isfinite(list(one.values())).all() else None for one in each]

    return SeveralPoints(size * (len(devices) or 1), measure)


def _is_small(evaluator):
    """Whether products of matrices are so small that calling each takes longer."""
    layer = evaluator.layer
    learning = [part for part in layers_within(layer.layer) if own_weights(part)]
    dense = all(type(part) is keras.layers.Dense for part in learning)
    return dense and layer.layout.num_weights <= _SMALL


def _in_few_batches(evaluator, data):
    """Data in memory for `evaluator.values_at`; `None` if there are many batches or no memory."""
    if keras.backend.backend() == "torch":
        return None
    sets, statistics = data.evaluated, [data.for_statistics][: evaluator.needs_statistics]
    kept = [each.in_memory(_MOST_BATCHES) for each in (*sets.values(), *statistics)]
    if not all(kept) or sum(map(len, kept)) > _MOST_BATCHES:
        return None
    return dict(zip(sets, kept)), kept[len(sets) :]


def scalars(values):
    """Converts tensors to floats by name; values per class become `name[0]`, `name[1]`, ..."""
    logs = {}
    for name, value in values.items():
        if isinstance(value, dict):  # a metric of several values, as in Keras' logs
            logs.update(scalars(value))
            continue
        value = np.asarray(ops.convert_to_numpy(value))
        for index in np.ndindex(value.shape):
            key = f"{name}[{','.join(map(str, index))}]" if index else name
            logs[key] = float(value[index])
    return logs
