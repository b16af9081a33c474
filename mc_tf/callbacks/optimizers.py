"""Access of callbacks to the optimizer and train function of a compiled model."""

import functools

import keras

from mc_tf.backend.keras_internals import (
    call_counter,
    inner_optimizer,
    new_train_function,
    rate_asked_for,
    scope_of,
)

__all__ = [
    "accumulation_of",
    "batch_counter",
    "counting_train_function",
    "innermost_optimizer",
    "updates_of",
]


def counting_train_function(model):
    """Returns a newly traced train function, which counts batches if a cycle needs it.

    Args:
        model: compiled Keras model; its train function is not replaced.

    Returns:
        Function, as returned by `mc_tf.backend.keras_internals.train_function_of`.
    """
    counter = getattr(rate_asked_for(innermost_optimizer(model)), "counter", None)
    count = None if counter is None else functools.partial(counter.assign_add, 1)
    return new_train_function(model, after_step=count)


def batch_counter(model):
    """Returns the variable in which a train function counts batches.

    Args:
        model: compiled Keras model.

    Returns:
        `keras.Variable`, or `None` on JAX, whose train functions are pure.
    """
    if keras.backend.backend() == "jax":
        return None
    with scope_of(model):
        return keras.Variable(
            0, dtype="int", trainable=False, name="batches", aggregation="only_first_replica"
        )


def innermost_optimizer(model):
    """Returns the optimizer that updates the weights, without a loss scaling wrapper.

    Args:
        model: compiled Keras model.

    Returns:
        `keras.optimizers.Optimizer`.
    """
    return inner_optimizer(model.optimizer)


def accumulation_of(model):
    """Returns the number of batches whose gradients are accumulated for one update.

    Args:
        model: compiled Keras model.

    Returns:
        int.
    """
    return innermost_optimizer(model).gradient_accumulation_steps or 1


def updates_of(model, state=()):
    """Returns the optimizer's counter, without updates skipped by loss scaling.

    Args:
        model: compiled Keras model.
        state: on JAX, the state returned by a train function. Default: the values of the variables.
    """
    counter = call_counter(innermost_optimizer(model))
    if state:
        index = [id(v) for v in model.optimizer.variables].index(id(counter))
        return int(keras.ops.convert_to_numpy(state[0][2][index]))
    return int(keras.ops.convert_to_numpy(counter))
