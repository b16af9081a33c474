"""Batch normalization statistics pooled over batches, and the layers that training updates."""

import contextlib
import itertools

import keras
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.fused_batch_norm import is_plain
from mc_tf.backend.keras_internals import layers_within, training_in_fit
from mc_tf.layers.curve_layer import CurveLayer
from mc_tf.warning import warn

__all__ = ["BatchStatistics", "check_finite_statistics"]


class BatchStatistics:
    """Pooled statistics of the normalization layers of a model, as a pure function.

    Args:
        model: a built Keras layer or model, with curve layers at any depth.

    Attributes:
        layers: list of `(layer, mean, variance)`: the `BatchNormalization` layer, and the variables
            of its statistics (inside a curve layer, the copies of the curve layer).
    """

    def __init__(self, model):
        self.layers = list(_find(model))
        self._others = list(_other_state(model))
        self._training = training_in_fit(getattr(model, "network", model))
        self._updates = None
        self._observing = False

    @property
    def any(self):
        """Whether the model has layers to update, or other layers whose state may be statistics."""
        return bool(self.layers or self._others)

    @property
    def num_updated(self):
        """Number of layers that training updates, once observed."""
        return sum(map(any, self._updates))

    def observe(self, step, *arguments):
        """Determines which layer calls update statistics when the model is trained.

        Layers called with `training=False` are not updated. A warning names other layers with
        statistics. Nothing is computed.

        Args:
            step: function that calls `accumulate`, not compiled.
            *arguments: arguments of the function.
        """
        self._observing = True
        try:
            backend.traced(step, *arguments)
        finally:
            self._observing = False

    def zeros(self):
        """Returns initial accumulators: `(count, mean, sum of squares)` per layer."""
        totals = []
        for _, mean, _ in self.layers:
            dtype = _wide(mean.dtype)
            totals.append([ops.zeros(shape, dtype) for shape in ((), mean.shape, mean.shape)])
        return totals

    def accumulate(self, totals, forward):
        """Adds one batch.

        Args:
            totals: accumulators, as from `zeros`.
            forward: function of `training` that runs the model, inside a `keras.StatelessScope`. It
                runs in inference mode, but in training mode for `observe`.

        Returns:
            The new accumulators.
        """
        if self._observing:
            before = [variable.value for _, variable in self._others]
            self._updates = [[] for _ in self.layers]
            with self._calls(_observer, self._updates):
                forward(self._training)
            pairs = zip(self._others, before)
            _warn_of([part for part, old in pairs if part[1].value is not old])
            return totals
        records = [[] for _ in self.layers]
        with self._calls(_recorder, self._updates, records):
            forward(False)
        totals = [list(total) for total in totals]
        for index, rows in enumerate(records):
            for count, mean, variance in rows:
                totals[index] = _merge(totals[index], count, mean, variance)
        return totals

    def results(self, totals):
        """Returns pairs `(variable, value)` of the pooled means and variances.

        Layers that were never called keep their statistics.
        """
        pairs = []
        for (_, mean, variance), (count, average, squares) in zip(self.layers, totals):
            spread = squares / ops.maximum(count, 1)
            for variable, value in ((mean, average), (variance, spread)):
                value = ops.cast(value, variable.dtype)
                pairs.append((variable, ops.where(count > 0, value, backend.read(variable))))
        return pairs

    @contextlib.contextmanager
    def _calls(self, make, *lists):
        """Temporarily replaces the calls of the layers by `make(layer, *one of each list)`."""
        layers = [layer for layer, _, _ in self.layers]
        saved = [(layer, layer.momentum, vars(layer).get("call")) for layer in layers]
        try:
            for layer, *own in zip(layers, *lists):
                vars(layer)["call"] = make(layer, *own)
            yield
        finally:
            for layer, momentum, call in saved:
                layer.momentum = momentum
                vars(layer).pop("call")
                if call is not None:
                    vars(layer)["call"] = call


def check_finite_statistics(pairs, batches):
    """Rejects statistics that are not finite, before any is assigned.

    Args:
        pairs: `(variable, value)` of the new means and variances.
        batches: the `Batches` they were computed from.

    Raises:
        ValueError: naming the variable and, if the data is not finite, the batch.
    """
    for variable, value in pairs:
        if not bool(ops.all(ops.isfinite(value))):
            reason = batches.not_finite() or "The weights are too large, or not finite."
            raise ValueError(
                f"The statistics '{variable.path}' would not be finite, so the previous ones are "
                f"kept. {reason}"
            )


