"""What all programs share: flags that mean the same everywhere, and how a program ends."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A checkout runs without installation.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from absl import app, flags  # noqa: E402

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


def define_data_flags():
    """Flags that choose the data set."""
    flags.DEFINE_string("dataset", "digits", "Data set: digits, mnist, cifar10 or cifar100.")
    flags.DEFINE_string(
        "data_dir",
        None,
        "Directory of tensorflow-datasets, holding NAME/VERSION. Default: its own.",
    )
    flags.DEFINE_bool(
        "use_test",
        False,
        "Train on all training examples and evaluate on the test set; without it the last 5,000 "
        "training examples (of digits: a fifth) are held out and evaluated on.",
    )
    flags.DEFINE_enum(
        "normalization",
        None,
        ["resnet", "vgg"],
        "CIFAR channel means and deviations: those of the ResNet (default) or VGG experiments.",
    )


def define_training_flags(epochs, learning_rate):
    """Flags of a training, with the program's defaults.

    Args:
        epochs: default number of epochs.
        learning_rate: default base learning rate.
    """
    flags.DEFINE_string("workdir", None, "Directory for what this program writes.", required=True)
    flags.DEFINE_integer("epochs", epochs, "Number of epochs.", lower_bound=0)
    flags.DEFINE_integer("batch_size", 128, "Examples a batch.", lower_bound=1)
    flags.DEFINE_float(
        "learning_rate",
        learning_rate,
        "Base learning rate of SGD with momentum 0.9: constant until half of the epochs, linear "
        "to a hundredth at 90 %, then that.",
        lower_bound=0.0,
    )
    flags.DEFINE_integer("seed", 0, "Seed of initial weights, order, augmentation and t.")
    flags.DEFINE_integer("save_every", 1, "Epochs between two checkpoints.", lower_bound=1)
    flags.DEFINE_integer("verbose", 2, "Keras' verbosity: 0 silent, 1 bar, 2 a line an epoch.")


def training_options():
    """The settings that the flags of `define_training_flags` choose.

    Returns:
        `mc_tf.training.TrainingOptions`.
    """
    from mc_tf.training import TrainingOptions

    return TrainingOptions(
        epochs=FLAGS.epochs,
        learning_rate=FLAGS.learning_rate,
        batch_size=FLAGS.batch_size,
        seed=FLAGS.seed,
        save_every=FLAGS.save_every,
        verbose=FLAGS.verbose,
    )


def load_data():
    """The data set that the flags choose.

    Returns:
        Data set from `mc_tf.data.load`.
    """
    from mc_tf import data

    return data.load(
        FLAGS.dataset,
        data_dir=FLAGS.data_dir,
        use_test=FLAGS.use_test,
        normalization=FLAGS.normalization,
    )


def run(main):
    """Runs a program; bad input ends it with one line and exit status 1.

    Args:
        main: function of the remaining command line arguments.
    """

    def checked(arguments):
        if len(arguments) > 1:
            _fail(f"unexpected argument '{arguments[1]}'; all options are flags, see --help")
        try:
            main(arguments)
        except (ValueError, OSError) as error:
            _fail(" ".join(str(error).split()))
        except KeyboardInterrupt:
            _fail("stopped; the same command goes on from here")

    app.run(checked, flags_parser=_parse)


def _parse(arguments):
    try:
        return FLAGS(arguments)
    except flags.Error as error:
        _fail(f"{' '.join(str(error).split()).rstrip('.')}. See --help.")
    except SystemExit:  # --help was asked for: absl ends it with status 1
        sys.exit(0)


def _fail(message):
    print(f"{os.path.basename(sys.argv[0])}: error: {message}", file=sys.stderr)
    sys.exit(1)
