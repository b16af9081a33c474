"""Batch normalisation statistics of a network as it stands (section A.2 of the paper).

A network between two trained ones has never seen data: the moving averages of its normalisation
layers belong to other weights. They are re-estimated in one pass over the training data.
"""

import contextlib

import keras
from keras import ops

from mc_tf import backend
from mc_tf.arguments import check_counts, check_network
from mc_tf.batches import Batches
from mc_tf.fused import is_plain
from mc_tf.layers.curve_layer import CurveLayer

__all__ = ["BatchNormUpdate", "BatchStatistics", "has_batch_norm", "update_batch_norm"]


def update_batch_norm(model, dataset, num_batches=None, batch_size=500):
    """Re-estimates the batch normalisation statistics at the present weights.

    One pass over the data with each `BatchNormalization` layer normalising by its batch, as in
    training, and everything else as at inference (dropout is off). The statistics are pooled over
    all examples: the mean of all, and the total variance, in which a short last batch counts by
    its size. Layers inside nested models and inside curve layers are included; frozen layers
    (`trainable = False`) keep theirs, as in Keras' training; so do the correction terms of
    `renorm=True`, which inference does not use. Nothing else of the model changes,
    also if the pass fails: then the statistics are the former ones.

    Args:
        model: a built Keras model, a `CurveModel` (at its `t`), an `Ensemble`, or a layer.
        dataset: one pass of the training data as training sees it, augmented if it is; anything
            that `Batches` takes. Labels are ignored.
        num_batches: use the first batches only. Default: all.
        batch_size: examples a batch when `dataset` is made of arrays. Default 500.

    Returns:
        The number of normalisation layers that were updated.

    Raises:
        ValueError: if the data has no batch, `num_batches` is below 1, or the statistics would not
            be finite.

    Example:
        >>> import numpy as np
        >>> norm = keras.layers.BatchNormalization()
        >>> model = keras.Sequential([keras.Input((1,)), norm])
        >>> update_batch_norm(model, np.array([[1.0], [3.0]], "float32"))
        1
        >>> float(norm.moving_mean[0]), float(norm.moving_variance[0])
        (2.0, 1.0)
    """
    if hasattr(model, "update_batch_norm"):  # an ensemble has statistics for each member
        return model.update_batch_norm(dataset, num_batches, batch_size)
    check_network("model", model)
    check_counts(batch_size=batch_size)
    check_counts(optional=True, num_batches=num_batches)
    return BatchNormUpdate(model)(dataset, num_batches, batch_size)


class BatchNormUpdate:
    """`update_batch_norm` of one model, compiled once for many calls.

    For what lives long, such as a callback. The pass is compiled again when the model has other
    normalisation layers to update (some were frozen, say) or other variables than before.

    Args:
        model: a built Keras model, a `CurveModel` (at its `t`), or a layer. It is held as long as
            this object lives.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
        >>> update = BatchNormUpdate(model)
        >>> [update(np.array([[1.0], [3.0]], "float32")) for _ in range(2)]
        [1, 1]
    """

    def __init__(self, model):
        self._model = model
        self._step = None
        self._compiled_for = []

    def __call__(self, dataset, num_batches=None, batch_size=500):
        """Makes one pass: arguments, result and errors of `update_batch_norm`."""
        statistics = BatchStatistics(self._model)
        if not statistics.layers:
            return 0
        variables = list(self._model.variables)
        parts = [part for layer in statistics.layers for part in layer] + variables
        if list(map(id, parts)) != list(map(id, self._compiled_for)):
            self._step, self._compiled_for = self._compile(statistics, variables), parts
        values = [backend.read(v) for v in variables]
        totals = statistics.zeros()
        empty = True
        for x, _, _ in Batches(dataset, batch_size, num_batches):
            totals, empty = self._step(values, totals, x), False
        if empty:
            raise ValueError("`dataset` has no batch, so there is nothing to estimate from.")
        results = statistics.results(totals)
        for variable, value in results:
            if not bool(ops.all(ops.isfinite(value))):
                raise ValueError(
                    f"The statistics '{variable.path}' would not be finite: the data has such "
                    "values, or the weights are too large. The former ones are kept."
                )
        for variable, value in results:
            variable.assign(value)
        return len(statistics.layers)

    def _compile(self, statistics, variables):
        model = self._model

        @backend.compiled
        def step(values, totals, x):
            with keras.StatelessScope(list(zip(variables, values)), collect_losses=True):
                return statistics.accumulate(totals, lambda: model(x, training=False))

        return step


