"""Batch normalization statistics of a network as it stands (section A.2 of the paper).

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

_ANY = 32  # for an axis of any size


def update_batch_norm(
    model: keras.Layer, dataset: Data, num_batches: int | None = None, batch_size: int = 500
) -> int:
    """Re-estimates the batch normalization statistics at the present weights.

    One pass over the data with each `BatchNormalization` layer normalizing by its batch, as in
    training, and everything else as at inference (dropout is off). The statistics are pooled over
    all examples: the mean of all, and the total variance, in which a short last batch counts by
    its size. Layers inside nested models and inside curve layers are included. What training itself
    leaves alone stays as it is: frozen layers (`trainable = False`), and layers that the network
    calls with `training=False`; so do the correction terms of `renorm=True`, which inference does
    not use. Other layers that keep statistics of their own are named in a warning. Nothing else of
    the model changes, also if the pass fails: then the statistics are the former ones.

    Args:
        model: a built Keras model, a `CurveModel` (at its `t`), an `Ensemble`, or a layer.
        dataset: one pass of the training data as training sees it, augmented if it is; anything
            that `Batches` takes. Labels are ignored.
        num_batches: use the first batches only. Default: all.
        batch_size: examples a batch when `dataset` is made of arrays. Default 500.

    Returns:
        The number of normalization layers that were updated.

    Raises:
        ValueError: if the data is empty, endless without `num_batches`, can be read once only,
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
    """`update_batch_norm` of one model, compiled once for many calls.

    For what lives long, such as a callback. The pass is compiled again when the model has other
    normalization layers to update (some were frozen, say) or other variables than before.

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
        self._parts = []
        self._statistics = self._variables = self._compiled = None

    def __call__(self, dataset, num_batches=None, batch_size=500, role="dataset"):
        """Makes one pass: arguments, result and errors of `update_batch_norm`.

        Args:
            dataset, num_batches, batch_size: see `update_batch_norm`.
            role: what to call the data in messages.
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
        """Finds the layers to update, unless they are known from the last call.

        Args:
            x: inputs of a batch, as `Batches` gives them.

        Returns:
            Whether there is anything.
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
        bool. True also where the network itself holds the statistics fixed, by a call with
        `training=False`: that takes a batch to find out.
    """
    return bool(BatchStatistics(model).layers)


def needs_statistics(model):
    """Whether a model's training updates statistics, as far as its inputs are known without data.

    Args:
        model: a built Keras model.

    Returns:
        bool. True if unknown.
    """
    if not has_batch_norm(model):
        return False
    try:
        return BatchNormUpdate(model).prepare(_made_up_inputs(model))
    except Exception:  # inputs of another kind: data will tell
        return True


def _made_up_inputs(model):
    """One example of zeros for each input of a model."""

    def zeros(shape, dtype=None):
        dtype = "U1" if dtype == "string" else dtype or keras.config.floatx()
        return backend.to_device(np.zeros([1, *(size or _ANY for size in shape[1:])], dtype))

    if isinstance(getattr(model, "inputs", None), list):  # a graph
        return keras.tree.map_structure(lambda i: zeros(i.shape, i.dtype), model.input)
    return zeros(model.get_build_config()["input_shape"])
