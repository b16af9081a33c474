"""Checks of what data sets are given; each error says how to put it right."""


def check_positive(name, value):
    """Refuses a count below 1.

    Args:
        name: Name of the argument, for the message.
        value: Int.

    Raises:
        ValueError: If `value` is below 1.
    """
    if value < 1:
        raise ValueError(f"{name} must be at least 1. Received: {name}={value}.")


def check_num_examples(num_examples, available, what, name="num_examples"):
    """Refuses to serve more examples than there are, or none.

    Args:
        num_examples: How many to serve, or `None` for all.
        available: How many there are.
        what: What they are, for the message.
        name: Name of the argument, for the message.

    Returns:
        How many to serve.

    Raises:
        ValueError: If `num_examples` is not in `1 .. available`.
    """
    total = available if num_examples is None else num_examples
    if not 1 <= total <= available:
        raise ValueError(
            f"{name} must be between 1 and {available}, the number of {what} there are. "
            f"Received: {name}={num_examples}."
        )
    return total


def check_examples(part, x, y, num_classes, rank=None):
    """Refuses examples and labels that do not fit each other.

    Args:
        part: `"train"` or `"test"`, for the message.
        x: Array that should be `(examples, ...)`.
        y: Array that should be `(examples,)` with values `0 .. num_classes - 1`.
        num_classes: Int.
        rank: Of images: 4, for `(examples, height, width, channels)`. Defaults to any.

    Raises:
        ValueError: If they are anything else, or there are no examples.
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
            f"y_{part} must hold one label in 0 .. {num_classes - 1} for each of the "
            f"{len(x)} {what}. Received: {received}."
        )


def check_channels(name, values, channels):
    """Refuses a mean or deviation that is neither one number nor one a channel.

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
