"""Checks that a network and a data set match."""

import keras
import tensorflow as tf

from mc_tf.training.fit import fixed_batch_size

__all__ = [
    "check_batch_size",
    "check_classes",
    "check_fits",
    "check_held_out_for_best",
    "check_num_examples",
    "output_kind",
]


def check_fits(network, data):
    """Rejects a network whose input shape or classes do not match `data`.

    Args:
        network: `keras.Model`. Networks without known shapes are not checked.
        data: data set from `mc_tf.data.load`.

    Raises:
        ValueError: naming both shapes.
    """
    pairs = (
        ("examples", getattr(network, "input_shape", None), tuple(data.input_shape)),
        ("classes", (getattr(network, "output_shape", None) or ())[-1:], (data.num_classes,)),
    )
    for what, made_for, given in pairs:
        if what == "examples" and isinstance(made_for, tuple):
            made_for = made_for[1:]
        if isinstance(made_for, tuple) and made_for and not _same_shape(made_for, given):
            raise ValueError(
                f"The network '{network.name}' is made for {what} of shape {made_for}, but those "
                f"of the data set '{data.name}' are {given}. Use the data set that it was trained "
                "on."
            )


def _same_shape(made_for, given):
    """Whether shapes match; variable dimensions of the network match anything."""
    return len(made_for) == len(given) and all(
        size in (None, other) for size, other in zip(made_for, given)
    )


def output_kind(loss):
    """Returns the output kind of networks trained by the programs.

    Args:
        loss: Keras loss that they were trained with.

    Returns:
        `"regression"`, or `"logits"`; see `mc_tf.Ensemble`.

    Example:
        >>> import keras
        >>> output_kind(keras.losses.MeanSquaredError())
        'regression'
    """
    return "regression" if isinstance(loss, keras.losses.MeanSquaredError) else "logits"


def check_classes(data, what, flags):
    """Rejects options for classifiers if the data set is not a classification problem.

    Args:
        data: data set from `mc_tf.data.load`.
        what: the requested feature.
        flags: the flags that request it.

    Raises:
        ValueError: naming the score of the data set.
    """
    name = data.metrics()[0].name
    if name != "accuracy":
        raise ValueError(
            f"{what} are only for classifiers, but this data set is scored by {name}. Leave "
            f"{flags} out."
        )


def check_held_out_for_best(data, options):
    """Rejects selecting the best network on the test set.

    Args:
        data: data set from `mc_tf.data.load`.
        options: `TrainingOptions`.

    Raises:
        ValueError: if the data set has no validation part.
    """
    if options.keep_best and not data.has_validation:
        raise ValueError(
            "keep_best chooses by validation examples, but the data set has none with use_test. "
            "Leave one of the two out."
        )


def check_num_examples(data, batch_size, num_train=None, num_test=None):
    """Rejects evaluating on more examples than the data set has.

    Args:
        data: data set from `mc_tf.data.load`.
        batch_size: examples per batch.
        num_train, num_test: numbers of examples. Default: all.

    Raises:
        ValueError: naming the available number.
    """
    data.train_eval_batches(batch_size, num_examples=num_train)  # which does not load any data
    data.test_batches(batch_size, num_examples=num_test)


def check_batch_size(network, batch_size, replicas=None):
    """Rejects a batch size that does not match a stateful network, or the number of replicas.

    Args:
        network: `keras.Model`.
        batch_size: examples per batch.
        replicas: number of devices that share a batch. Default: those of the strategy in scope.

    Raises:
        ValueError: naming both.
    """
    fixed = fixed_batch_size(network)
    replicas = replicas or tf.distribute.get_strategy().num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(
            f"batch_size={batch_size} does not divide by the {replicas} replicas that share a "
            f"batch. Choose a multiple of {replicas}."
        )
    if fixed is not None and replicas > 1:
        raise ValueError(
            f"The network '{network.name}' carries state for batches of {fixed}, which cannot be "
            "shared by several replicas. Train it on one device."
        )
    if fixed not in (None, batch_size):
        raise ValueError(
            f"The network '{network.name}' carries state for batches of {fixed}, but batch_size is "
            f"{batch_size}. Use --batch_size={fixed}."
        )
