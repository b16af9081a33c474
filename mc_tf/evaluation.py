"""Loss and metrics along a curve (section 4 and A.4 of the paper)."""

import hashlib
import json
import os
import sys

import keras
import numpy as np
import tqdm
from keras import ops

from mc_tf import backend
from mc_tf.batch_norm import BatchStatistics
from mc_tf.batches import Batches
from mc_tf.files import check_writable
from mc_tf.results import CurveEvaluation

__all__ = ["PointEvaluator", "evaluate_curve"]


def evaluate_curve(
    curve_model,
    train,
    test,
    num_points=61,
    path=None,
    batch_size=500,
    description=None,
    verbose=1,
    others=None,
):
    """Evaluates the networks along a curve on training and test data.

    At each of `num_points` equally spaced positions the batch normalisation statistics are
    re-estimated on the training data (section A.2), and the loss and all metrics that the model
    was compiled with are computed on both data sets. Recurrent state is carried from batch to
    batch and reset between passes.

    Args:
        curve_model: a compiled `CurveModel`. It is not changed.
        train, test: data sets as `Batches` takes them: a finite `tf.data.Dataset` of batches, a
            `PyDataset`, or arrays `(x, y)`. Without augmentation.
        num_points: number of positions, endpoints included; 61 by default, 121 for the grid of
            the paper.
        path: file name without ending; its directory is made. `PATH.npz` is written after each
            point, `PATH.json` with the summary at the end; the same call goes on where an earlier
            one was stopped.
        batch_size: examples a batch, for arrays only. Default 500.
        description: dict of what else to record in the files (data set, command, seed). A file
            with another description is not resumed.
        verbose: 1 for a progress bar, 0 for silence.
        others: dict of further data sets by name, such as `{"validation": validation}`, whose
            values are named `validation_loss` and so on.

    Returns:
        `CurveEvaluation`: for each name of `train_loss`, `test_loss` (with the regularization
        terms), `train_error`, `test_error` (percent, where an accuracy is compiled in),
        `train_METRIC`, `test_METRIC` and `regularization` an array of shape `(num_points,)`;
        Min / Int / Mean / Max of each, barrier heights, length and length ratio.

    Raises:
        ValueError: if the model is not compiled, `num_points` is below 2, a data set is empty,
            or `path` holds the results of another evaluation.
        OSError: if the directory of `path` cannot be made or written.
    """
    if not getattr(curve_model, "compiled", False):
        raise ValueError(
            "The curve model is not compiled: call `curve_model.compile(loss=..., metrics=...)` "
            "first, to say what to evaluate."
        )
    if num_points < 2:
        raise ValueError(f"`num_points` must be at least 2. Received: num_points={num_points}")
    if path is not None:
        check_writable(os.path.dirname(os.path.abspath(path)))
    grid = np.linspace(0, 1, num_points)
    result = CurveEvaluation.resume(
        path, grid, _fingerprint(curve_model, num_points, description), description or {}
    )
    result.set_geometry(
        curve_model.arc_lengths(grid), curve_model.length(), curve_model.length_ratio()
    )
    if not result.complete:
        evaluator = PointEvaluator(curve_model, batch_size)
        with tqdm.tqdm(
            total=num_points,
            initial=int(result.done.sum()),
            disable=not verbose,
            unit="point",
            mininterval=0.1 if sys.stderr.isatty() else 30,  # few lines in a log file
        ) as bar:
            for index in np.flatnonzero(~result.done):
                result.record(index, evaluator(grid[index], train, test, others))
                result.save(path)
                bar.update()
    result.finish(path)
    return result


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


def _fingerprint(curve_model, num_points, description):
    """What the results depend on: all weights, the grid, the metrics, the description."""
    digest = hashlib.sha256()
    layer = curve_model.curve_layer
    parts = layer.layer._flatten_layers()
    created = [v for part in parts for v in part._trainable_variables]
    frozen = [layer.state_copy(v) for v in created if not v.trainable]
    for variable in (*layer.points, *frozen):
        digest.update(np.ascontiguousarray(ops.convert_to_numpy(variable)).tobytes())
    try:
        compiled_with = dict(curve_model.get_compile_config() or {})
    except (TypeError, ValueError, NotImplementedError):  # a loss that cannot be serialised
        compiled_with = {}
    rest = [
        repr(curve_model.curve),
        num_points,
        {key: compiled_with.get(key) for key in ("loss", "loss_weights", "metrics")},
        description,
    ]
    digest.update(json.dumps(rest, default=repr, sort_keys=True).encode())
    return digest.hexdigest()
