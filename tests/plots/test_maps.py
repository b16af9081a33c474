"""Maps and reliefs of planes, from results that are computed by formulas."""

import numpy as np
import pytest
from matplotlib.text import Text
from model_zoo import some
from PIL import Image
from surfaces import (
    curve,
    filled,
    plane,
    texts,
)

from mc_tf import plots
from mc_tf.plots.labels import place_labels
from mc_tf.plots.levels import Levels
from mc_tf.plots.marks import draw_marks
from mc_tf.plots.panels import Figure
from mc_tf.plots.surface_3d import between


def test_networks_beside_the_plane_are_circles():
    result = plane()
    result.projection_error = {
        "first": np.zeros(1),
        "second": np.array([0.1]),
        "bend": np.array([20.0]),
    }
    axis = Figure().subplots()
    draw_marks(axis, result)
    faces = [line.get_markerfacecolor() for line in axis.lines]
    assert faces == ["black", "black", "white"]
    result.units = np.array([100.0, 100.0])  # a step of one is 100 in weight space
    axis = Figure().subplots()
    draw_marks(axis, result)
    assert {line.get_markerfacecolor() for line in axis.lines} == {"black"}


@pytest.mark.parametrize("draw", [plots.plot_plane, plots.plot_surface])
def test_the_legend_gives_the_distance_of_a_network_beside_the_plane(tmp_path, draw):
    result = plane()
    plots.save(draw(result), tmp_path / "none.svg")
    assert not any("off the plane" in text for text in texts(tmp_path / "none.svg"))
    result.projection_error = {"second": np.array([3.125])}
    plots.save(draw(result), tmp_path / "one.svg")
    assert "second (projected: 3.12 off the plane)" in texts(tmp_path / "one.svg")
    result.units = np.array([2.0, 2.0])
    plots.save(draw(result), tmp_path / "units.svg")
    assert "second (projected: 1.56 off the plane)" in texts(tmp_path / "units.svg")


def test_a_network_beside_the_plane_hides_none_on_it():
    result = plane()
    result.marks["SWA"] = np.array(result.marks["first"])
    result.projection_error = {"SWA": np.array([9.0])}
    axis = Figure().subplots()
    draw_marks(axis, result)
    first, *_, swa = axis.lines
    assert swa.get_zorder() < first.get_zorder()
    assert swa.get_markersize() > first.get_markersize()


def test_labels_are_no_formulas(tmp_path):
    result = plane()
    result.marks = {"$w_1$ & <b>": np.zeros(2), r"cost $5\foo$": np.array([25.0, 3.0])}
    plots.save(plots.plot_plane({"$a$": result, "$b": result}, title=r"$\x$"), tmp_path / "a.svg")
    found = "".join(texts(tmp_path / "a.svg"))
    for text in ("$w_1$", r"cost $5\foo$", "$a$", r"$\x$"):
        assert text in found


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
    """The map of a figure with the maximum's color as `top`: share of its pixels."""
    top = np.array([68, 1, 84])  # the darkest color of the map
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
        plots.save(plots.plot_plane(result, maximum=3), tmp_path / "a.png")
        shares[number] = pixels(tmp_path / "a.png")
    assert min(shares.values()) > 0.2
    assert max(shares.values()) - min(shares.values()) < 1e-3


def test_levels_are_shared_by_panels(tmp_path):
    low, high = plane(), plane()
    high._values["train_loss"] = high._values["train_loss"] + 100
    plots.save(plots.plot_plane({"low": low, "high": high}, levels=[0, 1, 50]), tmp_path / "a.svg")
    assert "> 50" in texts(tmp_path / "a.svg")
    assert texts(tmp_path / "a.svg").count("> 50") == 1


@pytest.mark.parametrize("number", some([0.0, 3.0, -2.0], [0.0, -2.0]))
def test_constant_values(tmp_path, number):
    result = filled("Plane", [np.arange(3.0)] * 2, {"train_loss": lambda x, y: number})
    plots.save(plots.plot_plane(result), tmp_path / "a.png")
    plots.save(plots.plot_heat_map(result, value="train_loss"), tmp_path / "b.png")
    plots.save(plots.plot_surface(result, scale="linear"), tmp_path / "c.png")


def test_a_narrow_strip_and_nothing_marked(tmp_path):
    axes = [np.linspace(0, 100, 5), np.linspace(0, 1, 4)]
    result = filled("Plane", axes, {"train_loss": lambda x, y: x + y})
    plots.save(plots.plot_plane({"a": result, "b": plane()}), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size[0] < 3 * image.size[1]


def test_scales_of_a_plane_are_equal():
    """A unit of x and of y have the same length."""
    figure = plots.plot_plane({"Optima": plane(height=20.0), "Curve": plane()})
    for axis in figure.axes[:2]:
        units = axis.transData.transform([[1, 0], [0, 1]]) - axis.transData.transform([0, 0])
        assert units[0][0] == pytest.approx(units[1][1])


def test_many_planes_are_drawn_in_rows():
    figure = plots.plot_plane({str(k): plane() for k in range(7)}, title="Seven")
    *maps, bar = [axis.get_position() for axis in figure.axes]
    assert len({round(box.x0, 6) for box in maps}) == 4
    assert len({round(box.y0, 6) for box in maps}) == 2
    boxes = [axis.get_tightbbox() for axis in figure.axes]
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])
    assert bar.y0 == maps[-1].y0 and bar.y1 == pytest.approx(maps[0].y1)


