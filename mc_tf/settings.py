"""Settings as dataclass fields with help, limits and effect on results.

They define flags and checks of values, and whether a changed setting makes another run.
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
        default: default value. Without it the field is required.
        help: description in one or two sentences, for `--help`.
        low, above, high: minimum; exclusive lower limit; maximum.
        choices: the allowed values.
        changes_results: whether results depend on it: then a run started with another value is
            rejected. Use `False` for settings that only affect how results are computed or stored.

    Returns:
        `dataclasses.field`.
    """
    limits = {"low": low, "above": above, "high": high, "choices": choices}
    metadata = {"help": help, "changes_results": changes_results, **limits}
    return dataclasses.field(default=default, metadata=metadata)


def kinds_of(cls, name):
    """Returns the allowed types of a setting.

    Args:
        cls: dataclass of settings.
        name: name of the field.

    Returns:
        Tuple of types, `NoneType` included where `None` is allowed.
    """
    hint = typing.get_type_hints(cls)[name]
    return typing.get_args(hint) or (hint,)


def check_settings(settings):
    """Rejects values of other types, beyond their limits, or not among the choices.

    Args:
        settings: instance of a dataclass of settings.

    Raises:
        ValueError: naming the first invalid setting, the expected and the received value.
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
    if tuple in kinds and isinstance(value, (tuple, list)):
        return True
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
    """Returns the names of settings that affect results.

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
