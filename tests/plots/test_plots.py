"""Figures of loss surfaces, from results that are computed by formulas."""

import html
import re
import warnings

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text
from model_zoo import some
from PIL import Image
from surfaces import (
    chain,
    curve,
    ensemble,
    filled,
    functions,
    growing,
    line,
    orders,
    pairs,
    plane,
    rays,
    trajectory,
)

from mc_tf import plots
from mc_tf.plots.levels import Levels
from mc_tf.plots.marks import draw_marks, place_labels
from mc_tf.plots.surface_3d import interpolate

PLANES = {"Optima": plane(height=20.0), "Curve": plane()}
LINES = {"VGG": line(), "ResNet": line(3.0)}
# What is drawn, and texts that must be in it.
FIGURES = {
    "plane": (
        lambda path: plots.plot_plane(plane(), path, maximum=2.5, title="A plane"),
        ["A plane", "first", "second", "bend", "coordinate x", "Train loss (with L2)", "> 2.5"],
    ),
    "planes": (
        lambda path: plots.plot_plane(PLANES, path, value="test_error", maximum=50),
        ["Optima", "Curve", "Test error (%)", "> 50"],
    ),
    "planes with given levels": (
        lambda path: plots.plot_plane(PLANES, path, levels=[0.1, 0.25, 2]),
        ["0.1", "0.25", "2", "> 2"],
    ),
    "heat map": (
        lambda path: plots.plot_heat_map(PLANES, path, "train_smallest_eigenvalue"),
        ["Smallest eigenvalue of the Hessian", "Optima", "bend"],
    ),
    "eigenvalue ratio": (
        lambda path: plots.plot_eigenvalue_ratio(plane(), path, title="Convex?"),
        ["|Smallest / largest eigenvalue| of the Hessian", "Convex?"],
    ),
    "line": (
        lambda path: plots.plot_line(line(), path, label="distance"),
        ["distance", "SGD", "SWA", "Loss (with L2)", "Error (%)", "Train loss", "Test error (%)"],
    ),
    "lines": (
        lambda path: plots.plot_line(LINES, path, maximum=1),
        ["VGG", "ResNet", "Train loss", "coordinate on the line"],
    ),
    "lines of one value": (
        lambda path: plots.plot_line(LINES, path, values=["test_error"], title="Two"),
        ["VGG", "ResNet", "Test error (%)", "Two"],
    ),
    "rays": (
        lambda path: plots.plot_rays({"SWA": rays(), "SGD": rays(3.0)}, path),
        ["SWA: mean of 4 rays", "SGD: mean of 4 rays", "Train loss (with L2)"],
    ),
    "surface": (
        lambda path: plots.plot_surface(plane(), path, title="Above"),
        ["Above", "first", "second", "bend", "Train loss (with L2)"],
    ),
    "surface with a linear scale": (
        lambda path: plots.plot_surface(plane(), path, scale="linear", maximum=2),
        ["coordinate y", "1.6"],
    ),
    "curves": (
        lambda path: plots.plot_curves({"Chain": chain(), "Flat": chain(0.1)}, path),
        ["Chain", "Flat", "Train loss (with L2)", "position t on the curve"],
    ),
    "curves and ensembles": (
        lambda path: plots.plot_curve_ensembles(
            {"Chain": chain(), "Flat": chain(0.1)}, path, {"Chain": (ensemble(), ensemble(5))}
        ),
        [
            *("Train error (%)", "Train loss (with L2)", "Test error (%)", "Test cross-entropy"),
            *("Chain", "Flat", "Ensemble on Chain, before rescaling", "Chain, after rescaling"),
        ],
    ),
    "pairs": (
        lambda path: plots.plot_pairs({"Chain": pairs(), "Segment": pairs(-3)}, path),
        ["Chain", "Segment", "Error of the ensemble of two (%)"],
    ),
    "several pairs": (
        lambda path: plots.plot_pairs({"Chain": [pairs(), pairs(3)], "Segment": pairs(-3)}, path),
        ["Chain", "Segment"],
    ),
    "trajectory": (
        lambda path: plots.plot_trajectory(trajectory(), path, title="FGE"),
        ["FGE", "Learning rate", "Error (%)", "Distance from the start", "smallest rate"],
    ),
    "budgets": (
        lambda path: plots.plot_budgets({"FGE": growing([22, 21]), "SSE": growing([23])}, path),
        ["FGE", "SSE", "one network", "epochs of training in all", "Error (%)"],
    ),
    "mean prediction": (
        lambda path: plots.plot_mean_prediction(orders(), path),
        ["one member", "mean of all members", "distance of the members from their mean"],
    ),
    "ensembles": (
        lambda path: plots.plot_ensembles({"FGE": ensemble()}, path),
        ["FGE: each member", "number of members", "Error (%)"],
    ),
    "widths": (
        lambda path: plots.plot_widths({"Chain": [chain(), chain(0.1)]}, path, [1, 4]),
        ["Chain", "worse endpoint", "Worst train loss on the curve"],
    ),
    "regression": (
        lambda path: plots.plot_regression(plane(), functions(), path, title="Functions"),
        ["Functions", "input", "prediction", "data", "position t on the curve", "bend"],
    ),
}


