"""Evaluates networks at points in weight space with compiled functions."""

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.backend.batches import Batches
from mc_tf.backend.keras_internals import build_metrics, whole_losses
from mc_tf.batch_norm.statistics import BatchStatistics
from mc_tf.distribute.strategies import devices_of
from mc_tf.evaluation.several import scalars, several_points

__all__ = ["PointEvaluator"]


class PointEvaluator:
    """Evaluates a compiled curve model at any position; traced once for all positions.

    Args:
        curve_model: a compiled `CurveModel`.
        batch_size: examples per batch, for arrays only.
        weights_at: function from a position to the weights `(P,)`. Default: the curve's.

    Attributes:
        layer: the curve layer.
        devices: names of the devices of this process in the model's strategy; none without one.
        needs_statistics: whether data for batch normalization statistics is used.
    """

    def __init__(self, curve_model, batch_size=500, weights_at=None):
        self._model, self._weights_at = curve_model, weights_at
        self.devices = devices_of(curve_model)
        self.layer = curve_model.curve_layer
        self._batch_size = batch_size
        self._statistics = BatchStatistics(curve_model)
        self.needs_statistics = self._statistics.any
        self._observed = False
        self._finite = []  # data sets already checked for finite values, so that each is read once
        self._flat_at = backend.compiled_each(self.layer.flat_weights_at, self.devices)
        self._unpack = backend.compiled_each(self.layer.unpack_point, self.devices)
        self._estimate = backend.compiled_each(self._estimate_step, self.devices)
        self._test = backend.compiled_each(self._test_step, self.devices)

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
        logs = self.values(flat, state, data)
        for measure in measures:
            logs.update(measure(flat, state))
        return logs

    def values(self, flat, state, data):
        """Evaluates any network: what `__call__` returns, from what `network_at` returns."""
        return self._values([flat], [state], data)[0]

    def several(self, data, num_points):
        """Prepares for several points in one call, if that is faster; see `several_points`."""
        return None if self._weights_at else several_points(self, data, num_points)

    def each(self, positions, data):
        """Evaluates as many networks as there are devices at the same time, each on one of them.

        Args:
            positions: sequence of positions, one for each of `devices`.
            data: `EvaluationData`.

        Returns:
            List of what `self(t, data)` returns.
        """
        flats = self._flat_at([(ops.convert_to_tensor(np.float32(t)),) for t in positions])
        states = [self._initial_state()] * len(flats)
        return self._values(flats, self._estimated(flats, states, data.for_statistics), data)

    def _values(self, flats, states, data):
        """Losses, metrics and penalties of networks, each on a device: a list of dicts."""
        points = self._unpack([(flat,) for flat in flats])
        logs = [{"regularization": float(sum((float(p) for p in each), 0.0))} for _, each in points]
        for name, batches in data.evaluated.items():
            results = self._evaluate(points, states, self.batches(batches))
            for log, values in zip(logs, map(scalars, results)):
                if not np.isfinite(list(values.values())).all():
                    self.check_finite(batches, data.for_statistics)
                log.update({f"{name}_{key}": value for key, value in values.items()})
        return logs

    def values_at(self, t, sets, statistics):
        """What `__call__` computes, as a pure function.

        Args:
            t: position, a tensor.
            sets: dict from name to a list of batches.
            statistics: list of one list of batches for batch normalization statistics, or of none.

        Returns:
            dict of tensors.
        """
        point = self.layer.unpack_point(self.layer.flat_weights_at(t))
        states = [self._initial_state()]
        for batches in statistics:
            states = self._estimate_states([point], states, batches)
        logs = {"regularization": sum(point[1], ops.zeros((), "float32"))}
        for name, batches in sets.items():
            (values,) = self._evaluate([point], states, batches)
            logs.update({f"{name}_{key}": value for key, value in values.items()})
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
            (flat,) = self._flat_at([(ops.convert_to_tensor(np.float32(t)),)])
        return flat, self.estimated(flat, self._initial_state(), data)

    def estimated(self, flat, state, data):
        """Re-estimates the statistics in the state of any network; arguments as in `network_at`."""
        return self._estimated([flat], [state], data)[0]

    def _estimated(self, flats, states, data):
        if data is None or not self._statistics.any:
            return states
        points = self._unpack([(flat,) for flat in flats])
        return self._estimate_states(points, states, Batches(data, self._batch_size))

    def check(self, t, data):
        """Runs the first batch of each data set, so that unsuitable data fails early.

        Args:
            t: position of the curve model.
            data: `EvaluationData` of `KeptBatches`.

        Returns:
            List of the names of the values of a point, without penalties and measures.

        Raises:
            ValueError: if a data set is empty or has no labels, or two values share a name; and any
                error that Keras raises for unsuitable inputs.
        """
        flat, state = self.network_at(t)
        points = self._unpack([(flat,)])
        if self._statistics.any:
            self._observe(points[0], data.for_statistics.first()[0])
        names = []
        for name, batches in data.evaluated.items():
            batch = self._built_for(batches.first(), batches.role)
            (logs,) = map(scalars, self._evaluate(points, [state], [batch]))
            names += [f"{name}_{key}" for key in logs]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(
                f"Two values would be named {sorted(twice)}: choose another name in `extra_data`."
            )
        return names

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

    def _estimate_states(self, points, states, batches):
        totals, carried = None, states
        for x, _, _ in batches:
            if totals is None:
                self._observe(points[0], x)
                if not self._statistics.num_updated:
                    return states
                totals = [self._statistics.zeros()] * len(points)
            totals, carried = zip(*self._estimate(list(zip(points, carried, totals)), x))
        return [self._with_statistics(*each) for each in zip(states, totals)]

    def _with_statistics(self, state, totals):
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

    def _evaluate(self, points, states, batches):
        sums = None
        for batch in batches:
            if sums is None:
                zeros = [ops.zeros((), "float32") for _ in range(2)]
                sums = [(state, self._zero_metrics(), *zeros) for state in states]
            own = [(point, *each) for point, each in zip(points, sums)]
            sums = self._test(own, batch)
        return [self._results(*each) for each in sums]

    def _results(self, _, values, loss, count):
        with keras.StatelessScope(list(zip(self._model.metrics_variables, values))):
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
