"""Checks results for figures of loss surfaces."""

from collections.abc import Collection

__all__ = ["as_dict", "check_drawable", "check_grids", "quality"]


def as_dict(results):
    """Converts one result, or several by label, to a dict."""
    if isinstance(results, dict):
        return dict(results)
    if hasattr(results, "t") or hasattr(results, "axes") or hasattr(results, "members"):
        return {"": results}
    raise ValueError(
        "`results` must be an evaluation, or a dict from label to evaluation. Received: "
        f"{type(results).__name__}"
    )


def check_drawable(label, result, names):
    """Rejects a result that is not complete or lacks values.

    Args:
        label: its label, or `""` if it is the only one.
        result: `mc_tf.CurveEvaluation` or `mc_tf.GridEvaluation`.
        names: names of required values.

    Raises:
        ValueError: naming the missing points or values.
    """
    name = f"'{label}'" if label else "The result"
    if not result.complete:
        raise ValueError(
            f"{name} cannot be drawn: {int(result.done.sum())} of {len(result.done)} points are "
            "evaluated. Run the evaluation again: it resumes."
        )
    missing = sorted(set(names) - set(result.names))
    if missing:
        raise ValueError(
            f"{name} cannot be drawn: it has no values {', '.join(map(repr, missing))}. It has: "
            f"{', '.join(result.names)}."
        )


def check_grids(results, surface, names):
    """Rejects results that cannot be drawn.

    Args:
        results: dict from label to `mc_tf.GridEvaluation`.
        surface: class name of the required surface, such as `"Plane"`.
        names: names of required values.

    Raises:
        ValueError: if there are no results, or a result is for another surface, is incomplete, or
            lacks a value.
    """
    if not results:
        raise ValueError("There is nothing to draw: pass at least one result.")
    if not names:
        raise ValueError("There is nothing to draw: pass at least one value.")
    for label, result in results.items():
        name = f"'{label}'" if label else "The result"
        if result.surface != surface:
            raise ValueError(
                f"{name} is the grid of a {result.surface}; this figure needs the grid of a "
                f"{surface}."
            )
        check_drawable(label, result, names)


def quality(names: Collection[str]) -> str:
    """Returns the second value of a figure, besides the train loss.

    Args:
        names: names of all available values.

    Returns:
        `"test_error"`, or another value on test data.

    Example:
        >>> quality({"train_loss", "test_loss", "test_perplexity"})
        'test_perplexity'
    """
    if "test_error" in names:
        return "test_error"
    return min(
        (n for n in names if n.startswith("test_") and n != "test_loss"), default="test_loss"
    )