@pytest.fixture(autouse=True)
def no_warnings():
    """A figure is drawn without a warning and closed."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UserWarning)
        yield
    assert plt.get_fignums() == []


def texts(path):
    """Texts in an SVG file, which matplotlib writes as comments beside their outlines."""
    return re.findall(r"<!-- (.*?) -->", html.unescape(path.read_text()))


# Each function once; other options of one that is drawn anyway when asked for.
OPTIONS = (
    *("planes", "planes with given levels", "lines", "lines of one value", "several pairs"),
    *("surface with a linear scale", "curves and ensembles", "eigenvalue ratio"),
)


@pytest.mark.parametrize("name", some(list(FIGURES), set(FIGURES) - set(OPTIONS)))
def test_figure(tmp_path, name):
    draw, words = FIGURES[name]
    draw(tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        width, height = image.size
        assert 500 < width < 3000 and 400 < height < 1500
        small = np.asarray(image.convert("RGB").resize((60, 40))).reshape(-1, 3)
        assert len(np.unique(small, axis=0)) > 20  # not blank
    draw(tmp_path / "figure.svg")
    found = texts(tmp_path / "figure.svg")
    assert set(words) <= set(found), found


# One of each kind of picture: a map, lines, and what is in three dimensions.
@pytest.mark.parametrize("name", some(list(FIGURES), ["planes", "lines", "surface"]))
def test_svg_files_of_equal_figures_are_equal(tmp_path, name):
    draw, _ = FIGURES[name]
    for path in ("one.svg", "two.svg"):
        draw(tmp_path / path)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize("penalty, label", [(0.0, "Train loss"), (0.1, "Train loss (with L2)")])
def test_a_loss_without_a_penalty_is_not_said_to_have_one(tmp_path, penalty, label):
    result = chain(count=4)
    for index in range(4):
        result.record(index, {"train_loss": index + 1.0, "regularization": penalty})
    plots.plot_curves({"Chain": result}, tmp_path / "a.svg", ["train_loss"])
    assert label in texts(tmp_path / "a.svg")


@pytest.mark.parametrize("penalty, label", [(0.0, "Loss"), (0.1, "Loss (with L2)")])
def test_nor_is_the_axis_of_two_losses(tmp_path, penalty, label):
    result = line()
    result._values["regularization"] = np.full(len(result.done), penalty)
    plots.plot_line(result, tmp_path / "a.svg")
    assert {"Loss", "Loss (with L2)"} & {*texts(tmp_path / "a.svg")} == {label}


def test_the_directory_of_a_film_is_made(tmp_path):
    plots.plot_film([plane(5)] * 2, tmp_path / "new" / "a.gif")
    assert (tmp_path / "new" / "a.gif").read_bytes().startswith(b"GIF")


def test_the_directory_of_a_figure_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "a.png"
    plots.plot_curves({"Chain": chain(count=4)}, path, ["train_loss"])
    assert path.read_bytes().startswith(b"\x89PNG")


def test_bends_are_circles_on_the_curve(tmp_path, monkeypatch):
    drawn, draw = [], plt.Axes.plot

    def plot(axis, *given, **options):
        drawn.append(given)
        return draw(axis, *given, **options)

    monkeypatch.setattr(plt.Axes, "plot", plot)
    plots.plot_curves({"Chain": chain(count=4)}, tmp_path / "a.png", ["train_loss"])
    places, values, marker = drawn[1]
    assert marker == "o" and list(places) == [0.5]
    t, loss, _ = drawn[0]
    np.testing.assert_allclose(values, (loss[1] + loss[2]) / 2)  # between two points of the grid


@pytest.mark.parametrize("draw", [plots.plot_pairs, plots.plot_budgets])
def test_repetitions_are_one_line_with_a_band(tmp_path, monkeypatch, draw):
    results = [growing([4, 3, 1]), growing([6, 3, 2]), growing([8, 3, 6])]
    for one in results:
        one |= {"t": one["epochs"], "pair_error": one["error"]}
    lines, bands = [], []
    plot, fill = plt.Axes.plot, plt.Axes.fill_between
    monkeypatch.setattr(plt.Axes, "plot", lambda *a, **k: lines.append(a[1:]) or plot(*a, **k))
    monkeypatch.setattr(
        plt.Axes, "fill_between", lambda *a, **k: bands.append(a[1:]) or fill(*a, **k)
    )
    draw({"FGE": results}, tmp_path / "a.png")
    np.testing.assert_allclose(lines[0], [[5, 6, 7], [6, 3, 3]])
    spread = np.array([2, 0, 7**0.5])  # standard deviations of [4, 6, 8], [3, 3, 3] and [1, 2, 6]
    np.testing.assert_allclose(bands, [[[5, 6, 7], [6, 3, 3] - spread, [6, 3, 3] + spread]])
    bands.clear()
    draw({"FGE": results[0], "SSE": results[:1]}, tmp_path / "a.png")
    assert bands == []


def test_repetitions_at_other_positions_are_refused(tmp_path):
    other = {**pairs(), "t": np.linspace(0, 0.5, 11)}
    with pytest.raises(ValueError, match="'A' cannot be drawn as one line: their t differ"):
        plots.plot_pairs({"A": [pairs(), other]}, tmp_path / "a.png")
    with pytest.raises(ValueError, match="'A' cannot .* their epochs differ.*5.0, 6.0.*5.0"):
        plots.plot_budgets({"A": [growing([2, 1]), growing([2])]}, tmp_path / "a.png")
    with pytest.raises(ValueError, match="no result of 'A'"):
        plots.plot_budgets({"A": []}, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_networks_beside_the_plane_are_circles():
    result = plane()
    result.lost = {"first": np.zeros(1), "second": np.array([0.1]), "bend": np.array([20.0])}
    figure, axis = plt.subplots()
    draw_marks(axis, result)
    faces = [line.get_markerfacecolor() for line in axis.lines]
    plt.close(figure)
    assert faces == ["black", "black", "white"]
    result.units = np.array([100.0, 100.0])  # a step of one is 100 in weight space
    figure, axis = plt.subplots()
    draw_marks(axis, result)
    assert {line.get_markerfacecolor() for line in axis.lines} == {"black"}
    plt.close(figure)


def test_curve_ensembles_that_do_not_fit_are_refused(tmp_path):
    two = (ensemble(), ensemble())
    for ensembles in ({}, {"Other": two}):
        with pytest.raises(ValueError, match="Each ensemble needs the curve with its label"):
            plots.plot_curve_ensembles({"Chain": chain()}, tmp_path / "a.png", ensembles)
    broken = chain()
    broken.done[0] = False
    with pytest.raises(ValueError, match="'Chain' cannot be drawn: 20 of 21 points"):
        plots.plot_curve_ensembles({"Chain": broken}, tmp_path / "a.png", {"Chain": two})
    assert not list(tmp_path.iterdir())


def test_pdf_files_of_equal_figures_are_equal(tmp_path):
    for name in ("one", "two"):
        plots.plot_plane(plane(), tmp_path / f"{name}.pdf")
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_labels_are_no_formulas(tmp_path):
    result = plane()
    result.marks = {"$w_1$ & <b>": np.zeros(2), r"cost $5\foo$": np.array([25.0, 3.0])}
    plots.plot_plane({"$a$": result, "$b": result}, tmp_path / "a.svg", title=r"$\x$")
    found = "".join(texts(tmp_path / "a.svg"))
    for text in ("$w_1$", r"cost $5\foo$", "$a$", r"$\x$"):
        assert text in found


# Levels.


def test_levels_are_log_spaced_above_the_minimum():
    levels = Levels.of([np.array([1.0, 2.0]), np.array([5.0, 100.0])], 4, maximum=9)
    steps = levels.bounds - 1
    assert steps[0] == 0 and steps[-1] == 8
    np.testing.assert_allclose(steps[2:] / steps[1:-1], (steps[-1] / steps[1]) ** (1 / 3))
    assert levels.top and not Levels.of([np.arange(3.0)], maximum=2).top


def test_what_is_not_finite_is_in_the_top_class():
    levels = Levels([0, 1, 2])
    assert levels.classes([np.nan, np.inf, -np.inf, 5, 0.5, -1]).tolist() == [2, 2, 2, 2, 0, 0]
    heights = levels.heights([np.nan, np.inf, -np.inf, 1e30, 0.0])
    assert np.isfinite(heights).all() and (heights[:4] == heights[0]).all()
    assert heights[0] > levels.heights([2.0])[0] > heights[4]


def pixels(path):
    """The map of a figure with the maximum's colour as `top`: share of its pixels."""
    top = np.array([68, 1, 84])  # the darkest colour of the map
    with Image.open(path) as image:
        array = np.asarray(image.convert("RGB")).astype(int)
    left = array[:, : int(0.7 * array.shape[1])]
    return float((np.abs(left - top).max(-1) < 4).mean())


