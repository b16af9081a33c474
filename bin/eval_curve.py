r"""Evaluates loss and error along a curve, as in Table 2 of the paper.

At each position the batch normalisation statistics are re-estimated; then train loss (with the L2
term), train error, test loss and test error are computed. Writes OUTPUT.npz (position by
position) and OUTPUT.json, and prints Min / Int / Mean / Max. Run the same command again to resume
after an interruption.

  python bin/eval_curve.py --curve_file=runs/bezier/curve.keras --dataset=mnist --use_test
"""

import os

import data_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
data_flags.define_data_flags()
flags.DEFINE_string("curve_file", None, "File that connect.py wrote.", required=True)
flags.DEFINE_string(
    "output", None, "Result files without ending. Default: evaluation, beside the curve."
)
flags.DEFINE_integer(
    "num_points", 61, "Equally spaced positions; the paper has 121.", lower_bound=2
)
flags.DEFINE_integer("batch_size", 500, "Examples a batch.", lower_bound=1)
flags.DEFINE_integer(
    "num_train_examples", None, "Use the first training examples only. Default: all.", lower_bound=1
)
flags.DEFINE_integer("verbose", 1, "1 for a progress bar, 0 for none.")


def main(_):
    """Evaluates and prints the table."""
    from mc_tf.experiments.parts import curve_files

    output = FLAGS.output or os.path.join(os.path.dirname(FLAGS.curve_file), "evaluation")
    curve_model = curve_files.load_curve(FLAGS.curve_file)
    shared.hold_output(output, ".npz", ".json")
    data = data_flags.load_data(files=[FLAGS.curve_file])
    result = curve_files.evaluate(
        curve_model,
        data,
        output,
        num_points=FLAGS.num_points,
        batch_size=FLAGS.batch_size,
        num_train=FLAGS.num_train_examples,
        verbose=FLAGS.verbose,
    )
    print(result.table())
    print(f"{output}.npz, {output}.json")


if __name__ == "__main__":
    shared.run(main)
