"""Flags that say which network to build, in all programs that train one."""

from absl import flags

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # the flags below are the program's, for its --help


def define_network_flags():
    """Flag for the options that only some networks have."""
    flags.DEFINE_multi_string(
        "network_option",
        [],
        "NAME=VALUE, an option of the network's builder, such as width=0.5 of 3conv3fc.",
    )


def define_new_network_flags(weight_decay):
    """Flags of a network that is built and trained.

    Args:
        weight_decay: default.
    """
    flags.DEFINE_string(
        "network", "convnet", "Network: convnet, fc, ..., or a registered name of yours."
    )
    flags.DEFINE_float(
        "weight_decay",
        weight_decay,
        "Factor wd of the loss term wd/2 * sum of squares over all trainable weights.",
        lower_bound=0.0,
    )
    flags.DEFINE_string(
        "initial_weights", None, "File of weights to start from (.keras, .weights.h5 or .h5)."
    )
    define_network_flags()


def new_network():
    """The network that the flags of `define_new_network_flags` choose.

    Returns:
        dict of arguments of `mc_tf.training.train_network`.
    """
    return {
        "network": FLAGS.network,
        "weight_decay": FLAGS.weight_decay,
        "network_options": network_options(),
        "initial_weights": FLAGS.initial_weights,
    }


def network_options(flag="network_option"):
    """The options of a network's builder that a flag gives.

    Args:
        flag: name of the flag.

    Returns:
        dict from name to number, bool, list or str.
    """
    from mc_tf.models.zoo import registry

    options = {}
    for entry in FLAGS[flag].value:
        name, equals, value = entry.partition("=")
        if not equals:
            raise ValueError(f"--{flag} must be NAME=VALUE. Received: '{entry}'.")
        options[name] = registry.parse_value(value)
    return options
