"""Shared code of all programs: start and end, and the flag `--import`."""

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A checkout runs without installation.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import endings  # noqa: E402
import flag_checks  # noqa: E402
from absl import app, flags, logging  # noqa: E402

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # list its flags in the program's --help
_held = contextlib.ExitStack()  # what holds until this program ends: locks, a strategy, a precision


def run(main, positional=0, hint="See --help", renamed=(), first=None):
    """Runs a program with at most `positional` arguments, see `endings` for how it ends.

    The message about an unknown flag ends with `hint`; `renamed` has what became of old flags.
    `first` gets the arguments before TensorFlow is imported, which takes seconds; if it returns
    `True`, the program ends.
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
        _import_modules()
        with _held:
            _enter_asked()
            main(arguments)

    if "import" not in FLAGS:
        flags.DEFINE_multi_string(
            "import",
            [],
            "Modules (my.layers) or files (layers.py) to import first, separated by commas: they "
            "register data sets, networks and curve families with @mc_tf.data.register, "
            "@mc_tf.models.register and @mc_tf.curves.register, and classes of layers with "
            "@keras.saving.register_keras_serializable(). May be repeated.",
        )
    endings.catch_signals()
    with endings.one_line():
        app.run(checked, flags_parser=lambda arguments: _parse(arguments, hint, dict(renamed)))


def hold_workdir(directory):
    """Checks the directory of a run, created if necessary, and locks it until the program ends."""
    from mc_tf.storage.destinations import directory_held

    _held.enter_context(directory_held(directory))


def hold_output(path, *endings):
    """Checks the path of results, with endings such as `".npz"`, and locks it until the end."""
    from mc_tf.storage.destinations import output_held

    _held.enter_context(output_held(path, endings or ("",)))


def labeled(entries, load, label_of, repeated=False):
    """Loads `LABEL=FILE` and `FILE` by label; the default label is `label_of(loaded, FILE)`.

    With `repeated`, several files may share a given label, and each label has a list.
    """
    by_label, unnamed = {}, set()
    for entry in entries:
        label, equals, file = entry.partition("=")
        if not equals or os.path.exists(entry):  # a path may hold a "=", too
            label, file = "", entry
        one, given = load(file), bool(label)
        label = label or str(label_of(one, file))
        if label in by_label and not (repeated and given and label not in unnamed):
            raise ValueError(f"Two files have the label '{label}'. Give LABEL=FILE for each.")
        unnamed.update([] if given else [label])
        by_label.setdefault(label, []).append(one)
    return by_label if repeated else {label: one for label, (one,) in by_label.items()}


def stem(_, file):
    """Label of a file: its name without directory and extension."""
    return os.path.splitext(os.path.basename(file))[0]


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


def _import_modules():
    """Imports the modules of `--import`."""
    for name in ",".join(FLAGS["import"].value).split(","):
        try:
            if name.endswith(".py"):
                module = os.path.splitext(os.path.basename(name))[0]
                spec = importlib.util.spec_from_file_location(module, name)
                sys.modules[module] = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(sys.modules[module])
            elif name:
                if os.getcwd() not in sys.path:
                    sys.path.insert(0, os.getcwd())  # like `python -m`
                importlib.import_module(name)
        except Exception as error:  # user code may raise anything
            raise ValueError(
                f"--import={name} cannot be imported ({type(error).__name__}: {error}). Use a "
                "module, such as my.layers, or a file, such as layers.py."
            ) from error


def _enter_asked():
    """Enters the scope of `--distribute` and the precision of `--auto_bfloat16`."""
    if "distribute" in FLAGS and FLAGS.distribute != "none":
        from mc_tf.distribute import is_chief, make_strategy

        _held.enter_context(make_strategy(FLAGS.distribute).scope())
        if not is_chief():  # the first process prints for all
            nothing = _held.enter_context(open(os.devnull, "w"))
            _held.enter_context(contextlib.redirect_stdout(nothing))
    if "auto_bfloat16" in FLAGS and FLAGS.auto_bfloat16:
        from mc_tf.backend.precision import automatic_bfloat16

        _held.enter_context(automatic_bfloat16())


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
    text = str(error).removeprefix("ERROR:: ").strip().rstrip(".")
    missing = re.fullmatch(r"flag --(\w+)=None: .* must have a value other than None", text)
    if missing:
        about = FLAGS[missing[1]].help
        return f"Pass --{missing[1]}=...: {about[0].lower()}{about[1:].rstrip('.')}"
    return text
