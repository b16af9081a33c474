"""Checks of arguments of data sets; each error says how to fix it."""


def check_positive(name, value):
    """Rejects a count below 1.

    Args:
        name: Name of the argument, for the message.
        value: Int.

    Raises:
        ValueError: If `value` is below 1.
    """
    if value < 1:
        raise ValueError(f"{name} must be at least 1. Received: {name}={value}.")


def check_num_examples(num_examples, available, what, name="num_examples"):
    """Rejects serving more examples than available, or none.

    Args:
        num_examples: Number to serve, or `None` for all.
        available: Number available.
        what: Name of the examples, for the message.
        name: Name of the argument, for the message.

    Returns:
        Number to serve.

    Raises:
        ValueError: If `num_examples` is not in `1 .. available`.
    """
    total = available if num_examples is None else num_examples
    if not 1 <= total <= available:
        raise ValueError(
            f"{name} must be between 1 and {available}, the number of {what}. Received: "
            f"{name}={num_examples}."
        )
    return total


def check_examples(part, x, y, num_classes, rank=None):
    """Rejects examples and labels that do not match.

    Args:
        part: `"train"` or `"test"`, for the message.
        x: Array that should be `(examples, ...)`.
        y: Array that should be `(examples,)` with values `0 .. num_classes - 1`.
        num_classes: Int.
        rank: Required rank: 4 for images `(examples, height, width, channels)`. Defaults to any.

    Raises:
        ValueError: If they are anything else, or empty.
    """
    if len(x.shape) < 1 or rank not in (None, x.ndim) or len(x) == 0:
        expected = "(examples, height, width, channels)" if rank else "(examples, ...)"
        raise ValueError(
            f"x_{part} must be an array {expected} with at least one example. Received shape: "
            f"{x.shape}."
        )
    if y.shape != (len(x),) or y.min() < 0 or y.max() >= num_classes:
        received = f"shape {y.shape}"
        if y.size:
            received += f", values {y.min()} .. {y.max()}"
        what = "images" if rank else "examples"
        raise ValueError(
            f"y_{part} must hold one label in 0 .. {num_classes - 1} for each of the {len(x)} "
            f"{what}. Received: {received}."
        )


def check_channels(name, values, channels):
    """Rejects a mean or deviation that is neither one number nor one per channel.

    Args:
        name: Name of the argument, for the message.
        values: Tuple of floats.
        channels: Number of channels of the images.

    Raises:
        ValueError: If `values` has another length than 1 or `channels`.
    """
    if len(values) not in (1, channels):
        raise ValueError(
            f"{name} must have one value, or one for each of the {channels} channels. "
            f"Received: {name}={values}."
        )
