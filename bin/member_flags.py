"""Flags that choose the members of an ensemble, for evaluation and export."""

import data_flags
import evaluation_flags
import flag_checks
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flags below in the program's --help


def define_member_flags(*names, required=("output",)):
    """Defines flags that choose members, and the scaling of their logits.

    Args:
        *names, required: as for `define_evaluation_flags`.
    """
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
    """Creates the ensemble chosen by the flags.

    Args:
        in_files: whether members in files are loaded one by one for evaluation.
        path: file for train losses along a curve, see
            `mc_tf.experiments.parts.curve_ensembles.curve_ensemble`.

    Returns:
        `Ensemble`, or `MemberFiles`.
    """
    from mc_tf.experiments.parts import curve_ensembles, curve_files, ensemble_files
    from mc_tf.training.provenance import check_held_out

    scaling = FLAGS.temperature_scaling
    if FLAGS.members:
        flag_checks.refuse_unused(
            ["num_points", "random_points", "seed"],
            "they are for networks on a --curve_file",
        )
    elif FLAGS.curve_file:
        flag_checks.refuse_unused(["include_start", "network_file"], "they are for --members")
        if not FLAGS.random_points:
            flag_checks.refuse_unused(["seed"], "it is for --random_points")
    if bool(FLAGS.members) == bool(FLAGS.curve_file):
        raise ValueError("Set either --members or --curve_file.")
    if scaling == "train_loss" and not FLAGS.curve_file:
        raise ValueError(
            "--temperature_scaling=train_loss is for networks on a curve (--curve_file). For other "
            "members use --temperature_scaling=fitted."
        )
    if scaling == "fitted":
        held_out = data_flags.load_data(use_test=False)
        check_held_out(FLAGS.members or [FLAGS.curve_file], held_out.settings)
    if FLAGS.curve_file:
        curve_model = curve_files.load_curve(FLAGS.curve_file)
        positions = FLAGS.num_points
        if FLAGS.random_points:
            positions = curve_ensembles.random_positions(FLAGS.num_points, FLAGS.seed)
        ensemble = curve_ensembles.curve_ensemble(
            curve_model,
            held_out if scaling == "fitted" else data_flags.load_data([FLAGS.curve_file]),
            positions,
            scale=scaling == "train_loss",
            path=path,
            **evaluation_flags.chosen(),
        )
    else:
        ensemble = ensemble_files.load_ensemble(
            FLAGS.members, FLAGS.include_start, FLAGS.network_file, in_files
        )
    if scaling == "fitted":
        ensemble_files.fit_temperature(ensemble, held_out, **evaluation_flags.chosen())
    return ensemble
