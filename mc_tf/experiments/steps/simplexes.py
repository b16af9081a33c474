"""Simplexes of networks: vertices added to saved networks, and subspaces learned at once."""

import dataclasses
import os
from typing import Any

import numpy as np
from keras import ops

from mc_tf import training
from mc_tf.arguments import check_counts, check_numbers
from mc_tf.curves import Combination, Curve, make_curve
from mc_tf.data import Dataset
from mc_tf.ensemble import MemberFiles
from mc_tf.experiments.parts.curve_ensembles import curve_ensemble
from mc_tf.experiments.parts.ensemble_files import evaluate_ensemble
from mc_tf.experiments.parts.simplex_files import middle_of, save_middle, save_samples
from mc_tf.experiments.steps.run import Run
from mc_tf.experiments.steps.step import Network, Saved, Step, Values
from mc_tf.experiments.steps.train import build
from mc_tf.models import connect
from mc_tf.simplexes import Similarity, add_vertex, volume
from mc_tf.storage.checkpoints import load_checkpoint
from mc_tf.storage.files import write_arrays
from mc_tf.training import TrainingOptions
from mc_tf.training.fit import check_cycles

_SCORES = {"error": "test_error", "loss": "loss", "calibration_error": "calibration_error"}


@dataclasses.dataclass(frozen=True)
class _Simplex(Step):
    """Base class. Other steps refer to it like to a training: its middle, and its samples."""

    training: TrainingOptions
    num_samples: int = dataclasses.field(default=50, kw_only=True)
    positions_per_batch: int = dataclasses.field(default=1, kw_only=True)
    label: str = dataclasses.field(default="simplex", kw_only=True)
    classifiers_only = ("Simplexes", "them")

    def data(self, run: Run) -> Dataset:
        """Returns the data that it trains on."""
        return run.data

    def check(self, run: Run) -> None:
        """Rejects unsuitable cycles and numbers."""
        super().check(run)
        check_cycles(self.training, run.data.steps_per_epoch(self.training.batch_size))
        check_counts(num_samples=self.num_samples, positions_per_batch=self.positions_per_batch)

    def _options(self, run, seed):
        passes = {"verbose": run.verbose, "eval_batch_size": run.batch_size}
        return dataclasses.replace(self.training, seed=seed, **passes)

    def _scores(self, run, curve_model, name, positions, keep=0):
        """Evaluates networks of a simplex; with `keep` steps of training they are its members."""
        on, path = run.on_data(), os.path.join(run.folder(self.name), name)
        ensemble = curve_ensemble(on, curve_model, positions)
        if keep:
            save_samples(ensemble, run.folder(self.name), keep)
        return evaluate_ensemble(on, ensemble, path)


@dataclasses.dataclass(frozen=True)
class AddVertices(_Simplex):
    """Adds vertices to saved networks, one after the other (arXiv 2102.13042): SPRO, ESPRO.

    Attributes:
        name: name of its folder: `vertex-1`, ... with curves, `model.keras`, the network in the
            middle of the last complex, samples of it in `members/`, and `simplex.npz`.
        training: `TrainingOptions` of each vertex.
        networks: tuple of `Saved`, the given vertices; of one network, the simplex grows from it.
        num_vertices: number of vertices to add.
        volume_weight: factor of the volume term, see `mc_tf.simplexes.add_vertex`.
        num_samples: number of networks that are drawn from each complex.
        positions_per_batch: see `CurveLayer`.
        label: label in the comparison.
        evaluate_each: whether every complex is evaluated, or only the last.
    """

    networks: tuple[Saved, ...]
    num_vertices: int
    volume_weight: float = 1.0
    evaluate_each: bool = True

    def __post_init__(self):
        check_counts(high=100, num_vertices=self.num_vertices)
        check_numbers(low=0, volume_weight=self.volume_weight)
        kinds = {saved.kind for saved in self.networks} - {"last", "checkpoint", "average"}
        if kinds or not self.networks:
            raise ValueError(
                "Vertices are added to single networks: the last one, a checkpoint or an average "
                f"of a training. Received: {', '.join(sorted(kinds)) or 'none'}."
            )

    def run(self, run: Run) -> dict[str, np.ndarray]:
        """Trains and evaluates; returns the arrays of `simplex.npz`.

        They are, for each evaluated complex, `vertices` and `volume`, `error` `(V, num_samples)` of
        samples and `ensemble_error`, and `network_error` of the given networks.
        """
        folder, files = run.folder(self.name), [run.file(saved) for saved in self.networks]
        given = MemberFiles(load_checkpoint(files[0], compile=False), files, output="logits")
        path = os.path.join(folder, "networks")
        columns = {"network_error": evaluate_ensemble(run.on_data(), given, path).members["error"]}
        rows, before = [], {f"network-{j}": file for j, file in enumerate(files)}
        names = ("volume_weight", "positions_per_batch")
        settings = {name: getattr(self, name) for name in names}
        steps = run.data.steps_per_epoch(self.training.batch_size) * self.training.epochs
        for number in range(1, self.num_vertices + 1):
            run.say(f"Adding vertex {number} to '{self.name}' ({self.training.epochs} epochs) ...")
            options = self._options(run, self.training.seed + number - 1)

            def make(before=before, seed=options.seed):
                parts = [load_checkpoint(file, compile=False) for file in before.values()]
                first = parts if "network-0" in before else parts[0]
                return add_vertex(
                    first,
                    self.volume_weight,
                    seed=seed,
                    positions_per_batch=self.positions_per_batch,
                )

            place = os.path.join(folder, f"vertex-{number}")
            made = training.train_made_curve(place, run.data, make, options, settings, before)
            before = {"curve": os.path.join(place, "curve.keras")}
            last = number == self.num_vertices
            if not (last or self.evaluate_each):
                continue
            keep = steps * number if last else 0
            drawn = made.curve.sample(self.num_samples, seed=options.seed)
            result = self._scores(run, made, f"samples-{number}", drawn, keep)
            rows.append(
                {
                    "vertices": made.curve.num_points,
                    "volume": volume(made),
                    "error": result.members["error"],
                    "ensemble_error": result.scores["error"],
                }
            )
            line = f"volume {rows[-1]['volume']:.4g}, error of samples"
            error = rows[-1]["error"]
            run.say(
                f"{line} {error.mean():.3f} (at most {error.max():.3f}), of their ensemble "
                f"{rows[-1]['ensemble_error']:.3f}"
            )
        save_middle(run.on_data(), made, folder, steps * self.num_vertices)
        columns |= {name: np.array([row[name] for row in rows]) for name in rows[0]}
        write_arrays(os.path.join(folder, "simplex.npz"), **columns)
        return columns

    def values(self, result: dict[str, np.ndarray]) -> Values:
        """Returns errors of the networks, of the last samples and their ensemble, and volumes."""
        names = {"networks": result["network_error"], "samples": result["error"][-1]}
        numbers = {
            (f"{self.label} {name}", "test_error", statistic): float(of(errors))
            for name, errors in names.items()
            for statistic, of in (("mean", np.mean), ("max", np.max))
        }
        numbers[f"{self.label} ensemble", "test_error", "mean"] = float(
            result["ensemble_error"][-1]
        )
        for vertices, size in zip(result["vertices"], result["volume"]):
            numbers[f"{self.label} {vertices} vertices", "volume", ""] = float(size)
        return numbers


