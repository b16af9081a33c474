"""Networks at points of weight space, evaluated one after the other by one compiled function."""

import hashlib
import json
import sys
import time

import keras
import numpy as np
import tqdm
from keras import ops

from mc_tf import backend
from mc_tf.batch_norm import BatchStatistics
from mc_tf.batches import Batches

__all__ = ["PointEvaluator", "evaluate_points", "fingerprint"]

_SAVING_SHARE = 0.02  # of the time; more points than that are stored at once


def evaluate_points(result, positions, measure, path=None, indices=None, verbose=1):
    """Fills in what a result lacks, and stores it as it grows.

    The file is written after each point, or, where points come faster than a file can be written,
    as often as takes 2 % of the time.

    Args:
        result: `PointResults`.
        positions: array, one position of the curve model for each point of the result.
        measure: function from a position to a dict of floats.
        path: file name without ending, or `None`.
        indices: which points to evaluate. Default: all.
        verbose: 1 for a progress bar, 0 for silence.
    """
    wanted = np.arange(len(result.done)) if indices is None else np.asarray(indices)
    missing = wanted[~result.done[wanted]]
    cost, saved_at = 0.0, -np.inf
    with tqdm.tqdm(
        total=len(wanted),
        initial=len(wanted) - len(missing),
        disable=not verbose,
        unit="point",
        mininterval=0.1 if sys.stderr.isatty() else 30,  # few lines in a log file
    ) as bar:
        try:
            for index in missing:
                result.record(index, measure(positions[index]))
                begun = time.monotonic()
                if begun - saved_at >= cost / _SAVING_SHARE:
                    result.save(path)
                    saved_at = time.monotonic()
                    cost = saved_at - begun
                bar.update()
        finally:  # also when it is stopped
            if result.done[missing].any():
                result.save(path)


class PointEvaluator:
    """Evaluates a compiled curve model at any position: traced once, for all positions.

    Args:
        curve_model: a compiled `CurveModel`.
        batch_size: examples a batch, where the data is made of arrays.
    """

    def __init__(self, curve_model, batch_size=500):
        self._model = curve_model
        self._layer = curve_model.curve_layer
        self._batch_size = batch_size
        self._statistics = BatchStatistics(curve_model)
        self._weights_at = backend.compiled(self._layer.evaluate_point)
        self._estimate = backend.compiled(self._estimate_step)
        self._test = backend.compiled(self._test_step)

    def __call__(self, t, train, test, others=None):
        """Evaluates the network at `t`.

        Args:
            t: position in [0, 1].
            train, test: data sets.
            others: dict of further data sets by name.

        Returns:
            dict of floats: `train_loss`, `test_loss`, `regularization` and the metrics.
        """
        point = self._weights_at(ops.convert_to_tensor(np.float32(t)))
        state = self._initial_state()
        if self._statistics.layers:
            state = self._estimate_state(point, state, train)
        logs = {"regularization": float(sum((float(p) for p in point[1]), 0.0))}
        for name, data in {"train": train, **(others or {}), "test": test}.items():
            logs.update(
                {f"{name}_{key}": v for key, v in self._evaluate(point, state, data).items()}
            )
        return logs

    def _initial_state(self):
        """The curve layer's state with recurrent state at zero, as a list of tensors."""
        with keras.StatelessScope() as scope:
            self._layer.reset_state()
        given = [scope.get_current_value(v) for v in self._layer.state]
        return [backend.read(v) if new is None else new for v, new in zip(self._layer.state, given)]

    def _estimate_state(self, point, state, data):
        totals, carried = self._statistics.zeros(), state
        for x, _, _ in Batches(data, self._batch_size):
            totals, carried = self._estimate(point, carried, totals, x)
        new = {id(v): value for v, value in self._statistics.results(totals)}
        return [new.get(id(v), value) for v, value in zip(self._layer.state, state)]

    def _estimate_step(self, point, state, totals, x):
        with self._scope(state) as scope, self._layer.at_point(*point):
            totals = self._statistics.accumulate(totals, lambda: self._model(x, training=False))
        return totals, [scope.get_current_value(v) for v in self._layer.state]

    def _evaluate(self, point, state, data):
        values = loss = count = None
        for x, y, sample_weight in Batches(data, self._batch_size):
            if values is None:
                self._model._symbolic_build(data_batch=(x, y, sample_weight))
                values, loss, count = self._zero_metrics(), ops.zeros(()), ops.zeros(())
            state, values, loss, count = self._test(
                point, state, values, loss, count, x, y, sample_weight
            )
        if values is None:
            raise ValueError("A data set has no batch, so there is nothing to evaluate.")
        metrics = self._model.metrics_variables
        with keras.StatelessScope(list(zip(metrics, values))):
            logs = self._model.get_metrics_result()
        logs = {key: float(ops.convert_to_numpy(value)) for key, value in logs.items()}
        return {**logs, "loss": float(ops.convert_to_numpy(loss / count))}

    def _zero_metrics(self):
        with keras.StatelessScope() as scope:
            for metric in self._model.metrics:
                metric.reset_state()
        variables = self._model.metrics_variables
        new = [scope.get_current_value(v) for v in variables]
        return [backend.read(v) if value is None else value for v, value in zip(variables, new)]

    def _test_step(self, point, state, values, loss, count, x, y, sample_weight):
        metrics = self._model.metrics_variables
        with self._scope(state, zip(metrics, values)) as scope:
            with self._layer.at_point(*point):
                y_pred = self._model(x, training=False)
            batch_loss = self._model.compute_loss(x, y, y_pred, sample_weight, training=False)
            self._model.compute_metrics(x, y, y_pred, sample_weight)
        # By targets, not examples: the last window of a text may be shorter.
        leaf = keras.tree.flatten(x if y is None else y)[0]
        size = ops.cast(ops.size(leaf), "float32")
        return (
            [scope.get_current_value(v) for v in self._layer.state],
            [scope.get_current_value(v) for v in metrics],
            loss + ops.cast(batch_loss, "float32") * size,
            count + size,
        )

    def _scope(self, state, more=()):
        mapping = [*zip(self._layer.state, state), *more]
        return keras.StatelessScope(state_mapping=mapping, collect_losses=True)


def fingerprint(curve_model, *rest):
    """What results depend on: all weights, the compiled loss and metrics, and whatever else.

    Args:
        curve_model: compiled `CurveModel`.
        *rest: positions, a description and the like, of which the representation counts.

    Returns:
        str.
    """
    digest = hashlib.sha256()
    layer = curve_model.curve_layer
    created = [v for part in layer.layer._flatten_layers() for v in part._trainable_variables]
    frozen = [layer.state_copy(v) for v in created if not v.trainable]
    for variable in (*layer.points, *frozen):
        digest.update(np.ascontiguousarray(ops.convert_to_numpy(variable)).tobytes())
    try:
        compiled_with = dict(curve_model.get_compile_config() or {})
    except (TypeError, ValueError, NotImplementedError):  # a loss that cannot be serialised
        compiled_with = {}
    parts = [
        repr(curve_model.curve),
        {key: compiled_with.get(key) for key in ("loss", "loss_weights", "metrics")},
        *rest,
    ]
    digest.update(json.dumps(parts, default=repr, sort_keys=True).encode())
    return digest.hexdigest()
