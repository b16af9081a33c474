r"""Draws a curve that is being trained on the plane of its points, as a film.

Takes result files of planes that eval_grid.py, or a recipe with --film, wrote, one a frame; or one
file in which several curves are marked (`Plane.mark_curve`). No network is loaded.

  python bin/plot_film.py --output=runs/film.gif \
      --results="epoch 1=runs/plane-1.npz,epoch 2=runs/plane-2.npz,epoch 3=runs/plane-3.npz"
  python bin/plot_film.py --output=runs/film.gif --results=runs/plane-with-a-curve-an-epoch.npz
"""

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list("results", None, "LABEL=FILE.npz, ...; the label may be left out.", required=True)
flags.DEFINE_string("output", None, "Film to write: .gif, or .mp4 with ffmpeg.", required=True)
flags.DEFINE_string("value", "train_loss", "What to draw.")
flags.DEFINE_list("levels", [], "Number of levels, or their increasing limits. Default: 8 levels.")
flags.DEFINE_float("max_value", None, "Where the top class begins.")
flags.DEFINE_float("frames_per_second", 5, "Speed.", lower_bound=0.01)
flags.DEFINE_string("title", None, "Heading.")


def main(_):
    """Draws the film."""
    from mc_tf import GridEvaluation, plots
    from mc_tf.storage.destinations import check_figure

    levels = shared.levels(FLAGS.levels)
    check_figure(FLAGS.output, ("gif", "mp4"))
    results = shared.labelled(FLAGS.results, GridEvaluation.load, shared.stem)
    single = len(results) == 1
    plots.plot_film(
        next(iter(results.values())) if single else list(results.values()),
        FLAGS.output,
        FLAGS.value,
        None if single else list(results),
        FLAGS.frames_per_second,
        levels,
        FLAGS.max_value,
        FLAGS.title,
    )
    print(FLAGS.output)


if __name__ == "__main__":
    shared.run(main)
