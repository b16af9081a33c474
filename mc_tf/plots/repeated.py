"""One line for repeated runs with different seeds: mean and spread."""

import numpy as np

__all__ = ["draw_repeated", "repetitions_of"]


def repetitions_of(results, position):
    """Groups the repetitions of each result; they must have the same positions.

    Args:
        results: dict of arrays; or dict from label to such a dict, or to a list of them, one per
            repetition.
        position: name of the array with the positions.

    Returns:
        dict from label to a list of dicts of arrays.

    Raises:
        ValueError: if positions with the same label differ, or a label has no repetition.
    """
    results = {"": results} if position in results else results
    lists = {key: one if isinstance(one, (list, tuple)) else [one] for key, one in results.items()}
    for label, repetitions in lists.items():
        if not repetitions:
            raise ValueError(f"There is no result of '{label}' to draw.")
        first = repetitions[0][position]
        for other in (one[position] for one in repetitions[1:]):
            if not np.array_equal(other, first):
                raise ValueError(
                    f"The results of '{label}' cannot be drawn as one line: their {position} "
                    f"differ. Received: {np.asarray(first).tolist()} and "
                    f"{np.asarray(other).tolist()}. Give them different labels."
                )
    return lists


def draw_repeated(axis, repetitions, position, value, **line):
    """Draws the mean over repetitions, with a band of one standard deviation.

    Args:
        axis: matplotlib axis.
        repetitions: list of dicts of arrays.
        position, value: names of the arrays for the horizontal and the vertical axis.
        **line: options of the line; `color` is also used for the band.
    """
    positions = repetitions[0][position]
    values = np.stack([one[value] for one in repetitions])
    mean = values.mean(axis=0)
    axis.plot(positions, mean, **line)
    if len(values) > 1:
        spread = values.std(axis=0, ddof=1)
        band = {"color": line["color"], "alpha": 0.2, "linewidth": 0}
        axis.fill_between(positions, mean - spread, mean + spread, **band)
