"""The recipes that there are, and how far each of them is: nothing of TensorFlow is imported."""

import ast
import dataclasses
import difflib
import glob
import os


@dataclasses.dataclass(frozen=True)
class Listed:
    """A recipe that was found, not imported.

    Attributes:
        name: file name without ending.
        path: the file.
        title: first line of its docstring.
    """

    name: str
    path: str
    title: str


def read_recipes(folder):
    """The recipes in a folder, sorted by name; none of them is imported.

    Args:
        folder: directory of recipes.

    Returns:
        List of `Listed`.
    """
    recipes = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.py"))):
        with open(path, encoding="utf-8") as file:
            title = (ast.get_docstring(ast.parse(file.read())) or "").partition("\n")[0]
        recipes.append(Listed(os.path.splitext(os.path.basename(path))[0], path, title.rstrip(".")))
    return recipes


def find_recipe(folder, name):
    """The file of a recipe.

    Args:
        folder: directory of recipes.
        name: name without ending, or a `.py` file.

    Returns:
        str.

    Raises:
        ValueError: if no recipe has that name; the message names the nearest ones.
    """
    if name.endswith(".py") and os.path.isfile(name):
        return name
    recipes = {recipe.name: recipe.path for recipe in read_recipes(folder)}
    if name not in recipes:
        near = difflib.get_close_matches(name, recipes, n=5, cutoff=0)
        raise ValueError(
            f"Unknown recipe '{name}'. The nearest names: {', '.join(near)}. --list shows all."
        )
    return recipes[name]


def state(workdir):
    """How far an experiment in a directory is.

    Args:
        workdir: directory of `mc_tf.experiments.runner.run_experiment`.

    Returns:
        `"done"`, `"not begun"`, or what there is of networks, curves and evaluations.
    """

    def count(name):
        return len(glob.glob(os.path.join(glob.escape(workdir), "**", name), recursive=True))

    if os.path.exists(os.path.join(workdir, "comparison.json")):
        return "done"
    if not os.path.isdir(workdir):
        return "not begun"
    return (
        f"begun: {count('model.keras')} networks, {count('curve.keras')} curves, "
        f"{count('evaluation.json')} evaluations"
    )
