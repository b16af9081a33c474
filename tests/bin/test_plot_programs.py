"""Programs that draw loss surfaces, and the page of a run, from files."""

import base64
import re
import shutil

import numpy as np
import pytest
from model_zoo import some
from programs import assert_refused, needs_tensorflow, run, run_table, temporary_files
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
    rays,
    simplex,
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
        "corrupted": corrupted(),
        "simplex": simplex(),
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
    "planes": ("plot plane", [TWO, "--levels=6", "--max_value=2", "--title=Two"], "svg"),
    "plane with given levels": ("plot plane", [PLANE, "--levels=0.1,1,2"], "png"),
    "heat map": ("plot plane", [TWO, "--heat_map", "--values=train_eigenvalue_ratio"], "png"),
    "regression": ("plot plane", [PLANE, "--functions={root}/functions.npz"], "png"),
    "line": ("plot line", ["--results={root}/line.npz", "--axis_label=distance"], "svg"),
    "rays": ("plot line", ["--results=A={root}/rays.npz,B={root}/steep.npz"], "pdf"),
    "surface": ("plot surface", [PLANE, "--scale=linear", "--elevation=30"], "png"),
    "curve": ("plot curve", ["--results=Chain={root}/chain-1.npz"], "png"),
    "pairs": (
        "plot pairs",
        ["--results=A={root}/pairs.npz,{root}/pairs.npz", "--title=Two"],
        "svg",
    ),
    "repeated pairs": ("plot pairs", ["--results=A={root}/pairs.npz,A={root}/pairs.npz"], "svg"),
    "trajectory": ("plot trajectory", ["--results={root}/trajectory.npz", "--title=FGE"], "png"),
    "mean prediction": ("plot mean_prediction", ["--results={root}/orders.npz"], "png"),
    "budgets": ("plot ensembles", ["--results={root}/fge-epochs.npz,{root}/sse-epochs.npz"], "png"),
    "ensembles": ("plot ensembles", ["--results=FGE={root}/ensemble.npz"], "pdf"),
    "reliability": ("plot reliability", ["--results=FGE={root}/ensemble.npz"], "png"),
    "corruptions": (
        "plot corruptions",
        ["--results=A={root}/corrupted.npz,A={root}/corrupted.npz,B={root}/corrupted.npz"],
        "png",
    ),
    "simplex": ("plot simplex", ["--results=A={root}/simplex.npz,A={root}/simplex.npz"], "svg"),
    "risk_coverage": ("plot risk_coverage", ["--results=FGE={root}/ensemble.npz"], "svg"),
    "widths": ("plot widths", ["--results=A={root}/chain-{{}}.npz", "--widths=1,4"], "png"),
    "barrier": ("plot barrier", ["--results=A={root}/chain-1.npz,B={root}/chain-4.npz"], "png"),
    "barriers": ("plot barriers", ["--results=A={root}/chain-{{}}.npz", "--widths=1,4"], "png"),
    "layers": ("plot layers", ["--results=A={root}/chain-{{}}.npz", "--layers=1,4"], "svg"),
    "curve ensembles": (
        "plot curve_ensembles",
        ["--results=A={root}/chain-1.npz", BEFORE, "--scaled_ensembles=A={root}/scaled.npz"],
        "png",
    ),
    "film": ("plot film", [TWO, "--frames_per_second=2"], "gif"),
}
MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF", "gif": b"GIF89a"}


# Drawn like others of these, by functions that `tests/plots` tests.
ALIKE = {"plane with given levels", "heat map", "line", "surface", "repeated pairs", "widths"}
ALIKE |= {"mean prediction", "budgets", "risk_coverage", "barriers"}


@pytest.mark.parametrize("case", some(list(DRAWN), DRAWN.keys() - ALIKE))
def test_figure(root, tmp_path, case):
    program, flags, ending = DRAWN[case]
    figure = tmp_path / "new" / f"figure.{ending}"
    out = run(*program.split(), *(flag.format(root=root) for flag in flags), f"--figure={figure}")
    assert out.strip() == str(figure)
    assert figure.read_bytes().startswith(MAGIC[ending])
    assert figure.stat().st_size > 8000
    assert temporary_files(figure.parent) == []
    if case == "planes":
        texts = re.findall(r"<!-- (\w+) -->", figure.read_text())
        assert {"Two", "Deep", "Shallow", "bend"} <= set(texts)


