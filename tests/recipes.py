"""Recipes in tests."""

from programs import REPO

FOLDER = REPO / "bin" / "recipes"
ALL = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}


def recipe(name, *changes, smoke=False):
    """A recipe with changed settings."""
    from mc_tf.experiments.recipes import Recipe

    return Recipe(ALL[name], changes, smoke)


def steps(name, *changes, smoke=False):
    """The steps of a recipe by name."""
    made = recipe(name, *changes, smoke=smoke).experiment()
    return {step.name: step for step in made.steps}


def of_kind(word):
    """Names of the recipes whose text has a word."""
    return [name for name, path in ALL.items() if word in path.read_text()]
