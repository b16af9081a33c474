r"""Evaluates loss and error along a curve, as in Table 2 of the paper.

At each position the batch normalization statistics are re-estimated, and train loss (with the L2
term), train error, test loss and test error are computed. Writes OUTPUT.npz (position by position)
and OUTPUT.json, by default evaluation.npz and evaluation.json next to the curve, and prints Min /
Int / Mean / Max. Run the same command again to resume after an interruption.

  python bin/eval_curve.py --curve_file=runs/bezier/curve.keras --dataset=mnist --use_test
"""

import os

import evaluation_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
evaluation_flags.define_evaluation_flags(
    "output", "num_points", required=("curve_file",), num_points=61
)


def main(_):
    """Evaluates the curve and prints the table."""
    from mc_tf.experiments.parts import curve_files

    output = FLAGS.output or os.path.join(os.path.dirname(FLAGS.curve_file), "evaluation")
    curve_model = curve_files.load_curve(FLAGS.curve_file)
    shared.hold_output(output, ".npz", ".json")
    on = evaluation_flags.on_data([FLAGS.curve_file])
    print(curve_files.evaluate(on, curve_model, output, FLAGS.num_points).table())
    print(f"{output}.npz, {output}.json")


if __name__ == "__main__":
    shared.run(main)
