"""The page of a run: everything in it, escaped, and nothing else needed."""

import base64
import csv
import html
import html.parser
import json
import os
import pathlib
import re
import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image
from programs import run
from surfaces import ensemble, growing, line, pairs, plane, rays, trajectory

from mc_tf import CurveEvaluation
from mc_tf.reports.found import read_directory
from mc_tf.reports.page import write_report
from mc_tf.reports.surfaces import plotly_script
from mc_tf.storage.files import write_arrays

EVIL = "<script>alert('&\"')</script>"


class Page(html.parser.HTMLParser):
    """Texts, cells and images of a page, and whether its elements are closed."""

    def __init__(self, path):
        super().__init__()
        self.open, self.cells, self.images, self.tags, self.text = [], [], [], set(), ""
        self.exact, self.bold, self.captions = [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag == "td" and dict(attributes).get("title"):
            self.exact.append(float(dict(attributes)["title"]))
        if tag not in ("meta", "img", "wbr"):
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        if tag == "figcaption":
            self.captions.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data
            if self.open[-1] == "strong":
                self.bold.append(data)
        if "figcaption" in self.open:
            self.captions[-1] += data

    def rows(self, heading):
        """Cells from one heading of a table on."""
        return self.cells[self.cells.index(heading) :]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def evaluation():
    t = np.linspace(0, 1, 5)
    result = CurveEvaluation(t, description={"data": "digits", "curve": EVIL})
    for index in range(5):
        result.record(index, {"train_loss": 0.25 + 3 * t[index], "test_accuracy": 0.75})
    result.set_geometry(np.ones(4), 4.0, 1.125)
    return result


@pytest.fixture(autouse=True)
def without_plotly(monkeypatch):
    """As if plotly were not installed."""
    monkeypatch.setitem(sys.modules, "plotly.offline", None)


@pytest.fixture
def workdir(tmp_path):
    """A directory with every kind of file."""
    folder = tmp_path / "run & <b>"
    common = {"data": "digits", "batch_size": 128}
    write(folder / "start/settings.json", {**common, "seed": 1, "network": EVIL})
    write(folder / "end/settings.json", {**common, "seed": 2, "network": "fc"})
    with open(folder / "start/history.csv", "w", newline="") as file:
        rows = [["epoch", "loss", "val_loss"], [0, 0.5, "NA"], [1, 0.4375, "NA"], [2]]
        csv.writer(file).writerows(rows)
    (folder / "bezier").mkdir()
    evaluation().finish(folder / "bezier/evaluation")
    grid = plane(5)
    grid.projection_error = {"Bezier": np.full(31, 0.0625)}
    grid.finish(folder / "plane")
    half = plane(5)
    half.done[:20] = False
    half.save(folder / "half")
    row = {"curve": "bezier", "value": "test_error", "statistic": "max"}
    rows = [{**row, "target": 7.01, "obtained": 6.875}]
    write(folder / "comparison.json", {"rows": rows})
    scores = {"members": {"error": [5.5, 5.25]}, "cumulative": {"error": [5.5, 4.75]}}
    write(folder / "fge.json", {"data": common, **scores, "mean_disagreement": 0.03125})
    write(folder / "other.json", {"note": EVIL, "numbers": [1, 2.5, None]})
    write(folder / "list.json", [1, EVIL])
    (folder / "broken.json").write_text('{"half')
    Image.new("RGB", (30, 20), "red").save(folder / "curves.png")
    Image.new("RGB", (30, 20), "red").save(folder / "film.gif")
    for name in ("curves", "alone"):
        (folder / f"{name}.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / ".hidden-0a1b2c3d.png").write_bytes(b"half a file")
    return folder


def test_every_number_and_figure(workdir):
    page = Page(write_report(workdir) and workdir / "report.html")
    for number in ("7.01", "6.88", "3.25", "1.75", "25.00", "5.25", "4.75", "0.438", "0.0625"):
        assert number in page.cells, number
    assert {7.01, 6.875, 3.25, 1.75, 25.0, 5.25, 4.75, 0.4375, 0.0625, 1.125} <= set(page.exact)
    for text in ("length ratio: 1.125", "mean disagreement: 3.12 %", "surface: Plane", "2.5"):
        assert text in page.text, text
    assert "5 of 25 points evaluated" in page.text
    assert "broken.json" in page.text and "cannot be read" in page.text
    kinds = {image["src"].partition(";")[0] for image in page.images}
    assert kinds == {"data:image/gif", "data:image/png", "data:image/svg+xml"}
    assert page.captions[:3] == ["alone.svg", "curves.png", "film.gif"]
    stored = {base64.b64decode(image["src"].partition(",")[2]) for image in page.images}
    assert (workdir / "curves.png").read_bytes() in stored
    assert (workdir / "alone.svg").read_bytes() in stored
    assert all(image["alt"] for image in page.images)


def test_figures_of_what_was_not_drawn(tmp_path):
    """Each kind of result file, and a history. A file with a figure of its name is not drawn."""
    result = evaluation()
    (tmp_path / "bezier").mkdir()
    result.finish(tmp_path / "bezier/evaluation")
    for name, grid in {"plane": plane(5), "line": line(), "rays": rays()}.items():
        grid.finish(tmp_path / name)
    ensemble().save(tmp_path / "fge.npz")
    ensemble().save(tmp_path / "sse.npz")
    Image.new("RGB", (30, 20), "red").save(tmp_path / "sse.png")
    for name, arrays in {"p": pairs(), "t": trajectory(), "fge-epochs": growing([3, 2])}.items():
        write_arrays(tmp_path / f"{name}.npz", **arrays)
    write(tmp_path / "a/settings.json", {"data": "digits", "test": "validation", "epochs": 2})
    (tmp_path / "a/history.csv").write_text("epoch,loss,val_loss\n0,2.0,3.0\n1,1.0,2.5\n")
    page = Page(write_report(tmp_path) and tmp_path / "report.html")
    assert page.captions == [
        "sse.png",
        "Along curves (bezier/evaluation)",
        "Ensembles as they grow (fge)",
        "Ensembles by epochs (fge-epochs)",
        "Ensembles of two networks on a curve (p)",
        "Train loss on a plane (plane)",
        "Test error on a plane (plane)",
        "A line (line)",
        "Rays (rays)",
        "One training in cycles (t)",
        "The train loss over plane",
        "Training of networks (a)",
    ]
    assert len(page.images) == len(page.captions)
    assert "cannot be drawn" not in page.text
    for image in page.images:
        assert base64.b64decode(image["src"].partition(",")[2])[1:4] == b"PNG"


def test_figures_of_a_recipe_stand_before_those_of_its_results(workdir):
    page = Page(write_report(workdir) and workdir / "report.html")
    before, _, folded = page.source.partition("<summary>Figures of each result</summary>")
    assert before.count("<figure") == 4  # three files, and the surface
    assert "Along curves (bezier/evaluation)" in folded.partition("</details>")[0]


def test_headline(tmp_path):
    """The state, and the numbers that the files hold."""
    folder = tmp_path / "run"
    common = {"data": "digits", "test": "test", "train_examples": 1437}
    for name, accuracy in {"a": 0.9375, "b": 0.96875}.items():
        write(folder / name / "settings.json", {**common, "network": "fc", "epochs": 1})
        text = f"epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.0,{accuracy},0.25\n"
        (folder / name / "history.csv").write_text(text)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dropout(0.5)])
    model.compile("adam", "mse")
    model.save(folder / "a/model.keras")
    write(folder / "bezier/settings.json", {"curve": "Bezier(num_bends=1)", **common})
    result = evaluation()
    result.finish(folder / "bezier/evaluation")
    ensemble(4).save(folder / "fge.npz")
    page = Page(write_report(folder) and folder / "report.html")
    top = page.source.partition("<h2>")[0]
    assert "Finished" in top and "2 trainings and 2 result files" in top
    assert "digits, 1,437 training examples, judged on test data" in top
    assert "fc, 16 weights" in top
    networks = page.rows("network")
    assert networks[4:6] == ["test error (%)", "test loss"]
    assert networks[6:12] == ["a", "fc", "16", "1", "6.25", "0.250"]
    assert "Bold: the best of its column." in top
    assert networks[12:17] == ["b", "fc", "16", "1", "3.12"] and "3.12" in page.bold
    stored = json.loads((folder / "bezier/evaluation.json").read_text())
    shown = page.rows("curve")
    assert "length ratio" in shown and "train loss barrier" in shown
    assert {stored["length_ratio"], stored["summary"]["train_loss"]["max"]} <= set(page.exact)
    assert {ensemble(4).scores["error"], 10.0} <= set(page.exact)  # of all, and differences
    assert "two members differ in" in page.cells