def test_nan_and_diverged_values_are_drawn_as_the_top_class(tmp_path):
    shares = {}
    for number in (1e9, np.nan, np.inf, -np.inf):
        result = plane()
        values = result._values["train_loss"].reshape(result.shape)
        values[:7] = number  # the left half
        plots.plot_plane(result, tmp_path / "a.png", maximum=3)
        shares[number] = pixels(tmp_path / "a.png")
    assert min(shares.values()) > 0.2
    assert max(shares.values()) - min(shares.values()) < 1e-3


def test_levels_are_shared_by_panels(tmp_path):
    low, high = plane(), plane()
    high._values["train_loss"] = high._values["train_loss"] + 100
    plots.plot_plane({"low": low, "high": high}, tmp_path / "a.svg", levels=[0, 1, 50])
    assert "> 50" in texts(tmp_path / "a.svg")
    assert texts(tmp_path / "a.svg").count("> 50") == 1


@pytest.mark.parametrize("number", some([0.0, 3.0, -2.0], [0.0, -2.0]))
def test_constant_values(tmp_path, number):
    result = filled("Plane", [np.arange(3.0)] * 2, {"train_loss": lambda x, y: number})
    plots.plot_plane(result, tmp_path / "a.png")
    plots.plot_heat_map(result, tmp_path / "b.png", "train_loss")
    plots.plot_surface(result, tmp_path / "c.png", scale="linear")


