"""Whether a network and a data set belong together."""

import keras

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
    """Refuses a network made for examples of another shape or for other classes than `data`'s.

    Args:
        network: `keras.Model`. One that does not know its shapes is not checked.
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
                f"The network '{network.name}' is made for {what} of shape {made_for}, but "
                f"those of the data set '{data.name}' are {given}. Give the data set that it was "
                "trained on."
            )


def _same_shape(made_for, given):
    """Whether shapes are equal; a dimension that the network leaves open fits anything."""
    return len(made_for) == len(given) and all(
        size in (None, other) for size, other in zip(made_for, given)
    )


def output_kind(loss):
    """What networks put out that this library's programs trained.

    Args:
        loss: Keras loss, what they were trained with.

    Returns:
        `"regression"`, or `"logits"`; see `mc_tf.Ensemble`.

    Example:
        >>> import keras
        >>> output_kind(keras.losses.MeanSquaredError())
        'regression'
    """
    return "regression" if isinstance(loss, keras.losses.MeanSquaredError) else "logits"


def check_classes(data, what, flags):
    """Refuses what is for classifiers only, where a data set is judged otherwise.

    Args:
        data: data set from `mc_tf.data.load`.
        what: what is asked for.
        flags: the flags that ask for it.

    Raises:
        ValueError: naming what the data set is judged by.
    """
    name = data.metrics()[0].name
    if name != "accuracy":
        raise ValueError(
            f"{what} are of classifiers, but this data set is judged by {name}. Leave {flags} out."
        )


def check_held_out_for_best(data, options):
    """Refuses to choose the best network of a training on the test set.

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
    """Refuses to evaluate on more examples than there are.

    Args:
        data: data set from `mc_tf.data.load`.
        batch_size: examples a batch.
        num_train, num_test: numbers of examples. Default: all.

    Raises:
        ValueError: naming how many there are.
    """
    data.train_eval_batches(batch_size, num_examples=num_train)  # which makes no batch yet
    data.test_batches(batch_size, num_examples=num_test)


def check_batch_size(network, batch_size):
    """Refuses a batch size that a network with carried state has no state for.

    Args:
        network: `keras.Model`.
        batch_size: examples a batch.

    Raises:
        ValueError: naming both.
    """
    fixed = fixed_batch_size(network)
    if fixed not in (None, batch_size):
        raise ValueError(
            f"The network '{network.name}' carries state for batches of {fixed}, but batch_size "
            f"is {batch_size}. Give --batch_size={fixed}."
        )
