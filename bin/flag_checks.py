"""Checks of flags: limits, and flags without effect."""

import math

from absl import flags

FLAGS = flags.FLAGS
_LARGEST = 2**31 - 1
# Larger values are probably typos, which would cause weeks of work or exhaust memory. Limits of
# settings are defined at their fields, see `settings_flags`.
most = {"num_points": 10**5, "merge": 10**4, "frames_per_second": 10**4}
most |= {"num_bends": 1000, "curve_epochs": 10**7}


def check_flags(arguments, positional):
    """Rejects more than `positional` arguments that are no flags, and numbers out of range."""
    unexpected = arguments[1 + positional :]
    if unexpected:
        raise ValueError(
            f"unexpected argument '{unexpected[0]}'; all options are flags, see --help"
        )
    for name in FLAGS:
        value = FLAGS[name].value
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"--{name} must be a finite number. Received: --{name}={value}.")
        high = most.get(name, _LARGEST)
        if (isinstance(value, int) or name in most) and (value or 0) > high:
            raise ValueError(f"--{name} must be at most {high}. Received: --{name}={value}.")
    if "seed" in FLAGS and FLAGS.seed < 0:
        raise ValueError(f"--seed must be at least 0. Received: --seed={FLAGS.seed}.")


def numbers(flag, kind, low=-math.inf, high=math.inf):
    """Returns the numbers of a list flag as a tuple of `kind`, `int` or `float`."""
    values = FLAGS[flag].value
    given = f"Received: --{flag}={','.join(values)}."
    try:
        parsed = tuple(kind(value) for value in values)
    except ValueError as error:
        what = {int: "whole parsed", float: "parsed"}[kind]
        raise ValueError(f"--{flag} must be {what}, separated by commas. {given}") from error
    if not all(map(math.isfinite, parsed)):
        raise ValueError(f"--{flag} must be finite parsed. {given}")
    if min(parsed, default=low) < low:
        raise ValueError(f"--{flag} must be at least {low}. {given}")
    if max(parsed, default=high) > high:
        raise ValueError(f"--{flag} must be at most {high}. {given}")
    return parsed


def distinct(flag, kind, low=-math.inf):
    """Returns distinct numbers of a list flag, see `numbers`."""
    values = numbers(flag, kind, low)
    for number in values:
        if values.count(number) > 1:
            raise ValueError(
                f"--{flag} has {number} more than once. Received: "
                f"--{flag}={','.join(FLAGS[flag].value)}. Leave it out."
            )
    return values


def only_if(used, needed, *names):
    """Rejects flags that have no effect with the others, with the reason (`needed`)."""
    given = [f"--{name}" for name in names if FLAGS[name].present]
    if given and not used:
        raise ValueError(f"{', '.join(given)} would have no effect here: {needed}. Leave it out.")
