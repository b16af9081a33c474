"""HTML tables of result files, by kind of file."""

import html
import json

from mc_tf.storage.files import read_json as read_json_file

__all__ = ["as_text", "file_section", "read_json", "table"]

_CURVE = ("start", "end", "min", "int", "mean", "max", "barrier")


def as_text(value):
    """Formats a value as text: numbers with six digits, nested values in one line.

    Args:
        value: value from a JSON file.

    Returns:
        str, not escaped.

    Example:
        >>> as_text({"a": 0.1234567, "b": [1, None]})
        'a: 0.123457, b: [1, –]'
    """
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {as_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_text, value))}]"
    return str(value)


def table(columns, rows, caption=None):
    """Formats an HTML table.

    Args:
        columns: headings, or an empty list.
        rows: lists of values; the first of each is its heading.
        caption: text above it.

    Returns:
        str, everything in it escaped.
    """
    if not rows:
        return ""
    lines = ['<div class="wide"><table>']
    if caption:
        lines.append(f"<caption>{html.escape(caption)}</caption>")
    if columns:
        cells = "".join(
            f'<th scope="col">{html.escape(name.replace("_", " "))}</th>' for name in columns
        )
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    for first, *others in rows:
        cells = [f'<th scope="row">{html.escape(as_text(first))}</th>']
        for value in others:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            kind = ' class="number"' if number or value is None else ""
            cells.append(f"<td{kind}>{html.escape(as_text(value))}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</table></div>\n"])


def read_json(path):
    """Reads a JSON file.

    Args:
        path: the file.

    Returns:
        `(content, problem)`: one of them is `None`.
    """
    try:
        return read_json_file(path, "JSON", None), None
    except (OSError, ValueError) as error:
        return None, f"This file cannot be read: {error}"


def file_section(name, content, problem=None):
    """Returns the tables of one file of results of any kind.

    Args:
        name: name of the file, as a heading.
        content: its contents.
        problem: text to show instead.

    Returns:
        str, HTML.
    """
    if problem:
        text = f"<p>{html.escape(problem)}</p>\n"
    else:
        for draw in (_comparison, _curve, _grid, _ensemble, _anything):
            try:
                text = draw(content)
            except (KeyError, TypeError, AttributeError, IndexError):
                continue  # of another kind
            if text is not None:
                break
    return f"<h3>{html.escape(name)}</h3>\n{text}"


def _comparison(rows):
    """Published and obtained numbers: comparison.json."""
    statistics = list(dict.fromkeys(row["statistic"] for row in rows))
    published = {row["statistic"] for row in rows if row["target"] is not None}
    columns, found = ["curve", "value"], {}
    for statistic in statistics:
        columns += [statistic or "obtained"]
        columns += [f"{statistic} published".strip()] * (statistic in published)
    for row in rows:
        cells = found.setdefault((row["curve"], row["value"]), {})
        cells[row["statistic"] or "obtained"] = row["obtained"]
        cells[f"{row['statistic']} published".strip()] = row["target"]
    lines = [[*key, *(cells.get(name, "") for name in columns[2:])] for key, cells in found.items()]
    return table(columns, lines) if lines else None


def _curve(content):
    """Min / Int / Mean / Max along a curve: evaluation.json."""
    summary = content["summary"]
    rows = [[name, *(summary[name].get(key) for key in _CURVE)] for name in sorted(summary)]
    facts = {
        key: content[key] for key in ("num_points", "length", "length_ratio") if key in content
    }
    return table(["", *_CURVE], rows) + _facts({**facts, **content.get("description", {})})


def _grid(content):
    """Smallest and largest values on a line, plane or rays."""
    low, high = content["minimum"], content["maximum"]
    facts = {key: content.get(key) for key in ("surface", "shape", "limits")}
    marks = content["marks"]
    errors = content.get("projection_error", content.get("distance_lost", {}))  # until 0.1.0
    marked = [[label, marks.get(label), errors.get(label)] for label in {**marks, **errors}]
    return (
        table(["", "min", "max"], [[name, low[name], high.get(name)] for name in sorted(low)])
        + table(["marked", "coordinates", "projection error"], marked)
        + _facts({**facts, **(content.get("description") or {})})
    )


def _ensemble(content):
    """Scores of members, and of ensembles of the first members."""
    members, together = content["members"], content["cumulative"]
    columns = [f"{who} {name}" for who in ("member", "ensemble") for name in members]
    count = len(next(iter(members.values())))
    rows = [
        [k + 1, *(part[name][k] for part in (members, together) for name in members)]
        for k in range(count)
    ]
    known = ("members", "cumulative", "data")
    facts = {key: value for key, value in content.items() if key not in known}
    return table(["members", *columns], rows) + _facts({**facts, **content.get("data", {})})


def _anything(content):
    """Other files: entries, or text."""
    if isinstance(content, dict) and content:
        return _facts(content)
    return f"<pre>{html.escape(json.dumps(content, indent=2))}</pre>\n"


def _facts(entries):
    """Formats single values as one paragraph."""
    texts = [f"{key.replace('_', ' ')}: {as_text(value)}" for key, value in entries.items()]
    return f"<p>{html.escape('; '.join(texts))}.</p>\n" if texts else ""