def test_networks_that_a_curve_joins(tmp_path):
    """A directory with only a curve names the networks it joins, from their own directories."""
    for name in "ab":
        write(tmp_path / name / "settings.json", {"network": "fc", "data": "digits"})
    ends = {"start": f"{tmp_path}/a/model.keras", "end": f"{tmp_path}/b/model.keras"}
    for end in ends.values():
        pathlib.Path(end).write_bytes(b"damaged")
    write(tmp_path / "bezier/settings.json", {**ends, "curve": "bezier", "data": "digits"})
    result = evaluation()
    result.finish(tmp_path / "bezier/evaluation")
    page = Page(write_report(tmp_path / "bezier") and tmp_path / "bezier/report.html")
    names = page.rows("network")
    assert names[5:10] == ["../a", "fc", "–", "–", "25.00"] and names[10] == "../b"


def test_only_a_curve_with_bends_should_be_trained_for_longer(tmp_path):
    for name in ("Segment()", "Bezier(num_bends=1)", "PolyChain(num_bends=0)", "TrivialCurve()"):
        t = np.linspace(0, 1, 5)
        result = CurveEvaluation(t, description={"curve": name})
        for index in range(5):
            result.record(index, {"train_loss": 0.25 + t[index] * (1 - t[index])})
        result.set_geometry(np.full(4, 1.0), 4.0, 1.0)
        result.finish(tmp_path / name.partition("(")[0].lower())
    page = Page(write_report(tmp_path) and tmp_path / "report.html")
    assert "train for longer: bezier." in page.text


