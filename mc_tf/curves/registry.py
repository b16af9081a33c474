"""Curve families by name: `@register("name")` on a class, then `make_curve("name")`."""

import inspect
from collections.abc import Callable
from typing import TypeVar

import keras

from mc_tf.curves.base import Curve
from mc_tf.curves.families import Bezier, PolyChain, Segment
from mc_tf.curves.trivial import TrivialCurve
from mc_tf.registry import Registry

__all__ = ["has_bends", "make_curve", "names", "register"]

_Family = TypeVar("_Family", bound=Curve)
_FAMILIES = Registry("curve family", "mc_tf.curves")


def register(name: str) -> Callable[[type[_Family]], type[_Family]]:
    """Registers a curve family by name, for `make_curve` and all programs.

    The class is also registered with Keras, unless it already is: a saved curve can be loaded
    wherever the module that defines the class is imported.

    Args:
        name: str, such as `"arc"`.

    Returns:
        A decorator that returns the subclass of `Curve` unchanged. If its constructor takes
        `num_bends`, the flag of that name sets it. Its `get_config` must return all arguments.

    Raises:
        ValueError: if the name is taken, or the class is not a `Curve`.

    Example:
        >>> from mc_tf.curves import Bezier
        >>> @register("short_bezier")
        ... class ShortBezier(Bezier):
        ...     '''A Bezier curve.'''
        >>> make_curve("short_bezier", num_bends=2)
        short_bezier(num_bends=2)
    """
    remember = _FAMILIES.register(name)

    def decorate(family):
        if not (inspect.isclass(family) and issubclass(family, Curve)):
            raise ValueError(
                f"The curve family {name!r} must be a class that derives from mc_tf.Curve. "
                f"Received: {family!r}"
            )
        remember(family)
        if ">" not in keras.saving.get_registered_name(family):
            keras.saving.register_keras_serializable(_FAMILIES.package, name)(family)
        return family

    return decorate


def names() -> list[str]:
    """Names that `make_curve` accepts.

    Returns:
        List of str; the built-in families come first.
    """
    return list(_FAMILIES)


def has_bends(name: str) -> bool:
    """Whether the number of bends of a family can be chosen.

    Args:
        name: one of `names()`.

    Raises:
        ValueError: if the family is unknown.

    Example:
        >>> has_bends("bezier"), has_bends("segment")
        (True, False)
    """
    return "num_bends" in inspect.signature(_FAMILIES.find(name)).parameters


def make_curve(name: str, num_bends: int = 1) -> Curve:
    """Creates a curve of the family with the given name.

    Args:
        name: one of `names()`: `"segment"`, `"bezier"`, `"polychain"`, `"trivial"`, or a registered
            name.
        num_bends: number of bends, for families where it can be chosen. Default 1.

    Returns:
        `Curve`.

    Raises:
        ValueError: if the family is unknown or the number is negative.

    Example:
        >>> make_curve("polychain", num_bends=3)
        PolyChain(num_bends=3)
    """
    family = _FAMILIES.find(name)
    return family(num_bends=num_bends) if has_bends(name) else family()


for _name, _family in {
    "segment": Segment,
    "bezier": Bezier,
    "polychain": PolyChain,
    "trivial": TrivialCurve,
}.items():
    register(_name)(_family)
