r"""Draws how far predictions are from that of the mean weights (arXiv 1803.05407, section 3.5).

Takes the result file that eval_mean_prediction.py wrote; no network is loaded.

  python bin/plot_mean_prediction.py --results=runs/fge/mean-prediction.npz \
      --output=runs/mean-prediction.png
"""

import figure_flags
import shared

figure_flags.define_figure_flags("One file, FILE.npz.")


def main(_):
    """Draws the figure."""
    from mc_tf.plots import plot_mean_prediction

    names = ("distance", "member_difference", "mean_difference")
    load = figure_flags.arrays(names, "a mean prediction", "eval_mean_prediction.py")
    figure_flags.draw_one(plot_mean_prediction, load)


if __name__ == "__main__":
    shared.run(main)