@dataclasses.dataclass(frozen=True)
class LearnSubspace(_Simplex):
    """Trains a line, a curve or a simplex from random weights at once (arXiv 2102.10472).

    Attributes:
        name: name of its folder: `curve.keras`, `model.keras`, the network in the middle, and
            samples in `members/`.
        training: `TrainingOptions`.
        begin: `Network` to build, once for each control point.
        curve: `"simplex"`, or the name of a family of curves, see `mc_tf.curves.make_curve`.
        num_vertices: number of vertices of a simplex.
        similarity: factor of the term of similarity, the paper's beta.
        position_per, positions_per_batch: see `CurveLayer`.
        num_samples: number of networks that are drawn.
        label: label in the comparison.
    """

    begin: Network
    curve: str = "segment"
    num_vertices: int = 3
    similarity: float = 1.0
    position_per: str = "batch"

    def __post_init__(self):
        check_counts(low=2, high=100, num_vertices=self.num_vertices)
        check_numbers(similarity=self.similarity)
        self.made()

    def made(self) -> Curve:
        """Creates the `Curve`."""
        return Combination(self.num_vertices) if self.curve == "simplex" else make_curve(self.curve)

    def run(self, run: Run) -> dict[str, Any]:
        """Trains and evaluates; returns `EnsembleEvaluation`s: `middle`, `ends` and `samples`."""
        run.say(f"Training '{self.name}' ({self.training.epochs} epochs) ...")
        options, curve = self._options(run, self.training.seed), self.made()

        def make():
            networks = [build(self.begin, run.data, options) for _ in range(curve.num_points)]
            return connect(
                networks[0],
                networks[-1],
                curve,
                bends=networks[1:-1],
                fixed=[],
                seed=options.seed,
                position_per=self.position_per,
                positions_per_batch=self.positions_per_batch,
                points_regularizer=Similarity(self.similarity) if self.similarity else None,
            )

        names = ("similarity", "position_per", "positions_per_batch")
        settings = {name: getattr(self, name) for name in names}
        settings |= {"curve": repr(curve), "network": self.begin.name}
        settings |= {"network_options": self.begin.options}
        settings["weight_decay"] = self.begin.weight_decay
        made = training.train_made_curve(run.folder(self.name), run.data, make, options, settings)
        ends = np.eye(curve.num_points) if curve.position_shape else np.linspace(0, 1, 2)
        steps = run.data.steps_per_epoch(options.batch_size) * options.epochs
        drawn = curve.sample(self.num_samples, seed=options.seed)
        scores = {
            "middle": self._scores(run, made, "middle", np.array([middle_of(curve)])),
            "ends": self._scores(run, made, "ends", ends),
            "samples": self._scores(run, made, "samples", drawn, keep=steps),
        }
        save_middle(run.on_data(), made, run.folder(self.name), steps)
        points = ops.convert_to_numpy(made.control_points()).astype("float64")
        norms = np.linalg.norm(points, axis=1)
        cosines = (points @ points.T) / np.outer(norms, norms)
        scores["cosine"] = float(cosines[np.triu_indices(len(points), 1)].mean())
        return scores

    def values(self, result: dict[str, Any]) -> Values:
        """Returns the scores of the middle, the ends, and of the ensembles."""
        numbers = {(self.label, "cosine", "mean"): result["cosine"]}
        for score, value in _SCORES.items():
            ends = result["ends"]
            numbers |= {
                (f"{self.label} middle", value, "mean"): float(result["middle"].scores[score]),
                (f"{self.label} end", value, "mean"): float(ends.members[score].mean()),
                (f"{self.label} ends", value, "mean"): float(ends.scores[score]),
                (f"{self.label} samples", value, "mean"): float(result["samples"].scores[score]),
            }
        return numbers
