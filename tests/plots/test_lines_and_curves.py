"""Figures of lines, curves and ensembles, from results that are computed by formulas."""

import numpy as np
import pytest
from surfaces import (
    chain,
    ensemble,
    growing,
    line,
    pairs,
    rays,
    simplex,
    texts,
)

from mc_tf import plots


@pytest.mark.parametrize("penalty, label", [(0.0, "Train loss"), (0.1, "Train loss (with L2)")])
def test_a_loss_without_a_penalty_is_not_said_to_have_one(tmp_path, penalty, label):
    result = chain(count=4)
    for index in range(4):
        result.record(index, {"train_loss": index + 1.0, "regularization": penalty})
    plots.save(plots.plot_curves({"Chain": result}, names=["train_loss"]), tmp_path / "a.svg")
    assert label in texts(tmp_path / "a.svg")


@pytest.mark.parametrize("penalty, label", [(0.0, "Loss"), (0.1, "Loss (with L2)")])
def test_nor_is_the_axis_of_two_losses(tmp_path, penalty, label):
    result = line()
    result._values["regularization"] = np.full(len(result.done), penalty)
    plots.save(plots.plot_line(result), tmp_path / "a.svg")
    assert {"Loss", "Loss (with L2)"} & {*texts(tmp_path / "a.svg")} == {label}


@pytest.mark.parametrize("lines", [line(), {"A": line(), "B": line(3.0)}])
def test_losses_and_errors_of_lines_have_a_panel_each(lines):
    losses, errors = plots.plot_line(lines).axes
    assert (losses.get_ylabel(), errors.get_ylabel()) == ("Loss (with L2)", "Error (%)")
    result = lines["A"] if isinstance(lines, dict) else lines
    for axis, value in ((losses, "train_loss"), (errors, "train_error")):
        np.testing.assert_allclose(axis.lines[0].get_ydata(), result[value])


def test_a_single_curve_says_its_barriers():
    result = chain(height=0.5)
    titles = [axis.get_title() for axis in plots.plot_curves(result).axes]
    heights = [result.summary(name)["barrier"] for name in ("train_loss", "test_error")]
    assert titles == [f"barrier {height:.3g}" for height in heights]
    assert not plots.plot_curves({"A": result, "B": result}).axes[0].get_title()


def test_bends_are_circles_on_the_curve():
    figure = plots.plot_curves({"Chain": chain(count=4)}, names=["train_loss"])
    curve_line, bends, _ = figure.axes[0].lines
    places, values = bends.get_data()
    assert bends.get_marker() == "o" and list(places) == [0.5]
    loss = curve_line.get_ydata()
    np.testing.assert_allclose(values, (loss[1] + loss[2]) / 2)  # between two points of the grid


@pytest.mark.parametrize("draw", [plots.plot_pairs, plots.plot_budgets])
def test_repetitions_are_one_line_with_a_band(draw):
    results = [growing([4, 3, 1]), growing([6, 3, 2]), growing([8, 3, 6])]
    for one in results:
        one |= {"t": one["epochs"], "pair_error": one["error"]}
    (axis,) = draw({"FGE": results}).axes
    np.testing.assert_allclose(axis.lines[0].get_data(), [[5, 6, 7], [6, 3, 3]])
    spread = np.array([2, 0, 7**0.5])  # standard deviations of [4, 6, 8], [3, 3, 3] and [1, 2, 6]
    (band,) = axis.collections
    corners = {tuple(place) for place in np.round(band.get_paths()[0].vertices, 6)}
    sides = [6, 3, 3] - spread, [6, 3, 3] + spread
    assert corners == {tuple(np.round(p, 6)) for side in sides for p in zip([5.0, 6, 7], side)}
    (axis,) = draw({"FGE": results[0], "SSE": results[:1]}).axes
    assert not axis.collections


def test_lines_of_budgets_join_no_two_trainings():
    several = growing([5, 4, 3, 2]) | {"run": np.array([0, 0, 1, 1])}
    (axis,) = plots.plot_budgets({"FGE": several}).axes
    joined = [list(line.get_xdata()) for line in axis.lines if line.get_linestyle() != "None"]
    assert joined == [[5, 6], [7, 8]]
    assert axis.get_legend_handles_labels()[1] == ["FGE", "one network"]


