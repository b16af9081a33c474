"""Learning rates as functions of the progress of training."""

import math

__all__ = [
    "CYCLES",
    "SCHEDULES",
    "cosine_cycle",
    "exponential",
    "learning_rate_at",
    "linear_cycle",
    "piecewise_linear",
    "step",
    "swa",
    "triangular_cycle",
]

CYCLES = ("triangular_cycle", "cosine_cycle", "linear_cycle")  # set in each step, not each epoch
SCHEDULES = ("piecewise_linear", "step", "exponential", "constant", "swa", *CYCLES)


def piecewise_linear(epoch, epochs, learning_rate, final_ratio=0.01):
    """Learning rate of the reference experiments: constant, then linear, then constant.

    The base rate for half of the epochs, then linear to `final_ratio` times the base rate at 90 %,
    then constant. Epochs are counted from 1, as in the paper's reference implementation.

    Args:
        epoch: starting epoch, counted from 0 as in Keras.
        epochs: total number of epochs.
        learning_rate: base rate.
        final_ratio: final rate divided by the base rate, default 0.01.

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
        epoch: starting epoch, counted from 0.
        learning_rate: initial rate.
        decay_epochs: epochs, counted from 0, at which the rate drops.
        decay_factor: factor of the rate, default 0.1.

    Returns:
        float.

    Example:
        >>> [round(step(epoch, 1.0, [2, 3]), 5) for epoch in range(5)]
        [1.0, 1.0, 0.1, 0.01, 0.01]
    """
    return learning_rate * decay_factor ** sum(epoch >= decay for decay in decay_epochs)


def exponential(epoch, learning_rate, decay_epoch, decay_factor):
    """Learning rate of the Penn Treebank experiments: constant, then a factor per epoch.

    Args:
        epoch: starting epoch, counted from 0.
        learning_rate: initial rate.
        decay_epoch: number of epochs at the initial rate.
        decay_factor: factor of the rate in each later epoch.

    Returns:
        float.

    Example:
        >>> [exponential(epoch, 1.0, 4, 0.5) for epoch in range(7)]
        [1.0, 1.0, 1.0, 1.0, 0.5, 0.25, 0.125]
    """
    return learning_rate * decay_factor ** max(epoch + 1 - decay_epoch, 0)


def _clip(value, low, high):
    return min(max(value, low), high)


def swa(epoch, swa_start, learning_rate, final_ratio, clip=_clip):
    """Learning rate of the stochastic weight averaging experiments (arXiv 1803.05407).

    The base rate until half of `swa_start`, then linear to `final_ratio` times the base rate at 90
    % of `swa_start`, then constant, also while weights are averaged.

    Args:
        epoch: starting epoch, counted from 0; or step, an int, array or tensor.
        swa_start: epoch (or step) at which averaging starts.
        learning_rate: base rate.
        final_ratio: rate of averaging divided by the base rate.
        clip: function `(value, low, high)` for the type of `epoch`, default for a number.

    Returns:
        Rate, of the type of `epoch`.

    Example:
        >>> [round(swa(epoch, 10, 0.1, 0.5), 5) for epoch in (0, 5, 7, 9, 10, 12)]
        [0.1, 0.1, 0.075, 0.05, 0.05, 0.05]
    """
    progress = epoch / swa_start if swa_start else 1.0
    share = clip((progress - 0.5) / 0.4, 0.0, 1.0)
    return learning_rate * (1.0 - share * (1.0 - final_ratio))


def triangular_cycle(step, cycle_length, max_learning_rate, min_learning_rate):
    """Learning rate of fast geometric ensembling (section 5, Algorithm 1).

    With iterations `i = step + 1` counted from 1 and `t(i) = (mod(i - 1, c) + 1) / c`:
    `(1 - 2 t) alpha_1 + 2 t alpha_2` for `t <= 1/2`, then `(2 - 2 t) alpha_2 + (2 t - 1) alpha_1`.
    The rate is `alpha_2` exactly at `t = 1/2`, where a network is saved, and `alpha_1` exactly at
    the end of the cycle.

    Args:
        step: number of previous updates, an int, array or tensor.
        cycle_length: steps per cycle, `c`, even.
        max_learning_rate: `alpha_1`.
        min_learning_rate: `alpha_2`.

    Returns:
        Rate, of the type of `step`; a float for an int.

    Example:
        >>> [triangular_cycle(step, 4, 0.5, 0.25) for step in range(5)]
        [0.375, 0.25, 0.375, 0.5, 0.375]
    """
    high = abs(1 - 2 * _place(step, cycle_length))
    return high * max_learning_rate + (1 - high) * min_learning_rate


def linear_cycle(step, cycle_length, max_learning_rate, min_learning_rate):
    """Cyclic learning rate of stochastic weight averaging (arXiv 1803.05407, section 3.1).

    `(1 - t) alpha_1 + t alpha_2` with `t` as in `triangular_cycle`: down to `alpha_2` at the end of
    each cycle, where the weights are averaged, then immediately up.

    Args:
        step: number of previous updates, an int, array or tensor.
        cycle_length: steps per cycle.
        max_learning_rate: `alpha_1`.
        min_learning_rate: `alpha_2`.

    Returns:
        Of the kind of `step`.

    Example:
        >>> [linear_cycle(step, 4, 0.5, 0.25) for step in range(5)]
        [0.4375, 0.375, 0.3125, 0.25, 0.4375]
    """
    place = _place(step, cycle_length)
    return (1 - place) * max_learning_rate + place * min_learning_rate


def cosine_cycle(step, cycle_length, initial_learning_rate, cos=math.cos):
    """Learning rate of snapshot ensembles: half a cosine per cycle (Huang et al. 2017).

    `alpha_0 / 2 * (cos(pi * mod(i - 1, c) / c) + 1)` with `i = step + 1`.

    Args:
        step: number of previous updates, an int, array or tensor.
        cycle_length: steps per cycle, `c`.
        initial_learning_rate: `alpha_0`, the rate at the start of each cycle.
        cos: cosine function for the type of `step`, default Python's.

    Returns:
        Of the kind of `step`.

    Example:
        >>> [round(cosine_cycle(step, 4, 0.1), 4) for step in range(5)]
        [0.1, 0.0854, 0.05, 0.0146, 0.1]
    """
    place = _place(step, cycle_length) - 1 / cycle_length
    return 0.5 * initial_learning_rate * (cos(math.pi * place) + 1)


def _place(step, cycle_length):
    """Position in the cycle, in (0, 1]."""
    return (step % cycle_length + 1) / cycle_length


def learning_rate_at(epoch, options):
    """Returns the learning rate of an epoch for training options.

    Args:
        epoch: starting epoch, counted from 0.
        options: `mc_tf.training.TrainingOptions`; its `schedule` is one of `SCHEDULES`.

    Returns:
        float; the base rate for a schedule in `CYCLES`.
    """
    rate = options.learning_rate
    if options.schedule == "swa":
        return swa(epoch, options.swa_start, rate, options.final_ratio)
    if options.schedule == "piecewise_linear":
        return piecewise_linear(epoch, options.epochs, rate, options.final_ratio)
    if options.schedule == "step":
        return step(epoch, rate, options.decay_epochs, options.decay_factor)
    if options.schedule == "exponential":
        return exponential(epoch, rate, options.decay_epochs[0], options.decay_factor)
    return rate
