"""What a model was compiled with, and the functions that `fit` calls for its steps."""

import contextlib

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
    """What a compiled model was given in `compile`: a dict of the objects themselves.

    The public `get_compile_config` has them serialized, which fails for functions of the user's.
    """
    return dict(model._compile_config.config)


def evaluation_settings(network):
    """What a compiled model evaluates, as arguments of `compile`.

    Args:
        network: a compiled Keras model.

    Returns:
        dict.
    """
    given = compile_arguments(network)
    names = ("loss", "loss_weights", "metrics", "weighted_metrics")
    return {name: given.get(name) for name in names}


def build_metrics(model, batch):
    """Makes the variables of compiled metrics, which Keras does in the first step otherwise.

    Nothing public makes them without a step, but a checkpoint has them.

    Args:
        model: compiled Keras model.
        batch: batch of its data, `(x, y)` or `(x, y, sample_weight)`.
    """
    model._symbolic_build(data_batch=batch)


def metric_direction(metric):
    """Whether a metric is better when it is higher, as far as Keras says so.

    Keras wants it for `EarlyStopping` and publishes no name of it.

    Args:
        metric: `keras.metrics.Metric`.

    Returns:
        `"up"`, `"down"`, or `None`.
    """
    return getattr(metric, "_direction", None)


def loss_options(loss):
    """The options that a loss of Keras passes to its function, some of which have no attribute."""
    return getattr(loss, "_fn_kwargs", {})


# Steps. `Callback` has hooks around each call of the train function, which is `steps_per_execution`
# batches: between these nothing of Keras can look at the weights, so that who must do so stands in
# the place of the train function.


def train_function_of(model):
    """The function that `fit` calls with `(iterator)`, on JAX with `(state, iterator)`.

    Keras makes it, if there is none, before `on_train_begin`.
    """
    return model.train_function


def set_train_function(model, function):
    """Has `fit` call a function from its next call on; `None` for one that Keras makes."""
    model.train_function = function


def new_train_function(model, after_step=None):
    """A train function that is traced anew; that of the model stays in its place.

    Keras' `make_train_function(force=True)` is not enough on JAX, which remembers what it traced
    for `model.train_step` and so the learning rate that was there at the time.

    Args:
        model: compiled Keras model.
        after_step: function without arguments that is traced after each step. Default: none.

    Returns:
        Function; see `train_function_of`.
    """
    own, step, before = vars(model).get("train_step"), model.train_step, model.train_function

    def train_step(*arguments):
        result = step(*arguments)
        if after_step is not None:
            after_step()
        return result

    vars(model)["train_step"] = train_step
    try:
        model.make_train_function(force=True)
        return model.train_function
    finally:
        model.train_function = before
        vars(model).pop("train_step")
        if own is not None:
            vars(model)["train_step"] = own


@contextlib.contextmanager
def steps_per_call(model, number):
    """Context in which a train function is made, traced and called with its own number of steps.

    Keras reads the attribute that `compile` sets at all three times.

    Args:
        model: compiled Keras model.
        number: steps of a call.
    """
    before = model.steps_per_execution
    model.steps_per_execution = number
    try:
        yield
    finally:
        model.steps_per_execution = before


@contextlib.contextmanager
def state_in_variables(model, state):
    """Context in which a model's variables have the values that a train function returned.

    On JAX these are in a state of its own, which `fit` writes to the variables only between calls;
    training resumes with the state.

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
    """Writes the state of a training on JAX to the model's variables, within an epoch, too.

    `Callback.model` does so, too; others have the model only.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