def test_repetitions_at_other_positions_are_refused():
    other = {**pairs(), "t": np.linspace(0, 0.5, 11)}
    with pytest.raises(ValueError, match="'A' cannot be drawn as one line: their t differ"):
        plots.plot_pairs({"A": [pairs(), other]})
    with pytest.raises(ValueError, match="'A' cannot .* their epochs differ.*5.0, 6.0.*5.0"):
        plots.plot_budgets({"A": [growing([2, 1]), growing([2])]})
    with pytest.raises(ValueError, match="no result of 'A'"):
        plots.plot_budgets({"A": []})


def test_a_simplex_has_volumes_and_errors_by_vertices():
    result = simplex()
    size, errors = plots.plot_simplex(result).axes
    np.testing.assert_allclose(size.lines[0].get_data(), [[2, 3, 4], result["volume"]])
    assert size.get_yscale() == "log"
    mean, ensemble, worst = errors.lines
    np.testing.assert_allclose(mean.get_data(), [[2, 3, 4], result["error"].mean(1)])
    np.testing.assert_allclose(ensemble.get_ydata(), result["ensemble_error"])
    assert set(worst.get_ydata()) == {result["network_error"].max()}
    (band,) = errors.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == result["error"].min() and heights.max() == result["error"].max()


def test_curve_ensembles_that_do_not_fit_are_refused():
    two = (ensemble(), ensemble())
    for ensembles in ({}, {"Other": two}):
        with pytest.raises(ValueError, match="Each ensemble needs the curve with its label"):
            plots.plot_curve_ensembles({"Chain": chain()}, ensembles=ensembles)
    broken = chain()
    broken.done[0] = False
    with pytest.raises(ValueError, match="'Chain' cannot be drawn: 20 of 21 points"):
        plots.plot_curve_ensembles({"Chain": broken}, ensembles={"Chain": two})


def test_long_labels_have_two_lines_and_fewer_columns():
    labels = [f"{size} batches{more}" for more in (" with weight decay", "") for size in ("A", "B")]
    figure = plots.plot_line({label: line() for label in labels}, values=["train_loss"])
    (legend,) = figure.legends
    shown = [text.get_text() for text in legend.get_texts()]
    assert [text.replace("\n", " ") for text in shown] == labels
    assert max(text.count("\n") for text in shown) == 1


@pytest.mark.parametrize("height", [0.0, 3.0])
def test_no_barrier_is_below_zero(height):
    curve = chain()
    curve._values["test_loss"][:] = 1 + height * np.sin(np.pi * np.asarray(curve.t))
    figure = plots.plot_barriers({"A": [curve, curve]}, positions=[1, 2], names=["test_loss"])
    low, high = figure.axes[0].get_ylim()
    assert -0.1 * high < low < 0 and height < high < height + 0.5


def test_networks_of_one_name_on_several_lines(tmp_path):
    """Each has its label; one at nearly the same place as another has none."""
    lines = {"VGG": line(), "ResNet": line(3.0), "Twin": line(3.0)}
    plots.save(plots.plot_line(lines, values=["train_loss"]), tmp_path / "a.svg")
    assert texts(tmp_path / "a.svg").count("SGD") == 2


def test_a_network_with_the_name_of_its_line(tmp_path):
    plots.save(plots.plot_line({"SGD": line()}, values=["train_loss"]), tmp_path / "a.svg")
    assert "SWA" in texts(tmp_path / "a.svg") and "SGD" not in texts(tmp_path / "a.svg")


def test_values_that_are_not_finite_on_lines_and_rays(tmp_path):
    broken, spread = line(), rays()
    broken._values["train_loss"][:] = np.nan
    broken._values["test_error"][5] = np.inf
    spread._values["train_loss"][7] = np.inf
    plots.save(plots.plot_line(broken), tmp_path / "a.png")
    plots.save(plots.plot_rays(spread), tmp_path / "b.png")
