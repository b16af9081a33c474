"""Whether a figure of a loss surface can be drawn from given results."""

from collections.abc import Collection

__all__ = ["as_dict", "check_grids", "quality"]


def as_dict(results):
    """One result, or several by label, as a dict."""
    if isinstance(results, dict):
        return dict(results)
    if hasattr(results, "t") or hasattr(results, "axes") or hasattr(results, "members"):
        return {"": results}
    raise ValueError(
        "`results` must be an evaluation, or a dict from label to evaluation. Received: "
        f"{type(results).__name__}"
    )


def check_grids(results, surface, names):
    """Refuses results that a figure cannot be drawn from.

    Args:
        results: dict from label to `mc_tf.GridEvaluation`.
        surface: class name of the surface that they must be grids of, such as `"Plane"`.
        names: values that they must have.

    Raises:
        ValueError: if there is none, or one is of another surface, is not complete, or lacks a
            value.
    """
    if not results:
        raise ValueError("There is nothing to draw: give at least one result.")
    if not names:
        raise ValueError("There is nothing to draw: give at least one value.")
    for label, result in results.items():
        name = f"'{label}'" if label else "The result"
        if result.surface != surface:
            raise ValueError(
                f"{name} is the grid of a {result.surface}; this figure takes that of a {surface}."
            )
        missing = sorted(set(names) - set(result.names))
        if missing or not result.complete:
            raise ValueError(
                f"{name} cannot be drawn: {int(result.done.sum())} of {len(result.done)} points "
                f"are evaluated, and the values missing are: {', '.join(missing) or 'none'}. "
                f"There are: {', '.join(result.names)}."
            )


def quality(names: Collection[str]) -> str:
    """What a figure shows beside the train loss.

    Args:
        names: of all values that there are.

    Returns:
        `"test_error"`, or another value on test data in its place.

    Example:
        >>> quality({"train_loss", "test_loss", "test_perplexity"})
        'test_perplexity'
    """
    if "test_error" in names:
        return "test_error"
    return min(
        (n for n in names if n.startswith("test_") and n != "test_loss"), default="test_loss"
    )
