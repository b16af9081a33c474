"""Counters, learning rates, weight decay and clipping of optimizers."""

import types

import keras
from keras import ops

__all__ = [
    "ask_for_rate",
    "call_counter",
    "excluded_by_others",
    "inner_optimizer",
    "own_rate",
    "rate_asked_for",
    "set_by_slice",
    "use_own_rate",
    "uses_weight_decay",
]


def inner_optimizer(optimizer):
    """Returns the optimizer inside a loss-scaling wrapper, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def call_counter(optimizer):
    """Returns the call counter of an optimizer; 0 for other than Keras optimizers.

    The public `iterations` count updates: with gradient accumulation they are a rounded quotient,
    which neither counts batches nor can be assigned.
    """
    return getattr(optimizer, "_iterations", 0)


def own_rate(optimizer):
    """Returns the rate from the constructor of an optimizer: a variable or a schedule.

    The public `learning_rate` is the value of a schedule, or what `ask_for_rate` set.
    """
    return optimizer._learning_rate


def ask_for_rate(optimizer, rate):
    """Makes an optimizer get its rate from a function at each update.

    Keras' own way, `optimizer.learning_rate = schedule`, removes the rate's variable from the
    optimizer, so that checkpoints before and after do not match.

    Args:
        optimizer: Keras optimizer.
        rate: function without arguments that returns a scalar tensor.
    """
    optimizer._get_current_learning_rate = rate


def rate_asked_for(optimizer):
    """Returns the function set by `ask_for_rate`, or `None`."""
    return vars(optimizer).get("_get_current_learning_rate")


def use_own_rate(optimizer):
    """Reverts `ask_for_rate`, if it was called."""
    vars(optimizer).pop("_get_current_learning_rate", None)


def uses_weight_decay(optimizer, variable):
    """Whether an optimizer decays a variable: a bool.

    `exclude_from_weight_decay` is public, but not the excluded variables.
    """
    return optimizer._use_weight_decay(variable)


def excluded_by_others(optimizer, variables):
    """Whether `exclude_from_weight_decay(var_list)` has other variables than the given ones.

    Keras keeps the list, which has no public name, by private keys.
    """
    known = {optimizer._var_key(v) for v in variables}
    return not known.issuperset(getattr(optimizer, "_exclude_from_weight_decay", ()))


def set_by_slice(optimizer, decay_factors, split):
    """Makes an optimizer decay and clip slices of flat variables as separate variables.

    Keras treats whole variables, in two methods that a subclass would have to override. The class
    of the user's optimizer does not change.

    Args:
        optimizer: Keras optimizer. Its class remains the same.
        decay_factors: function of the optimizer that returns an array `(P,)` of zeros and ones,
            which parts decay, or `None` for all.
        split: function from a gradient `(P,)` to the list of its slices.
    """

    def apply_weight_decay(optimizer, variables):
        factors, weight_decay = decay_factors(optimizer), optimizer.weight_decay
        variables = [v for v in variables if optimizer._use_weight_decay(v)]
        if not variables:  # PyTorch would refuse an empty list
            return None
        if factors is None or weight_decay is None:
            return type(optimizer)._apply_weight_decay(optimizer, variables)
        if keras.backend.backend() == "torch":  # by one number for all variables there
            factors = 1 - weight_decay * ops.convert_to_tensor(optimizer.learning_rate) * factors
            for variable in variables:
                variable.assign(variable * ops.cast(factors, variable.dtype))
            return None
        try:
            optimizer.weight_decay = weight_decay * factors
            return type(optimizer)._apply_weight_decay(optimizer, variables)
        finally:
            optimizer.weight_decay = weight_decay

    def clip_by_norm(optimizer, values, axes=None):
        clip = type(optimizer)._clip_by_norm
        return ops.concatenate([clip(optimizer, part, axes) for part in split(values)])

    # As methods, so that a deep copy of the optimizer has its own.
    optimizer._apply_weight_decay = types.MethodType(apply_weight_decay, optimizer)
    optimizer._clip_by_norm = types.MethodType(clip_by_norm, optimizer)
