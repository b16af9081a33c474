"""Flags that say how to train, in all programs that do."""

import flag_checks
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


def define_training_flags(epochs, learning_rate, workdir="required"):
    """Flags of a training, with the program's defaults.

    Args:
        epochs: default number of epochs.
        learning_rate: default base learning rate.
        workdir: default directory, `None` where the program chooses one; it must be given
            otherwise.
    """
    required = workdir == "required"
    flags.DEFINE_string(
        "workdir",
        None if required else workdir,
        "Directory for what this program writes.",
        required=required,
    )
    flags.DEFINE_integer("epochs", epochs, "Number of epochs.", lower_bound=0)
    flags.DEFINE_integer("batch_size", 128, "Examples a batch.", lower_bound=1)
    flags.DEFINE_float("learning_rate", learning_rate, "Base learning rate.", lower_bound=0.0)
    flags.DEFINE_integer("seed", 0, "Seed of initial weights, order, augmentation and t.")
    flags.DEFINE_enum(
        "schedule",
        "piecewise_linear",
        [
            "piecewise_linear",
            "step",
            "exponential",
            "constant",
            "swa",
            "triangular_cycle",
            "cosine_cycle",
            "linear_cycle",
        ],
        "Learning rate: constant until half of the epochs, linear to final_ratio at 90 %, then "
        "that; or times decay_factor at each of decay_epochs; or constant for decay_epochs, then "
        "times decay_factor in each epoch; or constant; or as the first, but until swa_start; or "
        "in cycles: down to min_learning_rate and up again (FGE), half a cosine (snapshot "
        "ensembles), or down (SWA).",
    )
    flags.DEFINE_integer("cycle_epochs", None, "Epochs a cycle.", lower_bound=1)
    flags.DEFINE_float("min_learning_rate", 0.0, "Smallest rate of a cycle.", lower_bound=0.0)
    flags.DEFINE_bool("snapshots", False, "Save the network at each minimum, in WORKDIR/members.")
    flags.DEFINE_integer(
        "trajectory_every",
        None,
        "Also save the network after each so many steps, in WORKDIR/trajectory.",
        lower_bound=1,
    )
    flags.DEFINE_integer("swa_start", None, "Epoch that begins the averaging.", lower_bound=0)
    flags.DEFINE_integer("swa_every", 1, "Epochs between averaged networks.", lower_bound=1)
    flags.DEFINE_float("final_ratio", 0.01, "Last rate divided by the base rate.", lower_bound=0.0)
    flags.DEFINE_list("decay_epochs", [], "Epochs, counted from 0, at which the rate falls.")
    flags.DEFINE_float("decay_factor", 0.1, "What it is multiplied by there.", lower_bound=0.0)
    flags.DEFINE_float("momentum", 0.9, "Momentum of SGD.", lower_bound=0.0, upper_bound=1.0)
    flags.DEFINE_float(
        "clip_norm", None, "Global norm to which larger gradients are scaled.", lower_bound=0.0
    )
    flags.DEFINE_enum(
        "precision",
        "float32",
        ["float32", "mixed_bfloat16", "mixed_float16"],
        "Precision of a network that is built; a curve has its endpoints'.",
    )
    flags.DEFINE_integer(
        "steps_per_execution", 1, "Steps that run as one call of the backend.", lower_bound=1
    )
    flags.DEFINE_enum(
        "jit_compile", "auto", ["auto", "true", "false"], "Whether XLA compiles; auto: on a GPU."
    )
    flags.DEFINE_integer("save_every", 1, "Epochs between two checkpoints.", lower_bound=1)
    flags.DEFINE_integer(
        "save_every_steps", None, "Also a checkpoint after each so many steps.", lower_bound=1
    )
    flags.DEFINE_integer(
        "keep_every",
        None,
        "Keep a copy of the checkpoint after each so many epochs.",
        lower_bound=1,
    )
    flags.DEFINE_list("keep_epochs", [], "Keep such a copy after these numbers of epochs too.")
    flags.DEFINE_bool("tensorboard", False, "Write logs for TensorBoard to WORKDIR/tensorboard.")
    flags.DEFINE_integer(
        "eval_batch_size", 500, "Examples a batch in validation and evaluation.", lower_bound=1
    )
    flags.DEFINE_integer("verbose", 2, "Keras' verbosity: 0 silent, 1 bar, 2 a line an epoch.")


def training_options(**changes):
    """The settings that the flags of `define_training_flags` choose.

    Args:
        **changes: fields of `TrainingOptions` to set otherwise.

    Returns:
        `mc_tf.training.TrainingOptions`.
    """
    from mc_tf.training import TrainingOptions

    given = {
        field: FLAGS[field].value for field in TrainingOptions.__annotations__ if field in FLAGS
    }
    given["jit_compile"] = {"auto": "auto", "true": True, "false": False}[FLAGS.jit_compile]
    for name in ("decay_epochs", "keep_epochs"):
        given[name] = flag_checks.distinct(name, int, low=0)
    return TrainingOptions(**{**given, **changes})


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
