"""Checks for other sources of the learning rate in a `fit`."""

import functools
import types

import keras
from keras import ops

from mc_tf.backend.keras_internals import callbacks_of_fit, own_rate
from mc_tf.callbacks.optimizers import innermost_optimizer
from mc_tf.warning import warn

__all__ = ["RateWatch", "refuse_schedulers", "warn_of_other_optimizers"]

_SCHEDULERS = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)
_LIBRARIES = ("keras", "tensorflow", "jax", "jaxlib", "torch", "numpy", "builtins")
# A compiled model may be a part of this one, with an unused optimizer.
_NOT_SEARCHED = (keras.layers.Layer, keras.callbacks.Callback, type, types.ModuleType)


def refuse_schedulers(callback):
    """Rejects Keras' schedulers together with a callback that sets the rate from the first epoch.

    A callback that starts later may leave the earlier epochs to a scheduler.

    Args:
        callback: a `StepCallback` that sets the learning rate, in its `on_train_begin`.

    Raises:
        ValueError: naming the scheduler.
    """
    for other in callbacks_of_fit():
        if isinstance(other, _SCHEDULERS) and not callback.start_epoch:
            raise ValueError(
                f"{type(other).__name__} and {type(callback).__name__} both set the learning rate, "
                f"and the rate of {type(other).__name__} would never be used. Remove one of them."
            )


def warn_of_other_optimizers(callback):
    """Warns about optimizers of a model that keep their own rates.

    Args:
        callback: a callback that sets the learning rate of `model.optimizer`.
    """
    model = callback.model
    ours = {id(model.optimizer), id(innermost_optimizer(model))}
    keeping = [
        f"`{name}`"
        for name, value in {**_globals_of(type(model).train_step), **vars(model)}.items()
        # TensorFlow's internal attributes have this prefix.
        if not name.startswith("_self_") and _holds_optimizer(value, ours)
    ]
    if keeping:
        warn(
            f"{type(callback).__name__} sets the learning rate of `model.optimizer` only. "
            f"{', '.join(keeping)} of '{model.name}' keep theirs."
        )


def _globals_of(function):
    code, known = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    return {name: known[name] for name in getattr(code, "co_names", ()) if name in known}


def _holds_optimizer(value, ours, depth=4):
    """Whether a value is or contains another optimizer, also in user objects."""
    if isinstance(value, keras.optimizers.Optimizer):
        return id(value) not in ours
    if isinstance(value, dict):
        held = value.values()
    elif isinstance(value, (list, tuple, set)):
        held = value
    elif isinstance(value, functools.partial):
        held = [value.func, value.args, value.keywords]
    elif isinstance(value, types.MethodType):
        held = [value.__self__]
    elif isinstance(value, types.FunctionType):
        held = [_content(cell) for cell in value.__closure__ or ()]
    elif type(value).__module__.split(".")[0] in _LIBRARIES or isinstance(value, _NOT_SEARCHED):
        return False
    else:
        slots = [name for cls in type(value).__mro__ for name in vars(cls).get("__slots__", ())]
        held = [*getattr(value, "__dict__", {}).values(), *(getattr(value, n, 0) for n in slots)]
    return depth > 0 and any(_holds_optimizer(each, ours, depth - 1) for each in held)


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return None


class RateWatch:
    """Warns once if another callback changes the optimizer's own rate.

    Args:
        callback: the `StepCallback` that sets the rate from its `start_epoch` on.
        effect: end of the message: the effect on the other rate.
    """

    def __init__(self, callback, effect):
        self._callback = callback
        self._effect = effect
        self._variable = own_rate(innermost_optimizer(callback.model))
        self._rate = None if callback.start_epoch else self._now()
        self._said = False

    def expect(self):
        """Remembers the current rate, which must not change."""
        self._rate = self._now()

    def look(self, epoch):
        """Compares the rate with the remembered rate, from the callback's start on.

        Args:
            epoch: the epoch that starts or ends.
        """
        if epoch < self._callback.start_epoch or self._said:
            return
        if self._rate is None:
            self.expect()
        elif self._now() != self._rate:
            self._said = True
            warn(
                f"Another callback has set the learning rate ({self._now():g}), which "
                f"{self._effect}"
            )

    def _now(self):
        own = own_rate(innermost_optimizer(self._callback.model))
        if own is not self._variable:
            return float("inf")  # it was replaced by a schedule
        return float(ops.convert_to_numpy(own))
