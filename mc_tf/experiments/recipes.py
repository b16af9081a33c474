"""Recipes: an experiment, its settings, and the published numbers to reproduce."""

import dataclasses
import inspect
import math
import runpy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mc_tf.experiments.runner import Experiment
from mc_tf.experiments.smoke import made_small
from mc_tf.experiments.steps.step import Step
from mc_tf.experiments.targets import published
from mc_tf.models.zoo.registry import parse_value
from mc_tf.settings import kinds_of


@dataclasses.dataclass(frozen=True)
class Data:
    """The data set of a recipe; see `mc_tf.data.load`.

    Attributes:
        name: name of the data set.
        use_test: train on all training examples and evaluate on the test set.
        normalization, image_size, num_steps: options of images and texts.
    """

    name: str
    use_test: bool = True
    normalization: str | None = None
    image_size: int | None = None
    num_steps: int | None = None


class Recipe:
    """Recipe for a published result: a function that returns steps, and its settings.

    Args:
        title: heading of figures and in `reproduce.py --list`; must be a literal string, because
            the list parses the file without running it.
        make: function of settings that returns a tuple of steps, such as `two_networks`.
        data: `Data`.
        cost: duration and machine, as text. Default: unknown.
        targets: published numbers, see `mc_tf.experiments.targets.published`.
        smoke: dict of settings of smoke runs, such as a smaller network.
        eval_batch_size: examples per batch in evaluations, default 500.
        **settings: arguments of `make` that differ from its defaults.

    Attributes:
        settings: dict from name to value: `data`, `eval_batch_size` and the arguments of `make`.
        targets: dict from `(label, value, statistic)` to the published number.

    Raises:
        TypeError: if a setting is unknown or missing.
    """

    def __init__(
        self,
        title: str,
        make: Callable[..., tuple[Step, ...]],
        data: Data,
        *,
        cost: str | None = None,
        targets: Mapping[str, Any] | None = None,
        smoke: dict[str, Any] | None = None,
        eval_batch_size: int = 500,
        **settings: Any,
    ) -> None:
        self.title, self.cost = title, cost
        self._make, self._smoke = make, smoke or {}
        self.targets = published(targets or {})
        given = inspect.signature(make).bind(**settings)
        given.apply_defaults()
        self.settings = {"data": data, "eval_batch_size": eval_batch_size, **given.arguments}

    def experiment(
        self, changes: Iterable[str] = (), smoke: bool = False
    ) -> tuple[Data, Experiment]:
        """Creates the experiment with changed settings.

        Args:
            changes: list of `NAME=VALUE`, see `with_setting`.
            smoke: whether to shrink it, with the settings of smoke runs after the changes.

        Returns:
            `Data` and `Experiment`.

        Raises:
            ValueError: if a setting is unknown, or its value is invalid.
        """
        settings = self.settings
        for change in changes:
            settings = with_setting(settings, change)
        settings = settings | (self._smoke if smoke else {})
        data, size = settings.pop("data"), settings.pop("eval_batch_size")
        made = Experiment(self._make(**settings), self.title, size, self.cost)
        return data, made_small(made, data.num_steps is not None) if smoke else made


def load_recipe(path, name):
    """Runs a `.py` file and returns one of its recipes, a variable."""
    recipe = runpy.run_path(path)[name]
    if not isinstance(recipe, Recipe):
        raise ValueError(f"'{name}' of '{path}' is not a mc_tf.experiments.Recipe: {recipe!r}.")
    return recipe


def with_setting(settings, change):
    """Returns settings, nested dicts and dataclasses, with one change.

    It is `NAME=VALUE`, with dots for nested settings: `training.epochs=3`,
    `network.options.width=0.5`, `curves=[segment,bezier]`, `num_train=none`.

    Example:
        >>> with_setting({"data": Data("mnist"), "num_points": 61}, "data.use_test=false")["data"]
        Data(name='mnist', use_test=False, normalization=None, image_size=None, num_steps=None)
    """
    name, equals, text = change.partition("=")
    if not equals:
        raise ValueError(f"A change of a setting must be NAME=VALUE. Received: '{change}'.")
    value = None if text.lower() == "none" else parse_value(text)
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        value = [parse_value(part.strip()) for part in value[1:-1].split(",")]
    try:
        return _changed(settings, name.split("."), value)
    except (KeyError, TypeError) as error:
        raise ValueError(f"The setting '{change}' is invalid: {error.args[0]}") from error


def _changed(holder, path, value, open_ended=False):
    first, *rest = path
    of_class = dataclasses.is_dataclass(holder)
    if not of_class and not isinstance(holder, dict):
        raise KeyError(f"nothing is inside {holder!r}.")
    known = vars(holder) if of_class else holder
    if first not in known and not open_ended:  # only the builder knows its options
        raise KeyError(f"there is no '{first}'. Choose one of: {', '.join(known)}.")
    inner = known.get(first)
    if rest:
        value = _changed(inner, rest, value, first == "options")
    elif of_class:
        value = _fitting(inner, kinds_of(type(holder), first), value)
    else:
        value = _fitting(inner, () if inner is None else (type(inner), type(None)), value)
    return dataclasses.replace(holder, **{first: value}) if of_class else {**holder, first: value}


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_WORDS[tuple] = "a list"


def _fitting(default, kinds, value):
    """Converts a value from the command line to a type of a setting; without types to any."""
    if isinstance(default, tuple):
        return tuple(value) if isinstance(value, list) else (value,)
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"it must be finite, not {value}.")
    if dataclasses.is_dataclass(default) or isinstance(default, dict):
        names = default if isinstance(default, dict) else vars(default)
        raise TypeError(f"set a nested setting, with a dot: {', '.join(names)}.")
    if isinstance(value, list) and (not kinds or {list, tuple} & set(kinds)):
        return tuple(value)
    if float in kinds and type(value) is int:
        return float(value)
    if kinds and type(value) not in kinds:
        words = " or ".join(_WORDS[kind] for kind in kinds if kind in _WORDS)
        raise TypeError(f"it must be {words}, as {default!r} is, not {value!r}.")
    return value
