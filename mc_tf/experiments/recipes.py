"""Recipes: flag files, one for each published result, and how far each of them is."""

import dataclasses
import glob
import os

__all__ = ["Recipe", "find_recipe", "read_recipes", "state"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A file of flags for `bin/reproduce.py`.

    Attributes:
        name: file name without ending.
        path: the file.
        title: first line of its heading comment.
    """

    name: str
    path: str
    title: str


def read_recipes(folder):
    """The recipes in a folder, sorted by name.

    Args:
        folder: directory of `*.flags` files.

    Returns:
        List of `Recipe`.
    """
    recipes = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.flags"))):
        with open(path, encoding="utf-8") as file:
            title = file.readline().lstrip("# ").strip()
        recipes.append(Recipe(os.path.splitext(os.path.basename(path))[0], path, title))
    return recipes


def find_recipe(folder, name):
    """The recipe of a name.

    Args:
        folder: directory of `*.flags` files.
        name: name without ending.

    Returns:
        `Recipe`.

    Raises:
        ValueError: if there is none, naming those there are.
    """
    recipes = {recipe.name: recipe for recipe in read_recipes(folder)}
    if name not in recipes:
        raise ValueError(f"Unknown recipe '{name}'. Choose one of: {', '.join(recipes)}.")
    return recipes[name]


def state(workdir):
    """How far an experiment in a directory is.

    Args:
        workdir: directory of `mc_tf.experiments.curve_experiment.run_experiment`.

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
