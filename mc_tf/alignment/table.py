"""What is known of layers and operations: class -> rule; open to a user's own layers."""

from collections.abc import Callable
from typing import Any, TypeVar

import keras

from mc_tf.arguments import check_kind

__all__ = ["ACTIVATIONS", "of_operations", "register", "rule_of"]

_Rule = TypeVar("_Rule", bound=Callable[..., Any])
_RULES: dict[type, Callable[..., Any]] = {}
_OPERATIONS: dict[str, Callable[..., Any]] = {}  # names of `keras.ops`, whose classes are private
# Activations that leave units in their order: not `glu`; the last three are of a whole axis.
_KNOWN = """celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear
log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus
sparse_sigmoid squareplus tanh tanh_shrink threshold log_softmax softmax sparsemax"""
ACTIVATIONS = [getattr(keras.activations, name) for name in _KNOWN.split()]
# What a subclass may define and compute the same.
_HARMLESS = {
    "__init__",
    "build",
    "build_from_config",
    "compute_output_shape",
    "compute_output_spec",
    "from_config",
    "get_build_config",
    "get_config",
}


def register(*classes: type) -> Callable[[_Rule], _Rule]:
    """Registers how a layer's weights and outputs share the order of its units.

    Layers without a rule are understood from their `call` if it uses `keras.ops` only. A rule is
    called as `rule(layer, units, *args, **kwargs)` with the arguments of the layer's call, in which
    each tensor is a tuple with one axis for each of its dimensions. It says which axes the weights
    have, by `units.weight(variable, axes)`, and returns the axes of the output. All weights must be
    named. The methods of `units`, `mc_tf.alignment.Units`, make new axes.

    Args:
        *classes: classes of layers. Subclasses that only change the constructor follow the rule.

    Returns:
        A decorator that returns the rule unchanged. A later rule replaces an earlier one.

    Raises:
        ValueError: if a class is not a Keras layer.

    Example:
        >>> import keras
        >>> @keras.saving.register_keras_serializable()
        ... class Scale(keras.layers.Layer):
        ...     def build(self, shape):
        ...         self.factors = self.add_weight(shape=(shape[-1],))
        ...     def call(self, x):
        ...         return x * self.factors
        >>> @register(Scale)
        ... def scale(layer, units, x):
        ...     units.weight(layer.factors, [x[-1]])
        ...     return x
    """
    for cls in classes:
        check_kind("classes", cls, type, "classes of Keras layers")
        if not issubclass(cls, keras.layers.Layer):
            raise ValueError(f"`classes` must be Keras layers. Received: {cls!r}")

    def decorate(rule):
        _RULES.update((cls, rule) for cls in classes)
        return rule

    return decorate


def of_operations(*names):
    """Registers a rule for operations of `keras.ops`, by the names of their classes."""

    def decorate(rule):
        _OPERATIONS.update((name, rule) for name in names)
        return rule

    return decorate


def rule_of(operation):
    """The rule of a layer or operation, or `None`."""
    kind = type(operation)
    if not isinstance(operation, keras.layers.Layer):
        return _OPERATIONS.get(kind.__name__) if kind.__module__.startswith("keras.") else None
    for cls in kind.__mro__:
        if cls in _RULES:
            return _RULES[cls]
        own = {name for name, value in vars(cls).items() if callable(value) or _computes(value)}
        if own - _HARMLESS:
            return None
    return None


def _computes(value):
    return isinstance(value, (property, classmethod, staticmethod))
