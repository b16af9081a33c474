"""Flags of evaluation programs."""

import data_flags
import settings_flags
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flags below in the program's --help


def define_evaluation_flags(*names, required=("output",), without=(), **defaults):
    """Defines flags of the data set, `--batch_size`, `--verbose`, and more.

    Args:
        *names: names of more fields of `EvaluationOptions`.
        required: names of more required fields.
        without: names of flags of the data set to omit.
        **defaults: defaults of `EvaluationOptions`.
    """
    data_flags.define_data_flags(*without)
    names = ("batch_size", "verbose", *required, *names)
    where = "mc_tf.experiments.parts.options.EvaluationOptions"
    settings_flags.define_flags(where, names, **defaults)
    for name in required:
        flags.mark_flag_as_required(name)


def chosen(*names):
    """Returns flags to pass on: `batch_size`, `verbose` and more names."""
    return {name: FLAGS[name].value for name in ("batch_size", "verbose", *names)}
