"""Shared code of all programs: start and end."""

import contextlib
import math
import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A checkout runs without installation.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import endings  # noqa: E402
import flag_checks  # noqa: E402
import import_flag  # noqa: E402
from absl import app, flags, logging  # noqa: E402

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list its flags in the program's --help
_held = contextlib.ExitStack()  # locks held by this program until it ends


def run(main, positional=0, hint="See --help", renamed=(), first=None):
    """Runs a program; errors that users can fix end it with one line, see `endings`.

    Args:
        main: function of the remaining command line arguments.
        positional: maximum number of positional arguments.
        hint: end of the message about an unknown flag.
        renamed: dict from old names of flags to their replacements.
        first: function of the positional arguments, called before TensorFlow is imported, which
            takes seconds; the program ends if it returns `True`.
    """

    def checked(arguments):
        # Hides TensorFlow's warning about tracing each new network, which is necessary.
        logging.set_verbosity(logging.ERROR)
        flag_checks.check_flags(arguments, positional)
        if first and first(*arguments[1:]):
            return
        with _without_noise():
            import tensorflow as tf

            tf.config.list_physical_devices()
        import_flag.import_modules()
        with _held, _asked_precision():
            main(arguments)

    import_flag.define_import_flag()
    endings.catch_signals()
    with endings.one_line():
        app.run(checked, flags_parser=lambda arguments: _parse(arguments, hint, dict(renamed)))


def hold_workdir(directory):
    """Checks the directory of a run and locks it until the program ends.

    Args:
        directory: path, created if necessary.

    Raises:
        OSError: if it cannot be written, or another program holds it.
    """
    from mc_tf.storage.destinations import directory_held

    _held.enter_context(directory_held(directory))


def hold_output(path, *endings):
    """Checks the path of results and locks it until the program ends.

    Args:
        path: file, or its name without extension.
        *endings: extensions of the files, such as `".npz"`.

    Raises:
        ValueError: if it names a directory or a device.
        OSError: if it cannot be written, or another program holds it.
    """
    from mc_tf.storage.destinations import output_held

    _held.enter_context(output_held(path, endings or ("",)))


def labeled(entries, load, label_of, repeated=False):
    """Loads files by label.

    Args:
        entries: list of `LABEL=FILE` and `FILE`, from the command line.
        load: function of a file name.
        label_of: function of the loaded object and the file name that returns the default label.
        repeated: whether several files may share a label, for runs with other seeds.

    Returns:
        dict from label to the loaded object, or to a list of objects if `repeated`, in order.

    Raises:
        ValueError: if two files share a label and `repeated` is false.
    """
    found, unnamed = {}, set()
    for entry in entries:
        label, equals, file = entry.partition("=")
        if not equals or os.path.exists(entry):  # a path may hold a "=", too
            label, file = "", entry
        one, given = load(file), bool(label)
        label = label or str(label_of(one, file))
        if label in found and not (repeated and given and label not in unnamed):
            raise ValueError(f"Two files have the label '{label}'. Give LABEL=FILE for each.")
        unnamed.update([] if given else [label])
        found.setdefault(label, []).append(one)
    return found if repeated else {label: one for label, (one,) in found.items()}


def stem(_, file):
    """Label of a file: its name without directory and extension."""
    return os.path.splitext(os.path.basename(file))[0]


def levels(texts):
    """Parses the levels of a map from the command line.

    Args:
        texts: list of str: empty, a number of levels, or limits.

    Returns:
        `None`, an integer, or a list of floats.

    Raises:
        ValueError: if they are not valid numbers.
    """
    try:
        numbers = [int(texts[0])] if len(texts) == 1 else [float(text) for text in texts]
        if len(texts) == 1 and not 1 <= numbers[0] <= 1000 or not all(map(math.isfinite, numbers)):
            raise ValueError("out of range")
    except ValueError as error:
        raise ValueError(
            "--levels takes a number of levels, such as 8, or increasing limits, such as "
            f"0.1,0.5,2. Received: {','.join(texts)}."
        ) from error
    return numbers[0] if len(numbers) == 1 else numbers or None


@contextlib.contextmanager
def _without_noise():
    """Hides output of TensorFlow's libraries at their start, unless they fail."""
    try:
        screen = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        os.dup2(file.fileno(), 2)
        endings.stderr = screen
        try:
            yield
        except BaseException:
            file.seek(0)
            os.write(screen, file.read())
            raise
        finally:
            os.dup2(screen, 2)
            endings.stderr = 2
            os.close(screen)


def _asked_precision():
    if "auto_bfloat16" in FLAGS and FLAGS.auto_bfloat16:
        # Imports Keras, which takes seconds.
        from mc_tf.backend.precision import automatic_bfloat16

        return automatic_bfloat16()
    return contextlib.nullcontext()


def _parse(arguments, hint, renamed):
    try:
        return FLAGS(arguments)
    except flags.UnrecognizedFlagError as error:
        now = renamed.get(error.flagname)
        text = f"The flag --{error.flagname} is now {now}" if now else _reason(error)
        endings.fail(f"{text}. {hint}.")
    except flags.Error as error:
        endings.fail(f"{_reason(error)}. {hint}.")
    except (ValueError, OSError) as error:
        endings.fail(error)
    except SystemExit:  # --help: absl ends it with status 1
        sys.exit(0)


def _reason(error):
    return str(error).removeprefix("ERROR:: ").strip().rstrip(".")