def test_several_runs_in_one_directory(tmp_path):
    """Each is named where they differ; networks come before curves, both in the order of time."""
    settings = {"data": "digits", "network": "fc"}
    for age, (name, more) in enumerate(
        {"chain": {"curve": "PolyChain(num_bends=1)"}, "z": {}, "a": {"data": "rings"}}.items()
    ):
        write(tmp_path / name / "settings.json", settings | more)
        os.utime(tmp_path / name / "settings.json", (age, age))
    for age, name in enumerate(("second", "first")):
        evaluation().finish(tmp_path / name)
        os.utime(tmp_path / f"{name}.npz", (age, age))
    page = Page(write_report(tmp_path) and tmp_path / "report.html")
    for text in ("digits, judged on test data (z, chain", "rings, judged on test data (a)"):
        assert text in page.text
    networks, curves = page.rows("network"), page.rows("curve")
    assert networks.index("z") < networks.index("a") and curves.index("second") < curves.index(
        "first"
    )
    assert list(read_directory(tmp_path).runs) == ["z", "a", "chain"]


def test_snapshots_and_averages_count(tmp_path):
    for name in ("members", "swa"):
        (tmp_path / name).mkdir()
    for step in (10, 20):
        write_arrays(tmp_path / f"members/snapshot-{step:08d}.npz", weights=np.zeros(3))
        write_arrays(tmp_path / f"swa/average-{step:08d}.npz", mean=np.zeros(3))
    page = Page(write_report(tmp_path) and tmp_path / "report.html")
    assert "Finished (2 snapshots and 1 averaged network)" in page.text
    hint = f"evaluate them with eval_ensemble.py --members={tmp_path}/members --output=PATH"
    assert f"2 in members; {hint}" in page.text
    ensemble().save(tmp_path / "fge.npz")
    page = Page(write_report(tmp_path) and tmp_path / "report.html")
    assert "2 in members" in page.text and "evaluate them" not in page.text


def test_unfinished_training(tmp_path):
    write(tmp_path / "start/settings.json", {"epochs": 30})
    (tmp_path / "start/history.csv").write_text("epoch,loss\n0,2.0\n1,1.0\n2")
    source = Page(write_report(tmp_path) and tmp_path / "report.html").source
    top = source.partition("<h2>")[0]
    assert "Not finished" in top and "start: 2 of 30 epochs trained" in top


