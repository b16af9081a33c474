"""Flags of all programs that evaluate."""

import data_flags
import settings_flags
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


def define_evaluation_flags(*names, required=("output",), without=(), **defaults):
    """Flags of the data set, `--batch_size`, `--verbose`, and some more.

    Args:
        *names: of further fields of `EvaluationOptions`.
        required: names of further ones, which must be given.
        without: names of flags of the data set that are left out.
        **defaults: of `EvaluationOptions`.
    """
    data_flags.define_data_flags(*without)
    names = ("batch_size", "verbose", *required, *names)
    where = "mc_tf.experiments.parts.options.EvaluationOptions"
    settings_flags.define_flags(where, names, **defaults)
    for name in required:
        flags.mark_flag_as_required(name)


def chosen(*names):
    """What flags say that are passed on as they are: `batch_size`, `verbose` and more names."""
    return {name: FLAGS[name].value for name in ("batch_size", "verbose", *names)}
