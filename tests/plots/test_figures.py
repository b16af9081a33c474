"""Every figure: it is drawn, whole, and its files are the same each time."""

import matplotlib.figure
import numpy as np
import pytest
from model_zoo import some
from PIL import Image
from surfaces import (
    chain,
    corrupted,
    ensemble,
    functions,
    growing,
    line,
    orders,
    pairs,
    plane,
    predicted,
    rays,
    simplex,
    texts,
    trajectory,
)

from mc_tf import plots

PLANES = {"Optima": plane(height=20.0), "Curve": plane()}
LINES = {"VGG": line(), "ResNet": line(3.0)}
# Figures, and the texts that they must contain.
FIGURES = {
    "plane": (
        lambda: plots.plot_plane(plane(), maximum=2.5, title="A plane"),
        ["A plane", "first", "second", "bend", "coordinate x", "Train loss (with L2)", "> 2.5"],
    ),
    "planes": (
        lambda: plots.plot_plane(PLANES, value="test_error", maximum=50),
        ["Optima", "Curve", "Test error (%)", "> 50"],
    ),
    "planes with given levels": (
        lambda: plots.plot_plane(PLANES, levels=[0.1, 0.25, 2]),
        ["0.1", "0.25", "2", "> 2"],
    ),
    "heat map": (
        lambda: plots.plot_heat_map(PLANES, value="train_smallest_eigenvalue"),
        ["Smallest eigenvalue of the Hessian", "Optima", "bend"],
    ),
    "eigenvalue ratio": (
        lambda: plots.plot_eigenvalue_ratio(plane(), title="Convex?"),
        ["|Smallest / largest eigenvalue| of the Hessian", "Convex?"],
    ),
    "line": (
        lambda: plots.plot_line(line(), label="distance"),
        ["distance", "SGD", "SWA", "Loss (with L2)", "Error (%)", "train", "test"],
    ),
    "lines": (
        lambda: plots.plot_line(LINES, maximum=1),
        ["VGG, train", "ResNet, test", "Error (%)", "coordinate on the line"],
    ),
    "lines of one value": (
        lambda: plots.plot_line(LINES, values=["test_error"], title="Two"),
        ["VGG", "ResNet", "Test error (%)", "Two"],
    ),
    "rays": (
        lambda: plots.plot_rays({"SWA": rays(), "SGD": rays(3.0)}),
        ["SWA: mean of 4 rays", "SGD: mean of 4 rays", "Train loss (with L2)"],
    ),
    "surface": (
        lambda: plots.plot_surface(plane(), title="Above"),
        ["Above", "first", "second", "bend", "Train loss (with L2)"],
    ),
    "surface with a linear scale": (
        lambda: plots.plot_surface(plane(), scale="linear", maximum=2),
        ["coordinate y", "1.6"],
    ),
    "curves": (
        lambda: plots.plot_curves({"Chain": chain(), "Flat": chain(0.1)}),
        ["Chain", "Flat", "Train loss (with L2)", "position t on the curve"],
    ),
    "barrier": (
        lambda: plots.plot_barrier({"as trained": chain(), "aligned": chain(0.1)}),
        ["as trained", "aligned", "endpoints", "Test error (%)", "position t on the segment"],
    ),
    "barriers": (
        lambda: plots.plot_barriers(
            {"aligned": [chain(), chain(0.1)]}, positions=[0, 16], label="epochs in common"
        ),
        ["aligned", "epochs in common", "Barrier: test error (%)", "16"],
    ),
    "layers": (
        lambda: plots.plot_layers({"first": {"aligned": chain()}, "last": {"aligned": chain()}}),
        ["first", "last", "aligned", "Test error (%), above the first network's"],
    ),
    "curves and ensembles": (
        lambda: plots.plot_curve_ensembles(
            {"Chain": chain(), "Flat": chain(0.1)}, ensembles={"Chain": (ensemble(), ensemble(5))}
        ),
        [
            *("Train error (%)", "Train loss (with L2)", "Test error (%)", "Chain", "Flat"),
            *("Test cross-entropy of each network", "the same after rescaling"),
        ],
    ),
    "pairs": (
        lambda: plots.plot_pairs({"Chain": pairs(), "Segment": pairs(-3)}),
        ["Chain", "Segment", "Error of the ensemble of two (%)"],
    ),
    "several pairs": (
        lambda: plots.plot_pairs({"Chain": [pairs(), pairs(3)], "Segment": pairs(-3)}),
        ["Chain", "Segment"],
    ),
    "trajectory": (
        lambda: plots.plot_trajectory(trajectory(), title="FGE"),
        ["FGE", "Learning rate", "Error (%)", "Distance from the start", "smallest rate"],
    ),
    "budgets": (
        lambda: plots.plot_budgets({"FGE": growing([22, 21]), "SSE": growing([23])}),
        ["FGE", "SSE", "one network", "training epochs in total", "Error (%)"],
    ),
    "simplex": (
        lambda: plots.plot_simplex({"SPRO": simplex(), "ESPRO": [simplex(), simplex(9)]}),
        ["SPRO: samples", "ESPRO: their ensemble", "vertices", "Volume", "Error (%)"],
    ),
    "mean prediction": (
        lambda: plots.plot_mean_prediction(orders()),
        ["one member", "mean of all members", "distance of the members from their mean"],
    ),
    "ensembles": (
        lambda: plots.plot_ensembles({"FGE": ensemble()}),
        ["FGE: members 1 to n", "FGE: member n", "n", "Error (%)"],
    ),
    "reliability": (
        lambda: plots.plot_reliability({"FGE": predicted(), "SWA": predicted(1.0)}, title="Sure?"),
        [
            *("Sure?", "Accuracy", "confidence: mean of the largest probability"),
            *("accuracy = confidence", "FGE: ECE 0.1733", "SWA: ECE 0.0547"),
        ],
    ),
    "risk and coverage": (
        lambda: plots.plot_risk_coverage({"FGE": predicted(), "SWA": predicted(1.0)}),
        ["Error of these (%)", "coverage: share of the predictions, the most certain first (%)"],
    ),
    "corruptions": (
        lambda: plots.plot_corruptions(
            {"FGE": [corrupted(), corrupted(2)], "SWA": corrupted(3)}, title="Shifted"
        ),
        [
            *("Shifted", "FGE", "SWA", "strength of the corruption", "Error (%)"),
            "Calibration error",
        ],
    ),
    "widths": (
        lambda: plots.plot_widths({"Chain": [chain(), chain(0.1)]}, widths=[1, 4]),
        ["Chain", "worse endpoint", "Worst train loss on the curve"],
    ),
    "regression": (
        lambda: plots.plot_regression(plane(), functions(), title="Functions"),
        ["Functions", "input", "prediction", "data", "position t on the curve", "bend"],
    ),
    "regression with a band": (
        lambda: plots.plot_regression(plane(), functions(band=True)),
        ["data", "posterior mean", "95 % of new targets"],
    ),
}


