"""Flags that choose a data set, in all programs that need one."""

import os

from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help
_loaded = []  # the data sets that this program reads


def why_unreadable(reason):
    """Why the data sets that this program reads could not be read.

    Args:
        reason: what TensorFlow says.

    Returns:
        str that names the damaged file, or the data.
    """
    said = dict.fromkeys(data.why_unreadable(reason) for data in _loaded)
    return "; ".join(said) or reason


def define_data_flags():
    """Flags that choose the data set."""
    flags.DEFINE_string(
        "dataset",
        "digits",
        "Data set: digits, mnist, cifar10, cifar100, imagenet2012, ptb, pydoc, "
        "regression, or a registered name of yours.",
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Directory of tensorflow-datasets, holding NAME/VERSION (default: its own); of ptb: "
        "that of its three text files.",
    )
    flags.DEFINE_bool(
        "use_test",
        False,
        "Train on all training examples and evaluate on the test set; without it the last 5,000 "
        "training examples (of digits and regression a fifth, of imagenet2012 a hundredth; texts "
        "have a validation part) are held out and evaluated on.",
    )
    flags.DEFINE_enum(
        "normalization",
        None,
        ["resnet", "vgg", "caffe", "torch"],
        "CIFAR: channel means and deviations of the ResNet (default) or VGG experiments. ImageNet: "
        "as keras.applications' ResNets expect (caffe, the default) or as most others (torch).",
    )
    flags.DEFINE_integer("image_size", None, "Of ImageNet: pixels; default 224.", lower_bound=1)
    flags.DEFINE_integer("num_steps", None, "Of texts: words a window; default 20.", lower_bound=1)
    define_program_flags()


def define_program_flags():
    """Flags of all programs that read data."""
    flags.DEFINE_bool(
        "auto_bfloat16",
        False,
        "Compute convolutions and matrix products in bfloat16 (TensorFlow, processors with "
        "AVX512_BF16 or AMX). Networks stay in float32, so a training may go on with or without "
        "it; stored evaluations may not.",
    )


def load_data(image_size=None, use_test=None, files=()):
    """The data set that the flags choose.

    Args:
        image_size, use_test: instead of what the flags say.
        files: files of networks, or `LABEL=FILE`, that must not have been trained on other data,
            see `mc_tf.training.provenance.check_same_data`.

    Returns:
        Data set from `mc_tf.data.load`.
    """
    from mc_tf import data
    from mc_tf.training.provenance import check_same_data

    found = data.load(
        FLAGS.dataset,
        data_dir=FLAGS.data_dir,
        use_test=FLAGS.use_test if use_test is None else use_test,
        normalization=FLAGS.normalization,
        num_steps=FLAGS.num_steps,
        image_size=image_size or FLAGS.image_size,
    )
    _loaded.append(found)
    paths = [file if os.path.exists(file) else file.partition("=")[2] for file in files]
    check_same_data(list(filter(None, paths)), found)
    return found


def load_recipe_data(chosen, num_examples=None):
    """The data set of a recipe, or a few examples of it for a smoke run.

    Args:
        chosen: `mc_tf.experiments.recipes.Data`.
        num_examples: how many for training and for testing. Default: all.
            Without `--data_dir` they are embedded ones in the shape of the data set.

    Returns:
        Data set.
    """
    from mc_tf import data

    if num_examples and not FLAGS.data_dir:
        found = data.stand_in(chosen.name, chosen.num_steps)
    else:
        found = data.load(
            chosen.name,
            data_dir=FLAGS.data_dir,
            use_test=chosen.use_test,
            normalization=chosen.normalization,
            num_steps=chosen.num_steps,
            image_size=chosen.image_size,
        )
    _loaded.append(found)
    return found.small(num_examples) if num_examples else found
