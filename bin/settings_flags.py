"""Flags made from the fields of a dataclass of settings, where each is written once.

The file of the dataclass is read, not imported: the library takes seconds, and `--help` should not.
"""

import ast
import dataclasses
import os

import flag_checks
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help
_LIBRARY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclasses.dataclass(frozen=True)
class Setting:
    """A field: its name, the names of its types, its default, and the arguments of `setting`."""

    name: str
    kinds: tuple
    default: object
    about: dict


def read_settings(module, name):
    """The fields of a dataclass of settings.

    Args:
        module: such as `"mc_tf.training.options"`.
        name: of the class.

    Returns:
        List of `Setting`.
    """
    tree = _parsed(module)
    (found,) = [node for node in tree.body if getattr(node, "name", None) == name]
    settings = []
    for node in found.body:
        if isinstance(node, ast.AnnAssign):
            kinds = tuple(ast.unparse(node.annotation).split(" | "))
            default = _value(node.value.args[0], tree) if node.value.args else None
            about = {word.arg: _value(word.value, tree) for word in node.value.keywords}
            settings.append(Setting(node.target.id, kinds, default, about))
    return settings


def _parsed(module):
    with open(os.path.join(_LIBRARY, *module.split(".")) + ".py", encoding="utf-8") as file:
        return ast.parse(file.read())


def _value(node, tree):
    """A constant, a tuple, or what a name of the module, or of the one it is from, stands for."""
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


def define_flags(settings, **defaults):
    """Defines a flag for each setting.

    Args:
        settings: list of `Setting`.
        **defaults: defaults of this program by name.
    """
    for one in settings:
        default, about = defaults.get(one.name, one.default), one.about
        help, low = about["help"], about.get("low")
        if about.get("choices"):
            choices = [str(choice).lower() for choice in about["choices"]]
            flags.DEFINE_enum(one.name, default, choices, help)
        elif "bool" in one.kinds:
            flags.DEFINE_bool(one.name, default, help)
        elif "tuple" in one.kinds:
            flags.DEFINE_list(one.name, list(default), help)
        elif "int" in one.kinds:
            flags.DEFINE_integer(one.name, default, help, lower_bound=low)
        else:
            low = about.get("above", low)
            flags.DEFINE_float(
                one.name, default, help, lower_bound=low, upper_bound=about.get("high")
            )


def values(settings):
    """What the flags of the settings say.

    Args:
        settings: list of `Setting`.

    Returns:
        dict from name to value.
    """
    found = {}
    for one in settings:
        value = FLAGS[one.name].value
        if "tuple" in one.kinds:
            value = flag_checks.distinct(one.name, int, low=0)
        elif one.about.get("choices"):
            (value,) = [c for c in one.about["choices"] if str(c).lower() == value]
        found[one.name] = value
    return found