def test_published_beside_obtained(workdir):
    row = {"value": "test_error", "statistic": "min", "target": None}
    rows = [
        {**row, "curve": "segment", "obtained": 12.5},
        {**row, "curve": "bezier", "target": 7.5, "obtained": 6.25},
        {**row, "curve": "chain", "target": 7.01, "obtained": None},
    ]
    write(workdir / "comparison.json", rows)  # as 0.1.0 wrote them
    page = Page(write_report(workdir) and workdir / "report.html")
    cells = page.rows("value")
    assert cells[1:4] == ["obtained", "published", "difference"]
    assert cells[4:9] == ["segment", "test error (%), min", "12.50", "–", "–"]
    assert cells[9:14] == ["bezier", "test error (%), min", "6.25", "7.5", "−1.25"]
    assert cells[14:19] == ["chain", "test error (%), min", "–", "7.01", "–"]
    assert not {"6.25", "12.50"} & set(page.bold)  # rows of a comparison are no rivals
    assert "Published numbers" in page.source.partition("<h2>")[0]
    assert page.text.count("comparison.json") == 1


def test_surfaces_that_can_be_turned(workdir, monkeypatch):
    """With plotly a surface is data and a script; the picture stays for paper."""
    script = types.SimpleNamespace(get_plotlyjs=lambda: "var Plotly = {};")
    monkeypatch.setitem(sys.modules, "plotly.offline", script)
    grid = plane(5)
    grid.marks[EVIL] = np.array([10.0, 10.0])
    grid.finish(workdir / "plane")
    page = Page(write_report(workdir) and workdir / "report.html")
    assert page.source.count("var Plotly = {};") == 1
    assert page.source.count("<script>") == page.source.count("</script>") == 3
    assert "The train loss over plane" in page.captions
    (call,) = re.findall(r'turn\("surface-0", (.*)\);</script>', page.source)
    data, layout, _ = json.loads(f"[{call}]")
    read = np.array(data[0]["customdata"])
    np.testing.assert_allclose(read, grid["train_loss"].T)
    assert np.shape(data[0]["z"]) == read.shape and "scene" in layout
    assert [trace["type"] for trace in data] == ["surface", "scatter3d", "scatter3d"]
    assert html.escape(EVIL) in data[2]["text"]
    assert not re.search(r"""(src|href)=["'](?!data:)|url\(|@import|https?:""", call)


def test_plotly_itself(monkeypatch):
    monkeypatch.undo()
    pytest.importorskip("plotly")
    source = plotly_script()
    assert "newPlot" in source and "</script" not in source


def test_what_was_run(workdir):
    page = Page(write_report(workdir) and workdir / "report.html")
    assert page.cells.count("batch_size") == 1  # equal in all runs
    assert {"start", "end", "seed", "network", "128"} <= set(page.cells)
    assert re.search(r"python: \d.*mc_tf: \d", page.text)
    assert re.search(r"page written\s*\d{4}-\d\d-\d\d \d\d:\d\d", page.text)


def test_everything_is_escaped(workdir):
    page = Page(write_report(workdir, title=EVIL) and workdir / "report.html")
    assert "script" not in page.tags and page.source.count("<b>") == 0
    assert page.text.count(EVIL) >= 4


def test_nothing_else_is_needed(workdir):
    source = Page(write_report(workdir) and workdir / "report.html").source
    assert not re.search(r"""(src|href)=["'](?!data:)|url\(|@import""", source)


def test_again(workdir):
    """The page itself, and later files, change nothing else."""
    first = Page(write_report(workdir) and workdir / "report.html")
    again = Page(write_report(workdir) and workdir / "report.html")
    assert again.images == first.images
    assert [path.name for path in workdir.iterdir() if path.name.startswith(".report")] == []


def test_empty_directory(tmp_path):
    other = tmp_path / "page.html"
    (tmp_path / "empty").mkdir()
    assert write_report(tmp_path / "empty", other) == str(other)
    assert "no results, figures or settings" in Page(other).text
    assert list((tmp_path / "empty").iterdir()) == []
    assert run("report", str(tmp_path / "empty")).strip() == f"{tmp_path}/empty/report.html"


def test_begun_run(tmp_path):
    """Only settings, and a history without a complete line."""
    write(tmp_path / "start/settings.json", {"epochs": 3})
    (tmp_path / "start/history.csv").write_text("epoch,lo")
    write(tmp_path / "end/settings.json", [])
    (tmp_path / "cut.npz").write_bytes(b"PK")
    page = Page(write_report(tmp_path) and tmp_path / "report.html")
    assert "epochs" in page.cells and "This file holds no settings." in page.text
    assert "damaged" in page.text


def test_missing_directory(tmp_path):
    with pytest.raises(FileNotFoundError, match="no directory.*none.*--workdir"):
        write_report(tmp_path / "none")
