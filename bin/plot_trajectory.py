r"""Draws learning rate, test error and distance of a training in cycles (figure 3, left).

Takes the result file that eval_trajectory.py wrote, or a recipe with --trajectory_every; no network
is loaded.

  python bin/plot_trajectory.py --results=runs/fge/trajectory-evaluation.npz \
      --output=runs/trajectory.png
"""

import figure_flags
import shared

figure_flags.define_figure_flags("One file, FILE.npz.")


def main(_):
    """Draws the figure."""
    from mc_tf.plots import plot_trajectory

    names = ("step", "learning_rate", "error", "distance_from_start")
    load = figure_flags.arrays(names, "a trajectory", "eval_trajectory.py")

    figure_flags.draw_one(plot_trajectory, load)


if __name__ == "__main__":
    shared.run(main)
