"""Flags that say how to train, in all programs that do."""

import flag_checks
import settings_flags
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help
_SETTINGS = settings_flags.read_settings("mc_tf.training.options", "TrainingOptions")


def define_training_flags(epochs, learning_rate, keep_best=False, **defaults):
    """Flags of a training, with the program's defaults.

    Args:
        epochs: default number of epochs.
        learning_rate: default base learning rate.
        keep_best: whether there is the flag `--keep_best`.
        **defaults: of other settings.
    """
    flags.DEFINE_string("workdir", None, "Directory for what this program writes.", required=True)
    chosen = [one for one in _SETTINGS if keep_best or one.name != "keep_best"]
    settings_flags.define_flags(
        chosen, epochs=epochs, learning_rate=learning_rate, verbose=2, **defaults
    )


def training_options(**changes):
    """The settings that the flags of `define_training_flags` choose.

    Args:
        **changes: fields of `TrainingOptions` to set otherwise.

    Returns:
        `mc_tf.training.TrainingOptions`.
    """
    from mc_tf.training import TrainingOptions

    return TrainingOptions(
        **{**settings_flags.values([one for one in _SETTINGS if one.name in FLAGS]), **changes}
    )


def check_schedule():
    """Refuses flags of other schedules than the chosen one, which would do nothing.

    For programs with one schedule.

    Raises:
        ValueError: naming the flag and the schedules that it is of.
    """
    if FLAGS.swa_start is None:
        flag_checks.refuse_unused(["swa_every"], "no weights are averaged without --swa_start")
    elif FLAGS.cycle_epochs is not None:
        flag_checks.refuse_unused(["swa_every"], "the minima of the cycles are averaged")
    last = FLAGS.epochs
    for name, limits in (("decay_epochs", (0, last - 1)), ("keep_epochs", (1, last))):
        if last and max(flag_checks.distinct(name, int, low=0), default=0) > limits[1]:
            raise ValueError(
                f"--{name} must be whole numbers from {limits[0]} to {limits[1]} with "
                f"epochs={last}. Received: --{name}={','.join(FLAGS[name].value)}."
            )
    users = {
        "decay_epochs": ("step", "exponential"),
        "decay_factor": ("step", "exponential"),
        "min_learning_rate": ("triangular_cycle", "linear_cycle"),
        "final_ratio": ("piecewise_linear", "swa"),
    }
    for name, schedules in users.items():
        if FLAGS[name].present and FLAGS.schedule not in schedules:
            raise ValueError(
                f"--{name} is of the schedules {' and '.join(schedules)}. Received: "
                f"--schedule={FLAGS.schedule}. Leave it out or choose one of them."
            )
