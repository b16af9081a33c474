r"""Draws losses and errors along evaluated curves.

Takes the result files that eval_curve.py wrote; no network is loaded.

  python bin/plot_curve.py --output=runs/curves.png \
      --results=Segment=runs/segment/evaluation.npz,Bezier=runs/bezier/evaluation.npz
"""

import figure_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
figure_flags.define_figure_flags(
    "LABEL=FILE.npz, ... that eval_curve.py wrote; the label may be left out."
)
flags.DEFINE_list("values", ["train_loss", "test_error"], "What to draw, a panel each.")


def main(_):
    """Draws the figure."""
    from mc_tf.evaluation.results import CurveEvaluation
    from mc_tf.plots import plot_curves

    def label_of(one, file):
        return one.description.get("curve", file)

    figure_flags.draw(plot_curves, CurveEvaluation.load, label_of, FLAGS.values)


if __name__ == "__main__":
    shared.run(main)
