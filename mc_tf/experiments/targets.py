"""Published numbers beside the ones that were obtained."""

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
    "parse_target",
]

_STATISTICS = ("min", "int", "mean", "max")
_REPORTED = (  # in every comparison, with a target or without
    ("train_loss", "max"),
    ("test_error", "min"),
    ("test_error", "int"),
    ("test_error", "max"),
    ("train_perplexity", "max"),
    ("validation_perplexity", "max"),
    ("test_perplexity", "min"),
    ("test_perplexity", "max"),
    ("length_ratio", ""),
    ("distance", ""),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """A published number.

    Attributes:
        curve: label of the curve, such as `"bezier"`, or `"single"` for the endpoints; of
            ensembles `"bezier ensemble"`, `"bezier scaled ensemble"` (with temperatures) and
            `"single ensemble"`.
        value: name of the value, such as `"test_error"`, or `"length_ratio"`.
        statistic: `"min"`, `"int"`, `"mean"` or `"max"`; empty for `"length_ratio"` and distances.
        number: float.
    """

    curve: str
    value: str
    statistic: str
    number: float


@dataclasses.dataclass(frozen=True)
class Row:
    """A number that was obtained, and the published one if there is one."""

    curve: str
    value: str
    statistic: str
    target: float | None
    obtained: float | None


def parse_target(text):
    """Reads a target as recipes write it.

    Args:
        text: `CURVE:VALUE:STATISTIC=NUMBER`, or `CURVE:length_ratio=NUMBER`, or
            `endpoints:distance=NUMBER`. An ensemble, and a network of a recipe with `--train`, has
            the one value `test_error:mean`.

    Returns:
        `Target`.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> parse_target("bezier:test_error:max=7.01")
        Target(curve='bezier', value='test_error', statistic='max', number=7.01)
    """
    key, _, number = text.partition("=")
    curve, _, rest = key.partition(":")
    value, _, statistic = rest.partition(":")
    choices = ("",) if value in ("length_ratio", "distance") else _STATISTICS
    try:
        if not (curve and value and statistic in choices):
            raise ValueError(key)
        return Target(curve, value, statistic, float(number))
    except ValueError as error:
        raise ValueError(
            "A target must be CURVE:VALUE:STATISTIC=NUMBER, such as bezier:test_error:max=7.01, "
            f"with a statistic of {', '.join(_STATISTICS)}; or CURVE:length_ratio=NUMBER, or "
            f"endpoints:distance=NUMBER. Received: '{text}'."
        ) from error


def compare(results, distances, targets, networks=None):
    """Puts what was obtained beside the targets.

    Args:
        results: dict from label to complete `CurveEvaluation`.
        distances: dict from name to distance in weight space.
        targets: iterable of `Target`.
        networks: dict from name to `(value, number)`, such as `("test_error", 5.4)`, of other
            networks and of ensembles. Default: none.

    Returns:
        List of `Row`, of the endpoints first, then of each curve, then of the others. A target that
        this experiment does not obtain comes last, with `None`.
    """
    obtained = _obtained(results, distances)
    of_networks = {(name, value, "mean"): x for name, (value, x) in (networks or {}).items()}
    obtained |= of_networks
    wanted = {(target.curve, target.value, target.statistic): target.number for target in targets}
    reported = wanted.keys() | of_networks.keys()
    keys = [key for key in obtained if key[1:] in _REPORTED or key in reported]
    keys += [key for key in wanted if key not in obtained]
    return [Row(*key, wanted.get(key), obtained.get(key)) for key in keys]


def _obtained(results, distances):
    found = {}
    for label, result in results.items():
        single = _single(label)
        for value in result.names:
            summary = result.summary(value)
            ends = (summary["start"], summary["end"])
            found.setdefault((single, value, "min"), min(ends))
            found.setdefault((single, value, "max"), max(ends))
    for label, result in results.items():
        for value in result.names:
            summary = result.summary(value)
            found.update({(label, value, name): summary[name] for name in _STATISTICS})
        found[label, "length_ratio", ""] = result.length_ratio
    found.update({(name, "distance", ""): value for name, value in distances.items()})
    return found


def _single(label):
    """What the endpoints of a curve are called: `"single"`, or `"width 0.5 single"`."""
    return label.rpartition(" ")[0] + " single" if " " in label else "single"


def format_rows(rows):
    """Rows as a table of text.

    Args:
        rows: list of `Row`.

    Returns:
        str.
    """
    lines = [f"{'':<24}{'':<32}{'target':>10}{'obtained':>10}"]
    for row in rows:
        numbers = "".join(
            f"{'-' if value is None else format(value, '.4g'):>10}"
            for value in (row.target, row.obtained)
        )
        name = f"{row.value.replace('_', ' ')} {row.statistic}".strip()
        lines.append(f"{row.curve:<24}{name:<32}{numbers}")
    return "\n".join(lines)


_COLUMNS = ["date", "recipe", *(field.name for field in dataclasses.fields(Row))]


def append_results(path, recipe, rows):
    """Adds rows to a CSV file in one step; a recipe's rows that are there already stay once.

    Recipes that end at the same moment add theirs one after the other. The table has no checksum,
    which other tools would take for a row: it is there to be read and edited, and rows that it
    holds are only compared with new ones.

    Args:
        path: the file; made if it is not there.
        recipe: name of the recipe, with the flags it was changed by.
        rows: list of `Row`.
    """
    date = datetime.date.today().isoformat()
    new = [{"date": date, "recipe": recipe, **dataclasses.asdict(row)} for row in rows]
    new = [{key: "" if value is None else str(value) for key, value in row.items()} for row in new]
    with output_held(path, wait=True):
        _append_new(path, new)


def check_results(path):
    """Refuses a file that `append_results` could not add rows to.

    Args:
        path: the file; it need not be there.

    Returns:
        Its rows, list of dict.

    Raises:
        ValueError: if it is no file of results.
    """
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
            f"'{path}' is no table ({error}). Choose another --results_file."
        ) from error
    if columns is not None and columns != _COLUMNS:
        raise ValueError(
            f"'{path}' is no file of results: it has the columns {', '.join(columns)}, not "
            f"{', '.join(_COLUMNS)}. Choose another --results_file."
        )
    return stored


def _append_new(path, rows):
    """Reads the file and writes it with those of the rows that it does not hold."""
    stored = check_results(path)
    known = [{**row, "date": ""} for row in stored]
    new = [row for row in rows if {**row, "date": ""} not in known]
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows([*stored, *new])
