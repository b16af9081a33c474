r"""Draws losses and errors along evaluated curves.

Takes the result files that eval_curve.py wrote; no network is loaded.

  python bin/plot_curve.py --output=runs/curves.png \
      --results=Segment=runs/segment/evaluation.npz,Bezier=runs/bezier/evaluation.npz
"""

import os

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "results",
    None,
    "LABEL=FILE.npz, ... that eval_curve.py wrote; the label may be left out.",
    required=True,
)
flags.DEFINE_string("output", None, "Figure to write: .png, .svg or .pdf.", required=True)
flags.DEFINE_list("values", ["train_loss", "test_error"], "What to draw, a panel each.")
flags.DEFINE_string("title", None, "Heading.")


def main(_):
    """Draws the figure."""
    from mc_tf.files import check_writable
    from mc_tf.plots import plot_curves
    from mc_tf.results import CurveEvaluation

    check_writable(os.path.dirname(os.path.abspath(FLAGS.output)))
    results = shared.labelled(
        FLAGS.results, CurveEvaluation.load, lambda one, file: one.description.get("curve", file)
    )
    plot_curves(results, FLAGS.output, FLAGS.values, FLAGS.title)
    print(FLAGS.output)


if __name__ == "__main__":
    shared.run(main)
