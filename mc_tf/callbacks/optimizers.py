"""What callbacks ask of a compiled model's optimizer and train function."""

import contextlib

import keras

from mc_tf.backend.keras_internals import inner_optimizer

__all__ = [
    "accumulation_of",
    "batch_counter",
    "innermost_optimizer",
    "make_train_function",
    "updates_of",
]


def make_train_function(model):
    """Makes a train function that is traced anew, and counts batches where a cycle needs it.

    Keras' `make_train_function(force=True)` is not enough on JAX, which remembers what it traced
    for `model.train_step` and so the learning rate that was there at the time.

    Args:
        model: compiled Keras model.
    """
    own, step = vars(model).get("train_step"), model.train_step
    rate = vars(innermost_optimizer(model)).get("_get_current_learning_rate")
    counter = getattr(rate, "counter", None)

    def train_step(*arguments):
        result = step(*arguments)
        if counter is not None:
            counter.assign_add(1)
        return result

    vars(model)["train_step"] = train_step
    try:
        model.make_train_function(force=True)
    finally:
        vars(model).pop("train_step")
        if own is not None:
            vars(model)["train_step"] = own


def batch_counter(model):
    """A variable in which a train function counts batches; see `make_train_function`.

    Args:
        model: compiled Keras model.

    Returns:
        `keras.Variable`, or `None` on JAX, whose train functions are pure.
    """
    if keras.backend.backend() == "jax":
        return None
    strategy = getattr(model, "distribute_strategy", None)
    with strategy.scope() if strategy else contextlib.nullcontext():
        return keras.Variable(
            0, dtype="int", trainable=False, name="batches", aggregation="only_first_replica"
        )


def innermost_optimizer(model):
    """The optimizer that updates the weights, inside one that scales the loss.

    Args:
        model: compiled Keras model.

    Returns:
        `keras.optimizers.Optimizer`.
    """
    return inner_optimizer(model.optimizer)


def accumulation_of(model):
    """Batches whose gradients make one update of the weights.

    Args:
        model: compiled Keras model.

    Returns:
        int.
    """
    return innermost_optimizer(model).gradient_accumulation_steps or 1


def updates_of(model, state=()):
    """Calls that the optimizer has counted, those excepted whose update loss scaling skipped.

    Args:
        model: compiled Keras model.
        state: on JAX, the state that a train function has returned. Default: of the variables.
    """
    counter = getattr(innermost_optimizer(model), "_iterations", 0)
    if state:
        index = [id(v) for v in model.optimizer.variables].index(id(counter))
        return int(keras.ops.convert_to_numpy(state[0][2][index]))
    return int(keras.ops.convert_to_numpy(counter))
