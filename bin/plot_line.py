r"""Draws values along lines and rays in weight space.

Takes the result files of lines, or of rays, that eval_grid.py wrote; no network is loaded. Lines
have losses on the left axis and errors on the right one; of rays the mean is thick, each ray thin.

  python bin/plot_line.py --output=runs/line.png --results=runs/sgd-swa.npz \
      --axis_label="distance from SGD in weight space"
  python bin/plot_line.py --output=runs/rays.png \
      --results=SWA=runs/rays-swa.npz,SGD=runs/rays-sgd.npz
"""

import flag_checks
import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list("results", None, "LABEL=FILE.npz, ...; the label may be left out.", required=True)
flags.DEFINE_string("output", None, "Figure to write: .png, .svg or .pdf.", required=True)
flags.DEFINE_list(
    "values",
    [],
    "What to draw. Default: loss and error, of lines on training and test data, of rays "
    "train_loss and test_error.",
)
flags.DEFINE_float("max_value", None, "Upper end of the axis of losses, for lines.")
flags.DEFINE_string("axis_label", "coordinate on the line", "What a line's axis says.")
flags.DEFINE_string("title", None, "Heading.")


def main(_):
    """Draws the figure."""
    from mc_tf import GridEvaluation, plots
    from mc_tf.storage.destinations import check_figure

    check_figure(FLAGS.output)
    results = shared.labelled(FLAGS.results, GridEvaluation.load, shared.stem)
    if all(result.surface == "Rays" for result in results.values()):
        flag_checks.refuse_unused(["max_value", "axis_label"], "they are for lines, not rays")
        values = FLAGS.values or ("train_loss", "test_error")
        plots.plot_rays(results, FLAGS.output, values, FLAGS.title)
    else:
        plots.plot_line(
            results, FLAGS.output, FLAGS.values, FLAGS.max_value, FLAGS.title, FLAGS.axis_label
        )
    print(FLAGS.output)


if __name__ == "__main__":
    shared.run(main)
