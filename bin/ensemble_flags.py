"""Flags of recipes that compare ensembles and averages at equal budgets."""

import flag_checks
import network_flags
import training_flags
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


OWN = (  # of no other kind of recipe
    *("methods", "budgets", "repetitions", "sse_cycles", "sse_learning_rate", "fge_starts"),
    *("fge_epochs", "fge_cycle_epochs", "fge_max_learning_rate", "fge_min_learning_rate"),
    *("include_start", "swa_epochs", "swa_learning_rate", "swa_cycle_epochs"),
    *("swa_min_learning_rate", "swa_pretraining"),
)


def define_ensemble_flags():
    """Flags of comparisons of ensembles and averages, which a recipe with --methods is."""
    flags.DEFINE_list(
        "methods",
        [],
        "Compare ensembles instead of finding curves: ind (independent networks), sse (snapshot "
        "ensembles), fge (fast geometric ensembling), swa (weight averaging), sgd (plain "
        "trainings of --swa_epochs).",
    )
    flags.DEFINE_integer("budgets", 3, "Up to how many times --epochs.", lower_bound=1)
    flags.DEFINE_integer("repetitions", 1, "All of it with so many other seeds.", lower_bound=1)
    flags.DEFINE_integer("sse_cycles", 5, "Snapshots a budget, of whole epochs.", lower_bound=1)
    flags.DEFINE_float("sse_learning_rate", None, "Default: --learning_rate.", lower_bound=0.0)
    flags.DEFINE_list("fge_starts", [], "Epochs of pretraining after which FGE starts, each once.")
    flags.DEFINE_integer("fge_epochs", 22, "Epochs of FGE from each.", lower_bound=1)
    flags.DEFINE_integer("fge_cycle_epochs", 4, "Epochs a cycle.", lower_bound=1)
    flags.DEFINE_float("fge_max_learning_rate", 5e-2, "At the ends of a cycle.", lower_bound=0.0)
    flags.DEFINE_float("fge_min_learning_rate", 5e-4, "In its middle.", lower_bound=0.0)
    flags.DEFINE_bool("include_start", False, "The network from which FGE starts is a member.")
    flags.DEFINE_list("swa_epochs", [], "Epochs after which averages are compared.")
    flags.DEFINE_float("swa_learning_rate", 0.01, "While weights are averaged.", lower_bound=0.0)
    flags.DEFINE_integer("swa_cycle_epochs", None, "Epochs a cycle of that rate.", lower_bound=1)
    flags.DEFINE_float("swa_min_learning_rate", 0.0, "At the cycles' ends.", lower_bound=0.0)
    flags.DEFINE_integer(
        "swa_pretraining",
        None,
        "Epochs of an independent network after which averaging begins; 0: with --initial_weights. "
        "--swa_epochs are counted from there. Default: it begins at --swa_start of its own run.",
        lower_bound=0,
    )


def experiment_from_flags(targets):
    """The comparison that the flags describe.

    Args:
        targets: tuple of `mc_tf.experiments.targets.Target`.

    Returns:
        `mc_tf.experiments.ensemble_experiment.EnsembleExperiment`.
    """
    from mc_tf.experiments.ensemble_experiment import EnsembleExperiment

    methods = tuple(FLAGS.methods)
    one = {"swa_start": None, "trajectory_every": None}  # what is for SWA, and for FGE only
    settings = {}
    if "sse" in methods:
        cycle_epochs = FLAGS.epochs // FLAGS.sse_cycles
        if not cycle_epochs:
            raise ValueError(
                f"--epochs={FLAGS.epochs} is less than --sse_cycles={FLAGS.sse_cycles}."
            )
        settings["sse"] = training_flags.training_options(
            **one,
            epochs=cycle_epochs * FLAGS.sse_cycles,
            learning_rate=FLAGS.sse_learning_rate or FLAGS.learning_rate,
            schedule="cosine_cycle",
            cycle_epochs=cycle_epochs,
            snapshots=True,
        )
    if "fge" in methods:
        settings["fge"] = training_flags.training_options(
            swa_start=None,
            trajectory_every=FLAGS.trajectory_every,
            epochs=FLAGS.fge_epochs,
            learning_rate=FLAGS.fge_max_learning_rate,
            min_learning_rate=FLAGS.fge_min_learning_rate,
            schedule="triangular_cycle",
            cycle_epochs=FLAGS.fge_cycle_epochs,
            snapshots=True,
        )
    if {"swa", "sgd"} & set(methods):
        settings["swa_epochs"] = flag_checks.distinct("swa_epochs", int, low=1)
        settings["swa_pretraining"] = FLAGS.swa_pretraining
    if "swa" in methods:
        settings["swa"] = _averaging(max(settings["swa_epochs"], default=FLAGS.epochs))
    return EnsembleExperiment(
        network=FLAGS.network,
        training=training_flags.training_options(**one),
        methods=methods,
        budgets=FLAGS.budgets,
        repetitions=FLAGS.repetitions,
        fge_starts=flag_checks.distinct("fge_starts", int, low=0),
        weight_decay=FLAGS.weight_decay,
        network_options=network_flags.network_options(),
        initial_weights=FLAGS.initial_weights,
        include_start=FLAGS.include_start,
        targets=targets,
        title=FLAGS.title,
        **settings,
    )


def _averaging(epochs):
    """Options of weight averaging: in a training of its own, or after one, in cycles or not."""
    rate = FLAGS.swa_learning_rate
    if FLAGS.swa_min_learning_rate and not FLAGS.swa_cycle_epochs:
        raise ValueError("--swa_min_learning_rate needs --swa_cycle_epochs, whose smallest it is.")
    options = {"epochs": epochs, "cycle_epochs": None, "trajectory_every": None}
    if FLAGS.swa_pretraining is None:
        if FLAGS.swa_cycle_epochs:
            raise ValueError("--swa_cycle_epochs needs --swa_pretraining, where the cycles begin.")
        if not FLAGS.learning_rate:
            raise ValueError("--learning_rate must be above 0 to fall to --swa_learning_rate.")
        options |= {"schedule": "swa", "final_ratio": rate / FLAGS.learning_rate}
    else:
        options |= {"schedule": "constant", "learning_rate": rate, "swa_start": 0}
    if FLAGS.swa_cycle_epochs:
        options |= {"schedule": "linear_cycle", "cycle_epochs": FLAGS.swa_cycle_epochs}
        options["min_learning_rate"] = FLAGS.swa_min_learning_rate
    return training_flags.training_options(**options)
