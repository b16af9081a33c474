"""Recipes in tests."""

import sys

from programs import REPO

sys.path.append(str(REPO / "bin"))
import recipe_list  # noqa: E402

FOLDER = REPO / "bin" / "recipes"
ALL = {name: path for name, (_, path) in recipe_list.read_recipes(FOLDER).items()}


def recipe(name):
    """A recipe."""
    from mc_tf.experiments.recipes import load_recipe

    return load_recipe(ALL[name], name)


def steps(name, *changes, smoke=False):
    """The steps of a recipe by name."""
    _, made = recipe(name).experiment(changes, smoke)
    return {step.name: step for step in made.steps}


def of_kind(*names):
    """Names of the recipes that have a setting of one of these names."""
    return [name for name in ALL if {*names} & recipe(name).settings.keys()]
