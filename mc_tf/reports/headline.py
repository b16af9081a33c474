"""The top of the page: progress of the run, its data and networks, its main numbers."""

import html
import os
import re

import numpy as np

from mc_tf.ensemble.results import EnsembleEvaluation
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.reports.about import about, state
from mc_tf.reports.tables import Cell, as_text, best_of, heading, number, table, with_note
from mc_tf.storage.files import weight_shapes
from mc_tf.training.run_directory import RunDirectory

__all__ = ["headline", "judged_by"]

_SCORES = ("test_error", "validation_error", "test_perplexity", "validation_perplexity")


def judged_by(names):
    """The value that networks are judged by.

    Args:
        names: of all values.

    Returns:
        `"test_error"` or the value in its place; `None` without either.

    Example:
        >>> judged_by(["train_loss", "validation_error"]), judged_by(["test_loss", "test_auc"])
        ('validation_error', 'test_auc')
    """
    known = [name for name in _SCORES if name in names]
    held_out = sorted(name for name in names if name.startswith(("test_", "validation_")))
    others = [name for name in held_out if not name.endswith("_loss")]
    return next(iter([*known, *others, *held_out]), None)


def headline(found):
    """The top of the page.

    Args:
        found: `Found`.

    Returns:
        str, HTML.
    """
    networks = _networks(found)
    entries = "".join(
        f"<dt>{name}</dt>{''.join(f'<dd>{text}</dd>' for text in texts)}\n"
        for name, texts in [("State", state(found)), *about(found, networks)]
        if texts
    )
    tables = _networks_table(networks) + _curves_table(found) + _ensembles_table(found)
    return f"<dl>\n{entries}</dl>\n{with_note(tables)}"


def _networks(found):
    """What is known of each network: of those trained here, and of the ends of curves."""
    rows, counted = {}, {}
    for name, run in found.runs.items():
        if not run.is_curve and run.problem is None:
            label = f"{name} (last weights)" if run.settings.get("swa_start") is not None else name
            rows[os.path.abspath(run.folder)] = _network(run, label, counted) | _scores(run)
    for file, result in found.results.items():
        curve = found.runs.get(found.name(os.path.dirname(file)))
        if not isinstance(result, CurveEvaluation) or not result.complete or not curve:
            continue
        for end, index in (("start", 0), ("end", -1)):
            run = curve.other(end)
            if run is None:
                continue
            network = _network(run, found.name(run.folder), counted)
            row = rows.setdefault(os.path.abspath(run.folder), network)
            for value in filter(None, [judged_by(result.names)]):
                row["scores"].setdefault(value, float(result[value][index]))
    return rows


def _network(run, label, counted):
    """Name, architecture and number of weights of a network."""
    kind, options = run.network
    if kind and options:
        kind = f"{kind} ({as_text(options)})"
    key = (kind, run.settings.get("data")) if kind else run.folder
    if not counted.get(key):
        counted[key] = _count_weights(RunDirectory(run.folder).network())
    row = {"label": label, "kind": kind, "weights": counted[key], "epochs": None, "scores": {}}
    return row | {"epochs": run.settings.get("epochs")}


def _count_weights(file):
    """How many weights the network in a file has; `None` if that cannot be known."""
    try:
        shapes = weight_shapes(file)
    except (OSError, ValueError, KeyError):
        return None
    return sum(int(np.prod(s)) for name, s in shapes.items() if "seed_generator" not in name)


def _scores(run):
    """Values of the last epoch on held-out data."""
    last = {name: float(values[-1]) for name, values in run.history.items() if len(values)}
    scores = {}
    if "val_accuracy" in last:
        scores[f"{run.held_out}_error"] = 100 * (1 - last["val_accuracy"])
    for name in ("perplexity", "loss"):
        if f"val_{name}" in last:
            scores[f"{run.held_out}_{name}"] = last[f"val_{name}"]
    known = {name: value for name, value in scores.items() if np.isfinite(value)}
    return {"epochs": run.epochs, "scores": known}


def _networks_table(networks):
    names = dict.fromkeys(name for row in networks.values() for name in row["scores"])
    rows = [
        [
            row["label"],
            row["kind"] or "",
            Cell(f"{row['weights']:,}", row["weights"]) if row["weights"] else None,
            row["epochs"],
            *(row["scores"].get(name) for name in names),
        ]
        for row in networks.values()
    ]
    return table(["network", "kind", "weights", "epochs", *names], rows, "Networks")


def _curves_table(found):
    """Barrier and length ratio of each curve."""
    curves = {n: r for n, r in found.of(CurveEvaluation).items() if r.complete}
    values = {name: None for result in curves.values() for name in _main_values(result)}
    columns, cells = ["curve", "kind"], {name: [] for name in curves}
    for value in values:
        unit = heading(value).removeprefix(value.replace("_", " "))
        columns += [f"{value} max{unit}", f"{value} barrier{unit}"]
        for statistic in ("max", "barrier"):
            numbers = [
                result.summary(value)[statistic] if value in result.names else None
                for result in curves.values()
            ]
            best = best_of(value, numbers) if statistic == "barrier" else set()
            for index, (name, each) in enumerate(zip(curves, numbers)):
                cells[name].append(Cell.of(each, value, index in best))
    rows = [
        [found.of_curve(name), result.description.get("curve"), *cells[name], result.length_ratio]
        for name, result in curves.items()
    ]
    straight = [
        found.of_curve(name)
        for name, result in curves.items()
        if result.is_unbent() and _has_bends(result)
    ]
    note = "Hardly longer than the segment, over a barrier; train for longer: "
    note = f"<p>{html.escape(note + ', '.join(straight))}.</p>\n" if straight else ""
    return table([*columns, "length_ratio"], rows, "Curves") + note


def _has_bends(result):
    """Whether there is something to train between the endpoints, as far as its file says."""
    return re.search(r"\bnum_bends=[1-9]", str(result.description.get("curve"))) is not None


def _main_values(result):
    judged = judged_by(result.names)
    return [name for name in ("train_loss", judged) if name in result.names]


def _ensembles_table(found):
    """Error of each ensemble next to its members' errors."""
    rows = []
    ensembles = found.of(EnsembleEvaluation)
    value = "error" if all("error" in each.members for each in ensembles.values()) else "loss"
    for name, result in ensembles.items():
        members = np.asarray(result.members[value], "float64")
        differ = 100 * result.mean_disagreement
        numbers = [result.cumulative[value][-1], members.mean(), members.min()]
        cell = Cell(f"{number(differ, True)} %" if np.isfinite(differ) else "–", differ)
        rows.append([name, len(members), *map(float, numbers), cell])
    names = (f"ensemble_{value}", f"mean_member_{value}", f"best_member_{value}")
    return table(["ensemble", "members", *names, "two members differ in"], rows, "Ensembles")
