r"""Reproduces a published result from start to end: training, evaluation, figure, comparison.

A recipe is a file of flags in bin/recipes; flags given besides it come after it, so they win.
Writes everything to WORKDIR, the published numbers beside the obtained ones to
WORKDIR/comparison.json and RESULTS_FILE. Run the same command again to resume after an
interruption.

  python bin/reproduce.py --list
  python bin/reproduce.py --recipe=table2_cifar10_vgg16 --data_dir=DIRECTORY
  python bin/reproduce.py --recipe=table2_cifar10_vgg16 --smoke
"""

import dataclasses
import glob
import os
import sys

import curve_flags
import data_flags
import ensemble_flags
import landscape_flags
import network_flags
import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipes")
SMOKE_EXAMPLES = 64
SMOKE_BATCH = 32

flags.DEFINE_string("recipe", None, "Name of the recipe, see --list.")
flags.DEFINE_bool(
    "list", False, "List the recipes with their state in --workdir (default: runs) and stop."
)
flags.DEFINE_bool(
    "smoke",
    False,
    "Only try it, in less than a minute: a few epochs of a small network on a few examples, of the "
    "data set in --data_dir, or without that of embedded data in its shape.",
)
flags.DEFINE_string("results_file", "runs/results.csv", "Table that the numbers are added to.")
flags.DEFINE_string("network", "convnet", "Network, see mc_tf.models.registry.names().")
flags.DEFINE_float("weight_decay", 0.0, "Factor wd of wd/2 * sum of squares.", lower_bound=0.0)
flags.DEFINE_string("initial_weights", None, "File of weights that both endpoints start from.")
flags.DEFINE_integer("num_points", 61, "Positions to evaluate; the paper has 121.", lower_bound=2)
flags.DEFINE_integer(
    "num_train_examples", None, "Evaluate on the first training examples only.", lower_bound=1
)
flags.DEFINE_multi_string("target", [], "CURVE:VALUE:STATISTIC=NUMBER, a published number.")
flags.DEFINE_string("title", None, "Heading of the figure.")
flags.DEFINE_integer("smoke_image_size", None, "Smaller images for --smoke.", 1)
flags.DEFINE_string("smoke_network", None, "Smaller network for --smoke.")
flags.DEFINE_multi_string("smoke_option", [], "Options of its builder, NAME=VALUE.")
data_flags.define_data_flags()
training_flags.define_training_flags(epochs=30, learning_rate=0.05, workdir=None)
network_flags.define_network_flags()
curve_flags.define_curve_flags()
ensemble_flags.define_ensemble_flags()
landscape_flags.define_landscape_flags()


def main(_):
    """Runs the recipe, or lists all."""
    from mc_tf.experiments import recipes, targets
    from mc_tf.storage.destinations import check_output

    if FLAGS.list:
        every = recipes.read_recipes(RECIPES)
        width = max(len(recipe.name) for recipe in every) + 2
        for recipe in every:
            workdir = os.path.join(FLAGS.workdir or "runs", recipe.name)
            print(f"{recipe.name:<{width}}{recipes.state(workdir):<48}{recipe.title}")
        return
    if not FLAGS.recipe:
        raise ValueError("Give --recipe=NAME; --list shows the names.")
    name = os.path.join("smoke" if FLAGS.smoke else "", FLAGS.recipe)
    workdir = FLAGS.workdir or os.path.join("runs", name)
    plan, run = plan_from_flags()
    shared.hold_workdir(workdir)
    targets.check_results(FLAGS.results_file)
    check_output(FLAGS.results_file)
    if FLAGS.smoke:
        data = data_flags.load_small_data(SMOKE_EXAMPLES, FLAGS.smoke_image_size)
    else:
        data = data_flags.load_data()
    rows = run(plan, data, workdir, say=lambda line: print(line, flush=True))
    targets.append_results(FLAGS.results_file, recipes.with_changes(name, sys.argv[1:]), rows)
    print(targets.format_rows(rows))
    figures = sorted(glob.glob(os.path.join(glob.escape(workdir), "*.png")))
    print(", ".join([f"{workdir}/comparison.json", *figures, FLAGS.results_file]))


def plan_from_flags():
    """The experiment that the flags describe, small with --smoke, and the function that runs it."""
    from mc_tf.experiments import (
        curve_experiment,
        ensemble_experiment,
        landscape_experiment,
        targets,
    )
    from mc_tf.experiments.smoke import made_small

    if FLAGS.methods:
        kind, run = ensemble_flags, ensemble_experiment.run_ensembles
    elif FLAGS.train:
        kind, run = landscape_flags, landscape_experiment.run_landscape
    else:
        kind, run = curve_flags, curve_experiment.run_experiment
    _refuse_flags_of_others(kind)
    plan = kind.experiment_from_flags(tuple(map(targets.parse_target, FLAGS.target)))
    if FLAGS.smoke:
        text = FLAGS.dataset in ("ptb", "pydoc")
        small = {
            "network": FLAGS.smoke_network or plan.network,
            "network_options": network_flags.network_options("smoke_option")
            or plan.network_options,
        }
        if FLAGS.initial_weights and small["network"] != plan.network:
            small["initial_weights"] = None  # they are the whole network's
        plan = dataclasses.replace(made_small(plan, None if text else SMOKE_BATCH), **small)
    return plan, run


def _refuse_flags_of_others(kind):
    """Refuses flags on the command line that only other kinds of recipes have."""
    kinds = {
        curve_flags: "with neither --methods nor --train",
        ensemble_flags: "with --methods",
        landscape_flags: "with --train",
    }
    names = {argument.lstrip("-").partition("=")[0] for argument in sys.argv[1:]}
    for other in set(kinds) - {kind}:
        given = [f"--{name}" for name in other.OWN if name in names]
        if given:
            raise ValueError(
                f"{', '.join(given)}: for recipes {kinds[other]} only, but this one is "
                f"{kinds[kind]}. Leave it out."
            )


if __name__ == "__main__":
    shared.run(main, recipes=RECIPES)
