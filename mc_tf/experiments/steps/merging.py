"""Merges saved networks, and compares them with the members and their ensemble."""

import dataclasses
import itertools
import os
from typing import Any

from mc_tf import training
from mc_tf.ensemble import MemberFiles
from mc_tf.experiments.parts import ensemble_files
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Saved, Step, Values
from mc_tf.merging import greedy_soup, merge
from mc_tf.merging.merge import METHODS
from mc_tf.storage.checkpoints import load_checkpoint, save_checkpoint
from mc_tf.storage.files import write_json


@dataclasses.dataclass(frozen=True)
class Merge(Step):
    """Merges networks that were fine-tuned from one, by several methods.

    Attributes:
        name: name of its folder, with a `.keras` file for each method and `scores.json`.
        networks: tuple of `Saved`.
        base: `Saved`, the network that they were fine-tuned from.
        methods: dict from the name of a method, `"greedy"` or one of `mc_tf.merge`, to a dict of
            its options. If some are tuples, all combinations are tried, and validation chooses.
        num_train: number of training examples of the networks. The training examples after them are
            the validation. Default: four fifths of all.
    """

    networks: tuple[Saved, ...]
    base: Saved
    methods: dict
    num_train: int | None = None
    classifiers_only = ("Comparisons of merged networks", "them")

    def __post_init__(self):
        """Rejects unknown methods."""
        for method in self.methods:
            if method not in ("greedy", *METHODS):
                raise ValueError(
                    f"There is no way to merge named '{method}'. There are: "
                    f"{', '.join(('greedy', *METHODS))}."
                )

    def check(self, run: Run) -> None:
        """Rejects data without examples for the validation."""
        super().check(run)
        self._held_out(run)

    def _held_out(self, run):
        if not hasattr(run.data, "held_out"):
            raise ValueError(
                "Merging holds out training examples, which the data set "
                f"'{run.data.name}' cannot. Use data in memory, such as an `ArrayData`."
            )
        every = run.data.num_train
        trained = every * 4 // 5 if self.num_train is None else self.num_train
        if not 0 < trained < every:
            raise ValueError(
                f"num_train must leave some of the {every} training examples for the validation. "
                f"Received: num_train={trained}."
            )
        return run.data.held_out(every - trained)

    def run(self, run: Run) -> dict[str, dict[str, Any]]:
        """Merges and evaluates; returns a dict for each method, and for the networks."""
        held = self._held_out(run)
        files = [run.file(saved) for saved in self.networks]
        models, base = [load_checkpoint(f) for f in files], load_checkpoint(run.file(self.base))
        data = {
            "validation": held.test_batches(run.batch_size),
            "batch_norm_data": held.batch_norm_data(run.batch_size),
        }

        def scores(model, part):
            values = training.evaluate_network(model, parts[part], run.batch_size)
            return {
                f"{part}_error": training.test_score(values)[1],
                f"{part}_loss": values["loss"],
            }

        def best(every):
            return min(every, key=lambda one: (one["validation_error"], one["validation_loss"]))

        run.say(f"Merging {len(files)} networks ...")
        parts = {"validation": held, "test": run.data}
        start, *members = (
            scores(model, "validation") | scores(model, "test") for model in (base, *models)
        )
        mean = {name: sum(one[name] for one in members) / len(members) for name in start}
        rows = {"base": start, "best member": best(members), "mean of members": mean}
        of_files = MemberFiles(base, files, output="logits")
        path = os.path.join(run.folder(self.name), "ensemble")
        ensemble = ensemble_files.evaluate_ensemble(run.on_data(), of_files, path)
        rows["ensemble"] = {"test_error": ensemble.scores["error"]}
        merged = load_checkpoint(files[0])  # one model for all, which is compiled once
        data |= {"into": merged, "verbose": int(run.verbose > 0)}
        for method, options in self.methods.items():
            tried = []
            for chosen in _combinations(options):
                _merge(method, models, base, data, chosen)
                scored = scores(merged, "validation")
                tried.append({**scored, "options": chosen, "weights": merged.get_weights()})
            rows[method] = best(tried)
            merged.set_weights(rows[method].pop("weights"))
            rows[method] |= scores(merged, "test")
            save_checkpoint(merged, os.path.join(run.folder(self.name), f"{method}.keras"))
        content = {"members": members, **rows}
        write_json(os.path.join(run.folder(self.name), "scores.json"), content)
        run.say(f"\n{_table(rows)}\n")
        return rows

    def values(self, result: dict[str, dict[str, Any]]) -> Values:
        """Returns the test errors."""
        return {(label, "test_error", "mean"): row["test_error"] for label, row in result.items()}


def _merge(method, models, base, data, options):
    """Merges. Barriers, which are the same for all methods, are measured for the greedy soup."""
    if method == "greedy":
        greedy_soup(models, **data, **options)
    else:
        base = None if method in ("uniform", "slerp") else base
        merge(models, method, base, **{**data, "validation": None}, **options)


def _combinations(options):
    several = [value if isinstance(value, tuple) else (value,) for value in options.values()]
    return [dict(zip(options, chosen)) for chosen in itertools.product(*several)]


def _table(rows):
    names = ("validation_error", "test_error")
    lines = ["".join([f"{'':<18}", *(f"{name.replace('_', ' '):>18}" for name in names)])]
    for label, row in rows.items():
        shown = "".join(f"{row[name]:>18.4f}" if name in row else " " * 18 for name in names)
        options = ", ".join(f"{name}={value}" for name, value in row.get("options", {}).items())
        lines.append(f"{label:<18}{shown}   {options}".rstrip())
    return "\n".join(lines)
