"""Evaluates networks at points in weight space with compiled functions."""

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.batches import Batches
from mc_tf.backend.keras_internals import build_metrics, whole_losses
from mc_tf.batch_norm.statistics import BatchStatistics

__all__ = ["SEVERAL", "PointEvaluator"]

SEVERAL = 16  # points in one call, where calls take longer than computing
_MOST_BATCHES = 8  # of a point, for several points in one call


class PointEvaluator:
    """Evaluates a compiled curve model at any position; traced once for all positions.

    Args:
        curve_model: a compiled `CurveModel`.
        batch_size: examples per batch, for arrays only.
        weights_at: function from a position to the weights `(P,)`. Default: those of the curve.

    Attributes:
        layer: the curve layer.
    """

    def __init__(self, curve_model, batch_size=500, weights_at=None):
        self._model, self._weights_at = curve_model, weights_at
        self.layer = curve_model.curve_layer
        self._batch_size = batch_size
        self._statistics = BatchStatistics(curve_model)
        self._observed = False
        self._finite = []  # data sets already checked for finite values, so that each is read once
        self._flat_at = backend.compiled(self.layer.flat_weights_at)
        self._unpack = backend.compiled(self.layer.unpack_point)
        self._estimate = backend.compiled(self._estimate_step)
        self._test = backend.compiled(self._test_step)
        self._several = backend.compiled(self._map_points)

    def __call__(self, t, data, measures=()):
        """Evaluates the network at `t`.

        Args:
            t: position of the curve model.
            data: `EvaluationData`.
            measures: further measures of the network, functions `(flat, state) -> dict of floats`
                of the values that `network_at` returns.

        Returns:
            dict of floats: `train_loss`, `test_loss`, `regularization`, the metrics and the
            measures.
        """
        flat, state = self.network_at(t, data.for_statistics)
        point = self._unpack(flat)
        logs = {"regularization": float(sum((float(p) for p in point[1]), 0.0))}
        for name, batches in data.evaluated.items():
            found = _scalars(self._evaluate(point, state, self.batches(batches)))
            if not np.isfinite(list(found.values())).all():
                self.check_finite(batches, data.for_statistics)
            logs.update({f"{name}_{key}": value for key, value in found.items()})
        for measure in measures:
            logs.update(measure(flat, state))
        return logs

    def several(self, data, num_points):
        """Prepares for several points in one call, if calls take longer than their work.

        Args:
            data: `EvaluationData` of `KeptBatches`, after `check`.
            num_points: number of points of the whole evaluation.

        Returns:
            Function of positions `(n, ...)`, `n` up to `SEVERAL`, that returns a list of what
            `self(t, data)` returns, or of `None` for values that are not finite; or `None`, if
            there are few points, many batches or no memory for them, weights of their own, or
            under PyTorch.
        """
        one_by_one = self._weights_at or keras.backend.backend() == "torch"
        if num_points < SEVERAL or one_by_one:
            return None
        sets, statistics = data.evaluated, [data.for_statistics][: self._statistics.any]
        kept = [each.in_memory(_MOST_BATCHES) for each in (*sets.values(), *statistics)]
        if not all(kept) or sum(map(len, kept)) > _MOST_BATCHES:
            return None
        arguments = dict(zip(sets, kept)), kept[len(sets) :]

        def measure(positions):
            # Always as many, so that one trace serves all.
            padded = np.resize(np.asarray(positions, "float32"), (SEVERAL, *positions.shape[1:]))
            found = self._several(ops.convert_to_tensor(padded), *arguments)
            found = keras.tree.map_structure(ops.convert_to_numpy, found)
            each = [
                _scalars(keras.tree.map_structure(lambda values, i=i: values[i], found))
                for i in range(len(positions))
            ]
            return [one if np.isfinite(list(one.values())).all() else None for one in each]

        return measure

    def _map_points(self, positions, sets, statistics):
        return ops.map(lambda t: self._values_at(t, sets, statistics), positions)

    def _values_at(self, t, sets, statistics):
        """The values of a point as tensors: what `__call__` computes, as a pure function."""
        point = self.layer.unpack_point(self.layer.flat_weights_at(t))
        state = self._initial_state()
        for batches in statistics:
            state = self._estimate_state(point, state, batches)
        logs = {"regularization": sum(point[1], ops.zeros((), "float32"))}
        for name, batches in sets.items():
            found = self._evaluate(point, state, batches)
            logs.update({f"{name}_{key}": value for key, value in found.items()})
        return logs

    def network_at(self, t, data=None):
        """Returns the weights and state of the network at `t`.

        Args:
            t: position of the curve model.
            data: data set for re-estimating batch normalization statistics. Default: use the
                current statistics of the curve model.

        Returns:
            `(flat, state)`: its weights, tensor `(P,)`, and its other state, a list of tensors,
            with recurrent state at zero.
        """
        if self._weights_at:
            flat = ops.convert_to_tensor(self._weights_at(t), self.layer.points[0].dtype)
        else:
            flat = self._flat_at(ops.convert_to_tensor(np.float32(t)))
        state = self._initial_state()
        if data is not None and self._statistics.any:
            batches = Batches(data, self._batch_size)
            state = self._estimate_state(self._unpack(flat), state, batches)
        return flat, state

    def check(self, t, data):
        """Runs the first batch of each data set, so that unsuitable data fails early.

        Args:
            t: position of the curve model.
            data: `EvaluationData` of `KeptBatches`.

        Raises:
            ValueError: if a data set is empty or has no labels, or two values share a name; and any
                error that Keras raises for unsuitable inputs.
        """
        point = self._unpack(self._flat_at(ops.convert_to_tensor(np.float32(t))))
        if self._statistics.any:
            self._observe(point, data.for_statistics.first()[0])
        names = []
        for name, batches in data.evaluated.items():
            batch = self._built_for(batches.first(), batches.role)
            logs = self._evaluate(point, self._initial_state(), [batch])
            names += [f"{name}_{key}" for key in logs]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(
                f"Two values would be named {sorted(twice)}: choose another name in `others`."
            )

    def check_finite(self, *data_sets):
        """Raises an error if a data set explains a non-finite result; each is read once."""
        for data in data_sets:
            if not any(data is each for each in self._finite):
                Batches(data, self._batch_size).check_finite()
                self._finite.append(data)

    def batches(self, data):
        """Yields the batches of a data set and builds the compiled metrics with the first.

        Args:
            data: data set.

        Yields:
            `(x, y, sample_weight)`.

        Raises:
            ValueError: if the data set is empty.
        """
        batches = Batches(data, self._batch_size)
        for index, batch in enumerate(batches):
            yield batch if index else self._built_for(batch, batches.role)

    def _built_for(self, batch, role):
        if batch[1] is None and self._model.loss is not None:
            raise ValueError(
                f"`{role}` has inputs without labels, which the compiled loss needs. Pass "
                "`(inputs, labels)`, or batches of both."
            )
        build_metrics(self._model, batch)
        return batch

    def batch_loss(self, point, state, batch, metrics=None):
        """Computes the loss of one batch: a pure function, differentiable in the point.

        Args:
            point: `(weights, penalties)` as returned by `CurveLayer.unpack_point`.
            state: list of tensors.
            batch: `(x, y, sample_weight)`.
            metrics: values of the metrics' variables to update. Default: no metrics.

        Returns:
            `(loss, size, state, metrics)`: two float32 scalars, the mean loss including penalties
            and the number of targets, and two lists of tensors.
        """
        x, y, sample_weight = batch
        variables = [] if metrics is None else self._model.metrics_variables
        with self._scope(state, zip(variables, metrics or ())) as scope:
            with self.layer.at_point(*point):
                y_pred = self._model(x, training=False)
            with whole_losses():
                loss = self._model.compute_loss(x, y, y_pred, sample_weight, training=False)
            if metrics is not None:
                self._model.compute_metrics(x, y, y_pred, sample_weight)
        # By targets, not examples: the last window of a text may be shorter.
        leaf = keras.tree.flatten(x if y is None else y)[0]
        return (
            ops.cast(loss, "float32"),
            ops.cast(ops.size(leaf), "float32"),
            [scope.get_current_value(v) for v in self.layer.state],
            [scope.get_current_value(v) for v in variables],
        )

    def _initial_state(self):
        """Returns the curve layer's state with recurrent state at zero, as a list of tensors."""
        with keras.StatelessScope() as scope:
            self.layer.reset_state()
        given = [scope.get_current_value(v) for v in self.layer.state]
        return [backend.read(v) if new is None else new for v, new in zip(self.layer.state, given)]

    def _estimate_state(self, point, state, batches):
        totals = None
        carried = state
        for x, _, _ in batches:
            if totals is None:
                self._observe(point, x)
                if not self._statistics.num_updated:
                    return state
                totals = self._statistics.zeros()
            totals, carried = self._estimate(point, carried, totals, x)
        new = {id(v): value for v, value in self._statistics.results(totals)}
        return [new.get(id(v), value) for v, value in zip(self.layer.state, state)]

    def _observe(self, point, x):
        if not self._observed:
            zeros = self._statistics.zeros()
            self._statistics.observe(self._estimate_step, point, self._initial_state(), zeros, x)
            self._observed = True

    def _estimate_step(self, point, state, totals, x):
        with self._scope(state) as scope, self.layer.at_point(*point):
            totals = self._statistics.accumulate(
                totals, lambda training: self._model(x, training=training)
            )
        return totals, [scope.get_current_value(v) for v in self.layer.state]

    def _evaluate(self, point, state, batches):
        values = None
        loss, count = (ops.zeros((), "float32") for _ in range(2))
        for batch in batches:
            if values is None:
                values = self._zero_metrics()
            state, values, loss, count = self._test(point, state, values, loss, count, batch)
        metrics = self._model.metrics_variables
        with keras.StatelessScope(list(zip(metrics, values))):
            logs = self._model.get_metrics_result()
        return {**logs, "loss": loss / count}

    def _zero_metrics(self):
        with keras.StatelessScope() as scope:
            for metric in self._model.metrics:
                metric.reset_state()
        variables = self._model.metrics_variables
        new = [scope.get_current_value(v) for v in variables]
        return [backend.read(v) if value is None else value for v, value in zip(variables, new)]

    def _test_step(self, point, state, values, loss, count, batch):
        mean, size, state, values = self.batch_loss(point, state, batch, values)
        return state, values, loss + mean * size, count + size

    def _scope(self, state, more=()):
        mapping = [*zip(self.layer.state, state), *more]
        return keras.StatelessScope(state_mapping=mapping, collect_losses=True)


def _scalars(values):
    """Floats by name; values per class become `name[0]`, `name[1]`, ..."""
    logs = {}
    for name, value in values.items():
        if isinstance(value, dict):  # a metric of several values, as in Keras' logs
            logs.update(_scalars(value))
            continue
        value = np.asarray(ops.convert_to_numpy(value))
        for index in np.ndindex(value.shape):
            key = f"{name}[{','.join(map(str, index))}]" if index else name
            logs[key] = float(value[index])
    return logs
