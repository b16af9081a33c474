"""Recipes: one Python file for each published result, and its settings.

A recipe has a docstring, whose first line is its title and which says what it costs; `DATA`, a
`Data`; a function `experiment` with default settings that returns an `Experiment`; and may have
`TARGETS`, the published numbers, and `SMOKE`, settings of its own for smoke runs.
"""

import dataclasses
import importlib.util
import inspect
import math
import os
import typing

__all__ = ["Data", "Recipe", "with_setting"]


@dataclasses.dataclass(frozen=True)
class Data:
    """The data set of a recipe; see `mc_tf.data.load`.

    Attributes:
        name: of the data set.
        use_test: train on all training examples and evaluate on the test set.
        normalization, image_size, num_steps: of images and texts.
        smoke_image_size: of the images of smoke runs.
    """

    name: str
    use_test: bool = True
    normalization: str | None = None
    image_size: int | None = None
    num_steps: int | None = None
    smoke_image_size: int | None = None


class Recipe:
    """A recipe that was imported, with its settings.

    Args:
        path: its file.
        changes: list of `NAME=VALUE`, see `with_setting`.
        smoke: whether its settings for smoke runs come after those.

    Attributes:
        settings: dict from name to value: `data`, and the arguments of `experiment`.
        targets: list of `mc_tf.experiments.targets.Target`.

    Raises:
        ValueError: if it is no recipe, or has no such setting.
    """

    def __init__(self, path, changes=(), smoke=False):
        from mc_tf.experiments.targets import published

        self.smoke, self._module = smoke, _imported(path)
        parameters = inspect.signature(self._module.experiment).parameters.values()
        self.settings = {"data": self._module.DATA}
        self.settings |= {parameter.name: parameter.default for parameter in parameters}
        for change in changes:
            self.settings = with_setting(self.settings, change)
        if smoke:
            self.settings |= getattr(self._module, "SMOKE", {})
        self.targets = published(getattr(self._module, "TARGETS", {}))

    @property
    def data(self):
        """Its `Data`."""
        return self.settings["data"]

    def experiment(self):
        """The `mc_tf.experiments.runner.Experiment`, made small for a smoke run."""
        from mc_tf.experiments.smoke import made_small

        given = {name: value for name, value in self.settings.items() if name != "data"}
        made = self._module.experiment(**given)
        return made_small(made, self.data.num_steps is not None) if self.smoke else made


def _imported(path):
    name = f"recipe_{os.path.splitext(os.path.basename(path))[0]}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not (isinstance(getattr(module, "DATA", None), Data) and hasattr(module, "experiment")):
        raise ValueError(
            f"'{path}' is no recipe: it needs `DATA`, a mc_tf.experiments.recipes.Data, and a "
            "function `experiment`. Copy one of bin/recipes."
        )
    return module


def with_setting(settings, change):
    """Settings with one of them changed.

    Args:
        settings: dict, dataclass, or whatever holds settings.
        change: `NAME=VALUE`, with dots for what is inside: `training.epochs=3`,
            `network.options.width=0.5`, `curves=[segment,bezier]`, `num_train=none`.

    Returns:
        The same kind of thing.

    Raises:
        ValueError: if there is no such setting, or it cannot have that value.

    Example:
        >>> with_setting({"data": Data("mnist"), "num_points": 61}, "data.use_test=false")["data"]
        Data(name='mnist', use_test=False, normalization=None, image_size=None, num_steps=None, \
smoke_image_size=None)
    """
    from mc_tf.models.zoo.registry import parse_value

    name, equals, text = change.partition("=")
    if not equals:
        raise ValueError(f"A setting is changed by NAME=VALUE. Received: '{change}'.")
    value = None if text.lower() == "none" else parse_value(text)
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        value = [parse_value(part.strip()) for part in value[1:-1].split(",")]
    try:
        return _changed(settings, name.split("."), value)
    except (KeyError, TypeError) as error:
        raise ValueError(f"The setting '{change}' cannot be: {error.args[0]}") from error


def _changed(holder, path, value, open_ended=False):
    first, *rest = path
    if dataclasses.is_dataclass(holder):
        hints = typing.get_type_hints(type(holder))
        known, inner = list(hints), getattr(holder, first, None)
    elif isinstance(holder, dict):
        hints, known, inner = {}, list(holder), holder.get(first)
    else:
        raise KeyError(f"nothing is inside {holder!r}.")
    if first not in known and not open_ended:  # a builder's options are known to it alone
        raise KeyError(f"there is no '{first}'. Choose one of: {', '.join(known)}.")
    if rest:
        inner = _changed(inner, rest, value, first == "options")
    else:
        inner = _fitting(inner, hints.get(first), value)
    changed = {first: inner}
    return {**holder, **changed} if hints == {} else dataclasses.replace(holder, **changed)


def _fitting(default, hint, value):
    """A value from the command line as the kind of thing that a setting holds."""
    if isinstance(default, tuple):
        return tuple(value) if isinstance(value, list) else (value,)
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"it must be finite, not {value}.")
    if dataclasses.is_dataclass(default) or isinstance(default, dict):
        names = list(default) if isinstance(default, dict) else default.__dataclass_fields__
        raise TypeError(f"set what is inside, with a dot: {', '.join(names)}.")
    kinds = typing.get_args(hint) or (hint or type(default), type(None))
    if default is None and hint is None or type(value) in kinds:
        return tuple(value) if isinstance(value, list) else value
    if float in kinds and type(value) is int:
        return float(value)
    if tuple in kinds and isinstance(value, list):
        return tuple(value)
    words = " or ".join(_WORDS[kind] for kind in kinds if kind in _WORDS)
    raise TypeError(f"it must be {words}, as {default!r} is, not {value!r}.")


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list",
}
