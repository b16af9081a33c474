"""Re-estimates batch normalization statistics for the current weights (section A.2).

A network between two trained ones has never seen data: the moving averages of its normalization
layers belong to other weights. They are re-estimated in one pass over the training data.
"""

import keras
import numpy as np

from mc_tf.arguments import check_counts, check_network
from mc_tf.backend import ops as backend
from mc_tf.backend.batches import Batches
from mc_tf.batch_norm.statistics import BatchStatistics, check_finite_statistics
from mc_tf.typing import Data

__all__ = ["BatchNormUpdate", "has_batch_norm", "needs_statistics", "update_batch_norm"]

_ANY = 32  # size used for variable axes


def update_batch_norm(
    model: keras.Layer, dataset: Data, num_batches: int | None = None, batch_size: int = 500
) -> int:
    """Re-estimates the batch normalization statistics at the current weights.

    Makes one pass over the data. Each `BatchNormalization` layer normalizes by its batch, as in
    training; everything else runs in inference mode (dropout is off). The statistics are pooled
    over all examples: the overall mean and the total variance, so a short last batch counts by its
    size. Layers inside nested models and curve layers are included. Statistics that training does
    not update are kept: in frozen layers (`trainable = False`), in layers called with
    `training=False`, and the correction terms of `renorm=True`, which inference does not use. A
    warning names other layers with statistics of their own. Nothing else in the model changes. If
    the pass fails, the previous statistics are kept.

    Args:
        model: a built Keras model, a `CurveModel` (at its `t`), an `Ensemble`, or a layer.
        dataset: one epoch of the training data as seen in training, with augmentation: a finite
            `tf.data.Dataset` of batches, a `PyDataset`, or arrays, `x` or `(x, y)`. Labels are
            ignored.
        num_batches: use the first batches only. Default: all.
        batch_size: examples per batch, for arrays only. Default 500.

    Returns:
        Number of normalization layers updated.

    Raises:
        ValueError: if the data is empty, infinite without `num_batches`, can be read only once,
            `num_batches` is below 1, or the statistics would not be finite.

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
    """`update_batch_norm` for one model, compiled once for many calls.

    For long-lived objects, such as callbacks. The pass is recompiled if the layers to update (for
    instance after freezing some) or the variables of the model change.

    Args:
        model: a built Keras model, a `CurveModel` (at its `t`), or a layer. This object keeps a
            reference to it.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
        >>> update = BatchNormUpdate(model)
        >>> [update(np.array([[1.0], [3.0]], "float32")) for _ in range(2)]
        [1, 1]
    """

    def __init__(self, model):
        self._model = model
        self._parts = []
        self._statistics = self._variables = self._compiled = None

    def __call__(self, dataset, num_batches=None, batch_size=500, role="dataset"):
        """Makes one pass, with the arguments, result and errors of `update_batch_norm`.

        Args:
            dataset, num_batches, batch_size: see `update_batch_norm`.
            role: name of the data in messages.
        """
        batches = Batches(dataset, batch_size, num_batches, role)
        statistics = BatchStatistics(self._model)
        if not statistics.any:
            return 0
        totals = None
        for x, _, _ in batches:
            if totals is None:
                if not self._prepare(statistics, x):
                    return 0
                totals = self._statistics.zeros()
                values = [backend.read(v) for v in self._variables]
            totals = self._compiled(values, totals, x)
        results = self._statistics.results(totals)
        check_finite_statistics(results, batches)
        for variable, value in results:
            variable.assign(value)
        return self._statistics.num_updated

    def prepare(self, x):
        """Determines the layers to update, unless known from the last call.

        Args:
            x: inputs of a batch, as yielded by `Batches`.

        Returns:
            Whether there are layers to update.
        """
        return self._prepare(BatchStatistics(self._model), x)

    def _prepare(self, statistics, x):
        if not statistics.any:
            return False
        variables = list(self._model.variables)
        parts = [part for layer in statistics.layers for part in layer] + variables
        if list(map(id, parts)) != list(map(id, self._parts)):
            self._statistics, self._variables = statistics, variables
            values = [backend.read(v) for v in variables]
            statistics.observe(self._step, values, statistics.zeros(), x)
            self._compiled, self._parts = backend.compiled(self._step), parts
        return bool(self._statistics.num_updated)

    def _step(self, values, totals, x):
        with keras.StatelessScope(list(zip(self._variables, values)), collect_losses=True):
            return self._statistics.accumulate(
                totals, lambda training: self._model(x, training=training)
            )


def has_batch_norm(model: keras.Layer) -> bool:
    """Whether a model has layers whose statistics `update_batch_norm` would re-estimate.

    Args:
        model: a built Keras layer or model.

    Returns:
        bool. Also True if the network fixes the statistics by calling layers with `training=False`,
        which only a batch can reveal.
    """
    return bool(BatchStatistics(model).layers)


def needs_statistics(model):
    """Whether training a model updates statistics, as far as is known without data.

    Args:
        model: a built Keras model.

    Returns:
        bool. True if unknown.
    """
    if not has_batch_norm(model):
        return False
    try:
        return BatchNormUpdate(model).prepare(_made_up_inputs(model))
    except Exception:  # unsupported inputs; only data will show
        return True


def _made_up_inputs(model):
    """One example of zeros for each input of a model."""

    def zeros(shape, dtype=None):
        dtype = "U1" if dtype == "string" else dtype or keras.config.floatx()
        return backend.to_device(np.zeros([1, *(size or _ANY for size in shape[1:])], dtype))

    if isinstance(getattr(model, "inputs", None), list):  # a graph
        return keras.tree.map_structure(lambda i: zeros(i.shape, i.dtype), model.input)
    return zeros(model.get_build_config()["input_shape"])
