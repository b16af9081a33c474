"""A whole experiment, resumable: endpoints, curves, evaluations, figure, and how it compares."""

import dataclasses
import os

import numpy as np
from keras import ops

from mc_tf import training
from mc_tf.experiments import curve_figures, curve_files
from mc_tf.experiments.curve_ensembles import compare_curve_ensembles
from mc_tf.experiments.pairs import evaluate_pairs, random_segment
from mc_tf.experiments.targets import compare
from mc_tf.storage.destinations import holding
from mc_tf.storage.files import write_json
from mc_tf.training import TrainingOptions
from mc_tf.training.checks import check_classes, check_num_examples
from mc_tf.training.fit import check_cycles
from mc_tf.training.provenance import check_not_held_out

__all__ = ["Experiment", "run_experiment"]


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What to train, to join and to evaluate.

    Attributes:
        network: name in the registry.
        training: `TrainingOptions` of the endpoints; the second one has the next seed.
        curve_training: `TrainingOptions` of the curves.
        weight_decay: factor `wd` of the loss term `wd / 2 * sum(w ** 2)`.
        network_options: dict of the builder's own options.
        initial_weights: file of weights from which both endpoints start. Default: none.
        widths: values of the builder's option `width`; the experiment is done for each. Default:
            once, without it.
        curves: names of curve families, see `mc_tf.experiments.curve_files.make_curve`.
        num_bends: number of bends of Bezier curves and polygonal chains.
        curve_seeds: seeds of curve training; each trained family is found once for each.
        num_points: positions at which curves are evaluated.
        num_train: how many of the training examples to evaluate on. Default: all.
        ensemble_points: the ensemble of so many networks on each trained curve is evaluated, too
            (section A.6): with and without temperatures, and that of the endpoints. Default: none.
        pair_points: at so many positions of each curve, and of a segment in a random direction, the
            ensemble with the first endpoint is evaluated, too (figure 2, right). Default: none.
        targets: list of `mc_tf.experiments.targets.Target`, the published numbers.
        title: heading of the figure.
    """

    network: str
    training: TrainingOptions
    curve_training: TrainingOptions
    weight_decay: float = 0.0
    network_options: dict = dataclasses.field(default_factory=dict)
    initial_weights: str | None = None
    widths: tuple = ()
    curves: tuple = ("segment", "bezier", "polychain")
    num_bends: int = 1
    curve_seeds: tuple = (3,)
    num_points: int = 61
    num_train: int | None = None
    ensemble_points: int | None = None
    pair_points: int | None = None
    targets: tuple = ()
    title: str | None = None


@holding("workdir")
def run_experiment(plan, data, workdir, say=print):
    """Runs an experiment from start to end, or goes on where it was stopped.

    Args:
        plan: `Experiment`.
        data: data set from `mc_tf.data.load`.
        workdir: directory for everything: a folder for each network and curve, `curves.png`,
            `curves.svg` (and `pairs`, `ensembles`) and `comparison.json`; for several widths a
            folder for each with that, and `widths.png`, `widths.svg`.
        say: function that is called with a line of text at each step.

    Returns:
        List of `mc_tf.experiments.targets.Row`: what was obtained beside the targets.

    Raises:
        ValueError, OSError: as the steps themselves do.
    """
    curves = list(_curves(plan))
    _check(plan, data, curves)
    results, distances, ensembles = {}, {}, {}
    for width in plan.widths or (None,):
        prefix = "" if width is None else f"width {width:g} "
        folder = workdir if width is None else os.path.join(workdir, f"width-{width:g}")
        files = _train_endpoints(plan, data, folder, width, prefix, say)
        here, found, pairs, trained = {}, _Distances(prefix), {}, []
        for name, seed, label in curves:
            say(f"Connecting by a {prefix}{label} ...")
            curve_folder = os.path.join(folder, label)
            options = dataclasses.replace(plan.curve_training, seed=seed)
            curve = curve_files.make_curve(name, plan.num_bends)
            curve_model = training.train_curve(curve_folder, data, *files, curve, options)
            here[prefix + label] = curve_files.evaluate(
                curve_model,
                data,
                os.path.join(curve_folder, "evaluation"),
                num_points=plan.num_points,
                batch_size=plan.training.eval_batch_size,
                num_train=plan.num_train,
                verbose=int(plan.training.verbose > 0),
            )
            say(f"\n{_capital(prefix + label)}\n{here[prefix + label].table()}\n")
            if curve_model.curve.trainable:
                trained.append(label)
                found.add(name, curve_model, seed, plan.curve_seeds)
                ensembles |= _ensembles(plan, data, curve_model, here, prefix, label, folder, say)
            if plan.pair_points:
                pairs[_capital(label)] = _pairs(plan, data, curve_model, curve_folder)
        if pairs:
            apart = random_segment(curve_model, plan.training.seed)
            random_folder = os.path.join(folder, "random-segment")
            pairs["Random segment"] = _pairs(plan, data, apart, random_folder)
            curve_figures.draw_pairs(pairs, folder, plan.title)
        if trained and plan.ensemble_points:
            joined = {label: here[prefix + label] for label in trained}
            curve_figures.draw_ensembles(joined, folder, plan.title)
        curve_figures.draw_curves(here, folder, plan.title)
        results.update(here)
        distances.update(found.distances)
    if plan.widths:
        labels = [label for _, _, label in curves]
        curve_figures.draw_widths(results, workdir, plan.widths, labels, plan.title)
    errors = {name: ("test_error", error) for name, error in ensembles.items()}
    rows = compare(results, distances, plan.targets, errors)
    content = [dataclasses.asdict(row) for row in rows]
    write_json(os.path.join(workdir, "comparison.json"), content)
    return rows


def _check(plan, data, curves):
    """Refuses what could not be evaluated, before any work."""
    if not curves:
        raise ValueError(
            "An experiment joins its endpoints by at least one curve, with at least one seed. "
            f"Received: curves={list(plan.curves)}, curve_seeds={list(plan.curve_seeds)}."
        )
    check_num_examples(data, plan.training.batch_size, plan.num_train)
    if plan.ensemble_points or plan.pair_points:
        check_classes(data, "Ensembles on a curve", "--ensemble_points and --pair_points")
    check_not_held_out(filter(None, [plan.initial_weights]), data)
    check_cycles(data, plan.training)
    if any(curve_files.make_curve(name, plan.num_bends).trainable for name, _, _ in curves):
        check_cycles(data, plan.curve_training)
    # Of several widths the last might not be built; a network without them is the first thing made.
    widths = plan.widths or ((None,) if "trivial" in plan.curves else ())
    for width in widths if plan.network is not None else ():
        options = _network_options(plan, width)
        network = training.build_network(
            plan.network, data, plan.training, plan.weight_decay, options
        )
        if "trivial" in plan.curves:
            curve_files.make_curve("trivial").for_network(network)


def _network_options(plan, width):
    return plan.network_options if width is None else {**plan.network_options, "width": width}


def _train_endpoints(plan, data, folder, width, prefix, say):
    """Trains both endpoints; returns their files."""
    files = []
    for index, name in enumerate(("start", "end")):
        say(f"Training the {prefix}network '{name}' ({plan.training.epochs} epochs) ...")
        training.train_network(
            os.path.join(folder, name),
            data,
            plan.network,
            dataclasses.replace(plan.training, seed=plan.training.seed + index),
            weight_decay=plan.weight_decay,
            network_options=_network_options(plan, width),
            initial_weights=plan.initial_weights,
        )
        files.append(os.path.join(folder, name, "model.keras"))
    return files


def _curves(plan):
    """`(family, seed, label)` for each curve; the label is also its folder."""
    for name in plan.curves:
        trained = curve_files.make_curve(name, plan.num_bends).trainable
        seeds = plan.curve_seeds if trained else plan.curve_seeds[:1]
        for seed in seeds:
            yield name, seed, name if len(seeds) == 1 else f"{name}-{seed}"


def _ensembles(plan, data, curve_model, results, prefix, label, folder, say):
    """Test errors of the ensembles on a curve by name, where they are wanted."""
    if not plan.ensemble_points:
        return {}
    same_grid = plan.ensemble_points == plan.num_points
    errors = compare_curve_ensembles(
        curve_model,
        data,
        os.path.join(folder, label, "ensemble"),
        plan.ensemble_points,
        losses=results[prefix + label]["train_loss"] if same_grid else None,
        batch_size=plan.training.eval_batch_size,
        num_train=plan.num_train,
        verbose=int(plan.training.verbose > 0),
    )
    names = {"ends": f"{prefix}single ensemble"}
    found = {names.get(name, f"{prefix}{label} {name}"): error for name, error in errors.items()}
    for name, error in found.items():
        say(f"{_capital(name)}: test error {error:.2f} %")
    return found


def _pairs(plan, data, curve_model, folder):
    return evaluate_pairs(
        curve_model,
        data,
        os.path.join(folder, "pairs"),
        num_points=plan.pair_points,
        batch_size=plan.training.eval_batch_size,
        num_train=plan.num_train,
    )


class _Distances:
    """Distances in weight space of the endpoints, and of the bends of equal curves (section 4).

    No weights are kept but the bends of one family, while its other seeds come.
    """

    def __init__(self, prefix):
        self.distances = {}
        self._prefix = prefix
        self._family, self._bends = None, {}

    def add(self, name, curve_model, seed, seeds):
        start, *bends, end = map(ops.convert_to_numpy, curve_model.curve_layer.points)
        if not self.distances:  # all curves have the same endpoints
            apart = np.subtract(end, start, dtype="float64")
            self.distances[f"{self._prefix}endpoints"] = float(np.linalg.norm(apart))
        if len(seeds) < 2:
            return
        if name != self._family:
            self._family, self._bends = name, {}
        for other, before in self._bends.items():
            apart = np.subtract(before, bends, dtype="float64")
            pair = f" {other} and {seed}" if len(seeds) > 2 else ""
            distance = float(np.linalg.norm(apart, axis=1).mean())
            self.distances[f"{self._prefix}bends of {name}{pair}"] = distance
        self._bends[seed] = bends


def _capital(label):
    return label[0].upper() + label[1:]
