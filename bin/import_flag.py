"""The flag `--import` of all programs: modules with data sets, networks and curves."""

import importlib
import importlib.util
import os
import sys

from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list the flag in the program's --help


def define_import_flag():
    """Defines the flag once per program."""
    if "import" not in FLAGS:
        flags.DEFINE_multi_string(
            "import",
            [],
            "Modules (my.layers) or files (layers.py) to import first, separated by commas: they "
            "register data sets, networks and curve families with @mc_tf.data.register, "
            "@mc_tf.models.register and @mc_tf.curves.register, and classes of layers with "
            "@keras.saving.register_keras_serializable(). May be repeated.",
        )


def import_modules():
    """Imports the modules of `--import`, before the other flags are parsed.

    Raises:
        ValueError: if a module does not exist or fails.
    """
    for name in ",".join(FLAGS["import"].value).split(","):
        try:
            if name.endswith(".py"):
                module = os.path.splitext(os.path.basename(name))[0]
                found = importlib.util.spec_from_file_location(module, name)
                sys.modules[module] = importlib.util.module_from_spec(found)
                found.loader.exec_module(sys.modules[module])
            elif name:
                if os.getcwd() not in sys.path:
                    sys.path.insert(0, os.getcwd())  # like `python -m`
                importlib.import_module(name)
        except Exception as error:  # user code may raise anything
            raise ValueError(
                f"--import={name} cannot be imported ({type(error).__name__}: {error}). Use a "
                "module, such as my.layers, or a file, such as layers.py."
            ) from error
