"""Figures are objects: no side effects of drawing, the user's axes, files, the old spelling."""

import os
import subprocess
import sys
import warnings

import matplotlib.figure
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from model_zoo import some
from surfaces import (
    chain,
    ensemble,
    functions,
    growing,
    line,
    orders,
    pairs,
    plane,
    rays,
    simplex,
    trajectory,
)

from mc_tf import GridEvaluation, plots
from mc_tf.plots.saving import in_both_formats
from mc_tf.posterior import SubspaceGrid, SubspaceSamples


def posterior():
    """A Gaussian on a grid."""
    x, y = axes = [np.linspace(-3, 3, 25), np.linspace(-2, 2, 21)]
    return SubspaceGrid(None, axes, -0.5 * (x[:, None] ** 2 + x[:, None] * y + 2 * y**2))


# Function, its results, options, and how many axes it takes: none if it has its own layout.
DRAWN = {
    "curves": (plots.plot_curves, chain(), {}, 2),
    "one curve": (plots.plot_curves, {"A": chain(), "B": chain()}, {"names": ["test_error"]}, 1),
    "widths": (plots.plot_widths, {"A": [chain(), chain(0.1)]}, {"widths": [1, 4]}, 2),
    "barrier": (plots.plot_barrier, {"A": chain(), "B": chain(0.1)}, {}, 2),
    "barriers": (plots.plot_barriers, {"A": [chain(), chain(0.1)]}, {"positions": [0, 4]}, 2),
    "layers": (plots.plot_layers, {"one": {"A": chain()}, "two": {"A": chain(0.1)}}, {}, 2),
    "pairs": (plots.plot_pairs, {"A": pairs()}, {}, 1),
    "curve ensembles": (
        plots.plot_curve_ensembles,
        {"A": chain()},
        {"ensembles": {"A": (ensemble(), ensemble())}},
        4,
    ),
    "ensembles": (plots.plot_ensembles, ensemble(), {}, 1),
    "budgets": (plots.plot_budgets, {"FGE": growing([3, 2])}, {}, 1),
    "simplex": (plots.plot_simplex, simplex(), {}, 2),
    "mean prediction": (plots.plot_mean_prediction, orders(), {}, 1),
    "trajectory": (plots.plot_trajectory, trajectory(), {}, 3),
    "line": (plots.plot_line, line(), {}, 2),
    "lines": (plots.plot_line, {"A": line(), "B": line(2.0)}, {}, 2),
    "rays": (plots.plot_rays, rays(), {}, 2),
    "planes": (plots.plot_plane, {"A": plane(), "B": plane()}, {}, 2),
    "heat map": (plots.plot_heat_map, plane(), {"value": "test_error"}, 1),
    "ratio": (plots.plot_eigenvalue_ratio, plane(), {}, 1),
    "relief": (plots.plot_surface, plane(), {}, None),
    "regression": (plots.plot_regression, plane(), {"functions": functions()}, None),
    "posterior": (
        plots.plot_posterior,
        posterior(),
        {"samples": {"A": posterior().sample(99, 0)}},
        1,
    ),
}
SINGLE = ("pairs", "ensembles", "budgets", "mean prediction", "posterior")  # take `ax`


def test_importing_and_drawing_choose_no_backend_and_no_settings(tmp_path):
    program = """
import sys
import mc_tf
assert {"data", "plots", "connect"} <= set(dir(mc_tf))
assert not {"mc_tf.data", "mc_tf.plots"} & set(sys.modules)  # imported when they are used
import matplotlib
matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "mine"
before = dict(matplotlib.rcParams)
import mc_tf.plots
from surfaces import chain, plane
for result in (chain(), plane()):
    mc_tf.plots.save(result.plot(), "figure.png")
assert matplotlib.get_backend() == "svg"
changed = {name for name, value in matplotlib.rcParams.items() if before[name] != value}
assert not changed, changed
"""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = os.pathsep.join([folder, os.path.dirname(folder)])
    given = os.environ | {"PYTHONPATH": paths, "DISPLAY": ""}
    command = [sys.executable, "-W", "error::UserWarning:mc_tf", "-c", program]
    subprocess.run(command, env=given, cwd=tmp_path, check=True)


