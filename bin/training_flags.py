"""Flags of training programs, and the training itself."""

import data_flags
import flag_checks
import settings_flags
import shared
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flags below in the program's --help


def define_training_flags(new_network=True, without=("keep_best",), **defaults):
    """Defines flags of training and, for a new network, of its builder.

    `defaults` are the program's of `TrainingOptions`.
    """
    data_flags.define_data_flags("num_test_examples")
    flags.DEFINE_string("workdir", None, "Directory for what this program writes.", required=True)
    defaults = {"verbose": 2, **defaults}
    settings_flags.define_flags(
        "mc_tf.training.options.TrainingOptions", without=without, **defaults
    )
    if new_network:
        flags.DEFINE_string(
            "network", "convnet", "Network: convnet, fc, ..., or a registered name."
        )
        flags.DEFINE_multi_string(
            "network_option",
            [],
            "NAME=VALUE, an option of the network's builder, such as width=0.5 for 3conv3fc.",
        )
        settings_flags.define_flags(
            "mc_tf.experiments.steps.step.Network",
            ("weight_decay", "initial_weights"),
            weight_decay=5e-4,
        )


def prepare(**changes):
    """Checks the flags and locks `--workdir`; returns the data and the `TrainingOptions`."""
    from mc_tf.training import TrainingOptions

    _check_schedule()
    shared.hold_workdir(FLAGS.workdir)
    options = TrainingOptions(**{**settings_flags.values(TrainingOptions), **changes})
    return data_flags.load_data(), options


def train(network=None, **changes):
    """Trains a network, or resumes; returns the network and the data.

    `network` are arguments of `train_network`, by default of the new network that the flags choose;
    `changes` override flags of `TrainingOptions`.
    """
    from mc_tf import training

    data, options = prepare(**changes)
    network = network or _new_network()
    return training.train_network(FLAGS.workdir, data, options=options, **network), data


def report_scores(name, model, data):
    """Prints the scores of the network saved as NAME.keras."""
    from mc_tf import training

    scores = training.evaluate_network(model, data, FLAGS.eval_batch_size)
    print(f"{FLAGS.workdir}/{name}.keras: {data.test_name} {training.describe(scores)}")


def report_members():
    """Prints the number of networks saved at the minima of cycles."""
    from mc_tf.callbacks import snapshot_files
    from mc_tf.training.run_directory import RunDirectory

    folder = RunDirectory(FLAGS.workdir).members
    print(f"{folder}: {len(snapshot_files(folder))} members")


def _new_network():
    from mc_tf.models.zoo import registry

    options = {}
    for entry in FLAGS.network_option:
        name, equals, value = entry.partition("=")
        if not equals:
            raise ValueError(f"--network_option must be NAME=VALUE. Received: '{entry}'.")
        options[name] = registry.parse_value(value)
    return {
        "network": FLAGS.network,
        "weight_decay": FLAGS.weight_decay,
        "network_options": options,
        "initial_weights": FLAGS.initial_weights,
    }


def _check_schedule():
    """Rejects flags of other schedules than the chosen one."""
    only_if, averages = flag_checks.only_if, FLAGS.swa_start is not None
    only_if(averages, "no weights are averaged without --swa_start", "swa_every", "swag_rank")
    only_if(FLAGS.cycle_epochs is None, "the minima of the cycles are averaged", "swa_every")
    last = FLAGS.epochs
    for name, first, end in (("decay_epochs", 0, last - 1), ("keep_epochs", 1, last)):
        if last and max(flag_checks.distinct(name, int, low=0), default=0) > end:
            raise ValueError(
                f"--{name} must be whole numbers from {first} to {end} with epochs={last}. "
                f"Received: --{name}={','.join(FLAGS[name].value)}."
            )
    users = {
        "decay_epochs": ("step", "exponential"),
        "decay_factor": ("step", "exponential"),
        "min_learning_rate": ("triangular_cycle", "linear_cycle"),
        "final_ratio": ("piecewise_linear", "swa"),
    }
    for name, schedules in users.items():
        needed = f"--{name} is for the schedules {' and '.join(schedules)}, not --schedule="
        only_if(FLAGS.schedule in schedules, needed + FLAGS.schedule, name)
