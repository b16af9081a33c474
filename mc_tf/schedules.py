"""Learning rates as functions of the progress of training."""

__all__ = ["piecewise_linear"]


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