@pytest.mark.parametrize("name", some(list(DRAWN), list(DRAWN)[::4]))
def test_a_figure_is_the_value_and_a_notebook_shows_it(name):
    draw, results, options, _ = DRAWN[name]
    figure = draw(results, **options)
    assert isinstance(figure, matplotlib.figure.Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", [name for name, row in DRAWN.items() if row[-1]])
def test_axes_of_the_user_are_drawn_on(name):
    draw, results, options, count = DRAWN[name]
    figure = matplotlib.figure.Figure(layout="constrained")
    FigureCanvasAgg(figure)
    mine = figure.subplots(1, count + 1)
    named = {"ax": mine[0]} if name in SINGLE else {"axes": mine[:count]}
    engine = figure.get_layout_engine()
    assert draw(results, title="Mine", **options, **named) is figure
    assert all(axis.has_data() for axis in mine[:count]) and not mine[count].has_data()
    assert figure.get_layout_engine() is engine


def test_a_map_on_axes_of_the_user_keeps_its_scale():
    axis = matplotlib.figure.Figure(figsize=(9, 3), layout="constrained").subplots()
    plots.plot_plane(plane(), axes=axis).draw_without_rendering()
    units = axis.transData.transform([[1, 0], [0, 1]]) - axis.transData.transform([0, 0])
    assert units[0][0] == pytest.approx(units[1][1])


def test_a_posterior_of_other_dimensions_is_refused():
    grid, samples = posterior(), SubspaceSamples(None, np.zeros((1, 9, 3)))
    with pytest.raises(ValueError, match="over two coordinates. Received: 3"):
        grid.plot(samples={"slice": samples})


@pytest.mark.parametrize("given", [[], "axes", [1, 2]])
def test_other_numbers_of_axes_are_refused(given):
    for draw, results in ((plots.plot_curves, chain()), (plots.plot_plane, plane())):
        with pytest.raises(ValueError, match="needs [12] matplotlib axes.*Received"):
            draw(results, axes=given)


def test_a_stem_is_written_in_both_formats(tmp_path):
    figure = chain().plot(names=["test_error"])
    plots.save(figure, tmp_path / "new" / "stem")
    assert sorted(os.listdir(tmp_path / "new")) == ["stem.png", "stem.svg"]
    plots.save(figure, tmp_path / "width-0.5", ("pdf",))
    assert (tmp_path / "width-0.5.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match=r"extension of a figure.*width-0\.5'"):
        plots.save(figure, tmp_path / "width-0.5")
    with pytest.raises(ValueError, match="names a directory"):
        plots.save(figure, f"{tmp_path}/")


@pytest.mark.parametrize("path", ["film.png", "film.avi"])
def test_a_film_has_formats_of_its_own(tmp_path, path):
    film = plots.plot_film([plane(5)] * 2)
    assert film._repr_html_().count("data:image/png") == 2
    with pytest.raises(ValueError, match=rf"\.gif or \.mp4.*{path}"):
        plots.save(film, tmp_path / path)
    plots.save(film, tmp_path / "film")
    assert os.listdir(tmp_path) == ["film.gif"]


OLD = {
    "curves": lambda path: plots.plot_curves(chain(), path, ["test_error"], title="T"),
    "by name": lambda path: plots.plot_curves(chain(), path=path),
    "widths": lambda path: plots.plot_widths({"A": [chain()]}, path, [1]),
    "heat map": lambda path: plots.plot_heat_map(plane(), path, "test_error", (0, 90), "T"),
    "regression": lambda path: plots.plot_regression(plane(), functions(), path, "test_error"),
    "relief": lambda path: plots.plot_surface(plane(), path, "test_error", "linear"),
    "film": lambda path: plots.plot_film([plane(5)] * 2, path, "test_error", ["a", "b"]),
}


@pytest.mark.parametrize("name", OLD)
def test_the_old_spelling_still_writes_and_says_what_to_write(tmp_path, name):
    path = tmp_path / ("a.gif" if name == "film" else "a.png")
    with pytest.warns(DeprecationWarning) as caught:
        assert OLD[name](str(path)) is None
    (one,) = [str(warning.message) for warning in caught]
    assert "write `mc_tf.plots.save(mc_tf.plots.plot_" in one and f", ...), '{path}')`" in one
    assert path.stat().st_size > 5000


def test_the_old_spelling_without_a_path_returns_the_figure(tmp_path):
    with pytest.warns(DeprecationWarning, match=r"write `mc_tf.plots.plot_plane\(results, ...\)`"):
        figure = plots.plot_plane(plane(), None, "test_error")
    assert figure.axes[1].get_ylabel() == "Test error (%)"
    with pytest.warns(DeprecationWarning):
        in_both_formats(plots.plot_curves, chain(), tmp_path / "a", ["test_error"])
    assert sorted(os.listdir(tmp_path)) == ["a.png", "a.svg"]


def test_options_are_given_by_name():
    with pytest.raises(TypeError, match="`plot_curves` takes results, and by name names, title"):
        plots.plot_curves(chain(), ["test_error"])


def test_a_result_draws_itself():
    for result, panels in ((chain(), 2), (plane(), 2), (line(), 2), (rays(), 2), (ensemble(), 1)):
        assert len(result.plot(title="T").axes) == panels
    strange = GridEvaluation("Sphere", [np.arange(3.0)], {}, {}, {})
    with pytest.raises(ValueError, match="figures of Plane, Line, Rays. Received: Sphere"):
        strange.plot()


def test_thirty_figures_need_no_closing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = [plots.plot_ensembles(ensemble(3)) for _ in range(30)]
    assert len(kept) == 30
