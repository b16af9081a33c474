"""Results of curves, ensembles and surfaces, computed by formulas, for tests of figures."""

import html
import re

import numpy as np

from mc_tf import CurveEvaluation, GridEvaluation
from mc_tf.ensemble import EnsembleEvaluation


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


def functions(band=False):
    """Predictions of networks along a curve, and the data."""
    x, t = np.linspace(-1, 1, 9), np.linspace(0, 1, 5)
    grid = np.linspace(-2, 2, 30)
    predictions = np.sin(grid) + t[:, None] * np.cos(3 * grid)
    mean = predictions.mean(0)
    posterior = {"mean": mean, "low": mean - 1, "high": mean + 1} if band else {}
    given = {"x": x, "y": np.sin(x), "grid": grid, "predictions": predictions, "t": t}
    return given | posterior


def chain(height=1.0, count=21):
    """Values along a polygonal chain with a bend in the middle."""
    t = np.linspace(0, 1, count)
    result = CurveEvaluation(t, "print", {"curve": "PolyChain(num_bends=1)"})
    result.set_geometry(np.full(count - 1, 2.0), 2.0 * (count - 1), 1.5, [0.5])
    for index, bump in enumerate(height * np.sin(2 * np.pi * t) ** 2):
        values = {"train_loss": 0.2 + bump, "train_error": bump, "test_error": 20 + 4 * bump}
        result.record(index, {**values, "test_loss": 1 + bump})
    return result


def ensemble(count=9, loss=1.0):
    """Scores of networks on a chain, and of the ensembles as they grow."""
    bump = np.sin(np.linspace(0, 2 * np.pi, count)) ** 2
    grown = 22 - np.arange(count) / count
    return EnsembleEvaluation(
        members={"error": 22 + bump, "loss": loss * (1 + bump)},
        cumulative={"error": grown, "loss": grown / 20},
        disagreement=np.full((count, count), 0.1),
        predictions=np.full((4, 2), 0.5),
        labels=np.zeros(4, int),
    )


def predicted(scale=2.0, size=400):
    """An ensemble's predictions, overconfident for a large scale."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(size, 3))
    right = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    labels = (rng.uniform(size=(size, 1)) > right.cumsum(-1)).sum(-1)
    said = np.exp(scale * logits)
    scores = {"error": np.array([40.0]), "loss": np.array([1.0])}
    said = said / said.sum(-1, keepdims=True)
    return EnsembleEvaluation(scores, scores, np.zeros((1, 1)), said, labels)


def corrupted(factor=1.0):
    """Scores on corrupted images: four kinds, five strengths."""
    strength = np.arange(1, 6)
    error = factor * strength * np.arange(1, 5)[:, None]
    return {"strength": strength, "error": error, "calibration_error": error / 100}


def growing(errors):
    """The results that a comparison of ensembles writes for one method."""
    errors = np.array(errors)
    return {"epochs": 5.0 + np.arange(len(errors)), "error": errors, "member_error": errors + 1}


def simplex(seed=0):
    """The results of simplexes with two to four vertices, 5 samples each."""
    error = np.random.default_rng(seed).uniform(2, 3, (3, 5))
    found = {"vertices": np.array([2, 3, 4]), "volume": np.array([5.0, 20.0, 1.0])}
    found |= {"error": error, "ensemble_error": error.min(1) - 0.2}
    return found | {"network_error": np.array([2.4, 2.2])}


def trajectory(count=24):
    """A training in cycles of 8 steps."""
    step = np.arange(1, count + 1)
    rate = 0.0005 + 0.05 * np.abs(np.mod(step, 8) - 4) / 4
    return {
        "step": step,
        "learning_rate": rate,
        "error": 20 + 100 * rate,
        "distance_from_start": np.sqrt(step),
    }


def pairs(depth=2.0):
    """Errors of ensembles of two networks along a curve."""
    t = np.linspace(0, 1, 11)
    return {"t": t, "pair_error": 22 - depth * (1 - np.exp(-5 * t)), "single_error": 22 + 0 * t}


def orders():
    """Differences of the first and of the second order."""
    distance = np.array([4.0, 2.0, 1.0])
    return {
        "distance": distance,
        "member_difference": 0.05 * distance,
        "mean_difference": 0.005 * distance**2,
    }


def texts(path):
    """Texts in an SVG file, which matplotlib writes as comments next to their outlines."""
    return re.findall(r"<!-- (.*?) -->", html.unescape(path.read_text()))
