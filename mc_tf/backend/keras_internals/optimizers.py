"""What an optimizer counts, which rate it uses, and how it decays and clips."""

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
    """The optimizer that a loss-scaling one wraps, or the given one itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def call_counter(optimizer):
    """The variable in which an optimizer counts its calls; 0 of what is no optimizer of Keras.

    The public `iterations` are updates: with gradient accumulation a rounded quotient, which says
    neither how many batches there were nor can be assigned to.
    """
    return getattr(optimizer, "_iterations", 0)


def own_rate(optimizer):
    """The rate that an optimizer was compiled with: a variable or a schedule.

    The public `learning_rate` is the value of a schedule, or what `ask_for_rate` set.
    """
    return optimizer._learning_rate


def ask_for_rate(optimizer, rate):
    """Has an optimizer ask a function for its rate at each update.

    Keras' own way, `optimizer.learning_rate = schedule`, takes the rate's variable out of the
    optimizer, so that checkpoints of before and after do not fit each other.

    Args:
        optimizer: Keras optimizer.
        rate: function without arguments that returns a scalar tensor.
    """
    optimizer._get_current_learning_rate = rate


def rate_asked_for(optimizer):
    """The function that `ask_for_rate` gave an optimizer, or `None`."""
    return vars(optimizer).get("_get_current_learning_rate")


def use_own_rate(optimizer):
    """Takes back what `ask_for_rate` did, if anything."""
    vars(optimizer).pop("_get_current_learning_rate", None)


def uses_weight_decay(optimizer, variable):
    """Whether an optimizer decays a variable: a bool.

    `exclude_from_weight_decay` is public, what it excluded is not.
    """
    return optimizer._use_weight_decay(variable)


def excluded_by_others(optimizer, variables):
    """Whether `exclude_from_weight_decay(var_list)` has variables beside the given ones: a bool.

    Keras keeps the list, which has no public name, by keys of its own.
    """
    known = {optimizer._var_key(v) for v in variables}
    return not known.issuperset(getattr(optimizer, "_exclude_from_weight_decay", ()))


def set_by_slice(optimizer, decay_factors, split):
    """Has an optimizer decay and clip slices of flat variables as variables of their own.

    Keras decides for whole variables, in two methods that a subclass would have to override; the
    user's optimizer keeps its class.

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
