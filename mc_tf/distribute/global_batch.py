"""Training on several devices that equals training on one."""

import contextlib
import threading
from collections.abc import Iterator

import keras

from mc_tf.backend.keras_internals import (
    allow_several_processes,
    clip_sums,
    inner_optimizer,
    layers_within,
    losses_by_replica,
    overridden,
    set_train_function,
)
from mc_tf.backend.ops import read
from mc_tf.distribute.processes import remember, wait

__all__ = ["global_batch"]


@contextlib.contextmanager
def global_batch(model: keras.Model) -> Iterator[None]:
    """Context in which `fit` on several devices equals `fit` on one, up to rounding.

    For models under a strategy of `tf.distribute`, where Keras treats each replica's part of a
    batch as a separate batch. Here each example has the same share in the loss, also in a short
    last batch that does not divide; batch normalization uses the mean and the variance of the whole
    batch, but of each replica's part on curves with `position_per="replica"`, where parts belong
    to different networks; and gradients are clipped after their sum. At the end, all processes wait
    for the files of the first. `CurveModel.fit` and `mc_tf.training` use it themselves. Dropout
    draws the same mask on each replica. Losses with masks or `reduction="sum"`, and a `train_step`
    of your own that does not call `optimizer.scale_loss`, keep the shares that Keras gives them.

    Args:
        model: compiled Keras model, made in the strategy's scope.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> with global_batch(model):  # one device: nothing changes
        ...     history = model.fit(keras.ops.ones((4, 1)), keras.ops.ones((4, 1)), verbose=0)
    """
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is None or strategy.num_replicas_in_sync == 1:
        yield
    elif "scale_loss" in vars(model.optimizer):  # within another such context
        yield
        return
    else:
        remember(strategy)
        allow_several_processes()
        with clip_sums(inner_optimizer(model.optimizer)), _whole_batches(model):
            yield
    wait()


@contextlib.contextmanager
def _whole_batches(model):
    """Replaces the training step by one that knows the whole batch."""
    import tensorflow as tf

    apart = any(getattr(part, "position_per", None) == "replica" for part in layers_within(model))
    norms = {
        norm: {"call": _also_without_examples(norm)} if apart else {"synchronized": True}
        for norm in _norms_within(model)
    }
    step, scale_loss = model.train_step, model.optimizer.scale_loss
    normalizing, share = contextlib.ExitStack(), threading.local()  # replicas are threads
    running = 0

    def train_step(data):
        nonlocal running
        if not running:
            for norm, attributes in norms.items():
                normalizing.enter_context(overridden(norm, **attributes))
        running += 1
        try:
            inputs = keras.tree.flatten(keras.utils.unpack_x_y_sample_weight(data)[0])
            size = tf.shape(next(leaf for leaf in inputs if leaf is not None))[0]
            size = tf.cast(size, "float32")
            mean = tf.distribute.get_replica_context().all_reduce("MEAN", size)
            share.value = size / mean
            return step(data)
        finally:
            running -= 1
            if not running:
                normalizing.close()

    def scale_by_share(loss):
        return scale_loss(loss) * tf.cast(share.value, loss.dtype)

    set_train_function(model, None)
    with overridden(model, train_step=train_step), losses_by_replica(model):
        with overridden(model.optimizer, scale_loss=scale_by_share):
            yield
    set_train_function(model, None)


def _norms_within(layer):
    """Batch normalization of a layer or model, and of the networks whose code it runs."""
    for part in layers_within(layer):
        if isinstance(part, keras.layers.BatchNormalization):
            yield part
        if isinstance(code := getattr(part, "layer", None), keras.Layer):
            yield from _norms_within(code)


def _also_without_examples(norm):
    """Batch normalization of one replica's part, which may be empty; all have the same averages."""
    import tensorflow as tf

    run = norm.call

    def call(inputs, training=None, mask=None):
        if not training or mask is not None:
            return run(inputs, training=training, mask=mask)
        # Two made-up examples have the mean and the variance of before.
        count, shape = tf.shape(inputs)[0], len(inputs.shape) * [1]
        shape[norm.axis] = -1
        mean, deviation = (
            tf.reshape(tf.cast(value, inputs.dtype), shape)
            for value in (norm.moving_mean, tf.sqrt(norm.moving_variance))
        )
        made_up = tf.concat([mean - deviation, mean + deviation], 0)[: tf.where(count > 0, 0, 2)]
        size = tf.concat([tf.shape(made_up)[:1], tf.shape(inputs)[1:]], 0)
        outputs = run(tf.concat([inputs, tf.broadcast_to(made_up, size)], 0), training=training)
        statistics = norm.moving_mean, norm.moving_variance
        means = tf.distribute.get_replica_context().all_reduce("MEAN", list(map(read, statistics)))
        for variable, mean in zip(statistics, means):
            variable.assign(mean)
        return outputs[:count]

    return call