def test_axes_of_a_path_say_how_much_of_it_they_show(tmp_path):
    result = plane()
    result.description["variance shares"] = [0.814, 0.152]
    plots.save(plots.plot_plane(result), tmp_path / "a.svg")
    for axis, share in ("x", 81), ("y", 15):
        assert f"coordinate {axis} ({share} % of the path)" in texts(tmp_path / "a.svg")


def test_labels_do_not_overlap():
    """Not even of networks at one place."""
    axis = Figure().subplots()
    axis.set(xlim=(0, 10), ylim=(0, 10))
    places = {f"network {k}": (5 + 0.02 * k, 5) for k in range(5)} | {"corner": (10, 10)}
    place_labels(axis, places, [curve() / 5])
    axis.figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axis.texts]  # without their leaders
    assert len(boxes) == 6
    frame = axis.get_window_extent()
    for index, box in enumerate(boxes):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1
        assert not any(box.overlaps(other) for other in boxes[:index])


@pytest.mark.parametrize("draw", [plots.plot_plane, plots.plot_surface])
def test_networks_outside_the_grid_are_not_drawn(tmp_path, draw):
    result = plane()
    result.marks["far"] = np.array([500.0, 0.0])
    plots.save(draw(result), tmp_path / "a.svg")
    assert "bend" in texts(tmp_path / "a.svg") and "far" not in texts(tmp_path / "a.svg")


def test_interpolation_on_a_plane():
    axes = [np.linspace(0, 4, 5), np.linspace(0, 3, 7)]
    result = filled("Plane", axes, {"value": lambda x, y: 2 * x - y + 3})
    places = np.array([[0, 0], [1.3, 2.7], [4, 3], [9, -5]])
    np.testing.assert_allclose(between(result.axes, result["value"], places), [3, 2.9, 8, 11])


def test_maps_of_one_figure_are_equally_high_and_say_what_is_stretched():
    axes = [np.linspace(0, 100, 5), np.linspace(0, 2, 4)]
    strip = filled("Plane", axes, {"train_loss": lambda x, y: x + y})
    square = filled("Plane", [np.linspace(0, 9, 5)] * 2, {"train_loss": lambda x, y: x + y})
    maps = plots.plot_plane({"wide": plane(), "strip": strip, "square": square}).axes[:3]
    heights = [axis.get_position().height for axis in maps]
    assert heights == pytest.approx(heights[:1] * 3)
    labels = [axis.get_ylabel() for axis in maps]
    assert labels == ["coordinate y", "coordinate y (stretched 37.5 times)", ""]
    strip.description["variance shares"] = [0.814, 0.152]
    axis = plots.plot_plane(strip).axes[0]
    assert axis.get_ylabel() == "coordinate y (15 % of the path, stretched 37.5 times)"


@pytest.mark.parametrize("shape", [(5, 5), (3, 9)])
def test_cells_of_a_heat_map_are_whole_and_its_scales_equal(shape):
    axes = [np.linspace(-1, 1, count) for count in shape]
    result = filled("Plane", axes, {"train_eigenvalue_ratio": lambda x, y: abs(x + y)})
    axis, bar = plots.plot_eigenvalue_ratio(result).axes
    for limits, places in zip((axis.get_xlim(), axis.get_ylim()), axes):
        half = (places[1] - places[0]) / 2
        np.testing.assert_allclose(limits, [-1 - half, 1 + half])
    units = axis.transData.transform([[1, 0], [0, 1]]) - axis.transData.transform([0, 0])
    assert units[0][0] == pytest.approx(units[1][1])
    colors = bar.collections[-1].get_cmap()([0.0, 1.0])[:, :3].sum(1)
    assert colors[0] > colors[1]  # light where little is, as on maps of losses


def test_a_relief_hides_what_is_behind_it():
    """A wall before a curve, and the same curve seen from above it."""
    axes = [np.linspace(0, 10, 41), np.linspace(0, 10, 41)]
    wall = filled("Plane", axes, {"train_loss": lambda x, y: 1 + 5 * (abs(y - 3) < 0.6)})
    wall.paths = {"behind": np.stack([np.linspace(1, 9, 31), np.full(31, 4.0)], -1)}
    wall.marks = {"hidden": np.array([5.0, 4.0]), "above": np.array([5.0, 3.0])}
    for view, seen in (((20, -90), False), ((89, -90), True)):
        figure = plots.plot_surface(wall, scale="linear", maximum=6, view=view)
        pale, line = figure.axes[0].lines[:2]
        assert np.isfinite(pale.get_data_3d()[2]).all()
        assert np.isfinite(line.get_data_3d()[2]).any() == seen
        hidden, above = (each.get_alpha() == 1 for each in figure.axes[0].lines[2:])
        assert above and hidden == seen


def test_a_relief_has_a_color_bar():
    _, bar = plots.plot_surface(plane(), scale="linear", maximum=2).axes
    labels = [label.get_text() for label in bar.get_yticklabels()]
    assert labels == [f"{height:g}" for height in bar.get_yticks()]
