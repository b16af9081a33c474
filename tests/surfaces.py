"""Results of planes, lines and rays that are computed by formulas, for tests of figures."""

import numpy as np

from mc_tf import GridEvaluation


def filled(surface, axes, functions, marks=None, paths=None):
    """A complete grid: each value is a function of the coordinates."""
    marks = {label: np.atleast_1d(np.array(x, "float64")) for label, x in (marks or {}).items()}
    result = GridEvaluation(surface, axes, marks, paths or {}, {}, "f", {"data": "formulas"})
    for index, place in enumerate(result.coordinates):
        result.record(index, {name: float(f(*place)) for name, f in functions.items()})
    return result


def curve(height=40.0, count=31):
    """A Bezier curve between two networks at distance 50, in a plane."""
    t = np.linspace(0, 1, count)
    return np.stack([50 * t, 2 * t * (1 - t) * height], -1)


def plane(size=13, height=40.0):
    """A valley along a curve, with three marks."""
    path = curve(height)

    def loss(x, y):
        return 0.06 + 3 * (1 - np.exp(-np.min((x - path[:, 0]) ** 2 + (y - path[:, 1]) ** 2) / 90))

    values = {
        "train_loss": loss,
        "test_error": lambda x, y: 30 * loss(x, y),
        "train_smallest_eigenvalue": lambda x, y: x - y,
        "train_eigenvalue_ratio": lambda x, y: abs(np.sin(x) * np.cos(y)),
    }
    axes = [np.linspace(-10, 60, size), np.linspace(-8, 48, size)]
    marks = {"first": (0, 0), "second": (50, 0), "bend": (25, height)}
    return filled("Plane", axes, values, marks, {"Bezier": path})


def line(shift=0.0):
    """A line through two networks and beyond."""
    values = {
        "train_loss": lambda x: 0.02 + 0.001 * (x - shift) ** 2,
        "test_loss": lambda x: 0.3 + 0.0005 * (x - 15) ** 2,
        "train_error": lambda x: min(90.0, 0.05 * (x - shift) ** 2),
        "test_error": lambda x: min(90.0, 20 + 0.02 * (x - 15) ** 2),
    }
    marks = {"SGD": 0.0, "SWA": 18.0}
    return filled("Line", [np.linspace(-30, 50, 41)], values, marks)


def rays(steepness=1.0):
    """Four rays."""
    values = {
        "train_loss": lambda r, j: 0.05 + steepness * (1 + 0.2 * j) * r**2,
        "test_error": lambda r, j: 20 + 10 * steepness * (1 + 0.2 * j) * r**2,
    }
    return filled("Rays", [np.linspace(0, 1, 11), np.arange(4.0)], values)


def functions():
    """What networks along a curve predict, and the data."""
    x, t = np.linspace(-1, 1, 9), np.linspace(0, 1, 5)
    grid = np.linspace(-2, 2, 30)
    predictions = np.sin(grid) + t[:, None] * np.cos(3 * grid)
    return {"x": x, "y": np.sin(x), "grid": grid, "predictions": predictions, "t": t}
