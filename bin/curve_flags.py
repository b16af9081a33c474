"""Flags of recipes that find curves between two networks."""

import flag_checks
import network_flags
import training_flags
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


OWN = ("widths", "curves", "ensemble_points", "pair_points")  # of no other kind of recipe


def define_curve_flags():
    """Flags of experiments on curves, which a recipe with neither --methods nor --train is."""
    flags.DEFINE_list("widths", [], "Values of the network's option width, one experiment each.")
    flags.DEFINE_list("curves", ["segment", "bezier", "polychain"], "Curves between the endpoints.")
    flags.DEFINE_integer("num_bends", 1, "Bends of a Bezier curve or chain.", lower_bound=1)
    flags.DEFINE_integer("curve_epochs", 50, "Epochs of a curve.", lower_bound=0)
    flags.DEFINE_float("curve_learning_rate", 0.015, "Base rate of a curve.", lower_bound=0.0)
    flags.DEFINE_string("curve_schedule", None, "Schedule of a curve. Default: --schedule.")
    flags.DEFINE_list("curve_seeds", ["3"], "Seeds of a curve; each curve is found for each.")
    flags.DEFINE_integer(
        "ensemble_points",
        None,
        "Also the ensemble of so many networks on each trained curve, with and without "
        "temperatures.",
        lower_bound=2,
    )
    flags.DEFINE_integer(
        "pair_points",
        None,
        "Also the ensembles of the first endpoint with networks at so many places (figure 2).",
        lower_bound=2,
    )


def curve_training(**changes):
    """Settings of the training of curves.

    Args:
        **changes: fields of `TrainingOptions` to set otherwise.

    Returns:
        `mc_tf.training.TrainingOptions`.
    """
    return training_flags.training_options(
        epochs=FLAGS.curve_epochs,
        learning_rate=FLAGS.curve_learning_rate,
        schedule=FLAGS.curve_schedule or FLAGS.schedule,
        **changes,
    )


def experiment_from_flags(targets):
    """The experiment that the flags describe.

    Args:
        targets: tuple of `mc_tf.experiments.targets.Target`.

    Returns:
        `mc_tf.experiments.curve_experiment.Experiment`.
    """
    from mc_tf.experiments.curve_experiment import Experiment

    return Experiment(
        network=FLAGS.network,
        training=training_flags.training_options(),
        curve_training=curve_training(),
        weight_decay=FLAGS.weight_decay,
        network_options=network_flags.network_options(),
        initial_weights=FLAGS.initial_weights,
        widths=flag_checks.distinct("widths", float),
        curves=tuple(FLAGS.curves),
        num_bends=FLAGS.num_bends,
        curve_seeds=flag_checks.distinct("curve_seeds", int, low=0),
        num_points=FLAGS.num_points,
        num_train=FLAGS.num_train_examples,
        ensemble_points=FLAGS.ensemble_points,
        pair_points=FLAGS.pair_points,
        targets=targets,
        title=FLAGS.title,
    )