def test_a_narrow_strip_and_nothing_marked(tmp_path):
    axes = [np.linspace(0, 100, 5), np.linspace(0, 1, 4)]
    result = filled("Plane", axes, {"train_loss": lambda x, y: x + y})
    plots.plot_plane({"a": result, "b": plane()}, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size[0] < 3 * image.size[1]


def test_scales_of_a_plane_are_equal(tmp_path, monkeypatch):
    """A unit of x and of y have the same length."""
    kept = []
    monkeypatch.setattr("mc_tf.plots.planes.save", lambda figure, path: kept.append(figure))
    plots.plot_plane(PLANES, tmp_path / "a.png")
    (figure,) = kept
    for axis in figure.axes[:2]:
        units = axis.transData.transform([[1, 0], [0, 1]]) - axis.transData.transform([0, 0])
        assert units[0][0] == pytest.approx(units[1][1])
    plt.close(figure)


def test_many_planes_are_drawn_in_rows(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr("mc_tf.plots.planes.save", lambda figure, path: kept.append(figure))
    plots.plot_plane({str(k): plane() for k in range(7)}, tmp_path / "a.png", title="Seven")
    (figure,) = kept
    *maps, bar = [axis.get_position() for axis in figure.axes]
    assert len({round(box.x0, 6) for box in maps}) == 4
    assert len({round(box.y0, 6) for box in maps}) == 2
    boxes = [axis.get_tightbbox() for axis in figure.axes]
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])
    assert bar.y0 == maps[-1].y0 and bar.y1 == pytest.approx(maps[0].y1)
    plt.close(figure)


