"""Flags for the data set, shared by programs."""

import os

import settings_flags
from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flags below in the program's --help
_loaded = []  # the data sets used by this program


def why_unreadable(reason):
    """Explains TensorFlow's reason why data could not be read, with the file or the data set."""
    return "; ".join(dict.fromkeys(data.why_unreadable(reason) for data in _loaded)) or reason


def define_data_flags(*without):
    """Defines the flags of the data set, without some names."""
    settings_flags.define_flags("mc_tf.data.options.DataOptions", without=without)
    define_program_flags()


def define_program_flags():
    """Defines the flags of all programs that read data."""
    flags.DEFINE_enum(
        "distribute",
        "none",
        ["none", "mirrored", "multi_worker", "tpu"],
        "Devices: none, one device. mirrored, all GPUs of this machine. multi_worker, the "
        "processes in the environment variable TF_CONFIG, each of which runs the same command. "
        "tpu, all cores of a TPU. Training batches are global; the points of a curve or grid are "
        "shared by devices and processes.",
    )
    flags.DEFINE_bool(
        "auto_bfloat16",
        False,
        "Compute convolutions and matrix products in bfloat16 (TensorFlow, processors with "
        "AVX512_BF16 or AMX). Networks stay in float32, so training can resume with or without "
        "it; stored evaluations cannot.",
    )


def load_data(files=(), **changes):
    """Loads the data set chosen by the flags; `changes` override flags of `DataOptions`.

    Rejects files of networks, or `LABEL=FILE`, that were trained on other data.
    """
    from mc_tf.data import DataOptions
    from mc_tf.training.provenance import check_same_data

    options = DataOptions(**{**settings_flags.values(DataOptions), **changes})
    data = options.load()
    _loaded.append(data)
    paths = [file if os.path.exists(file) else file.partition("=")[2] for file in files]
    check_same_data(list(filter(None, paths)), data.settings)
    return options.limited(data)


def load_recipe_data(chosen, num_examples=None):
    """Loads the `Data` of a recipe; for a smoke run a few examples, embedded ones by default."""
    from mc_tf import data

    if num_examples and not FLAGS.data_dir:
        loaded = data.stand_in(chosen.name, chosen.num_steps)
    else:
        loaded = data.load(**vars(chosen), data_dir=FLAGS.data_dir)
    _loaded.append(loaded)
    return loaded.small(num_examples) if num_examples else loaded
