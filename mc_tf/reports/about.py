"""Progress of a run, its data and its networks."""

import datetime
import html
import os

from mc_tf.ensemble.results import EnsembleEvaluation
from mc_tf.evaluation.results import CurveEvaluation
from mc_tf.landscape.results import GridEvaluation
from mc_tf.reports.tables import as_text

__all__ = ["about", "state"]


def state(found):
    """Whether everything that was begun is complete; otherwise the missing parts.

    Args:
        found: `Found`.

    Returns:
        List of HTML.
    """
    missing = [
        [name, f"{run.epochs} of {run.settings['epochs']} epochs trained"]
        for name, run in found.runs.items()
        if run.lacking
    ]
    missing += found.unfinished
    if missing or found.problems:
        word = "Not finished" if missing else "Damaged files"
        lines = "".join(
            f"<li>{html.escape(name)}: {html.escape(text)}</li>"
            for name, text in [*missing, *found.problems]
        )
        return [f'<strong class="open">{word}</strong><ul>{lines}</ul>']
    trained = sum(bool(run.epochs) for run in found.runs.values())
    counts = {
        "training": trained,
        "result file": len(found.results),
        "snapshot": sum(found.snapshots.values()),
        "averaged network": len(found.averages),
    }
    parts = [f"{count} {what}{'s' * (count > 1)}" for what, count in counts.items() if count]
    *others, last = parts or [""]
    text = " and ".join(filter(None, [", ".join(others), last]))
    return [f'<strong class="done">Finished</strong> ({text})'] if parts else []


def about(found, networks):
    """Data, networks, snapshots, and when the latest file was written.

    Args:
        found: `Found`.
        networks: dict of dicts, the known facts of each network.

    Yields:
        `(name, list of HTML)`.
    """
    sources = [(name, run.settings) for name, run in found.runs.items()]
    sources += [
        (name, result.description)
        for name, result in found.of((CurveEvaluation, GridEvaluation)).items()
    ]
    data, kinds = {}, {}
    for name, source in sources:
        text = None
        if "data" in source:
            text = as_text(source["data"])
            if isinstance(source.get("train_examples"), int):
                text += f", {source['train_examples']:,} training examples"
            text += f", judged on {source.get('test', 'test')} data"
        data.setdefault(text, []).append(name)
        if text is None:
            kinds.setdefault(None, []).append(name)
    for row in networks.values():
        weights = f"{row['weights']:,} weights" if row["weights"] else None
        text = ", ".join(filter(None, [row["kind"], weights])) if row["kind"] else None
        kinds.setdefault(text, []).append(row["label"])
    yield "Data", _of_which(data)
    yield "Network", _of_which(kinds)
    evaluated = found.of(EnsembleEvaluation)
    hint = "" if evaluated else "; evaluate them with eval_ensemble.py --members={} --output=PATH"
    snapshots = [
        html.escape(f"{count} in {found.name(folder)}{hint.format(folder)}")
        for folder, count in found.snapshots.items()
    ]
    yield "Snapshots", snapshots
    kept = [file for file in found.files if not file.endswith(".html")]
    if kept:
        latest = datetime.datetime.fromtimestamp(max(map(os.path.getmtime, kept))).astimezone()
        yield "Latest file", [f"<time>{latest.isoformat(' ', 'minutes')}</time>"]


def _of_which(texts):
    """What is known of runs: list of HTML, with the directories if it holds not for all."""
    return [
        html.escape(text + (f" ({', '.join(_parts(names))})" if len(texts) > 1 else ""))
        for text, names in texts.items()
        if text is not None
    ]


def _parts(names):
    """The first directories of names."""
    return list(dict.fromkeys(name.partition(os.sep)[0] for name in names))
