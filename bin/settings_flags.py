"""Flags generated from the fields of a dataclass of settings.

The file of the dataclass is parsed, not imported, because importing the library takes seconds and
`--help` should be fast.
"""

import ast
import dataclasses
import os

import flag_checks
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flags below in the program's --help
_LIBRARY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def define_flags(where, names=(), without=(), **defaults):
    """Defines a flag for each field, or for those in `names`, with the program's defaults.

    `where` is module and class, such as `"mc_tf.training.options.TrainingOptions"`.
    """
    module, _, cls = where.rpartition(".")
    source = _Module(module)
    (options,) = [node for node in source.body if getattr(node, "name", None) == cls]
    for node in options.body:
        name = isinstance(node, ast.AnnAssign) and node.target.id
        if name and name not in without and (not names or name in names):
            about = source.evaluated(node.value)
            kinds = ast.unparse(node.annotation).split(" | ")
            _define(
                name, kinds, **about | ({"default": defaults[name]} if name in defaults else {})
            )


def _define(name, kinds, *, default=None, help, choices=(), low=None, above=None, high=None, **_):
    low = low if above is None else above
    if choices:
        flags.DEFINE_enum(name, default, [str(choice).lower() for choice in choices], help)
    elif "bool" in kinds:
        flags.DEFINE_bool(name, default, help)
    elif "tuple" in kinds:
        flags.DEFINE_list(name, list(default), help)
    elif "int" in kinds:
        flags.DEFINE_integer(name, default, help, lower_bound=low)
    elif "float" in kinds:
        flags.DEFINE_float(name, default, help, lower_bound=low)
    else:
        flags.DEFINE_string(name, default, help)
    if high is not None:
        flag_checks.most[name] = high


class _Module(dict):
    """The constants of a module of the library by name, its own and those that it imports."""

    def __init__(self, name):
        with open(os.path.join(_LIBRARY, *name.split(".")) + ".py", encoding="utf-8") as file:
            self.body = ast.parse(file.read()).body
        self["setting"] = lambda *default, **about: dict(zip(["default"], default)) | about

    def evaluated(self, node):
        """The value of an expression."""
        return eval(ast.unparse(node), {}, self)

    def __missing__(self, name):
        for line in self.body:
            if isinstance(line, ast.Assign) and line.targets[0].id == name:
                return self.evaluated(line.value)
            if isinstance(line, ast.ImportFrom) and name in [each.name for each in line.names]:
                return _Module(line.module)[name]
        raise KeyError(name)


def values(cls):
    """Returns the values of the fields of a dataclass of settings that are flags here, by name."""
    from mc_tf.settings import kinds_of

    given = {}
    for field in dataclasses.fields(cls):
        if field.name in FLAGS:
            value = given[field.name] = FLAGS[field.name].value
            if tuple in kinds_of(cls, field.name):
                given[field.name] = flag_checks.distinct(field.name, int, low=0)
            elif field.metadata["choices"] and value is not None:
                choices = {str(choice).lower(): choice for choice in field.metadata["choices"]}
                given[field.name] = choices[value]
    return given
