"""Programs that draw loss surfaces, and the page of a run, from files."""

import re
import shutil

import numpy as np
import pytest
from programs import assert_refused, needs_tensorflow, run, run_table, temporary_files
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
    trajectory,
)

pytestmark = [needs_tensorflow, pytest.mark.xdist_group("plots")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Result files of every kind, whole and broken."""
    root = tmp_path_factory.mktemp("results")
    for name, result in {
        "plane": plane(),
        "other": plane(height=20.0),
        "line": line(),
        "rays": rays(),
        "steep": rays(3.0),
    }.items():
        result.finish(f"{root}/{name}")
    for name, arrays in {
        "functions": functions(),
        "pairs": pairs(),
        "trajectory": trajectory(),
        "orders": orders(),
        "fge-epochs": growing([22, 21.5]),
        "sse-epochs": growing([23, 22]),
        "longer-epochs": growing([23, 22, 21]),
    }.items():
        np.savez(root / f"{name}.npz", **arrays)
    for width in (1, 4):
        chain(1 / width).finish(f"{root}/chain-{width}")
    ensemble().save(root / "ensemble.npz")
    ensemble(loss=0.9).save(root / "scaled.npz")
    incomplete = plane()
    incomplete.done[:5] = False
    incomplete.save(f"{root}/incomplete")
    (root / "cut.npz").write_bytes((root / "plane.npz").read_bytes()[:900])
    (root / "file").write_text("a regular file")
    return root


TWO = "--results=Deep={root}/plane.npz,Shallow={root}/other.npz"
PLANE = "--results={root}/plane.npz"
BEFORE = "--ensembles=A={root}/ensemble.npz"
DRAWN = {
    "planes": ("plot_plane", [TWO, "--levels=6", "--max_value=2", "--title=Two"], "svg"),
    "plane with given levels": ("plot_plane", [PLANE, "--levels=0.1,1,2"], "png"),
    "heat map": ("plot_plane", [TWO, "--heat_map", "--value=train_eigenvalue_ratio"], "png"),
    "regression": ("plot_plane", [PLANE, "--functions={root}/functions.npz"], "png"),
    "line": ("plot_line", ["--results={root}/line.npz", "--axis_label=distance"], "svg"),
    "rays": ("plot_line", ["--results=A={root}/rays.npz,B={root}/steep.npz"], "pdf"),
    "surface": ("plot_surface", [PLANE, "--scale=linear", "--elevation=30"], "png"),
    "curve": ("plot_curve", ["--results=Chain={root}/chain-1.npz"], "png"),
    "pairs": (
        "plot_pairs",
        ["--results=A={root}/pairs.npz,{root}/pairs.npz", "--title=Two"],
        "svg",
    ),
    "repeated pairs": ("plot_pairs", ["--results=A={root}/pairs.npz,A={root}/pairs.npz"], "svg"),
    "trajectory": ("plot_trajectory", ["--results={root}/trajectory.npz", "--title=FGE"], "png"),
    "mean prediction": ("plot_mean_prediction", ["--results={root}/orders.npz"], "png"),
    "budgets": ("plot_ensembles", ["--results={root}/fge-epochs.npz,{root}/sse-epochs.npz"], "png"),
    "ensembles": ("plot_ensembles", ["--results=FGE={root}/ensemble.npz"], "pdf"),
    "widths": ("plot_widths", ["--results=A={root}/chain-{{}}.npz", "--widths=1,4"], "png"),
    "curve ensembles": (
        "plot_curve_ensembles",
        ["--results=A={root}/chain-1.npz", BEFORE, "--scaled_ensembles=A={root}/scaled.npz"],
        "png",
    ),
    "film": ("plot_film", [TWO, "--frames_per_second=2"], "gif"),
}
MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF", "gif": b"GIF89a"}


@pytest.mark.parametrize("case", DRAWN)
def test_figure(root, tmp_path, case):
    program, flags, ending = DRAWN[case]
    figure = tmp_path / "new" / f"figure.{ending}"
    out = run(program, *(flag.format(root=root) for flag in flags), f"--output={figure}")
    assert out.strip() == str(figure)
    assert figure.read_bytes().startswith(MAGIC[ending])
    assert figure.stat().st_size > 8000
    assert temporary_files(figure.parent) == []
    if case == "planes":
        texts = re.findall(r"<!-- (\w+) -->", figure.read_text())
        assert {"Two", "Deep", "Shallow", "bend"} <= set(texts)


OUTPUT = "--output={root}/new.png"
BAD = {
    "missing file": ("plot_plane", [OUTPUT, "--results={root}/none.npz"], "no result file.*none"),
    "cut": ("plot_plane", [OUTPUT, "--results=A={root}/cut.npz"], "cut.npz' is damaged"),
    "incomplete": (
        "plot_plane",
        [OUTPUT, "--results={root}/incomplete.npz"],
        "'incomplete'.*164 of 169 points",
    ),
    "unknown value": ("plot_plane", [OUTPUT, PLANE, "--value=tst_loss"], "tst_loss.*train_loss"),
    "a line": ("plot_plane", [OUTPUT, "--results={root}/line.npz"], "'line'.*Line.*a Plane"),
    "levels": ("plot_plane", [OUTPUT, PLANE, "--levels=few"], "--levels takes.*few"),
    "levels of a heat map": ("plot_plane", [OUTPUT, PLANE, "--levels=3", "--heat_map"], "heat_map"),
    "functions": (
        "plot_plane",
        [OUTPUT, PLANE, "--functions={root}/none.npz"],
        "no result file.*none.npz.*predictive functions",
    ),
    "functions of two": (
        "plot_plane",
        [OUTPUT, TWO, "--functions={root}/functions.npz"],
        "--functions takes one file",
    ),
    "one label": (
        "plot_plane",
        [OUTPUT, "--results={root}/plane.npz,{root}/plane.npz"],
        "Two files have the label 'plane'",
    ),
    "format": ("plot_plane", [PLANE, "--output={root}/new.xyz"], "xyz"),
    "unwritable": ("plot_plane", [PLANE, "--output={root}/file/a.png"], "Cannot write.*file"),
    "a plane": ("plot_line", [OUTPUT, PLANE], "'plane'.*Plane.*a Line"),
    "lines and rays": (
        "plot_line",
        [OUTPUT, "--results={root}/line.npz,{root}/rays.npz"],
        "'rays'.*Rays.*a Line",
    ),
    "surface of a line": ("plot_surface", [OUTPUT, "--results={root}/line.npz"], "Line.*a Plane"),
    "surface below all": ("plot_surface", [OUTPUT, PLANE, "--max_value=0"], "above the smallest"),
    "film of one curve": ("plot_film", [PLANE, "--output={root}/a.gif"], "two frames.*1 frames"),
    "film as a figure": ("plot_film", [TWO, OUTPUT], ".gif or .mp4.*new.png"),
    "files of one name are no repetitions": (
        "plot_pairs",
        [OUTPUT, "--results={root}/pairs.npz,{root}/pairs.npz"],
        "Two files have the label 'pairs'",
    ),
    "repetitions of a file of that name": (
        "plot_pairs",
        [OUTPUT, "--results={root}/pairs.npz,pairs={root}/pairs.npz"],
        "Two files have the label 'pairs'",
    ),
    "repetitions that differ": (
        "plot_ensembles",
        [OUTPUT, "--results=A={root}/fge-epochs.npz,A={root}/longer-epochs.npz"],
        "'A' cannot be drawn as one line: their epochs differ",
    ),
    "another result": (
        "plot_pairs",
        [OUTPUT, "--results={root}/trajectory.npz"],
        "not errors of pairs, which eval_pairs.py makes: it has no 't'",
    ),
    "cut ensemble": ("plot_ensembles", [OUTPUT, "--results={root}/cut.npz"], "cut.npz' is damaged"),
    "two trajectories": (
        "plot_trajectory",
        [OUTPUT, "--results={root}/trajectory.npz,{root}/trajectory.npz"],
        "--results takes one file",
    ),
    "a width is missing": (
        "plot_widths",
        [OUTPUT, "--results={root}/chain-{{}}.npz", "--widths=1,2"],
        "no result file.*chain-2.npz",
    ),
    "no place for the width": (
        "plot_widths",
        [OUTPUT, "--results={root}/chain-1.npz", "--widths=1,2"],
        "the place of the width",
    ),
    "widths": ("plot_widths", [OUTPUT, "--results=a{{}}", "--widths=1,b"], "takes numbers.*1,b"),
    "ensembles of other curves": (
        "plot_curve_ensembles",
        [OUTPUT, "--results={root}/chain-1.npz", BEFORE, "--scaled_ensembles=B={root}/scaled.npz"],
        "the same labels.*A and B",
    ),
    "report of nothing": ("report", ["--workdir={root}/none"], "no directory.*none.*--workdir"),
    "report unwritable": (
        "report",
        ["--workdir={root}", "--output={root}/file/a.html"],
        "Cannot write.*file",
    ),
}


@pytest.fixture(scope="module")
def refused(root):
    return run_table(BAD, root, root=root)


@pytest.mark.parametrize("case", BAD)
def test_bad_input(refused, case):
    assert_refused(*refused[case])


def test_report(root, tmp_path):
    shutil.copytree(root, tmp_path / "run")
    run("plot_plane", f"--results={root}/plane.npz", f"--output={tmp_path}/run/map.png")
    out = run("report", f"--workdir={tmp_path}/run", "--title=All & <more>")
    assert out.strip() == f"{tmp_path}/run/report.html"
    page = (tmp_path / "run/report.html").read_text()
    assert "<h1>All &amp; &lt;more&gt;</h1>" in page
    assert page.count('src="data:image/png;base64,') == 1
    assert "164 of 169 points evaluated" in page and "damaged" in page
