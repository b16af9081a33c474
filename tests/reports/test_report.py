"""The page of a run: everything in it, escaped, and nothing else needed."""

import base64
import csv
import html.parser
import json
import re

import numpy as np
import pytest
from PIL import Image
from programs import run
from surfaces import plane

from mc_tf import CurveEvaluation
from mc_tf.reports.page import write_report

EVIL = "<script>alert('&\"')</script>"


class Page(html.parser.HTMLParser):
    """Texts, cells and images of a page, and whether its elements are closed."""

    def __init__(self, path):
        super().__init__()
        self.open, self.cells, self.images, self.tags, self.text = [], [], [], set(), ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


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
    write(folder / "comparison.json", [{**row, "target": 7.01, "obtained": 6.875}])
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
    for number in ("7.01", "6.875", "3.25", "1.75", "25", "5.25", "4.75", "0.4375", "0.0625"):
        assert number in page.cells, number
    for text in ("length ratio: 1.125", "mean disagreement: 0.03125", "surface: Plane", "2.5"):
        assert text in page.text, text
    assert "5 of 25 points evaluated" in page.text
    assert "broken.json" in page.text and "cannot be read" in page.text
    kinds = sorted(image["src"].partition(";")[0] for image in page.images)
    assert kinds == ["data:image/gif", "data:image/png", "data:image/svg+xml"]
    stored = {base64.b64decode(image["src"].partition(",")[2]) for image in page.images}
    assert (workdir / "curves.png").read_bytes() in stored
    assert (workdir / "alone.svg").read_bytes() in stored
    assert all(image["alt"] for image in page.images)


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
    """The page itself, and what comes later, change nothing else."""
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
    """Settings alone, and a history without a whole line."""
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
