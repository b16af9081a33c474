"""Tables in HTML: numbers with sensible digits, units in headings, the best in bold."""

import dataclasses
import html
import math

from mc_tf.evaluation.metric_directions import higher_is_better
from mc_tf.evaluation.shown import is_percent
from mc_tf.storage.files import read_json as read_json_file

__all__ = [
    "Cell",
    "as_text",
    "best_of",
    "facts",
    "folded",
    "heading",
    "number",
    "read_json",
    "table",
    "with_note",
]


def number(value, percent=False):
    """A result as text: three significant digits, of percents from 10 on four.

    Args:
        value: float.
        percent: whether it is in percent.

    Returns:
        str.

    Example:
        >>> number(0.123456), number(27.136, percent=True), number(2.0), number(51234.5)
        ('0.123', '27.14', '2.00', '51234')
    """
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "–")
    value += 0.0  # no minus before zero
    digits = 4 if percent and abs(value) >= 10 else 3
    if 10**digits <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:#.{digits}g}".rstrip(".").replace("-", "−", 1 if value < 0 else 0)


def as_text(value):
    """A setting as text: numbers with six digits, nested ones in one line.

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


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell that says more than its value.

    Attributes:
        text: the number as shown.
        value: the exact number, which pointing at the cell shows.
        best: whether it is in bold.
    """

    text: str
    value: float | None = None
    best: bool = False

    @classmethod
    def of(cls, value, name="", best=False):
        """A result, with the digits of its kind.

        Args:
            value: float, or nothing.
            name: of the value, such as `"test_error"`.
            best: whether it is in bold.
        """
        if value is None:
            return cls("–")
        return cls(number(value, is_percent(name)), value, best)


def heading(name):
    """The name of a value as a heading, with its unit.

    Args:
        name: such as `"test_error"`.

    Returns:
        str.

    Example:
        >>> heading("test_error"), heading("train_loss")
        ('test error (%)', 'train loss')
    """
    return name.replace("_", " ") + " (%)" * is_percent(name)


def _has_direction(name):
    known = ("error", "loss", "perplexity", "barrier", "brier")
    return name.endswith(known) or higher_is_better(name)


def best_of(name, values):
    """Where the best of some values is; nowhere if all are equal or one direction is as good.

    Args:
        name: of the values, such as `"test_error"`.
        values: list of numbers; others are passed over.

    Returns:
        Set of indices.

    Example:
        >>> best_of("test_error", [3.0, None, 2.5]), best_of("test_accuracy", [0.5, 0.75])
        ({2}, {1})
    """
    numbers = {k: v for k, v in enumerate(values) if _is_number(v) and math.isfinite(v)}
    if len(set(numbers.values())) < 2 or not _has_direction(name):
        return set()
    best = (max if higher_is_better(name) else min)(numbers.values())
    return {index for index, value in numbers.items() if value == best}


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def table(columns, rows, caption=None, bold=True, results=True):
    """An HTML table.

    Args:
        columns: names of the values, from which units and the best follow; or none.
        rows: lists of values, or of `Cell`; the first of each is its heading.
        caption: text above it.
        bold: whether the best of each column is in bold.
        results: whether numbers are results, not settings, which are shown as they were given.

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
            f'<th scope="col"{_kind([row[index] for row in rows])}>'
            f"{html.escape(heading(name) if results else name.replace('_', ' '))}</th>"
            for index, name in enumerate(columns)
        )
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    best = set()
    for column, name in enumerate(columns if bold and results else ()):
        best |= {(row, column) for row in best_of(name, [row[column] for row in rows])}
    lines.append("<tbody>")
    for index, (first, *others) in enumerate(rows):
        name = html.escape(as_text(first)).replace("/", "/<wbr>")  # may be long, on narrow screens
        cells = [f'<th scope="row">{name}</th>']
        for column, value in enumerate(others, 1):
            if results and isinstance(value, float):
                name = columns[column] if columns else ""
                value = Cell.of(value, name, (index, column) in best)
            cells.append(_cell(value))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody></table></div>\n"])


def _kind(values):
    """What tells a cell of numbers, or the heading of such, from one of text."""
    numbers = [value is None or isinstance(value, Cell) or _is_number(value) for value in values]
    return ' class="number"' if all(numbers) else ""


def _cell(value):
    """One cell of a row."""
    if not isinstance(value, Cell):
        return f"<td{_kind([value])}>{html.escape(as_text(value))}</td>"
    exact = "" if value.value is None else f' title="{value.value!r}"'
    text = html.escape(value.text)
    return f'<td class="number"{exact}>{f"<strong>{text}</strong>" if value.best else text}</td>'


def with_note(tables):
    """HTML of tables, after a line about bold numbers if there are any."""
    return ("<p>Bold: the best of its column.</p>\n" if "<strong>" in tables else "") + tables


def facts(entries):
    """Single values as one paragraph.

    Args:
        entries: dict from name to value.

    Returns:
        str, HTML.
    """
    texts = [f"{key.replace('_', ' ')}: {as_text(value)}" for key, value in entries.items()]
    return f"<p>{html.escape('; '.join(texts))}.</p>\n" if texts else ""


def folded(name, text):
    """What is looked up rather than read.

    Args:
        name: its visible heading.
        text: HTML; if it is empty, there is nothing to fold.

    Returns:
        str, HTML.
    """
    return f"<details><summary>{name}</summary>\n{text}</details>\n" if text else ""


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
