r"""Evaluates the segment between two networks: the barrier, also after alignment and repair.

Writes OUTPUT.npz and OUTPUT.json for the networks as they are, OUTPUT-aligned.npz after their
hidden units are put in one order, OUTPUT-repaired.npz after the statistics of the units are
repaired, and the figure OUTPUT.png; with --layers also OUTPUT-LAYER.npz and OUTPUT-layers.png. Run
the same command again to resume after an interruption.

  python bin/eval_barrier.py --first=runs/a/model.keras --second=runs/b/model.keras \
      --align --repair --output=runs/barrier --dataset=mnist --use_test
"""

import evaluation_flags
import flag_checks
import shared
from absl import flags

FLAGS = flags.FLAGS
evaluation_flags.define_evaluation_flags("num_points", "seed", "title", num_points=25)
flags.DEFINE_string("first", None, "Model file of the first network.", required=True)
flags.DEFINE_string("second", None, "Model file of the second network.", required=True)
flags.DEFINE_bool("align", False, "Also evaluate after aligning the second network.")
flags.DEFINE_enum(
    "method",
    "weights",
    ["weights", "activations"],
    "What --align compares: weights, or what units compute on the training data.",
)
flags.DEFINE_bool("repair", False, "Also evaluate after repairing the statistics of units.")
flags.DEFINE_bool("layers", False, "Also move one layer at a time, the rest as in the first.")


def main(_):
    """Evaluates, draws and prints the table."""
    from mc_tf import plots
    from mc_tf.experiments.parts import curve_files

    flag_checks.only_if(FLAGS.align, "they are for --align", "method", "seed")
    shared.hold_output(FLAGS.output, ".png")
    result = curve_files.evaluate_barrier(
        evaluation_flags.on_data([FLAGS.first, FLAGS.second]),
        *(FLAGS.first, FLAGS.second, FLAGS.output),
        num_points=FLAGS.num_points,
        align=FLAGS.align and FLAGS.method,
        repair=FLAGS.repair,
        layers=FLAGS.layers,
        seed=FLAGS.seed,
    )
    print(*[result.alignment][: FLAGS.align], result.table(), sep="\n")
    plots.save(result.plot(title=FLAGS.title), f"{FLAGS.output}.png")
    if FLAGS.layers:
        plots.save(result.plot_layers(title=FLAGS.title), f"{FLAGS.output}-layers.png")
    print(f"{FLAGS.output}.npz, {FLAGS.output}.png")


if __name__ == "__main__":
    shared.run(main)
