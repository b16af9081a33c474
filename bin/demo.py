r"""The main job on the embedded digits, from nothing to a table and figures.

Trains two convolutional networks with batch normalisation, joins them by a segment, a Bezier curve
and a polygonal chain, and shows loss and error along each: the segment crosses a barrier, the
trained curves do not. Takes about two minutes on two cores. Run the same command again to go on
after an interruption. The same as `bin/reproduce.py --recipe=digits`, with flags of its own.

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
flags.DEFINE_integer("seed", 1, "Seed; the second network has the next one, the curves the third.")


def main(_):
    """Trains, connects, evaluates and draws."""
    from mc_tf import data
    from mc_tf.experiments import curve_experiment
    from mc_tf.training import TrainingOptions

    def options(epochs):
        return TrainingOptions(
            epochs, learning_rate=0.05, batch_size=64, seed=FLAGS.seed, save_every=10, verbose=0
        )

    shared.hold_workdir(FLAGS.workdir)
    plan = curve_experiment.Experiment(
        network="convnet",
        training=options(FLAGS.epochs),
        curve_training=options(FLAGS.curve_epochs),
        weight_decay=5e-4,
        curve_seeds=(FLAGS.seed + 2,),
        num_points=FLAGS.num_points,
        title="Digits: two networks joined by a curve",
    )
    digits = data.load("digits", use_test=True)
    curve_experiment.run_experiment(
        plan, digits, FLAGS.workdir, say=lambda line: print(line, flush=True)
    )
    for ending in ("png", "svg"):
        print(f"Figure: {os.path.join(FLAGS.workdir, f'curves.{ending}')}")


if __name__ == "__main__":
    shared.run(main)
