"""Files of grids evaluated by several processes, and the versions used."""

__all__ = ["shard_path", "versions_of"]


def versions_of(result):
    """Returns the versions used for a result.

    Args:
        result: `GridEvaluation`.

    Returns:
        List of dicts, one or more.
    """
    later = result.description.get("versions of later points", [])
    first = result.description.get("versions")
    return ([first] if first else []) + (later if isinstance(later, list) else [later])


def shard_path(path, shard):
    """Returns the file name, without extension, of one part of a grid.

    Args:
        path: file name of the whole grid, without extension, or `None`.
        shard: `(i, n)`, the `i`-th of `n` parts, counted from 1; `None` for the whole grid.

    Returns:
        str or `None`.

    Example:
        >>> shard_path("runs/plane", (2, 4))
        'runs/plane-2-of-4'
    """
    return path if path is None or shard is None else f"{path}-{shard[0]}-of-{shard[1]}"