FIGURE = "--figure={root}/new.png"
BAD = {
    "missing file": ("plot plane", [FIGURE, "--results={root}/none.npz"], "no result file.*none"),
    "cut": ("plot plane", [FIGURE, "--results=A={root}/cut.npz"], "cut.npz' is damaged"),
    "incomplete": (
        "plot plane",
        [FIGURE, "--results={root}/incomplete.npz"],
        "'incomplete'.*164 of 169 points",
    ),
    "unknown value": ("plot plane", [FIGURE, PLANE, "--values=tst_loss"], "tst_loss.*train_loss"),
    "a line": ("plot plane", [FIGURE, "--results={root}/line.npz"], "'line'.*Line.*a Plane"),
    "levels": ("plot plane", [FIGURE, PLANE, "--levels=few"], "--levels takes.*few"),
    "levels of a heat map": ("plot plane", [FIGURE, PLANE, "--levels=3", "--heat_map"], "heat_map"),
    "functions": (
        "plot plane",
        [FIGURE, PLANE, "--functions={root}/none.npz"],
        "no result file.*none.npz.*predictive functions",
    ),
    "functions of two": (
        "plot plane",
        [FIGURE, TWO, "--functions={root}/functions.npz"],
        "--functions takes one file",
    ),
    "one label": (
        "plot plane",
        [FIGURE, "--results={root}/plane.npz,{root}/plane.npz"],
        "Two files have the label 'plane'",
    ),
    "format": ("plot plane", [PLANE, "--figure={root}/new.xyz"], "xyz"),
    "unwritable": ("plot plane", [PLANE, "--figure={root}/file/a.png"], "Cannot write.*file"),
    "a plane": ("plot line", [FIGURE, PLANE], "'plane'.*Plane.*a Line"),
    "lines and rays": (
        "plot line",
        [FIGURE, "--results={root}/line.npz,{root}/rays.npz"],
        "'rays'.*Rays.*a Line",
    ),
    "surface of a line": ("plot surface", [FIGURE, "--results={root}/line.npz"], "Line.*a Plane"),
    "surface below all": ("plot surface", [FIGURE, PLANE, "--max_value=0"], "above the smallest"),
    "film of one curve": ("plot film", [PLANE, "--figure={root}/a.gif"], "two frames.*1 frames"),
    "film as a figure": ("plot film", [TWO, FIGURE], ".gif or .mp4.*new.png"),
    "files of one name are no repetitions": (
        "plot pairs",
        [FIGURE, "--results={root}/pairs.npz,{root}/pairs.npz"],
        "Two files have the label 'pairs'",
    ),
    "repetitions of a file of that name": (
        "plot pairs",
        [FIGURE, "--results={root}/pairs.npz,pairs={root}/pairs.npz"],
        "Two files have the label 'pairs'",
    ),
    "repetitions that differ": (
        "plot ensembles",
        [FIGURE, "--results=A={root}/fge-epochs.npz,A={root}/longer-epochs.npz"],
        "'A' cannot be drawn as one line: their epochs differ",
    ),
    "another result": (
        "plot pairs",
        [FIGURE, "--results={root}/trajectory.npz"],
        "not errors of pairs, which eval_pairs.py makes: it has no 't'",
    ),
    "cut ensemble": ("plot ensembles", [FIGURE, "--results={root}/cut.npz"], "cut.npz' is damaged"),
    "two trajectories": (
        "plot trajectory",
        [FIGURE, "--results={root}/trajectory.npz,{root}/trajectory.npz"],
        "--results takes one file",
    ),
    "a width is missing": (
        "plot widths",
        [FIGURE, "--results={root}/chain-{{}}.npz", "--widths=1,2"],
        "no result file.*chain-2.npz",
    ),
    "no place for the width": (
        "plot widths",
        [FIGURE, "--results={root}/chain-1.npz", "--widths=1,2"],
        "the place of the width",
    ),
    "widths": ("plot widths", [FIGURE, "--results=a{{}}", "--widths=1,b"], "must be numbers.*1,b"),
    "no place for the layer": (
        "plot layers",
        [FIGURE, "--results={root}/chain-1.npz", "--layers=dense"],
        "the place of the layer",
    ),
    "no layers": ("plot layers", [FIGURE, "--results=a{{}}"], "layers needs --layers"),
    "ensembles of other curves": (
        "plot curve_ensembles",
        [FIGURE, "--results={root}/chain-1.npz", BEFORE, "--scaled_ensembles=B={root}/scaled.npz"],
        "the same labels.*A and B",
    ),
    "no kind": ("plot", [FIGURE, PLANE], "one of: curve, line.*widths. Received: none"),
    "unknown kind": ("plot planes", [FIGURE, PLANE], "one of: curve, line.*widths.*planes"),
    "no file": ("plot plane", [FIGURE], "plane needs --results"),
    "no figure": ("plot plane", [PLANE], "plane needs --figure"),
    "no ensembles": ("plot curve_ensembles", [FIGURE, PLANE], "needs --ensembles"),
    "flag of others": ("plot curve", [FIGURE, PLANE, "--levels=3"], "levels.*for plane, film"),
    "two values": ("plot plane", [FIGURE, PLANE, "--values=a,b"], "takes one name.*a,b"),
    "no value": ("plot film", [FIGURE, PLANE, "--values="], "takes one name"),
    "earlier name": ("plot plane", [FIGURE, PLANE, "--value=test_loss"], "--value is now --values"),
    "earlier output": ("plot plane", [PLANE, "--output={root}/a.png"], "--output is now --figure"),
    "limits of a regression": (
        "plot plane",
        [FIGURE, PLANE, "--functions={root}/functions.npz", "--levels=3"],
        "levels would have no effect.*--functions",
    ),
    "report of nothing": ("report", ["--workdir={root}/none"], "no directory.*none.*--workdir"),
    "report unwritable": (
        "report",
        ["--workdir={root}", "--page={root}/file/a.html"],
        "Cannot write.*file",
    ),
}


@pytest.fixture(scope="module")
def refused(root):
    table = {}
    for case, (program, flags, message) in BAD.items():
        program, *kind = program.split()
        table[case] = (program, [*kind, *flags], message)
    return run_table(table, root, root=root)


@pytest.mark.parametrize("case", BAD)
def test_bad_input(refused, case):
    assert_refused(*refused[case])


def test_report(root, tmp_path):
    shutil.copytree(root, tmp_path / "run")
    run("plot", "plane", f"--results={root}/plane.npz", f"--figure={tmp_path}/run/map.png")
    out = run("report", f"--workdir={tmp_path}/run", "--title=All & <more>")
    assert out.strip() == f"{tmp_path}/run/report.html"
    page = (tmp_path / "run/report.html").read_text()
    assert "<h1>All &amp; &lt;more&gt;</h1>" in page
    drawn = base64.b64encode((tmp_path / "run/map.png").read_bytes()).decode()
    assert page.count(f'src="data:image/png;base64,{drawn}"') == 1
    assert "cannot be drawn" not in page
    assert "164 of 169 points evaluated" in page and "damaged" in page
