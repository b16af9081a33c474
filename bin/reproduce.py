r"""Reproduces a published result from start to end: training, evaluation, figures, comparison.

Recipes are in the Python files of bin/recipes, or in your own: copy one and edit it. --set changes
a setting from the command line. Writes everything to WORKDIR, and a comparison with the published
numbers to WORKDIR/comparison.json and RESULTS_FILE. Run the same command again to resume after an
interruption.

  python bin/reproduce.py --list
  python bin/reproduce.py --recipe=table2_cifar10_vgg16 --data_dir=DIRECTORY
  python bin/reproduce.py --recipe=table2_cifar10_vgg16 --smoke
  python bin/reproduce.py --recipe=digits --set=training.epochs=10 --set=curves=[bezier]
"""

import glob
import os

import data_flags
import recipe_list
import shared
from absl import flags

FLAGS = flags.FLAGS
RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipes")
SMOKE_EXAMPLES = 64

flags.DEFINE_string("recipe", None, "Name of the recipe, see --list; or FILE.py, FILE.py:NAME.")
flags.DEFINE_bool(
    "list", False, "List the recipes with their state in --workdir (default: runs) and stop."
)
flags.DEFINE_multi_string(
    "set",
    [],
    "NAME=VALUE, a setting of the recipe, with dots for nested settings: training.epochs=3, "
    "network.options.width=0.5, curves=[segment,bezier], data.use_test=false.",
)
flags.DEFINE_bool(
    "smoke",
    False,
    "Quick trial in less than a minute: a few epochs of a small network on a few examples of the "
    "data set in --data_dir, or else of embedded data in its shape.",
)
flags.DEFINE_string("workdir", None, "Directory for what this program writes. Default: runs/NAME.")
flags.DEFINE_string(
    "results_file",
    None,
    "Table to append the numbers to. Default: runs/results.csv, for smoke runs "
    "runs/smoke/results.csv.",
)
flags.DEFINE_string(
    "data_dir", None, "Directory of tensorflow-datasets, or of files of ptb or uci."
)
flags.DEFINE_integer(
    "verbose", 2, "Verbosity of Keras: 0 silent, 1 progress bar, 2 one line per epoch."
)
data_flags.define_program_flags()


def list_recipes():
    """Lists the recipes, if requested."""
    if FLAGS.list:
        every = recipe_list.read_recipes(RECIPES)
        width = max(map(len, every)) + 2
        for name, (title, _) in every.items():
            state = recipe_list.state(os.path.join(FLAGS.workdir or "runs", name))
            print(f"{name:<{width}}{state:<48}{title}")
    return FLAGS.list


def main(_):
    """Runs the recipe."""
    if not FLAGS.recipe:
        raise ValueError("Give --recipe=NAME; --list shows the names.")
    name, path = recipe_list.find_recipe(RECIPES, FLAGS.recipe)

    from mc_tf.experiments import targets
    from mc_tf.experiments.recipes import Data, load_recipe
    from mc_tf.experiments.runner import run_experiment
    from mc_tf.storage.destinations import check_output

    recipe = load_recipe(path, name)
    chosen, experiment = recipe.experiment(FLAGS.set, FLAGS.smoke)
    runs = os.path.join("runs", "smoke") if FLAGS.smoke else "runs"
    workdir = FLAGS.workdir or os.path.join(runs, name)
    results_file = FLAGS.results_file or os.path.join(runs, "results.csv")
    shared.hold_workdir(workdir)
    targets.check_results(results_file)
    check_output(results_file)
    few = FLAGS.smoke and SMOKE_EXAMPLES
    data = data_flags.load_recipe_data(chosen, few)
    rows = run_experiment(
        experiment,
        data,
        workdir,
        targets=recipe.targets,
        say=lambda line: print(line, flush=True),
        verbose=FLAGS.verbose,
        publish=not FLAGS.smoke,
        load=lambda name: data_flags.load_recipe_data(Data(name), few),
    )
    label = " ".join([f"smoke/{name}" if FLAGS.smoke else name, *FLAGS.set])
    targets.append_results(results_file, label, rows)
    print(targets.format_rows(rows))
    figures = sorted(glob.glob(os.path.join(glob.escape(workdir), "*.png")))
    print(", ".join([f"{workdir}/comparison.json", *figures, results_file]))


if __name__ == "__main__":
    hint = "Settings of a recipe are given as --set=training.epochs=3"
    shared.run(main, hint=hint, first=list_recipes)