def _find(model):
    for part in layers_within(model):
        if isinstance(part, CurveLayer):
            for layer, mean, variance in _find(part.layer):
                yield layer, part.state_copy(mean), part.state_copy(variance)
        elif isinstance(part, keras.layers.BatchNormalization) and part.trainable:
            yield part, part.moving_mean, part.moving_variance


def _other_state(model):
    """Yields `(description, variable)` of other variables that training may update."""
    owners = {}
    for part in layers_within(model):  # the innermost layer last
        owners.update((id(v), (part, v)) for v in part.non_trainable_weights)
        if isinstance(part, CurveLayer):
            for words, variable in _other_state(part.layer):
                yield words, part.state_copy(variable)
    for owner, variable in owners.values():
        known = isinstance(owner, (CurveLayer, keras.layers.BatchNormalization))
        if not known and keras.backend.is_float_dtype(variable.dtype):
            yield f"'{variable.name}' of '{owner.name}' ({type(owner).__name__})", variable


def _warn_of(changed):
    if changed:
        names = ", ".join(words for words, _ in changed)
        warn(
            f"Training updates {names}, which is not re-estimated at these weights: only the "
            "statistics of `keras.layers.BatchNormalization` are. It keeps its current values."
        )


def _observer(layer, updates):
    run = layer.call

    def call(inputs, *args, **kwargs):
        before = layer.moving_mean.value
        outputs = run(inputs, *args, **kwargs)
        updates.append(layer.moving_mean.value is not before)
        return outputs

    return call


def _recorder(layer, updates, records):
    """Makes a layer normalize by the batch and report its statistics, as in training."""
    run = layer.call
    plain = is_plain(layer)
    narrow = plain and _wide(layer.moving_mean.dtype) != layer.moving_mean.dtype
    layer.momentum = 0.0  # the moving statistics become the batch statistics
    updated = itertools.chain(updates, itertools.repeat(any(updates)))

    def call(inputs, *args, **kwargs):
        if not next(updated):
            return run(inputs, *args, **kwargs)
        mask = kwargs.get("mask")
        fusible = plain and mask is None
        fused = backend.fused_batch_norm(layer, inputs) if fusible else None
        if fused is None:
            if "training" in kwargs:
                kwargs["training"] = True
            outputs = run(inputs, *args, **kwargs)
            statistics = [backend.read(v) for v in (layer.moving_mean, layer.moving_variance)]
        else:
            outputs, *statistics = fused
        if narrow:  # the variables are rounded to this dtype
            statistics = _moments(inputs, layer.axis, mask)
        mean, variance = statistics
        count = ops.cast(ops.size(inputs), "float32") / float(mean.shape[0])
        if mask is not None:
            kept = ops.sum(ops.cast(mask, "float32"))
            count = count * kept / ops.cast(ops.size(mask), "float32")
        records.append((count, mean, variance))
        return outputs

    return call


def _moments(inputs, axis, mask):
    """Mean and variance over all axes but one in float32, ignoring masked values `(N, ...)`."""
    inputs = ops.moveaxis(ops.cast(inputs, "float32"), axis, -1)
    axes = list(range(len(inputs.shape) - 1))
    if mask is None:
        return ops.moments(inputs, axes)
    kept = ops.expand_dims(ops.cast(mask, "float32"), -1)
    count = ops.maximum(ops.sum(kept), 1)
    mean = ops.sum(inputs * kept, axes) / count
    return mean, ops.sum(ops.square(inputs - mean) * kept, axes) / count


def _wide(dtype):
    """Dtype of sums: float32, or float64 for float64 networks."""
    return keras.backend.result_type(dtype, "float32")


def _merge(total, count, mean, variance):
    """Pools two groups (Chan et al.) without cancellation, so float32 is sufficient."""
    old_count, old_mean, old_squares = total
    count, mean, variance = (ops.cast(value, old_mean.dtype) for value in (count, mean, variance))
    new_count = old_count + count
    # A fully masked batch does not count.
    share = count / ops.maximum(new_count, 1)
    change = mean - old_mean
    new_mean = old_mean + change * share
    new_squares = old_squares + variance * count + ops.square(change) * old_count * share
    return [new_count, new_mean, new_squares]
