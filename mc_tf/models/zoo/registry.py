"""Network names: `@register("name")` on a builder, `build("name", ...)` to call it."""

import inspect
import json
import re
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

import keras

from mc_tf.arguments import check_counts, check_kind, check_numbers
from mc_tf.models.zoo.weight_decay import with_weight_decay
from mc_tf.registry import Registry
from mc_tf.typing import Shape

_PLACEHOLDER = re.compile(r"<(\w+)>")
_MOST = 100_000  # upper limit of units and factors, to stay within memory
_BUILDERS = Registry("network", "mc_tf.models")
_EXAMPLES: dict[str, tuple[str, ...]] = {}
_Builder = TypeVar("_Builder", bound=Callable[..., Any])


def register(name: str, examples: Sequence[str] = ()) -> Callable[[_Builder], _Builder]:
    """Registers a builder by name, for `build` and all programs.

    Args:
        name: The name, such as `"fc"`; or a family's, such as `"preresnet<depth>"` or
            `"wrn<depth>x<width>"`, where a placeholder matches any integer, which is passed to the
            builder: `build("preresnet20", ...)` calls it with `depth=20`.
        examples: For a family, full names of members for `names()` to list.

    Returns:
        A decorator that returns the builder unchanged. A builder takes `(num_classes, input_shape,
        weight_decay=0.0, **options)` and returns a built `keras.Model` that outputs logits. If it
        does not take `weight_decay`, `build` applies `mc_tf.models.with_weight_decay`.

    Raises:
        ValueError: If the name is taken.
    """
    remember = _BUILDERS.register(name)
    family, _ = _match(name)

    def decorate(builder):
        if family != name:
            raise ValueError(f"The network name {name!r} is taken by the family {family!r}.")
        remember(builder)
        _EXAMPLES[name] = tuple(examples) or (name,)
        return builder

    return decorate


def names() -> list[str]:
    """Names that `build` accepts, sorted. Families are listed by a few members.

    Returns:
        List of str.
    """
    return sorted(example for group in _EXAMPLES.values() for example in group)


def options(name: str) -> list[str]:
    """Names of the options that `build` accepts for a network, besides the common ones.

    Args:
        name: Registered name, see `names()`.

    Returns:
        List of str, in the order of the builder's arguments.

    Raises:
        ValueError: If the name is unknown.

    Example:
    >>> options("3conv3fc"), options("convnet")
    (['width'], ['width', 'batch_norm'])
    """
    builder, numbers = _find(name)
    known = {"num_classes", "input_shape", "weight_decay", *numbers}
    return [option for option in inspect.signature(builder).parameters if option not in known]


def build(
    name: str,
    num_classes: int,
    input_shape: Shape,
    weight_decay: float = 0.0,
    **options_of_builder: Any,
) -> keras.Model:
    """Builds a registered network with fresh weights.

    Call `keras.utils.set_random_seed(seed)` first for reproducible initial weights.

    Args:
        name: Registered name, see `names()`.
        num_classes: Number of logits.
        input_shape: Shape of one example: `(height, width, channels)`, or `(num_steps,)` for texts;
            `"fc"` takes any.
        weight_decay: Factor `wd` of the loss term `wd / 2 * sum(w ** 2)` over all
            trainable weights, biases and batch normalization included. Defaults to 0.
        **options_of_builder: Options of the builder, such as `width` of `"3conv3fc"`, see
            `options(name)`.

    Returns:
        A built `keras.Model` from examples `(batch, *input_shape)` to logits
        `(batch, num_classes)`, or `(batch, num_steps, num_classes)` for texts.

    Raises:
        ValueError: If the name or an option is unknown, or the network does not support the shape.
    """
    check_kind("name", name, str, "the name of a network")
    check_counts(num_classes=num_classes)
    check_kind("input_shape", input_shape, (tuple, list), "a tuple of sizes")
    for size in input_shape:
        check_counts(optional=True, input_shape=size)
    check_numbers(low=0, weight_decay=weight_decay)
    builder, numbers = _find(name)
    accepted = options(name)
    for option in options_of_builder:
        if option not in accepted:
            raise ValueError(
                f"Unknown option of the network {name!r}. Received: {option!r}. "
                f"Expected: {', '.join(map(repr, accepted)) or 'none, as it has no options'}."
            )
    _check_kinds(name, builder, options_of_builder)
    given = {**numbers, **options_of_builder}
    decays = "weight_decay" in inspect.signature(builder).parameters
    if decays:
        given["weight_decay"] = weight_decay
    network = builder(num_classes, input_shape, **given)
    if not (isinstance(network, keras.Model) and network.built):
        raise ValueError(
            f"The function registered as the network {name!r} must return a built keras.Model: "
            f"call it once, or make it with keras.Input. Received: {type(network).__name__}."
        )
    return with_weight_decay(network, weight_decay) if weight_decay and not decays else network


def parse_value(text: str) -> Any:
    """Parses the value of an option from flags and recipes.

    Args:
        text: str: JSON, `True` or `False`, or any text.

    Returns:
        Number, bool, list or str.

    Example:
    >>> parse_value("0.5"), parse_value("False"), parse_value("[1, 2]"), parse_value("relu")
    (0.5, False, [1, 2], 'relu')
    """
    try:
        return json.loads({"True": "true", "False": "false"}.get(text, text))
    except ValueError:
        return text


def _check_kinds(name, builder, given):
    """Rejects options whose type differs from the default's, such as text instead of a number.

    If the default is a number or a sequence of integers, the option must be one, too.
    """
    for option, value in given.items():
        default = inspect.signature(builder).parameters[option].default
        if isinstance(default, bool):
            fits = isinstance(value, bool)
        elif isinstance(default, Real):
            fits = isinstance(value, Real) and not isinstance(value, bool)
        elif isinstance(default, (tuple, list)):
            kind = Integral if all(isinstance(v, Integral) for v in default) else object
            fits = isinstance(value, (tuple, list)) and all(isinstance(v, kind) for v in value)
        else:
            fits = True
        for number in value if isinstance(value, (tuple, list)) else [value]:
            if isinstance(number, Real) and not abs(number) <= _MOST and option != "batch_size":
                raise ValueError(
                    f"The option {option!r} of the network {name!r} must be finite and at most "
                    f"{_MOST}. Received: {option}={value!r}"
                )
        if not fits:
            raise ValueError(
                f"The option {option!r} of the network {name!r} cannot be {value!r}. Expected "
                f"something like its default, {default!r}."
            )


def _find(name):
    """Returns the builder of that name, and the integers in the name by placeholder."""
    pattern, numbers = _match(name)
    return _BUILDERS.find(pattern), numbers


def _match(name):
    """Returns the matching registered name or family, and the integers in the name."""
    for pattern in _BUILDERS:
        expression = _PLACEHOLDER.sub(r"(?P<\1>[0-9]+)", pattern)
        match = re.fullmatch(expression, name)
        if match:
            return pattern, {key: int(value) for key, value in match.groupdict().items()}
    return name, {}
