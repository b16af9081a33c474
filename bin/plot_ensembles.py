r"""Draws the error of ensembles as they grow, and of their members.

With the files METHOD-epochs.npz of a recipe that compares ensembles against the epochs of training
(figure 3, right), where files with one label are repetitions: their mean is drawn, and one standard
deviation to each side. With the files of eval_ensemble.py against the number of members. No network
is loaded.

  python bin/plot_ensembles.py --output=runs/figure3.png \
      --results=FGE=runs/a/repetition-0/fge-epochs.npz,SSE=runs/a/repetition-0/sse-epochs.npz
  python bin/plot_ensembles.py --results=FGE=runs/fge/ensemble.npz --output=runs/fge.png
"""

import figure_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
figure_flags.define_figure_flags("LABEL=FILE.npz, ...; the label may be left out.")


def main(_):
    """Draws the figure."""
    from mc_tf import plots
    from mc_tf.ensemble import EnsembleEvaluation

    if all(entry.endswith("-epochs.npz") for entry in FLAGS.results):
        names = ("epochs", "error", "member_error")
        kind = "errors by epochs"
        load = figure_flags.arrays(names, kind, "a recipe that compares ensembles")
        figure_flags.draw(plots.plot_budgets, load, repeated=True)
    else:
        figure_flags.draw(plots.plot_ensembles, EnsembleEvaluation.load)


if __name__ == "__main__":
    shared.run(main)
