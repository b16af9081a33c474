"""Steps on several devices and processes: strategies of `tf.distribute`."""

import contextlib
import threading

import keras

from mc_tf.backend.keras_internals.layers import layers_within

__all__ = [
    "allow_several_processes",
    "clip_sums",
    "losses_by_replica",
    "overridden",
    "scope_of",
    "whole_losses",
]


def whole_losses():
    """Context in which Keras computes losses of whole batches, also in a strategy's scope.

    Keras divides them there by the number of replicas, whose losses it adds; evaluations that run
    on one device must not.
    """
    from keras.src.losses import loss

    return overridden(loss, scale_loss_for_distribution=lambda value: value)


@contextlib.contextmanager
def losses_by_replica(model):
    """Context in which each replica has its own losses from `add_loss`.

    Replicas on one machine are threads, which wait for one another where they synchronize, also
    within a call. Keras keeps the losses of a call in one private list for all of them.

    Args:
        model: Keras model.
    """
    with contextlib.ExitStack() as stack:
        for layer in layers_within(model):
            stack.enter_context(overridden(layer, _losses=_LossesOfThread()))
        yield


class _LossesOfThread(threading.local):
    def __init__(self):
        self._found = []

    def extend(self, losses):
        self._found.extend(losses)

    def clear(self):
        self._found.clear()

    def __getitem__(self, index):
        return self._found[index]


@contextlib.contextmanager
def overridden(owner, **attributes):
    """Context in which an object has other attributes, which Keras does not track.

    Args:
        owner: Keras model, layer or optimizer, or a module.
        **attributes: values, such as methods, by name.
    """
    before = {name: vars(owner)[name] for name in attributes if name in vars(owner)}
    vars(owner).update(attributes)
    try:
        yield
    finally:
        for name in attributes:
            vars(owner).pop(name)
        vars(owner).update(before)


def scope_of(model):
    """Returns a context in which variables of a model are made: its strategy's scope, if any.

    `distribute_strategy` is an attribute of models with the TensorFlow backend only.
    """
    strategy = getattr(model, "distribute_strategy", None)
    return strategy.scope() if strategy else contextlib.nullcontext()


def allow_several_processes():
    """Mends `fit` and `evaluate` under `MultiWorkerMirroredStrategy`; see keras-team/keras#20585.

    Keras 3.15 fails there in two private functions, which nothing public replaces. One averages the
    first batch over the replicas, to build the metrics: it cannot be converted to a tensor, and
    classes have no average. The batch of one replica has the same types. The other averages the
    metrics, scalars, along an axis. Other strategies keep Keras' functions.
    """
    import tensorflow as tf
    from keras.src.backend.tensorflow import trainer

    build, reduce = trainer.TensorFlowTrainer._maybe_symbolic_build, trainer.reduce_per_replica
    if build.__module__ == __name__:
        return

    def is_multi_worker(strategy):
        return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def maybe_symbolic_build(self, iterator=None, data_batch=None):
        strategy = self._distribute_strategy
        if iterator is not None and is_multi_worker(strategy):
            _, _, batches = next(iter(iterator))
            data_batch = keras.tree.map_structure(
                lambda values: strategy.experimental_local_results(values)[0], next(batches)
            )
            iterator = None
        build(self, iterator, data_batch)

    def reduce_per_replica(values, strategy, reduction):
        if reduction not in ("auto", "mean") or not is_multi_worker(strategy):
            return reduce(values, strategy, reduction)
        return keras.tree.map_structure(
            lambda value: strategy.reduce("MEAN", value, axis=None), values
        )

    trainer.TensorFlowTrainer._maybe_symbolic_build = maybe_symbolic_build
    trainer.reduce_per_replica = reduce_per_replica


def clip_sums(optimizer):
    """Context in which an optimizer clips the sum of the replicas' gradients.

    Keras clips the gradient of each replica before their sum, in a private method.

    Args:
        optimizer: Keras optimizer of a model under a strategy.
    """
    reduce, clip = optimizer._all_reduce_sum_gradients, optimizer._clip_gradients

    def clip_gradients(gradients):
        summed = reduce([(gradient, None) for gradient in gradients])
        return clip([gradient for gradient, _ in summed])

    return overridden(
        optimizer,
        _clip_gradients=clip_gradients,
        _all_reduce_sum_gradients=lambda pairs: pairs,
    )
