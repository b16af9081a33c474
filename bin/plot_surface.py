r"""Draws a value on a plane in weight space as a surface in three dimensions.

Takes the result file of a plane that eval_grid.py wrote; no network is loaded.

  python bin/plot_surface.py --output=runs/surface.png --results=runs/bezier-plane.npz
"""

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string("results", None, "FILE.npz of a plane.", required=True)
flags.DEFINE_string("output", None, "Figure to write: .png, .svg or .pdf.", required=True)
flags.DEFINE_string("value", "train_loss", "What to draw.")
flags.DEFINE_enum("scale", "log", ["log", "linear"], "Scale of the height.")
flags.DEFINE_float("max_value", None, "What is higher is drawn at this height.")
flags.DEFINE_float("elevation", 55, "Angle of view above the plane, in degrees.")
flags.DEFINE_float("azimuth", -70, "Angle of view around it, in degrees.")
flags.DEFINE_string("title", None, "Heading.")


def main(_):
    """Draws the figure."""
    from mc_tf import GridEvaluation, plots
    from mc_tf.storage.destinations import check_figure

    check_figure(FLAGS.output)
    plots.plot_surface(
        GridEvaluation.load(FLAGS.results),
        FLAGS.output,
        FLAGS.value,
        FLAGS.scale,
        FLAGS.max_value,
        (FLAGS.elevation, FLAGS.azimuth),
        FLAGS.title,
    )
    print(FLAGS.output)


if __name__ == "__main__":
    shared.run(main)
