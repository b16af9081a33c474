r"""Draws the errors of ensembles of two networks on a curve (figure 2, right).

Takes the result files that eval_pairs.py wrote, or a recipe with --pair_points; no network is
loaded. Files with one label are several pairs of networks: their mean is drawn, and one standard
deviation to each side.

  python bin/plot_pairs.py --output=runs/pairs.png \
      --results=Bezier=runs/pairs-bezier.npz,Segment=runs/pairs-segment.npz
"""

import figure_flags
import shared

figure_flags.define_figure_flags("LABEL=FILE.npz, ...; the label may be left out.")


def main(_):
    """Draws the figure."""
    from mc_tf.plots import plot_pairs

    load = figure_flags.arrays(("t", "pair_error"), "errors of pairs", "eval_pairs.py")
    figure_flags.draw(plot_pairs, load, repeated=True)


if __name__ == "__main__":
    shared.run(main)
