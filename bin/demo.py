r"""Demonstration on the embedded digits, from training to a table and figures.

Trains two convolutional networks with batch normalization, joins them by a segment, a Bezier curve
and a polygonal chain, and shows loss and error along each: the segment crosses a barrier, the
trained curves do not. Takes about three minutes on two cores. Run the same command again to resume
after an interruption. Equivalent to `bin/reproduce.py --recipe=digits`, with separate flags.

  python bin/demo.py --workdir=runs/demo
"""

import os

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string("workdir", "runs/demo", "Directory for networks, curves and figures.")
flags.DEFINE_integer("epochs", 30, "Epochs for each of the two networks.", lower_bound=1)
flags.DEFINE_integer("curve_epochs", 50, "Epochs for each curve.", lower_bound=1)
flags.DEFINE_integer("num_points", 61, "Positions to evaluate on each curve.", lower_bound=2)
flags.DEFINE_integer(
    "seed", 1, "Seed of the first network; the second uses the next seed, the curves the third."
)


def main(_):
    """Trains, connects, evaluates and draws."""
    from mc_tf import data
    from mc_tf.experiments import run_experiment
    from mc_tf.experiments.recipes import load_recipe

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipes", "digits.py")
    settings = {
        "training.epochs": FLAGS.epochs,
        "training.seed": FLAGS.seed,
        "curve_training.epochs": FLAGS.curve_epochs,
        "curve_seeds": [FLAGS.seed + 2],
        "num_points": FLAGS.num_points,
    }
    shared.hold_workdir(FLAGS.workdir)
    changes = [f"{name}={value}" for name, value in settings.items()]
    _, experiment = load_recipe(path, "digits").experiment(changes)
    run_experiment(
        experiment,
        data.load("digits", use_test=True),
        FLAGS.workdir,
        say=lambda line: print(line, flush=True),
        verbose=0,
    )
    for ending in ("png", "svg"):
        print(f"Figure: {os.path.join(FLAGS.workdir, f'curves.{ending}')}")


if __name__ == "__main__":
    shared.run(main)
