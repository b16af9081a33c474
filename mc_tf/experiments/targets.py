"""Comparison of published and obtained numbers."""

import csv
import dataclasses
import datetime
import os

from mc_tf.storage.destinations import output_held
from mc_tf.storage.files import atomic_path

__all__ = [
    "Row",
    "Target",
    "append_results",
    "check_results",
    "compare",
    "format_rows",
    "published",
]


@dataclasses.dataclass(frozen=True)
class Target:
    """A published number.

    Attributes:
        curve: label of a curve, such as `"bezier"`, or `"single"` for the endpoints; or of an
            ensemble, such as `"bezier scaled ensemble"` (with temperatures).
        value: name of the value, such as `"test_error"`, or `"length_ratio"`.
        statistic: `"min"`, `"int"`, `"mean"`, `"max"` or `"std"`; empty for `"length_ratio"` and
            distances.
        number: float.
    """

    curve: str
    value: str
    statistic: str
    number: float


@dataclasses.dataclass(frozen=True)
class Row:
    """An obtained number, and the published number, if any."""

    curve: str
    value: str
    statistic: str
    target: float | None
    obtained: float | None


def published(numbers):
    """Creates the list of published numbers (`Target`) of a recipe from a dict by label and value.

    A number is that of a network or an ensemble, a tuple is for a curve: (min, max),
    (min, int, max) or (min, int, mean, max), a dict is by statistic. Instead of the values of a
    label, a number is its test error.

    Example:
        >>> published({"bezier": {"test_error": (6.59, 7.01), "length_ratio": 1.55}})[1]
        Target(curve='bezier', value='test_error', statistic='max', number=7.01)
    """
    found = []
    for label, values in numbers.items():
        for value, each in (values if isinstance(values, dict) else {"test_error": values}).items():
            if isinstance(each, tuple):
                each = dict(zip(_STATISTICS[len(each)], each))
            elif not isinstance(each, dict):
                each = {"" if value in ("length_ratio", "distance") else "mean": each}
            found += [Target(label, value, name, float(number)) for name, number in each.items()]
    return found


_STATISTICS = {2: ("min", "max"), 3: ("min", "int", "max"), 4: ("min", "int", "mean", "max")}


def compare(numbers, shown, targets=(), publish=True):
    """Returns a `Row` for each obtained number, in their order, then for other published ones.

    Args:
        numbers: dict from `(label, value, statistic)` to float.
        shown: keys to show without published numbers.
        targets: list of `Target`.
        publish: whether to show published numbers; `False` for smoke runs.
    """
    wanted = {(target.curve, target.value, target.statistic): target.number for target in targets}
    keys = [key for key in numbers if key in shown or key in wanted]
    keys += [key for key in wanted if key not in numbers]
    return [Row(*key, wanted.get(key) if publish else None, numbers.get(key)) for key in keys]


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
            stored = list(reader)
            columns = reader.fieldnames
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"'{path}' is not a table ({error}). Choose another --results_file."
        ) from error
    if columns is not None and columns != _COLUMNS:
        raise ValueError(
            f"'{path}' is not a file of results: it has the columns {', '.join(columns)}, not "
            f"{', '.join(_COLUMNS)}. Choose another --results_file."
        )
    return stored
