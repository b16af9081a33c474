"""Pictures that do not mislead: points off a plane, stretched axes, legends, smoke runs."""

import keras
import matplotlib.figure
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from model_zoo import numpy, some
from surfaces import chain, curve, ensemble, filled, functions, line, plane, rays

from mc_tf import Bezier, GridEvaluation, Plane, connect, evaluate_grid, plots
from mc_tf.experiments import Experiment, Network, Train
from mc_tf.experiments.smoke import made_small
from mc_tf.training import TrainingOptions

LONG = "a polygonal chain with a label that is much longer than the map below which it stands"


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are written, in few pixels, kept."""
    kept, write = [], matplotlib.figure.Figure.savefig

    def savefig(figure, *arguments, **options):
        kept.append(figure)
        if "bbox_inches" in options:  # no frame of a film
            options["dpi"] = 50
        return write(figure, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", savefig)
    return kept


def marked(distance, units=None):
    """A plane with a curve at a distance from it."""
    result = plane()
    result.projection_error = {"Bezier": np.append(np.zeros(30), distance)}
    result.units = result.units if units is None else np.array(units, "float64")
    return result


def on_map(result, path):
    plots.save(plots.plot_plane(result), path)


def on_heat_map(result, path):
    plots.save(plots.plot_heat_map(result, value="train_loss"), path)


def on_ratio(result, path):
    plots.save(plots.plot_eigenvalue_ratio(result), path)


def on_relief(result, path):
    plots.save(plots.plot_surface(result), path)


def on_regression(result, path):
    plots.save(plots.plot_regression(result, functions()), path)


def on_film(result, path):
    plots.save(plots.plot_film([result, result]), path.with_suffix(".gif"))


FIGURES = {
    f.__name__[3:]: f for f in (on_map, on_heat_map, on_ratio, on_relief, on_regression, on_film)
}


def line_of(figure):
    """The line of the curve: the one of many points."""
    lines = [line for axis in figure.axes[:1] for line in axis.lines]
    return [line for line in lines if len(line.get_xdata()) > 20][0]


def legend(figure):
    """The texts in the legend of the plane."""
    found = figure.axes[0].get_legend()
    return [" ".join(text.get_text().split()) for text in found.get_texts()] if found else []


# One piece of code draws curves on all of these: each kind of figure meets one of two tests.
@pytest.mark.parametrize("name", some(FIGURES, ("map", "relief", "film")))
def test_a_curve_off_the_plane_is_dashed_and_the_legend_says_how_far(name, tmp_path, drawn):
    FIGURES[name](marked(12.34), tmp_path / "a.png")
    assert line_of(drawn[-1]).get_linestyle() == "--"
    assert legend(drawn[-1]) == ["Bezier (projected: up to 12.3 off the plane)"]


@pytest.mark.parametrize("name", some(FIGURES, ("heat_map", "ratio", "regression")))
def test_a_curve_on_the_plane_is_solid_and_needs_no_legend(name, tmp_path, drawn):
    FIGURES[name](marked(1e-4), tmp_path / "a.png")  # up to rounding
    assert line_of(drawn[-1]).get_linestyle() == "-" and legend(drawn[-1]) == []


@pytest.mark.parametrize(
    "units, expected",
    [((4, 4), "up to 5 off the plane"), ((2, 4), "up to 20 off the plane in weights")],
)
def test_the_distance_is_in_the_units_of_the_axes(units, expected, tmp_path, drawn):
    plots.save(plots.plot_plane(marked(20.0, units)), tmp_path / "a.png")
    assert legend(drawn[-1]) == [f"Bezier (projected: {expected})"]


def test_several_curves_differ_whether_on_the_plane_or_off(tmp_path, drawn):
    result = marked(9.0)
    result.paths |= {"second": curve(20.0), "third": curve(30.0)}
    result.projection_error["third"] = np.full(31, 7.0)
    for draw in (on_map, on_relief):
        draw(result, tmp_path / "a.png")
        lines = [line for line in drawn[-1].axes[0].lines if len(line.get_xdata()) > 20]
        lines = [line for line in lines if line.get_alpha() is None]  # no hidden parts
        assert [line.get_linestyle() for line in lines] == ["--", "-", "--"]
        assert len({line.get_color() for line in lines}) == 3
        assert [text.partition(" (")[0] for text in legend(drawn[-1])] == list(result.paths)


def test_the_snippet_of_the_readme_draws_no_curve_across_a_barrier(tmp_path, drawn):
    def network(seed):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        model.set_weights([np.random.default_rng(seed).normal(size=v.shape) for v in model.weights])
        model.compile("sgd", "mse")
        return model

    first, second, third, bend = map(network, range(4))
    joined = connect(first, second, Bezier(1), bends=[bend])
    surface = Plane.through(first, second, third)
    surface.mark_curve("Bezier", joined)
    data = (np.zeros((2, 2), "float32"), np.zeros((2, 3), "float32"))
    grid = evaluate_grid(first, surface, data, data, shape=2, path=str(tmp_path / "g"), verbose=0)
    a, b, c, m = (
        np.concatenate([numpy(v).ravel() for v in n.weights]) for n in (first, second, third, bend)
    )
    basis = np.linalg.qr(np.stack([b - a, c - a], 1))[0]
    middle = 0.25 * (a + b) + 0.5 * m - a  # the point that is farthest off, at t = 1/2
    distance = np.linalg.norm(middle - basis @ (basis.T @ middle))
    for result in (grid, GridEvaluation.load(str(tmp_path / "g"))):
        plots.save(plots.plot_plane(result), tmp_path / "a.png")
        assert line_of(drawn[-1]).get_linestyle() == "--"
        assert legend(drawn[-1]) == [f"Bezier (projected: up to {distance:.3g} off the plane)"]


def test_on_a_relief_curves_and_networks_lie_on_the_surface(tmp_path, drawn):
    result = plane(size=41)
    plots.save(plots.plot_surface(result, scale="linear", maximum=9.0), tmp_path / "a.png")
    x, y, z = line_of(drawn[-1]).get_data_3d()
    right, up = np.meshgrid(*result.axes, indexing="ij")
    for place in range(0, len(x), 17):  # between the smallest and the largest of its cell
        near = (abs(right - x[place]) < 1.75) & (abs(up - y[place]) < 1.4)
        assert result["train_loss"][near].min() - 1e-9 <= z[place]
        assert z[place] <= result["train_loss"][near].max() + 1e-9
    start = [line for line in drawn[-1].axes[0].lines if len(line.get_xdata()) == 1][0]
    assert np.allclose(np.ravel(start.get_data_3d())[2], z[0])


def test_what_leaves_the_grid_is_not_drawn_on_a_relief(tmp_path, drawn):
    result = plane()
    result.paths = {"out": np.stack([np.linspace(0, 200, 31), np.zeros(31)], -1)}
    plots.save(plots.plot_surface(result), tmp_path / "a.png")
    x, _, z = line_of(drawn[-1]).get_data_3d()
    np.testing.assert_array_equal(np.isfinite(z), x <= 60)


def strip(width, height):
    axes = [np.linspace(0, width, 5), np.linspace(0, height, 5)]
    return filled("Plane", axes, {"train_loss": lambda x, y: 1 + x / width + y / height})


@pytest.mark.parametrize(
    "name, width, height",
    [
        *(("map", 50, 40), ("map", 50, 5), ("map", 10, 28)),
        *(("relief", 50, 40), ("relief", 5, 50)),
        pytest.param("map", 5, 50, marks=pytest.mark.long),
        pytest.param("relief", 50, 5, marks=pytest.mark.long),
        pytest.param("relief", 10, 28, marks=pytest.mark.long),
    ],
)
def test_axes_have_one_scale_or_say_that_they_have_not(name, width, height, tmp_path, drawn):
    FIGURES[name](strip(width, height), tmp_path / "a.png")
    axis = drawn[-1].axes[0]
    if name == "map":
        box = axis.get_position().size * drawn[-1].get_size_inches()
    else:
        box = axis._box_aspect[:2]
    factor = (box[1] / height) / (box[0] / width)
    label = axis.get_ylabel()
    if np.isclose(factor, 1):
        assert label == "coordinate y"
    else:
        word, shown = ("stretched", factor) if factor > 1 else ("shortened", 1 / factor)
        assert label == f"coordinate y ({word} {shown:.3g} times)"


@pytest.mark.parametrize(
    "name",
    some(("map", "heat_map", "relief", "regression", "film"), ("relief", "regression", "film")),
)
def test_long_labels_and_headings_are_whole_and_cover_nothing(name, tmp_path, drawn):
    result = marked(12.0)
    result.paths = {LONG: result.paths["Bezier"], "other": curve(20.0)}
    result.projection_error = {LONG: np.full(31, 9.0)}
    result.marks[LONG] = np.array([55.0, 45.0])
    FIGURES[name](result, tmp_path / "a.png")
    figure = drawn[-1]
    renderer = FigureCanvasAgg(figure).get_renderer()
    box = figure.axes[0].get_legend().get_window_extent(renderer)
    shown = " ".join(legend(figure))
    assert LONG in shown
    if name != "relief":
        map_box = figure.axes[0].get_window_extent(renderer)
        assert box.y1 <= map_box.y0 and box.x0 >= map_box.x0 - 1
    if name == "film":
        assert box.y0 >= 0 and box.x1 <= figure.bbox.x1
    else:  # cropped to the drawing: white all around
        picture = imread(tmp_path / "a.png")[..., :3]
        edges = [picture[:4], picture[-4:], picture[:, :4], picture[:, -4:]]
        assert all((edge == 1).all() for edge in edges)


OTHERS = {
    "curves": lambda path, title: plots.save(
        plots.plot_curves({LONG: chain(), "b": chain(0.5)}, title=title), path
    ),
    "line": lambda path, title: plots.save(
        plots.plot_line({LONG: line(), "b": line(3.0)}, values=["train_loss"], title=title), path
    ),
    "rays": lambda path, title: plots.save(
        plots.plot_rays({LONG: rays(), "b": rays(2.0)}, title=title), path
    ),
    "ensembles": lambda path, title: plots.save(
        plots.plot_ensembles({LONG: ensemble(), "b": ensemble()}, title=title), path
    ),
    "widths": lambda path, title: plots.save(
        plots.plot_widths({LONG: [chain(), chain(2.0)]}, widths=[0.5, 1], title=title), path
    ),
}


@pytest.mark.parametrize("name", some(OTHERS, ("curves", "rays", "ensembles")))
def test_long_labels_and_headings_leave_the_axes_their_place(name, tmp_path, drawn):
    OTHERS[name](tmp_path / "a.png", LONG)
    figure = drawn[-1]
    renderer = FigureCanvasAgg(figure).get_renderer()
    legends = [*figure.legends, *(axis.get_legend() for axis in figure.axes)]
    found = [each.get_window_extent(renderer) for each in legends if each]
    assert found and all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in found)
    heading = figure._suptitle.get_window_extent(renderer)
    assert heading.x0 >= 0 and heading.x1 <= figure.bbox.x1
    boxes = [axis.get_position().size * figure.get_size_inches() for axis in figure.axes]
    assert min(box.min() for box in boxes) > 2  # inches


def test_rows_of_maps_leave_room_for_their_legends(tmp_path, drawn):
    result = marked(12.0)
    result.paths |= {LONG: curve(20.0)}
    plots.save(plots.plot_plane({str(k): result for k in range(5)}, title="T"), tmp_path / "a.png")
    first, last = drawn[-1].axes[0], drawn[-1].axes[4]
    renderer = FigureCanvasAgg(drawn[-1]).get_renderer()
    assert (
        first.get_legend().get_window_extent(renderer).y0
        > last.title.get_window_extent(renderer).y1
    )


@pytest.mark.parametrize("title", [None, "Table 2"])
def test_figures_of_a_smoke_run_say_so(title):
    plan = Experiment((Train("a", Network("fc"), TrainingOptions(4, 0.1)),), title)
    assert made_small(plan).title == "Smoke run, no result" + (f": {title}" if title else "")
    assert plan.title == title
