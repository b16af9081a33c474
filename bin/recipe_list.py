"""Lists recipes and their progress, without importing TensorFlow."""

import ast
import difflib
import glob
import os
import pathlib


def read_recipes(path):
    """Finds the recipes in a file or a folder without running them: title and file by name."""
    recipes = {}
    path = pathlib.Path(path)
    for file in path.glob("*.py") if path.is_dir() else [path]:
        for line in ast.parse(file.read_text(encoding="utf-8"), file).body:
            match line:  # name = Recipe("title", ...), or ex.Recipe
                case ast.Assign([ast.Name(name)], ast.Call(function, [title, *_])):
                    if ast.unparse(function).rpartition(".")[2] == "Recipe":
                        recipes[name] = getattr(title, "value", ""), str(file)
    return dict(sorted(recipes.items()))


def find_recipe(folder, name):
    """The name and file of a recipe in the folder, a `.py` file with one, or `FILE.py:NAME`."""
    file, _, within = name.partition(".py:")
    file, within = (f"{file}.py", within) if within else (name, None)
    own = file.endswith(".py") and os.path.isfile(file)
    recipes = read_recipes(file if own else folder)
    wanted = within or (next(iter(recipes)) if own and len(recipes) == 1 else name)
    if wanted not in recipes:
        if own and not recipes:
            raise ValueError(
                f"'{file}' is not a recipe: it needs `NAME = Recipe(TITLE, ...)`. Copy one of "
                "bin/recipes."
            )
        near = list(recipes) if own else difflib.get_close_matches(name, recipes, n=5, cutoff=0)
        hint = f"Use {file}:NAME" if own else "--list shows all"
        raise ValueError(f"Unknown recipe '{name}'. The nearest names: {', '.join(near)}. {hint}.")
    return wanted, recipes[wanted][1]


def state(workdir):
    """Describes the progress of an experiment: done, not begun, or the numbers of its files."""

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
