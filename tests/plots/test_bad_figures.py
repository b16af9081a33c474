"""Results that no figure can be drawn from."""

import numpy as np
import pytest
from surfaces import (
    chain,
    functions,
    line,
    plane,
    rays,
)

from mc_tf import plots


def incomplete():
    result = plane()
    result.done[3] = False
    return result


def half_chain():
    result = chain()
    result.done[3:] = False
    return result


def hopeless():
    result = plane()
    result._values["train_loss"][:] = np.nan
    return result


def without_path():
    result = plane()
    result.paths = {}
    return result


BAD = {
    "incomplete": (lambda: plots.plot_plane(incomplete()), "168 of 169 points"),
    "unknown value": (lambda: plots.plot_plane(plane(), value="tst"), "tst.*train_loss"),
    "a line for a plane": (lambda: plots.plot_plane({"A": line()}), "'A'.*Line.*a Plane"),
    "a plane for a line": (lambda: plots.plot_line(plane()), "Plane.*a Line"),
    "a plane for rays": (lambda: plots.plot_rays(plane()), "Plane.*Rays"),
    "rays for a surface": (lambda: plots.plot_surface(rays()), "Rays.*a Plane"),
    "rays in a film": (lambda: plots.plot_film([plane(), rays()]), "frame 2.*Rays"),
    "nothing": (lambda: plots.plot_plane({}), "at least one result"),
    "no value": (lambda: plots.plot_rays(rays(), values=[]), "at least one value"),
    "nothing finite": (lambda: plots.plot_plane(hopeless()), "None of the values is finite"),
    "nothing finite to color": (
        lambda: plots.plot_heat_map(hopeless(), value="train_loss"),
        "None of the values is finite",
    ),
    "maximum": (lambda: plots.plot_plane(plane(), maximum=0.01), "above the smallest.*0.01"),
    "maximum of a line": (lambda: plots.plot_line(line(), maximum=0.01), "above.*0.01"),
    "maximum of a surface": (lambda: plots.plot_surface(plane(), maximum=0), "above"),
    "levels fall": (lambda: plots.plot_plane(plane(), levels=[2, 1]), "increasing.*2, 1"),
    "no levels": (lambda: plots.plot_plane(plane(), levels=0), "at least 1.*0"),
    "levels and maximum": (
        lambda: plots.plot_plane(plane(), levels=[1, 2], maximum=3),
        "not both",
    ),
    "scale": (lambda: plots.plot_surface(plane(), scale="sqrt"), "log or linear.*sqrt"),
    "no logarithm": (
        lambda: plots.plot_surface(plane(), value="train_smallest_eigenvalue"),
        "no logarithm.*linear",
    ),
    "barriers of other positions": (
        lambda: plots.plot_barriers({"A": [chain()]}, positions=[1, 2]),
        "one result for each of 2 positions.*'A': 1",
    ),
    "barrier without its values": (
        lambda: plots.plot_barrier({"A": chain()}, names=["tst"]),
        "'A' cannot be drawn: it has no values 'tst'. It has: test_error",
    ),
    "curve without its values": (
        lambda: plots.plot_curves(chain(), names=["error"]),
        "The result cannot be drawn: it has no values 'error'",
    ),
    "no layers": (lambda: plots.plot_layers({}), "nothing to draw"),
    "one frame": (lambda: plots.plot_film([plane()]), "two frames.*1 frames"),
    "widths": (
        lambda: plots.plot_widths({"Chain": [chain(), chain()]}, widths=[1]),
        "each of 1 widths.*'Chain': 2",
    ),
    "half a curve of a width": (
        lambda: plots.plot_widths({"Chain": [chain(), half_chain()]}, widths=[1, 4]),
        "'Chain of width 4' cannot be drawn: 3 of",
    ),
    "labels": (
        lambda: plots.plot_film([plane()] * 2, labels=["a"]),
        "2 frames and 1 labels",
    ),
    "speed": (lambda: plots.plot_film([plane()] * 2, frames_per_second=0), "positive.*0"),
    "no curve": (
        lambda: plots.plot_regression(without_path(), functions()),
        "No curve.*mark_curve",
    ),
    "functions": (
        lambda: plots.plot_regression(plane(), {**functions(), "t": np.zeros(3)}),
        r"predictions.*'t': \(3,\)",
    ),
    "a band without one end": (
        lambda: plots.plot_regression(plane(), {**functions(), "mean": functions()["grid"]}),
        r"for a band mean, low and high \(n,\)",
    ),
    "functions missing": (
        lambda: plots.plot_regression(plane(), {"x": np.zeros(3)}),
        "Predictive functions need x",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    draw, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        draw()


def test_file_of_functions(tmp_path):
    np.savez(tmp_path / "f.npz", **functions())
    plots.plot_regression(plane(), tmp_path / "f.npz")
    with pytest.raises(FileNotFoundError, match="none.npz"):
        plots.plot_regression(plane(), tmp_path / "none.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "f.npz").read_bytes()[:300])
    with pytest.raises(ValueError, match="cut.npz' is damaged"):
        plots.plot_regression(plane(), tmp_path / "cut.npz")