def has_batch_norm(model):
    """Whether a model has statistics that `update_batch_norm` would re-estimate.

    Args:
        model: a built Keras layer or model.

    Returns:
        bool.
    """
    return bool(BatchStatistics(model).layers)


class BatchStatistics:
    """Pooled statistics of the normalisation layers of a model, as a pure function.

    Args:
        model: a built Keras layer or model, with curve layers at any depth.

    Attributes:
        layers: list of `(layer, mean, variance)`: the `BatchNormalization` layer that runs, and
            the variables that hold its statistics (a curve layer's own copies, for its layers).
    """

    def __init__(self, model):
        self.layers = list(_find(model))

    def zeros(self):
        """Accumulators before the first batch: `(count, mean, sum of squares)` a layer."""
        zeros = [
            [ops.zeros(()), ops.zeros(mean.shape), ops.zeros(mean.shape)]
            for _, mean, _ in self.layers
        ]
        return [[ops.cast(value, "float32") for value in total] for total in zeros]

    def accumulate(self, totals, forward):
        """Adds one batch.

        Args:
            totals: accumulators, as from `zeros`.
            forward: function without arguments that runs the model at inference, inside a
                `keras.StatelessScope`.

        Returns:
            The new accumulators.
        """
        records = []
        with self._recording(records):
            forward()
        totals = [list(total) for total in totals]
        for index, count, mean, variance in records:
            totals[index] = _merge(totals[index], count, mean, variance)
        return totals

    def results(self, totals):
        """Pairs `(variable, value)` of the pooled means and variances.

        A layer that the forward pass never called keeps its statistics.
        """
        pairs = []
        for (_, mean, variance), (count, average, squares) in zip(self.layers, totals):
            seen = count > 0
            spread = squares / ops.maximum(count, 1)
            pairs.append((mean, ops.where(seen, average, backend.read(mean))))
            pairs.append((variance, ops.where(seen, spread, backend.read(variance))))
        return pairs

    @contextlib.contextmanager
    def _recording(self, records):
        """Makes the layers normalise by the batch and report its statistics, for a while."""
        saved = [(layer, layer.momentum, vars(layer).get("call")) for layer, _, _ in self.layers]
        try:
            for index, (layer, _, _) in enumerate(self.layers):
                layer.momentum = 0.0  # the moving statistics become the batch's own
                vars(layer)["call"] = _recorder(layer, index, records)
            yield
        finally:
            for layer, momentum, call in saved:
                layer.momentum = momentum
                vars(layer).pop("call")
                if call is not None:
                    vars(layer)["call"] = call


def _find(model):
    for part in model._flatten_layers():
        if isinstance(part, CurveLayer):
            for layer, mean, variance in _find(part.layer):
                yield layer, part.state_copy(mean), part.state_copy(variance)
        elif isinstance(part, keras.layers.BatchNormalization) and part.trainable:
            yield part, part.moving_mean, part.moving_variance


def _recorder(layer, index, records):
    run = layer.call
    plain = is_plain(layer)

    def call(inputs, training=None, mask=None):
        fusible = plain and mask is None
        fused = backend.fused_batch_norm(layer, inputs) if fusible else None
        if fused is None:
            outputs = run(inputs, training=True, mask=mask)
            mean, variance = backend.read(layer.moving_mean), backend.read(layer.moving_variance)
        else:
            outputs, mean, variance = fused
        count = ops.cast(ops.size(inputs), "float32") / float(mean.shape[0])
        if mask is not None:
            kept = ops.sum(ops.cast(mask, "float32"))
            count = count * kept / ops.cast(ops.size(mask), "float32")
        records.append((index, count, mean, variance))
        return outputs

    return call


def _merge(total, count, mean, variance):
    """Pools two groups (Chan et al.): no difference of large squares, so float32 is enough."""
    old_count, old_mean, old_squares = total
    new_count = old_count + count
    # A batch of masked examples only has no say.
    share = count / ops.maximum(new_count, 1)
    change = mean - old_mean
    new_mean = old_mean + change * share
    new_squares = old_squares + variance * count + ops.square(change) * old_count * share
    return [new_count, new_mean, new_squares]
