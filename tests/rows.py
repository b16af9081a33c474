"""Which rows of a table run by default."""

import pytest


def some(rows, *kept):
    """Marks the rows that are not kept `long`: they run when asked for.

    Args:
        rows: names of rows.
        *kept: those that differ in what the test can tell apart.

    Returns:
        List for `pytest.mark.parametrize`.
    """
    assert all(row in rows for row in kept), kept
    return [row if row in kept else pytest.param(row, marks=pytest.mark.long) for row in rows]
