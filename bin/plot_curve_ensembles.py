r"""Draws curves and the ensembles of networks on them, before and after rescaling (figure 6).

Takes the result files of eval_curve.py and, for each label, two of eval_ensemble.py: without and
with temperatures (a recipe with --ensemble_points writes them all). No network is loaded.

  python bin/plot_curve_ensembles.py --output=runs/figure6.png \
      --results=Polychain=runs/a/polychain/evaluation.npz \
      --ensembles=Polychain=runs/a/polychain/ensemble-ensemble.npz \
      --scaled_ensembles=Polychain=runs/a/polychain/ensemble-scaled-ensemble.npz
"""

import figure_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
figure_flags.define_figure_flags("LABEL=FILE.npz, ... of eval_curve.py.")
flags.DEFINE_list("ensembles", None, "LABEL=FILE.npz, ... without temperatures.", required=True)
flags.DEFINE_list("scaled_ensembles", None, "The same with temperatures.", required=True)


def main(_):
    """Draws the figure."""
    from mc_tf import CurveEvaluation
    from mc_tf.ensemble import EnsembleEvaluation
    from mc_tf.plots import plot_curve_ensembles

    before, after = (
        shared.labelled(entries, EnsembleEvaluation.load, shared.stem)
        for entries in (FLAGS.ensembles, FLAGS.scaled_ensembles)
    )
    if before.keys() != after.keys():
        raise ValueError(
            "--ensembles and --scaled_ensembles need the same labels. Received: "
            f"{', '.join(before)} and {', '.join(after)}."
        )
    ensembles = {label: (before[label], after[label]) for label in before}
    figure_flags.draw(plot_curve_ensembles, CurveEvaluation.load, shared.stem, ensembles)


if __name__ == "__main__":
    shared.run(main)
