"""Flags of recipes that look at loss surfaces."""

import curve_flags
import flag_checks
import network_flags
import training_flags
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


OWN = (  # of no other kind of recipe
    *("train", "join", "surface", "grid", "line_points", "margin", "radius", "ray_length"),
    *("num_rays", "direction_scale", "ignore", "eigenvalues", "eigenvalue_tolerance"),
    *("num_test_examples", "film", "film_grid", "max_loss"),
)


def define_landscape_flags():
    """Flags of experiments on loss surfaces, which a recipe with --train is."""
    flags.DEFINE_multi_string(
        "train",
        [],
        "NAME or NAME:SETTING=VALUE,...: a network to train, with what differs from the flags, as "
        "in large:batch_size=4096 or swa:start=sgd@16,epochs=4.",
    )
    flags.DEFINE_multi_string(
        "join", [], "NAME:FAMILY:A,B: a curve between networks; NAME:through:A,B,...: a chain."
    )
    flags.DEFINE_multi_string(
        "surface",
        [],
        "NAME:KIND:A,...[:MARK,...]: a plane, line, curve_plane, trajectory, random_plane, "
        "random_line or rays of networks, with others marked in it; LABEL=A for the figure.",
    )
    flags.DEFINE_list("grid", ["21"], "Points on each axis of a plane: N, or N,M.")
    flags.DEFINE_integer("line_points", 51, "Points of a line, and of each ray.", lower_bound=2)
    flags.DEFINE_float("margin", 0.2, "Of a plane's or line's extent, beyond it.", lower_bound=0.0)
    flags.DEFINE_float("radius", 1.0, "Of random planes and lines, in directions.", lower_bound=0.0)
    flags.DEFINE_float("ray_length", 10.0, "Of rays, in weight space.", lower_bound=0.0)
    flags.DEFINE_integer("num_rays", 10, "Random rays from each network.", lower_bound=1)
    flags.DEFINE_enum(
        "direction_scale",
        "filter",
        ["filter", "layer", "weight", "unit", "none"],
        "How random directions are scaled to the network; rays have length one.",
    )
    flags.DEFINE_list("ignore", ["bias", "batch_norm"], "What random directions leave as it is.")
    flags.DEFINE_bool("eigenvalues", False, "Also the Hessian's largest and smallest eigenvalue.")
    flags.DEFINE_float("eigenvalue_tolerance", 1e-3, "Their error, as a part of the larger one.")
    flags.DEFINE_integer("num_test_examples", None, "Evaluate on the first only.", lower_bound=1)
    flags.DEFINE_string("film", None, "Name of a curve, and of its plane, to be filmed.")
    flags.DEFINE_integer("film_grid", 11, "Points on each axis of a frame.", lower_bound=2)
    flags.DEFINE_float("max_loss", None, "Larger values are drawn alike.", lower_bound=0.0)


def experiment_from_flags(targets):
    """The experiment that the flags describe.

    Args:
        targets: tuple of `mc_tf.experiments.targets.Target`.

    Returns:
        `mc_tf.experiments.landscape_plan.LandscapeExperiment`.
    """
    from mc_tf.experiments import landscape_parsing
    from mc_tf.experiments.landscape_plan import LandscapeExperiment

    if FLAGS.initial_weights:
        raise ValueError("--initial_weights is for recipes without --train. Leave it out.")
    grid = flag_checks.numbers("grid", int, low=1, high=10_000)
    scale = FLAGS.direction_scale
    return LandscapeExperiment(
        network=FLAGS.network,
        training=training_flags.training_options(),
        curve_training=curve_flags.curve_training(
            seed=flag_checks.distinct("curve_seeds", int, low=0)[0]
        ),
        trainings=tuple(map(landscape_parsing.parse_training, FLAGS.train)),
        joins=tuple(map(landscape_parsing.parse_join, FLAGS.join)),
        surfaces=tuple(map(landscape_parsing.parse_surface, FLAGS.surface)),
        weight_decay=FLAGS.weight_decay,
        network_options=network_flags.network_options(),
        num_bends=FLAGS.num_bends,
        num_points=FLAGS.num_points,
        shape=grid[0] if len(grid) == 1 else grid,
        line_points=FLAGS.line_points,
        margin=FLAGS.margin,
        radius=FLAGS.radius,
        ray_length=FLAGS.ray_length,
        num_rays=FLAGS.num_rays,
        directions={
            "normalization": None if scale == "none" else scale,
            "ignore": tuple(FLAGS.ignore),
        },
        eigenvalues=FLAGS.eigenvalues,
        eigenvalue_tolerance=FLAGS.eigenvalue_tolerance,
        num_train=FLAGS.num_train_examples,
        num_test=FLAGS.num_test_examples,
        film=FLAGS.film,
        film_shape=FLAGS.film_grid,
        max_loss=FLAGS.max_loss,
        targets=targets,
        title=FLAGS.title,
    )
