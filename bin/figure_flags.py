"""Flags of the programs that draw figures from result files."""

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


def define_figure_flags(results):
    """Flags for the files to draw, and where to.

    Args:
        results: help for `--results`.
    """
    flags.DEFINE_list("results", None, results, required=True)
    flags.DEFINE_string("output", None, "Figure to write: .png, .svg or .pdf.", required=True)
    flags.DEFINE_string("title", None, "Heading.")


def draw(function, load, label_of=shared.stem, *arguments, repeated=False):
    """Draws what the files of `--results` hold.

    Args:
        function: one of `mc_tf.plots`, of `(results, path, *arguments, title)`.
        load: function of a file name.
        label_of, repeated: as for `shared.labelled`.
        *arguments: further arguments of the function.
    """
    from mc_tf.storage.destinations import check_figure

    check_figure(FLAGS.output)
    results = shared.labelled(FLAGS.results, load, label_of, repeated)
    function(results, FLAGS.output, *arguments, title=FLAGS.title)
    print(FLAGS.output)


def draw_one(function, load):
    """Draws what the one file of `--results` holds.

    Args:
        function: one of `mc_tf.plots`, of `(result, path, title)`.
        load: function of a file name.
    """
    if len(FLAGS.results) > 1:
        raise ValueError(f"--results takes one file. Received: {', '.join(FLAGS.results)}")
    draw(lambda results, path, title: function(*results.values(), path, title), load)


def arrays(names, kind, maker):
    """Function that reads the arrays of a result file.

    Args:
        names, kind, maker: see `mc_tf.storage.files.read_arrays`.

    Returns:
        function of a file name.
    """
    from mc_tf.storage.files import read_arrays

    return lambda file: read_arrays(file, names, kind, maker)
