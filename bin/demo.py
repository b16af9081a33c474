r"""The main job on the embedded digits, from nothing to a table and figures.

Trains two convolutional networks with batch normalisation, joins them by a segment, a Bezier curve
and a polygonal chain, and shows loss and error along each: the segment crosses a barrier, the
trained curves do not. Takes about two minutes on two cores. Run the same command again to go on
after an interruption.

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
flags.DEFINE_integer("seed", 1, "Seed; the second network has the next one.")


def main(_):
    """Trains, connects, evaluates and draws."""
    from mc_tf import data as data_sets
    from mc_tf import experiment, training
    from mc_tf.files import check_writable
    from mc_tf.plots import plot_curves

    check_writable(FLAGS.workdir)
    data = data_sets.load("digits", use_test=True)

    def options(epochs, seed):
        return training.TrainingOptions(
            epochs, learning_rate=0.05, batch_size=64, seed=seed, save_every=10, verbose=0
        )

    files = []
    for name, seed in (("start", FLAGS.seed), ("end", FLAGS.seed + 1)):
        print(f"Training the network '{name}' ({FLAGS.epochs} epochs) ...", flush=True)
        workdir = os.path.join(FLAGS.workdir, name)
        training.train_network(
            workdir, data, "convnet", options(FLAGS.epochs, seed), weight_decay=5e-4
        )
        files.append(os.path.join(workdir, "model.keras"))
    results = {}
    for name in experiment.CURVES:
        print(f"Connecting by a {name} ...", flush=True)
        workdir = os.path.join(FLAGS.workdir, name)
        curve_model = training.train_curve(
            workdir,
            data,
            *files,
            experiment.make_curve(name),
            options(FLAGS.curve_epochs, FLAGS.seed + 2),
        )
        results[name.capitalize()] = experiment.evaluate(
            curve_model,
            data,
            os.path.join(workdir, "evaluation"),
            num_points=FLAGS.num_points,
        )
    for name, result in results.items():
        print(f"\n{name}\n{result.table()}")
    for ending in ("png", "svg"):
        figure = os.path.join(FLAGS.workdir, f"curves.{ending}")
        plot_curves(results, figure, title="Digits: two networks joined by a curve")
        print(f"\nFigure: {figure}" if ending == "png" else f"Figure: {figure}")


if __name__ == "__main__":
    shared.run(main)
