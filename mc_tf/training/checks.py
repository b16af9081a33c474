"""Checks that a data set has what an experiment asks of it."""

import keras

__all__ = ["check_classes", "check_num_examples", "output_kind"]


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
