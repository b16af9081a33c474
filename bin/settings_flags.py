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
    """Defines a flag for each field of a dataclass of settings.

    Args:
        where: module and class, such as `"mc_tf.training.options.TrainingOptions"`.
        names: names of the fields. Default: all.
        without: names to omit.
        **defaults: defaults of this program by name.
    """
    module, _, cls = where.rpartition(".")
    tree = _parsed(module)
    (found,) = [node for node in tree.body if getattr(node, "name", None) == cls]
    for node in found.body:
        name = isinstance(node, ast.AnnAssign) and node.target.id
        if name and name not in without and (not names or name in names):
            about = {word.arg: _value(word.value, tree) for word in node.value.keywords}
            about["default"] = _value(node.value.args[0], tree) if node.value.args else None
            if name in defaults:
                about["default"] = defaults[name]
            _define(name, ast.unparse(node.annotation).split(" | "), **about)


def _define(name, kinds, *, default, help, choices=(), low=None, above=None, high=None, **_):
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


def _parsed(module):
    with open(os.path.join(_LIBRARY, *module.split(".")) + ".py", encoding="utf-8") as file:
        return ast.parse(file.read())


def _value(node, tree):
    """Evaluates a constant, a tuple, or a name of the module or of its imports."""
    if isinstance(node, ast.Tuple):
        values = []
        for part in node.elts:
            values += (
                _value(part.value, tree) if isinstance(part, ast.Starred) else [_value(part, tree)]
            )
        return tuple(values)
    if not isinstance(node, ast.Name):
        return ast.literal_eval(node)
    for line in tree.body:
        if isinstance(line, ast.Assign) and line.targets[0].id == node.id:
            return _value(line.value, tree)
        if isinstance(line, ast.ImportFrom) and node.id in [name.name for name in line.names]:
            return _value(node, _parsed(line.module))
    raise LookupError(f"nothing is called {node.id}")


def values(cls):
    """Returns the values of the fields of a dataclass of settings that are flags here, by name."""
    from mc_tf.settings import kinds_of

    found = {}
    for field in dataclasses.fields(cls):
        if field.name in FLAGS:
            value = found[field.name] = FLAGS[field.name].value
            if tuple in kinds_of(cls, field.name):
                found[field.name] = flag_checks.distinct(field.name, int, low=0)
            elif field.metadata["choices"] and value is not None:
                choices = {str(choice).lower(): choice for choice in field.metadata["choices"]}
                found[field.name] = choices[value]
    return found
