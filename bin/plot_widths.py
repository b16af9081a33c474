r"""Draws the worst train loss and the length of curves against the width (figure 7, section A.7).

Takes the result files that eval_curve.py wrote, or a recipe with --widths; no network is loaded.

  python bin/plot_widths.py --widths=1,2,4 --output=runs/widths.png \
      --results='Bezier=runs/a/width-{}/bezier/evaluation.npz'
"""

import figure_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
figure_flags.define_figure_flags("LABEL=FILE.npz, ..., where {} stands for the width.")
flags.DEFINE_list("widths", None, "Widths K, such as 1,2,4.", required=True)


def main(_):
    """Draws the figure."""
    from mc_tf import CurveEvaluation
    from mc_tf.plots import plot_widths

    try:
        widths = [float(width) for width in FLAGS.widths]
    except ValueError as error:
        raise ValueError(f"--widths takes numbers. Received: {','.join(FLAGS.widths)}") from error

    def load(file):
        if "{}" not in file:
            raise ValueError(f"--results needs {{}} in the place of the width. Received: {file}")
        return [CurveEvaluation.load(file.replace("{}", f"{width:g}")) for width in widths]

    figure_flags.draw(plot_widths, load, shared.stem, widths)


if __name__ == "__main__":
    shared.run(main)
