r"""Draws planes in weight space as contour maps or heat maps, side by side (figures 1 and 4).

Takes the result files of planes that eval_grid.py wrote; no network is loaded. Levels lie close
together near the minimum; all above the maximum is one class.

  python bin/plot_plane.py --output=runs/planes.png --value=train_loss --max_value=5 \
      --results=Optima=runs/optima.npz,Bezier=runs/bezier.npz,Chain=runs/chain.npz
  python bin/plot_plane.py --output=runs/ratio.png --results=runs/plane.npz --heat_map \
      --value=train_eigenvalue_ratio
"""

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list("results", None, "LABEL=FILE.npz, ...; the label may be left out.", required=True)
flags.DEFINE_string("output", None, "Figure to write: .png, .svg or .pdf.", required=True)
flags.DEFINE_string("value", "train_loss", "What to draw.")
flags.DEFINE_list("levels", [], "Number of levels, or their increasing limits. Default: 8 levels.")
flags.DEFINE_float("max_value", None, "Where the top class begins.")
flags.DEFINE_bool("heat_map", False, "A colour for each point of the grid, and no contours.")
flags.DEFINE_string(
    "functions",
    None,
    "File .npz with x, y, grid, predictions and t: draws the predictive functions of a regression "
    "along the curve beside the plane.",
)
flags.DEFINE_string("title", None, "Heading.")


def main(_):
    """Draws the figure."""
    from mc_tf import GridEvaluation, plots
    from mc_tf.storage.destinations import check_figure

    if FLAGS.functions and (FLAGS.heat_map or FLAGS.levels or len(FLAGS.results) > 1):
        raise ValueError("--functions takes one file in --results, no --heat_map and no --levels.")
    if FLAGS.heat_map and (FLAGS.levels or FLAGS.max_value is not None):
        raise ValueError("A --heat_map has no --levels and no --max_value.")
    levels = shared.levels(FLAGS.levels)
    check_figure(FLAGS.output)
    results = shared.labelled(FLAGS.results, GridEvaluation.load, shared.stem)
    if FLAGS.functions:
        (result,) = results.values()
        plots.plot_regression(
            result, FLAGS.functions, FLAGS.output, FLAGS.value, FLAGS.max_value, FLAGS.title
        )
    elif FLAGS.heat_map:
        plots.plot_heat_map(results, FLAGS.output, FLAGS.value, title=FLAGS.title)
    else:
        plots.plot_plane(results, FLAGS.output, FLAGS.value, levels, FLAGS.max_value, FLAGS.title)
    print(FLAGS.output)


if __name__ == "__main__":
    shared.run(main)
