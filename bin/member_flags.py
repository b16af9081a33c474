"""Flags that choose the members of an ensemble, for evaluation and export."""

import evaluation_flags
import flag_checks
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flags below in the program's --help


def define_member_flags(*names, required=("output",)):
    """Defines flags that choose members; arguments as for `define_evaluation_flags`."""
    names = ("curve_file", "network_file", "num_points", "seed", *names)
    evaluation_flags.define_evaluation_flags(*names, required=required)
    flags.DEFINE_list(
        "members",
        [],
        "Directories of runs or of snapshots, or files of networks; alternative: --curve_file.",
    )
    flags.DEFINE_bool("include_start", False, "Also include the initial network of each run.")
    flags.DEFINE_bool(
        "random_points",
        False,
        "Use random positions t ~ U(0, 1) on the curve instead of equally spaced ones.",
    )
    flags.DEFINE_enum(
        "temperature_scaling",
        "none",
        ["none", "train_loss", "fitted"],
        "Temperatures of the members. train_loss: proportional to the train losses, for networks "
        "on a curve (section A.6). fitted: fitted to the examples held out without --use_test, "
        "for networks that were trained without it.",
    )


def load_ensemble(in_files=False, path=None):
    """Creates the ensemble chosen by the flags; with `in_files` for evaluation only."""
    import numpy as np

    from mc_tf.ensemble.temperature import fit_temperature
    from mc_tf.experiments.parts import curve_ensembles, curve_files, ensemble_files
    from mc_tf.training.provenance import check_held_out

    scaling = FLAGS.temperature_scaling
    if bool(FLAGS.members) == bool(FLAGS.curve_file):
        raise ValueError("Set either --members or --curve_file.")
    only_if, on_curve = flag_checks.only_if, "they are for networks on a --curve_file"
    only_if(FLAGS.curve_file, on_curve, "num_points", "random_points", "seed")
    only_if(FLAGS.random_points, "it is for --random_points", "seed")
    only_if(FLAGS.members, "they are for --members", "include_start", "network_file")
    if scaling == "train_loss" and not FLAGS.curve_file:
        raise ValueError(
            "--temperature_scaling=train_loss is for networks on a curve (--curve_file). For other "
            "members use --temperature_scaling=fitted."
        )
    if scaling == "fitted":
        held_out = evaluation_flags.on_data(use_test=False)
        check_held_out(FLAGS.members or [FLAGS.curve_file], held_out.data.settings)
    if FLAGS.curve_file:
        curve_model = curve_files.load_curve(FLAGS.curve_file)
        positions = FLAGS.num_points
        if FLAGS.random_points:
            positions = np.sort(np.random.default_rng(FLAGS.seed).uniform(size=positions))
        on = held_out if scaling == "fitted" else evaluation_flags.on_data([FLAGS.curve_file])
        scale = scaling == "train_loss"
        ensemble = curve_ensembles.curve_ensemble(on, curve_model, positions, scale, path)
    else:
        ensemble = ensemble_files.load_ensemble(
            FLAGS.members, FLAGS.include_start, FLAGS.network_file, in_files
        )
    if scaling == "fitted":
        held_out.check(ensemble.model)
        fit_temperature(ensemble, held_out.test(), verbose=FLAGS.verbose)
    return ensemble
