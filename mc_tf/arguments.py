"""Checks of arguments; errors name the argument and the received value."""

import math
from numbers import Integral, Real
from pathlib import Path

import keras

__all__ = [
    "check_counts",
    "check_kind",
    "check_network",
    "check_numbers",
    "check_path",
    "check_seed",
]

_MOST = 2**31 - 1


def check_counts(low=1, high=_MOST, optional=False, **counts):
    """Rejects invalid counts.

    Args:
        low, high: the smallest and the largest count.
        optional: whether `None` is allowed.
        **counts: the arguments by name.

    Raises:
        ValueError: naming the first argument that is not an integer from `low` to `high`.

    Example:
        >>> check_counts(batch_size=500)
    """
    for name, value in counts.items():
        fits = isinstance(value, Integral) and not isinstance(value, bool)
        if not (value is None and optional or fits and low <= value <= high):
            most = "" if high == _MOST and not (fits and value > high) else f" and at most {high}"
            raise ValueError(
                f"`{name}` must be at least {low}{most}, a whole number. Received: {name}={value!r}"
            )


def check_numbers(low=-math.inf, high=math.inf, **values):
    """Rejects numbers that are not finite or out of range.

    Args:
        low, high: the smallest and the largest value.
        **values: the arguments by name.

    Raises:
        ValueError: naming the first argument that is not a finite number from `low` to `high`.

    Example:
        >>> check_numbers(low=0, learning_rate=0.1)
    """
    for name, value in values.items():
        fits = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not (fits and low <= value <= high):
            limits = "" if low == -math.inf else f" of at least {low}"
            limits += "" if high == math.inf else f" and at most {high}"
            raise ValueError(
                f"`{name}` must be a finite number{limits}. Received: {name}={value!r}"
            )


def check_network(name, network):
    """Rejects values other than built Keras models and layers.

    Args:
        name: name of the argument.
        network: its value.

    Raises:
        ValueError: naming its type, and how to build a model.
    """
    loaded = ", which `keras.saving.load_model` loads" if isinstance(network, (str, Path)) else ""
    check_kind(name, network, keras.layers.Layer, f"a built Keras model{loaded}")
    if not network.built:
        raise ValueError(
            f"`{name}` ('{network.name}') is not built, so it has no weights yet. Call it on a "
            "batch of data, or train it, first."
        )


def check_kind(name, value, kind, words):
    """Rejects values of other types.

    Args:
        name: name of the argument.
        value: its value.
        kind: class, or tuple of classes.
        words: description of valid values.

    Raises:
        ValueError: naming the value and its type.
    """
    if not isinstance(value, kind):
        raise ValueError(
            f"`{name}` must be {words}. Received: {value!r} (a {type(value).__name__})"
        )


def check_seed(**seeds):
    """Rejects seeds other than integers of at least 0 and sequences of them.

    Args:
        **seeds: the arguments by name.

    Raises:
        ValueError: naming the first.
    """
    for name, seed in seeds.items():
        for part in seed if isinstance(seed, (tuple, list)) else [seed]:
            check_counts(low=0, high=2**63 - 1, **{name: part})


def check_path(name, path):
    """Rejects values other than paths with a `TypeError`; arguments as for `check_network`."""
    if not isinstance(path, str) and not hasattr(path, "__fspath__"):
        raise TypeError(f"`{name}` must be a path, a str or `os.PathLike`. Received: {path!r}")
