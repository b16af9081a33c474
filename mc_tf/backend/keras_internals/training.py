"""Compile arguments of models, and the functions that `fit` calls for steps."""

import contextlib

from mc_tf.backend.keras_internals.replicas import overridden, scope_of

__all__ = [
    "build_metrics",
    "bring_up_to_date",
    "compile_arguments",
    "evaluation_settings",
    "loss_options",
    "metric_direction",
    "new_train_function",
    "set_train_function",
    "state_in_variables",
    "steps_per_call",
    "train_function_of",
]


def compile_arguments(model):
    """Returns the arguments of `compile`: a dict of the original objects.

    The public `get_compile_config` serializes them, which fails for user functions.
    """
    return dict(model._compile_config.config)


def evaluation_settings(network):
    """Returns the evaluation settings of a compiled model, as arguments of `compile`.

    Args:
        network: a compiled Keras model.

    Returns:
        dict.
    """
    given = compile_arguments(network)
    names = ("loss", "loss_weights", "metrics", "weighted_metrics")
    return {name: given.get(name) for name in names}


def build_metrics(model, batch):
    """Creates the variables of compiled metrics, as Keras does in the first step.

    There is no public way without a step, but checkpoints contain them.

    Args:
        model: compiled Keras model.
        batch: batch of its data, `(x, y)` or `(x, y, sample_weight)`.
    """
    with scope_of(model):
        model._symbolic_build(data_batch=batch)


def metric_direction(metric):
    """Returns whether higher values of a metric are better, if Keras declares it.

    Keras uses it for `EarlyStopping`, but it is not public.

    Args:
        metric: `keras.metrics.Metric`.

    Returns:
        `"up"`, `"down"`, or `None`.
    """
    return getattr(metric, "_direction", None)


def loss_options(loss):
    """Returns the options that a Keras loss passes to its function."""
    return getattr(loss, "_fn_kwargs", {})


# Steps. `Callback` methods run around each call of the train function, which covers
# `steps_per_execution` batches. Access to the weights in between requires replacing the train
# function.


def train_function_of(model):
    """Returns the function that `fit` calls with `(iterator)`, on JAX with `(state, iterator)`.

    Keras creates it before `on_train_begin`, if it is missing.
    """
    return model.train_function


def set_train_function(model, function):
    """Makes `fit` call a function from its next call on; `None` for the Keras default."""
    model.train_function = function


def new_train_function(model, after_step=None):
    """Returns a newly traced train function; the model's function is not replaced.

    Keras' `make_train_function(force=True)` is not sufficient on JAX, which caches the trace of
    `model.train_step` and therefore its learning rate.

    Args:
        model: compiled Keras model.
        after_step: function without arguments, traced after each step. Default: none.

    Returns:
        Function; see `train_function_of`.
    """
    step, before = model.train_step, model.train_function

    def train_step(*arguments):
        result = step(*arguments)
        if after_step is not None:
            after_step()
        return result

    with overridden(model, train_step=train_step):
        try:
            model.make_train_function(force=True)
            return model.train_function
        finally:
            model.train_function = before


@contextlib.contextmanager
def steps_per_call(model, number):
    """Context in which a train function is created, traced and called with a number of steps.

    Keras reads the attribute set by `compile` each time.

    Args:
        model: compiled Keras model.
        number: steps per call.
    """
    before = model.steps_per_execution
    model.steps_per_execution = number
    try:
        yield
    finally:
        model.steps_per_execution = before


@contextlib.contextmanager
def state_in_variables(model, state):
    """Context in which a model's variables have the values returned by a train function.

    On JAX they are in a separate state, which `fit` writes to the variables only between calls;
    training continues with the state.

    Args:
        model: compiled Keras model.
        state: `[(trainable, non_trainable, optimizer, metrics)]`, or `[]` on other backends.
    """
    if state:
        names = ("trainable", "non_trainable", "optimizer", "metrics")
        model._jax_state = {f"{name}_variables": v for name, v in zip(names, state[0])}
        model._jax_state_synced = False
        bring_up_to_date(model)
    yield
    if state:
        model._jax_state_synced = False


def bring_up_to_date(model):
    """Writes the JAX training state to the model's variables, also within an epoch.

    `Callback.model` does the same, but other code has only the model.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
