"""Settings that are written once: a field of a dataclass with its help, limits and consequence.

Flags are made from them, values are checked by them, and a run knows from them whether a changed
setting makes it another run.
"""

import dataclasses
import math
import typing
from numbers import Integral, Real

__all__ = ["check_settings", "documented", "kinds_of", "setting", "that_change_results"]


def setting(
    default=dataclasses.MISSING,
    *,
    help,
    low=None,
    above=None,
    high=None,
    choices=None,
    changes_results=True,
):
    """A field of a dataclass of settings.

    Args:
        default: its default. Without one the field is required.
        help: what it is, one or two sentences; `--help` shows it.
        low, above, high: smallest value; the value it must exceed; largest value.
        choices: the values that it may have.
        changes_results: whether what is computed depends on it: a run that was begun with another
            value is refused. `False` is for what only changes how it is computed or kept.

    Returns:
        `dataclasses.field`.
    """
    limits = {"low": low, "above": above, "high": high, "choices": choices}
    metadata = {"help": help, "changes_results": changes_results, **limits}
    return dataclasses.field(default=default, metadata=metadata)


def kinds_of(cls, name):
    """The types that a setting may have.

    Args:
        cls: dataclass of settings.
        name: of the field.

    Returns:
        Tuple of types, `NoneType` included where `None` is allowed.
    """
    hint = typing.get_type_hints(cls)[name]
    return typing.get_args(hint) or (hint,)


def check_settings(settings):
    """Refuses values of other types, beyond their limits, or of none of the choices.

    Args:
        settings: instance of a dataclass of settings.

    Raises:
        ValueError: naming the first of them, what was expected and what was received.
    """
    for field in dataclasses.fields(settings):
        value, about = getattr(settings, field.name), field.metadata
        if not about or (value is None and type(None) in kinds_of(type(settings), field.name)):
            continue
        choices = about["choices"]
        if choices is not None:
            if value not in choices:
                raise ValueError(
                    f"Unknown {field.name} {value!r}. Choose one of: "
                    f"{', '.join(map(str, choices))}."
                )
        elif not _fits(value, kinds_of(type(settings), field.name), about):
            words = _words(value, kinds_of(type(settings), field.name), about)
            raise ValueError(f"{field.name} must be {words}. Received: {field.name}={value!r}.")


def _fits(value, kinds, about):
    if bool in kinds:
        return isinstance(value, bool)
    if int in kinds or float in kinds:
        kind = Real if float in kinds else Integral
        if not isinstance(value, kind) or isinstance(value, bool) or not math.isfinite(value):
            return False
        low, above, high = about["low"], about["above"], about["high"]
        return (
            (low is None or value >= low)
            and (above is None or value > above)
            and (high is None or value <= high)
        )
    return True


def _words(value, kinds, about):
    if bool in kinds:
        return "True or False"
    kind = "a finite number" if float in kinds else "a whole number"
    low, above, high = about["low"], about["above"], about["high"]
    if high is not None and isinstance(value, Real) and value > high:
        return f"at most {high}"
    if above == 0:
        return "positive and finite"
    return f"at least {low:g}, {kind}" if low is not None else kind


def that_change_results(cls):
    """Names of the settings that what is computed depends on.

    Args:
        cls: dataclass of settings.

    Returns:
        List of str, in their order.
    """
    return [
        field.name
        for field in dataclasses.fields(cls)
        if field.metadata.get("changes_results", True)
    ]


def documented(cls):
    """Class decorator: adds the help of each field to the docstring, as `Attributes`."""
    lines = [f"        {f.name}: {f.metadata['help']}" for f in dataclasses.fields(cls)]
    cls.__doc__ = f"{cls.__doc__.rstrip()}\n\n    Attributes:\n" + "\n".join(lines) + "\n"
    return cls
