"""Comparison of published and obtained numbers.

Numbers are dicts from `(curve, value, statistic)` to float. The curve is its label, such as
`"bezier"`, `"single"` for the endpoints, or the label of an ensemble, such as `"bezier scaled
ensemble"` (with temperatures). The value is such as `"test_error"`, the statistic `"min"`, `"int"`,
`"mean"`, `"max"` or `"std"`; it is empty for `"length_ratio"` and distances.
"""

import csv
import dataclasses
import datetime
import os

from mc_tf.storage.destinations import output_held
from mc_tf.storage.files import atomic_path

_STATISTICS = {2: ("min", "max"), 3: ("min", "int", "max"), 4: ("min", "int", "mean", "max")}


@dataclasses.dataclass(frozen=True)
class Row:
    """An obtained number, and the published number, if any."""

    curve: str
    value: str
    statistic: str
    target: float | None
    obtained: float | None


def published(numbers):
    """Returns the published numbers of a recipe from a dict by label and value.

    A number is for a network or an ensemble, a tuple is for a curve: (min, max),
    (min, int, max) or (min, int, mean, max), a dict is by statistic. Instead of the values of a
    label, a number is its test error.

    Example:
        >>> published({"bezier": {"test_error": (6.59, 7.01)}})
        {('bezier', 'test_error', 'min'): 6.59, ('bezier', 'test_error', 'max'): 7.01}
    """
    numbers = {}
    for label, values in numbers.items():
        for value, each in (values if isinstance(values, dict) else {"test_error": values}).items():
            if isinstance(each, tuple):
                each = dict(zip(_STATISTICS[len(each)], each))
            elif not isinstance(each, dict):
                each = {"" if value in ("length_ratio", "distance") else "mean": each}
            numbers |= {(label, value, name): float(number) for name, number in each.items()}
    return numbers


def compare(numbers, shown, targets, publish=True):
    """Returns a `Row` for each obtained number, in their order, then for other published ones.

    `shown` has the keys to show without published numbers. With `publish=False`, for smoke runs,
    the rows are the same and no published number is in them.
    """
    keys = [key for key in numbers if key in shown or key in targets]
    keys += [key for key in targets if key not in numbers]
    return [Row(*key, targets.get(key) if publish else None, numbers.get(key)) for key in keys]


def format_rows(rows):
    """Formats rows as a text table."""
    width = max(24, *(len(row.curve) + 2 for row in rows), 0)
    lines = [f"{'':<{width}}{'':<32}{'target':>10}{'obtained':>10}"]
    for row in rows:
        numbers = "".join(
            f"{'-' if value is None else format(value, '.4g'):>10}"
            for value in (row.target, row.obtained)
        )
        name = f"{row.value.replace('_', ' ')} {row.statistic}".strip()
        lines.append(f"{row.curve:<{width}}{name:<32}{numbers}")
    return "\n".join(lines)


_COLUMNS = ["date", "recipe", *(field.name for field in dataclasses.fields(Row))]


def append_results(path, recipe, rows):
    """Adds rows to a CSV file atomically, without duplicates.

    Concurrent recipes add their rows one after the other. The table has no checksum, which other
    tools would read as a row.
    """
    date = datetime.date.today().isoformat()
    new = [{"date": date, "recipe": recipe, **dataclasses.asdict(row)} for row in rows]
    new = [{key: "" if value is None else str(value) for key, value in row.items()} for row in new]
    with output_held(path, wait=True):
        stored = check_results(path)
        known = [{**row, "date": ""} for row in stored]
        new = [row for row in new if {**row, "date": ""} not in known]
        with (
            atomic_path(path) as temporary,
            open(temporary, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows([*stored, *new])


def check_results(path):
    """Rejects a file that `append_results` could not add rows to; returns its rows, if any."""
    if os.path.isdir(path):
        raise ValueError(f"--results_file must be a file. Received: '{path}'.")
    if not os.path.exists(path):
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            stored, columns = list(reader), reader.fieldnames
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"'{path}' is not a table ({error}). Choose another --results_file."
        ) from error
    if columns not in (None, _COLUMNS):
        raise ValueError(
            f"'{path}' is not a file of results: it has the columns {', '.join(columns)}, not "
            f"{', '.join(_COLUMNS)}. Choose another --results_file."
        )
    return stored
