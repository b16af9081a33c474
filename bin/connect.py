r"""Joins two trained networks by a curve of low loss.

The endpoints are fixed. The bends start on the segment between them and are trained to minimize the
mean loss along the curve. Writes WORKDIR/curve.keras (after each epoch) and WORKDIR/history.csv.
Run the same command again to resume after an interruption.

  python bin/connect.py --workdir=runs/bezier --start=runs/a/model.keras \
      --end=runs/b/model.keras --curve=bezier --dataset=mnist --use_test
"""

import flag_checks
import shared
import training_flags
from absl import flags

FLAGS = flags.FLAGS
training_flags.define_training_flags(new_network=False, epochs=30, learning_rate=0.015)
flags.DEFINE_string("start", None, "Model file of the start (t = 0).", required=True)
flags.DEFINE_string("end", None, "Model file of the end (t = 1).", required=True)
flags.DEFINE_string(
    "curve",
    "bezier",
    "Family of the curve: bezier, polychain, segment, trivial, or a registered name. A segment "
    "and a trivial curve (through zero) need no training.",
)
flags.DEFINE_integer(
    "num_bends", 1, "Control points between the endpoints of a curve.", lower_bound=0
)
flags.DEFINE_enum(
    "position_per",
    "batch",
    ["batch", "replica"],
    "With --distribute: one position t for each batch, or one for each replica's part of it, which "
    "lowers the variance of the gradient.",
)
flags.DEFINE_bool("align", False, "First put the end's hidden units in the order of the start's.")


def main(_):
    """Connects the networks and prints the lengths."""
    from mc_tf import curves, training
    from mc_tf.evaluation.results import describe_length

    flag_checks.only_if(False, "a curve has its endpoints' precision", "precision")
    bends = curves.has_bends(FLAGS.curve)
    flag_checks.only_if(bends, f"--curve={FLAGS.curve} has none to choose", "num_bends")
    several = FLAGS.distribute != "none"
    flag_checks.only_if(several, "one device trains without --distribute", "position_per")
    data, options = training_flags.prepare()
    curve = curves.make_curve(FLAGS.curve, FLAGS.num_bends)
    ends, align = (FLAGS.start, FLAGS.end), FLAGS.align
    curve_model = training.train_curve(
        FLAGS.workdir, data, *ends, curve, options, FLAGS.position_per, align
    )
    print(
        f"{FLAGS.workdir}/curve.keras: {curve_model.curve}, "
        f"{describe_length(curve_model.length(), curve_model.length_ratio())}"
    )


if __name__ == "__main__":
    shared.run(main)