def test_axes_of_a_path_say_how_much_of_it_they_show(tmp_path):
    result = plane()
    result.description["variance shares"] = [0.814, 0.152]
    plots.plot_plane(result, tmp_path / "a.svg")
    for axis, share in ("x", 81), ("y", 15):
        assert f"coordinate {axis} ({share} % of the path)" in texts(tmp_path / "a.svg")


def test_networks_of_one_name_on_several_lines(tmp_path):
    """Each has its label; one at nearly the same place as another has none of its own."""
    lines = {"VGG": line(), "ResNet": line(3.0), "Twin": line(3.0)}
    plots.plot_line(lines, tmp_path / "a.svg", values=["train_loss"])
    assert texts(tmp_path / "a.svg").count("SGD") == 2


def test_a_network_with_the_name_of_its_line(tmp_path):
    plots.plot_line({"SGD": line()}, tmp_path / "a.svg", values=["train_loss"])
    assert "SWA" in texts(tmp_path / "a.svg") and "SGD" not in texts(tmp_path / "a.svg")


def test_labels_do_not_overlap():
    """Not even of networks at one place."""
    figure, axis = plt.subplots()
    axis.set(xlim=(0, 10), ylim=(0, 10))
    places = {f"network {k}": (5 + 0.02 * k, 5) for k in range(5)} | {"corner": (10, 10)}
    place_labels(axis, places, [curve() / 5])
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axis.texts]  # without their leaders
    assert len(boxes) == 6
    frame = axis.get_window_extent()
    for index, box in enumerate(boxes):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1
        assert not any(box.overlaps(other) for other in boxes[:index])
    plt.close(figure)


@pytest.mark.parametrize("draw", [plots.plot_plane, plots.plot_surface])
def test_networks_outside_the_grid_are_not_drawn(tmp_path, draw):
    result = plane()
    result.marks["far"] = np.array([500.0, 0.0])
    draw(result, tmp_path / "a.svg")
    assert "bend" in texts(tmp_path / "a.svg") and "far" not in texts(tmp_path / "a.svg")


def test_interpolation_on_a_plane():
    axes = [np.linspace(0, 4, 5), np.linspace(0, 3, 7)]
    result = filled("Plane", axes, {"value": lambda x, y: 2 * x - y + 3})
    places = np.array([[0, 0], [1.3, 2.7], [4, 3], [9, -5]])
    np.testing.assert_allclose(interpolate(result, "value", places), [3, 2.9, 8, 11])


def test_values_that_are_not_finite_on_lines_and_rays(tmp_path):
    broken, spread = line(), rays()
    broken._values["train_loss"][:] = np.nan
    broken._values["test_error"][5] = np.inf
    spread._values["train_loss"][7] = np.inf
    plots.plot_line(broken, tmp_path / "a.png")
    plots.plot_rays(spread, tmp_path / "b.png")


# Films.


def frames(path):
    with Image.open(path) as film:
        pictures = []
        for number in range(film.n_frames):
            film.seek(number)
            pictures.append(film.convert("RGB").tobytes())
        return pictures, film.info


def test_film_of_results(tmp_path):
    results = [plane(height=height) for height in (5.0, 20.0, 40.0)]
    for name in ("a", "b"):
        plots.plot_film(
            results, tmp_path / f"{name}.gif", labels=list("xyz"), frames_per_second=4, title="T"
        )
    pictures, info = frames(tmp_path / "a.gif")
    assert len(set(pictures)) == 3 and info["duration"] == 250
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_film_of_the_curves_on_one_plane(tmp_path):
    result = plane()
    result.paths = {f"epoch {epoch}": curve(10.0 * epoch) for epoch in range(4)}
    plots.plot_film(result, tmp_path / "a.gif")
    assert len(set(frames(tmp_path / "a.gif")[0])) == 4


