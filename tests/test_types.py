"""Each public function, method and property has hints for what it takes and returns.

mypy (in `tests/run`) says whether they are right: of the package, and of a user's program,
`tests/typing/use.py`.
"""

import dataclasses
import importlib
import inspect
import pathlib
import re
import types
import typing

import pytest

import mc_tf

MODULES = (
    "mc_tf",
    *(
        f"mc_tf.{name}"
        for name in (
            *("alignment", "batch_norm", "callbacks", "curves", "data", "ensemble", "evaluation"),
            *("experiments", "landscape", "layers", "merging", "metrics", "models", "plots"),
            *("posterior", "simplexes", "training"),
        )
    ),
)
_CALLED_BY_OPERATORS = ("__init__", "__call__", "__getitem__")


def functions(module, names):
    """The functions of a module, the methods of its classes, and what its modules define."""
    for name in names:
        thing = getattr(module, name)
        if inspect.ismodule(thing):
            if thing.__name__ not in MODULES:
                own = (k for k, v in vars(thing).items() if inspect.getmodule(v) is thing)
                yield from functions(thing, (k for k in own if not k.startswith("_")))
        elif inspect.isclass(thing):
            yield from methods(thing)
        else:
            yield inspect.unwrap(thing)


def methods(cls):
    """The public methods and properties of a class, including its bases in this library."""
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] != "mc_tf":
            continue
        for name, member in vars(base).items():
            if name.startswith("_") and name not in _CALLED_BY_OPERATORS:
                continue
            parts = [member.fget, member.fset] if isinstance(member, property) else [member]
            for part in parts:
                part = inspect.unwrap(getattr(part, "__func__", part))
                made_of_fields = name == "__init__" and dataclasses.is_dataclass(base)
                if inspect.isfunction(part) and not made_of_fields:
                    yield part


def lacking(function):
    """Parts of a function without a hint, or with a default that the hint does not allow."""
    signature = inspect.signature(function)
    for number, argument in enumerate(signature.parameters.values()):
        if argument.annotation is argument.empty:
            if number or argument.name not in ("self", "cls"):
                yield argument.name
        elif argument.default is not argument.empty:
            if not fits(argument.default, argument.annotation):
                yield f"{argument.name}: {argument.annotation} = {argument.default!r}"
    if signature.return_annotation is signature.empty:
        yield "return"


def fits(value, hint):
    """Whether a value is of the type of a hint, as far as its outermost part says it."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is typing.Literal:
        return value in parts
    kind = getattr(origin or hint, "__supertype__", origin or hint)  # of the names in mc_tf.typing
    return kind is typing.Any or isinstance(value, (int, float) if kind is float else kind)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_has_hints(name):
    module = importlib.import_module(name)
    found = list(functions(module, module.__all__))
    assert found
    problems = {f"{f.__module__}.{f.__qualname__}": list(lacking(f)) for f in found}
    assert {name: what for name, what in problems.items() if what} == {}


@pytest.mark.parametrize("name", MODULES)
def test_signatures_name_their_types(name):
    """`help` shows `Weights` or `ArrayLike`, not the unions of numpy, which take ten lines."""
    module = importlib.import_module(name)
    for function in functions(module, module.__all__):
        assert "numpy._typing" not in str(inspect.signature(function)), function


def test_help_of_an_ensemble_describes_all_arguments():
    for name in ("evaluate_members", "fit_temperature", "update_batch_norm", "export"):
        method = getattr(mc_tf.Ensemble, name)
        for argument in list(inspect.signature(method).parameters)[1:]:
            assert re.search(rf"\b{argument}\b.*:", method.__doc__), (name, argument)


def test_a_missing_or_wrong_hint_is_noticed():
    def function(first, second: str = 2, third: float | None = 1, *, fourth: int = 3):
        pass

    assert list(lacking(function)) == ["first", f"second: {str} = 2", "return"]


@pytest.mark.parametrize("name", MODULES)
def test_the_reference_has_each_public_name(name):
    module = importlib.import_module(name)
    pages = (pathlib.Path(__file__).parents[1] / "docs" / "reference").glob("*.md")
    listed = re.findall(r"^::: \S+\.(\w+)$", "".join(p.read_text() for p in pages), re.MULTILINE)
    public = {n for n in module.__all__ if not inspect.ismodule(getattr(module, n))}
    assert public <= set(listed), public - set(listed)
