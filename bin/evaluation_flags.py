"""Flags of evaluation programs, and the data set to evaluate on."""

import data_flags
import flag_checks
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flags below in the program's --help
_DEFINED = {  # default and help, of a string or an integer
    "output": (None, "Path of the result files without extension."),
    "curve_file": (None, "Curve file of connect.py."),
    "network_file": (None, "A .keras file of the network. Default: found next to the weights."),
    "num_points": (50, "Number of equally spaced positions on a curve."),
    "batch_size": (500, "Examples per batch."),
    "seed": (0, "Seed of random positions or directions."),
    "title": (None, "Heading of the figure."),
    "verbose": (1, "0: no progress bar and no description of the evaluation."),
}
_LEAST = {"num_points": 2, "batch_size": 1}
flag_checks.most["batch_size"] = 10**6


def define_evaluation_flags(*names, required=("output",), without=(), **defaults):
    """Defines flags of the data set, except some, and the named ones of `_DEFINED`."""
    data_flags.define_data_flags(*without)
    for name in ("batch_size", "verbose", *required, *names):
        default, about = _DEFINED[name]
        if default is None:
            flags.DEFINE_string(name, None, about)
        else:
            default = defaults.get(name, default)
            flags.DEFINE_integer(name, default, about, lower_bound=_LEAST.get(name))
    for name in required:
        flags.mark_flag_as_required(name)


def on_data(files=(), **changes):
    """The data set chosen by the flags, as `OnData`; arguments as for `load_data`."""
    from mc_tf.experiments.parts.on_data import OnData

    return OnData(data_flags.load_data(files, **changes), FLAGS.batch_size, verbose=FLAGS.verbose)
