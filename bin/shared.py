"""What all programs share: how they start, and how they end."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A checkout runs without installation.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags, logging  # noqa: E402

FLAGS = flags.FLAGS


def run(main, recipes=None):
    """Runs a program; bad input ends it with one line and exit status 1.

    Args:
        main: function of the remaining command line arguments.
        recipes: directory of flag files, for a program with the flag `--recipe`.
    """

    def checked(arguments):
        if len(arguments) > 1:
            _fail(f"unexpected argument '{arguments[1]}'; all options are flags, see --help")
        # Not TensorFlow's warning that each new network is traced, as it must be.
        logging.set_verbosity(logging.ERROR)
        try:
            main(arguments)
        except (ValueError, OSError) as error:
            _fail(" ".join(str(error).split()))
        except KeyboardInterrupt:
            _fail("stopped; the same command goes on from here")

    app.run(checked, flags_parser=lambda arguments: _parse(arguments, recipes))


def labelled_files(flag):
    """Files with labels that a list flag gives.

    Args:
        flag: name of a list flag of `LABEL=FILE` or `FILE`, whose label is its name without ending.

    Returns:
        dict from label to file name.

    Raises:
        ValueError: if two have the same label.
    """
    files = {}
    for entry in FLAGS[flag].value:
        label, _, path = entry.rpartition("=")
        label = label or os.path.splitext(os.path.basename(path))[0]
        if label in files:
            raise ValueError(
                f"Two files of --{flag} have the label '{label}'. Give LABEL=FILE for each."
            )
        files[label] = path
    return files


def _parse(arguments, recipes):
    try:
        if recipes:
            arguments = _with_recipe(arguments, recipes)
        return FLAGS(arguments)
    except flags.Error as error:
        _fail(f"{' '.join(str(error).split()).rstrip('.')}. See --help.")
    except ValueError as error:
        _fail(str(error))
    except SystemExit:  # --help was asked for: absl ends it with status 1
        sys.exit(0)


def _with_recipe(arguments, folder):
    """Puts the flags of `--recipe=NAME` before the others, which therefore win."""
    for index, argument in enumerate(arguments):
        flag, _, name = argument.partition("=")
        if flag in ("--recipe", "-recipe"):
            from mc_tf.recipes import find_recipe  # imports Keras, which takes seconds

            name = name or "".join(arguments[index + 1 : index + 2])
            path = find_recipe(folder, name).path
            return [arguments[0], f"--flagfile={path}", *arguments[1:]]
    return arguments


def _fail(message):
    print(f"{os.path.basename(sys.argv[0])}: error: {message}", file=sys.stderr)
    sys.exit(1)
