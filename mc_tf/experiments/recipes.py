"""Recipes: flag files, one for each published result, and how far each of them is."""

import dataclasses
import difflib
import glob
import os

__all__ = ["Recipe", "find_recipe", "read_recipes", "state", "with_changes"]

_UNCHANGING = {  # flags that leave a recipe's numbers what they are
    *("recipe", "smoke", "data_dir", "workdir", "results_file", "verbose", "title", "tensorboard"),
    *("save_every", "save_every_steps", "keep_every", "keep_epochs", "steps_per_execution"),
    *("max_loss", "list"),
}


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
        ValueError: if no recipe has that name; the message names the nearest ones.
    """
    recipes = {recipe.name: recipe for recipe in read_recipes(folder)}
    if name not in recipes:
        near = difflib.get_close_matches(name, recipes, n=5, cutoff=0)
        raise ValueError(
            f"Unknown recipe '{name}'. The nearest names: {', '.join(near)}. --list shows all."
        )
    return recipes[name]


def with_changes(name, arguments):
    """A recipe's name, and the flags beside it with which its numbers may be others.

    Args:
        name: its name.
        arguments: list of str, the command line without the program.

    Returns:
        str.

    Example:
        >>> with_changes("digits", ["--recipe=digits", "--epochs", "3", "--verbose=0"])
        'digits --epochs=3'
    """
    changes, changed = [], False
    for argument in arguments:
        if argument.startswith("-"):
            flag = argument.lstrip("-").partition("=")[0]
            changed = not {flag, flag.removeprefix("no")} & _UNCHANGING
            changes += [argument] if changed else []
        elif changed:  # the value of the flag before it
            changes[-1] += f"={argument}"
    return " ".join([name, *changes])


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
