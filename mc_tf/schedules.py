"""Learning rates as functions of the progress of training."""

__all__ = ["SCHEDULES", "exponential", "learning_rate_at", "piecewise_linear", "step"]

SCHEDULES = ("piecewise_linear", "step", "exponential", "constant")


def piecewise_linear(epoch, epochs, learning_rate, final_ratio=0.01):
    """Learning rate of the reference experiments: constant, then linear, then constant.

    The base rate until half of the epochs, from there linear to `final_ratio` times it at 90 %,
    then that. Epochs are counted from 1, as in the paper's reference implementation.

    Args:
        epoch: epoch that begins, counted from 0 as Keras does.
        epochs: number of epochs in all.
        learning_rate: base rate.
        final_ratio: last rate divided by the base rate, default 0.01.

    Returns:
        float.

    Example:
        >>> [round(piecewise_linear(epoch, 10, 0.1), 5) for epoch in range(10)]
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.07525, 0.0505, 0.02575, 0.001, 0.001]
    """
    progress = (epoch + 1) / epochs
    if progress <= 0.5:
        return learning_rate
    if progress <= 0.9:
        return learning_rate * (1.0 - (progress - 0.5) / 0.4 * (1.0 - final_ratio))
    return learning_rate * final_ratio


def step(epoch, learning_rate, decay_epochs, decay_factor=0.1):
    """Learning rate that is multiplied by a factor at each of several epochs.

    Args:
        epoch: epoch that begins, counted from 0.
        learning_rate: first rate.
        decay_epochs: epochs, counted from 0, from which on the rate is lower.
        decay_factor: what it is multiplied by, default 0.1.

    Returns:
        float.

    Example:
        >>> [round(step(epoch, 1.0, [2, 3]), 5) for epoch in range(5)]
        [1.0, 1.0, 0.1, 0.01, 0.01]
    """
    return learning_rate * decay_factor ** sum(epoch >= decay for decay in decay_epochs)


def exponential(epoch, learning_rate, decay_epoch, decay_factor):
    """Learning rate of the Penn Treebank experiments: constant, then a factor for each epoch.

    Args:
        epoch: epoch that begins, counted from 0.
        learning_rate: first rate.
        decay_epoch: number of epochs at the first rate.
        decay_factor: what the rate is multiplied by in each epoch after those.

    Returns:
        float.

    Example:
        >>> [exponential(epoch, 1.0, 4, 0.5) for epoch in range(7)]
        [1.0, 1.0, 1.0, 1.0, 0.5, 0.25, 0.125]
    """
    return learning_rate * decay_factor ** max(epoch + 1 - decay_epoch, 0)


def learning_rate_at(epoch, options):
    """Learning rate of an epoch under the training options.

    Args:
        epoch: epoch that begins, counted from 0.
        options: `mc_tf.training.TrainingOptions`; its `schedule` is one of `SCHEDULES`.

    Returns:
        float.
    """
    rate = options.learning_rate
    if options.schedule == "piecewise_linear":
        return piecewise_linear(epoch, options.epochs, rate, options.final_ratio)
    if options.schedule == "step":
        return step(epoch, rate, options.decay_epochs, options.decay_factor)
    if options.schedule == "exponential":
        return exponential(epoch, rate, options.decay_epochs[0], options.decay_factor)
    return rate
