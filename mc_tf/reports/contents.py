"""Tables of result files, each kind in its own way."""

import html
import json

from mc_tf.evaluation.point_results import SHOWN
from mc_tf.evaluation.shown import is_percent
from mc_tf.reports.tables import Cell, facts, folded, heading, number, table

__all__ = ["comparison", "file_section"]

_CURVE = ("start", "end", "min", "int", "mean", "max", "barrier")


def file_section(name, content, problem=None):
    """The tables of one file of results, whichever kind it is.

    Args:
        name: of the file, as a heading.
        content: its content.
        problem: text instead of it.

    Returns:
        str, HTML.
    """
    if problem:
        text = f"<p>{html.escape(problem)}</p>\n"
    else:
        for draw in (comparison, _curve, _grid, _ensemble, _anything):
            try:
                text = draw(content)
            except (KeyError, TypeError, AttributeError, IndexError, ValueError):
                continue  # of another kind
            if text is not None:
                break
    return f"<h3>{html.escape(name)}</h3>\n{text}"


def comparison(content):
    """Obtained numbers beside published ones: comparison.json.

    Args:
        content: dict with the list `rows`; of 0.1.0 the list alone.

    Returns:
        str, HTML; `None` if there are no rows.
    """
    rows = content["rows"] if isinstance(content, dict) else content
    published = any(row["target"] is not None for row in rows)  # a smoke run shows none
    lines = []
    for row in rows:
        name, obtained, target = row["value"], row["obtained"], row["target"]
        unit = _in_percent(name)
        label = heading(name) if is_percent(name) or not unit else f"{heading(name)} (%)"
        cells = [row["curve"], ", ".join(filter(None, [label, row["statistic"]]))]
        cells.append(Cell("–") if obtained is None else Cell(number(obtained, unit), obtained))
        if published:
            cells.append(Cell("–") if target is None else Cell(f"{target:g}", target))
            cells.append(_difference(obtained, target, unit))
        lines.append(cells)
    columns = ["", "value", "obtained", *(["published", "difference"] if published else ())]
    caption = "Published numbers beside the obtained ones" if published else None
    return table(columns, lines, caption) if lines else None


def _in_percent(name):
    return is_percent(name) or name == "disagreement"


def _difference(obtained, target, percent):
    """How much more was obtained, with the decimals of the numbers shown."""
    if obtained is None or target is None:
        return Cell("–")
    decimals = len(number(obtained, percent).partition(".")[2])
    text = f"{obtained - target:+.{decimals}f}".replace("-", "−")
    return Cell(text, obtained - target)


def _curve(content):
    """Min / Int / Mean / Max along a curve: evaluation.json."""
    summary = content["summary"]
    names = [name for name in SHOWN if name in summary]
    names += sorted(set(summary) - set(names))
    rows = [
        [heading(name), *(Cell.of(summary[name].get(key), name) for key in _CURVE)]
        for name in names
    ]
    known = ("num_points", "length", "length_ratio")
    shown = {key: content[key] for key in known if key in content}
    return table(["", *_CURVE], rows, bold=False) + facts(shown) + _about(content)


def _grid(content):
    """Smallest and largest values on a line, plane or rays."""
    low, high = content["minimum"], content["maximum"]
    shown = {key: content.get(key) for key in ("surface", "shape", "limits")}
    marks = content["marks"]
    errors = content.get("projection_error", content.get("distance_lost", {}))  # until 0.1.0
    marked = [[label, marks.get(label, ""), errors.get(label)] for label in {**marks, **errors}]
    values = [
        [heading(name), Cell.of(low[name], name), Cell.of(high.get(name), name)]
        for name in sorted(low)
    ]
    return (
        table(["", "min", "max"], values, bold=False)
        + table(["marked", "coordinates", "distance from the surface"], marked)
        + facts(shown)
        + _about(content)
    )


def _ensemble(content):
    """Scores of members, and of ensembles of the first ones."""
    members, together = content["members"], content["cumulative"]
    columns = [f"{who}_{name}" for who in ("member", "ensemble") for name in members]
    count = len(next(iter(members.values())))
    rows = [
        [k + 1, *(part[name][k] for part in (members, together) for name in members)]
        for k in range(count)
    ]
    shown = {key: content[key] for key in content if key not in ("members", "cumulative", "data")}
    if shown.get("mean_disagreement") is not None:
        shown["mean_disagreement"] = f"{number(100 * shown['mean_disagreement'])} %"
    return table(["members", *columns], rows) + facts(shown) + _about(content, "data")


def _about(content, name="description"):
    """Data, settings and versions."""
    return folded("Data, settings, versions", facts(content.get(name) or {}))


def _anything(content):
    """Any other file: its entries, or its text."""
    if isinstance(content, dict) and content:
        return facts(content)
    return f"<pre>{html.escape(json.dumps(content, indent=2))}</pre>\n"