def test_film_as_mp4(tmp_path, monkeypatch):
    result = [plane(), plane(height=10.0)]
    if plots.films.FFMpegWriter.isAvailable():
        plots.plot_film(result, tmp_path / "a.mp4")
        assert (tmp_path / "a.mp4").stat().st_size > 1000
    monkeypatch.setattr("mc_tf.plots.films.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(ValueError, match=r"ffmpeg.*not installed.*\.gif"):
        plots.plot_film(result, tmp_path / "b.mp4")


# Bad input.


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
    "incomplete": (lambda p: plots.plot_plane(incomplete(), p), "168 of 169 points"),
    "unknown value": (lambda p: plots.plot_plane(plane(), p, value="tst"), "tst.*train_loss"),
    "a line for a plane": (lambda p: plots.plot_plane({"A": line()}, p), "'A'.*Line.*a Plane"),
    "a plane for a line": (lambda p: plots.plot_line(plane(), p), "Plane.*a Line"),
    "a plane for rays": (lambda p: plots.plot_rays(plane(), p), "Plane.*Rays"),
    "rays for a surface": (lambda p: plots.plot_surface(rays(), p), "Rays.*a Plane"),
    "rays in a film": (lambda p: plots.plot_film([plane(), rays()], p), "frame 2.*Rays"),
    "nothing": (lambda p: plots.plot_plane({}, p), "at least one result"),
    "no value": (lambda p: plots.plot_rays(rays(), p, values=[]), "at least one value"),
    "nothing finite": (lambda p: plots.plot_plane(hopeless(), p), "None of the values is finite"),
    "nothing finite to colour": (
        lambda p: plots.plot_heat_map(hopeless(), p, "train_loss"),
        "None of the values is finite",
    ),
    "maximum": (lambda p: plots.plot_plane(plane(), p, maximum=0.01), "above the smallest.*0.01"),
    "maximum of a line": (lambda p: plots.plot_line(line(), p, maximum=0.01), "above.*0.01"),
    "maximum of a surface": (lambda p: plots.plot_surface(plane(), p, maximum=0), "above"),
    "levels fall": (lambda p: plots.plot_plane(plane(), p, levels=[2, 1]), "increasing.*2, 1"),
    "no levels": (lambda p: plots.plot_plane(plane(), p, levels=0), "at least 1.*0"),
    "levels and maximum": (
        lambda p: plots.plot_plane(plane(), p, levels=[1, 2], maximum=3),
        "not both",
    ),
    "scale": (lambda p: plots.plot_surface(plane(), p, scale="sqrt"), "log or linear.*sqrt"),
    "no logarithm": (
        lambda p: plots.plot_surface(plane(), p, value="train_smallest_eigenvalue"),
        "no logarithm.*linear",
    ),
    "one frame": (lambda p: plots.plot_film([plane()], p), "two frames.*1 frames"),
    "widths": (
        lambda p: plots.plot_widths({"Chain": [chain(), chain()]}, p, [1]),
        "each of 1 widths.*'Chain': 2",
    ),
    "half a curve of a width": (
        lambda p: plots.plot_widths({"Chain": [chain(), half_chain()]}, p, [1, 4]),
        "'Chain of width 4' cannot be drawn: 3 of",
    ),
    "labels": (
        lambda p: plots.plot_film([plane()] * 2, p, labels=["a"]),
        "2 frames and 1 labels",
    ),
    "speed": (lambda p: plots.plot_film([plane()] * 2, p, frames_per_second=0), "positive.*0"),
    "format of a film": (lambda p: plots.plot_film([plane()] * 2, p), ".gif or .mp4.*a.png"),
    "no curve": (
        lambda p: plots.plot_regression(without_path(), functions(), p),
        "No curve.*mark_curve",
    ),
    "functions": (
        lambda p: plots.plot_regression(plane(), {**functions(), "t": np.zeros(3)}, p),
        r"predictions.*'t': \(3,\)",
    ),
    "functions missing": (
        lambda p: plots.plot_regression(plane(), {"x": np.zeros(3)}, p),
        "Predictive functions need x",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(tmp_path, case):
    draw, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        draw(str(tmp_path / "a.png"))
    assert list(tmp_path.iterdir()) == []
    plt.close("all")


def test_file_of_functions(tmp_path):
    np.savez(tmp_path / "f.npz", **functions())
    plots.plot_regression(plane(), tmp_path / "f.npz", tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="none.npz"):
        plots.plot_regression(plane(), tmp_path / "none.npz", tmp_path / "b.png")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "f.npz").read_bytes()[:300])
    with pytest.raises(ValueError, match="cut.npz' is damaged"):
        plots.plot_regression(plane(), tmp_path / "cut.npz", tmp_path / "b.png")