# Each function is drawn once; these are other options of the same functions, drawn with `-m ''`.
OPTIONS = (
    *("planes", "planes with given levels", "lines", "lines of one value", "several pairs"),
    *("surface with a linear scale", "curves and ensembles", "eigenvalue ratio"),
)


@pytest.mark.parametrize("name", some(list(FIGURES), set(FIGURES) - set(OPTIONS)))
def test_figure(tmp_path, name):
    draw, words = FIGURES[name]
    figure = draw()
    assert isinstance(figure, matplotlib.figure.Figure)
    plots.save(figure, tmp_path / "figure")
    with Image.open(tmp_path / "figure.png") as image:
        width, height = image.size
        assert 500 < width < 3000 and 400 < height < 1500
        small = np.asarray(image.convert("RGB").resize((60, 40))).reshape(-1, 3)
        assert len(np.unique(small, axis=0)) > 20  # not blank
    found = texts(tmp_path / "figure.svg")
    assert set(words) <= set(found), found


# A picture in two dimensions, and one in three.
@pytest.mark.parametrize("name", some(list(FIGURES), ["planes", "surface"]))
def test_files_of_equal_figures_are_equal(tmp_path, name):
    """Drawn again, and saved again."""
    draw, _ = FIGURES[name]
    figure = draw()
    for path, one in (("first", figure), ("second", figure), ("anew", draw())):
        plots.save(one, tmp_path / path, ("png", "svg"))
    for ending in ("png", "svg"):
        first, *others = [
            (tmp_path / f"{path}.{ending}").read_bytes() for path in ("first", "second", "anew")
        ]
        assert others == [first, first]


def test_pdf_files_of_equal_figures_are_equal(tmp_path):
    for name in ("one", "two"):
        plots.save(plots.plot_plane(plane()), tmp_path / f"{name}.pdf")
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_the_directory_of_a_figure_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "a.png"
    plots.save(plots.plot_curves({"Chain": chain(count=4)}, names=["train_loss"]), path)
    assert path.read_bytes().startswith(b"\x89PNG")
