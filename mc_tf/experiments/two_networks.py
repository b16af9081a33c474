"""The experiment of Table 2: two networks, and the curves between them."""

import dataclasses
from collections.abc import Sequence

from mc_tf.curves import make_curve
from mc_tf.experiments.steps.connect import Connect
from mc_tf.experiments.steps.figures import Figure
from mc_tf.experiments.steps.on_curves import CurveEnsembles, Distances, Pairs
from mc_tf.experiments.steps.step import Network, Saved, Step
from mc_tf.experiments.steps.train import Train
from mc_tf.training import TrainingOptions


def two_networks(
    network: Network,
    training: TrainingOptions,
    curve_training: TrainingOptions,
    *,
    curves: Sequence[str] = ("segment", "bezier", "polychain"),
    curve_seeds: Sequence[int] = (3,),
    num_bends: int = 1,
    num_points: int = 61,
    num_train: int | None = None,
    ensemble_points: int | None = None,
    pair_points: int | None = None,
    folder: str = "",
) -> tuple[Step, ...]:
    """Trains two networks, connects them by each curve, evaluates and draws the curves.

    Args:
        network: `Network`.
        training: `TrainingOptions` of the endpoints; the second endpoint uses the next seed.
        curve_training: `TrainingOptions` of the curves.
        curves: names of families, see `mc_tf.curves.make_curve`.
        curve_seeds: seeds; each family is trained once per seed.
        num_bends: number of bends, for families with bends.
        num_points: number of positions for evaluating curves; the paper has 121.
        num_train: number of training examples for evaluation. Default: all.
        ensemble_points: also evaluate the ensemble of this number of networks on each trained
            curve, with and without temperatures (section A.6). Default: none.
        pair_points: also evaluate ensembles of the start with networks at this number of positions
            of each curve, and of a segment in a random direction (figure 2, right). Default: none.
        folder: folder of all steps, such as `"width-0.5"`. Default: the folder of the experiment.

    Returns:
        Tuple of steps.

    Raises:
        ValueError: if `curves` or `curve_seeds` is empty.
    """
    if not curves or not curve_seeds:
        raise ValueError(
            "An experiment needs at least one curve and at least one seed. Received: "
            f"curves={list(curves)}, curve_seeds={list(curve_seeds)}."
        )

    inside = f"{folder}/" if folder else ""
    prefix = f"{folder.replace('-', ' ')} " if folder else ""
    start, end = Saved(f"{inside}start"), Saved(f"{inside}end")
    steps = [
        Train(start.training, network, training),
        Train(end.training, network, dataclasses.replace(training, seed=training.seed + 1)),
    ]
    evaluated = {"num_points": num_points, "num_train": num_train}
    every, joined, trained, ensembles = {}, {}, {}, []
    for family in curves:
        trainable = make_curve(family, num_bends).trainable
        seeds = curve_seeds if trainable else curve_seeds[:1]
        for seed in seeds:
            label, shown = family, _capital(family)
            if len(seeds) > 1:
                label, shown = f"{family}-{seed}", f"{shown}, seed {seed}"
            of_ends = None if every else f"{prefix}single"
            labels = {"label": prefix + label, "ends_label": of_ends}
            options = dataclasses.replace(curve_training, seed=seed)
            name = every[shown] = inside + label
            curve = Connect(name, start, end, family, options, num_bends, **evaluated, **labels)
            steps.append(curve)
            if trainable:
                trained[family] = (*trained.get(family, ()), name)
            if trainable and ensemble_points:
                joined[shown] = name
                labels = prefix + label, None if ensembles else f"{prefix}single ensemble"
                ensembles.append(CurveEnsembles(f"{name}/ensemble", name, ensemble_points, *labels))
    steps += [*ensembles, Figure(f"{inside}curves", "curves", every)]
    if ensembles:
        steps.append(Figure(f"{inside}ensembles", "curve_ensembles", joined))
    if pair_points:
        pairs = {shown: Pairs(f"{name}/pairs", name, pair_points) for shown, name in every.items()}
        random = Pairs(f"{inside}random-segment/pairs", name, pair_points, training.seed)
        pairs["Random segment"] = random  # as long as the last curve
        of = {label: step.name for label, step in pairs.items()}
        steps += [*pairs.values(), Figure(f"{inside}pairs", "pairs", of)]
    if trained:
        steps.append(Distances(f"{inside}distances", trained, prefix))
    return tuple(steps)


def two_networks_of_widths(
    network: Network,
    training: TrainingOptions,
    curve_training: TrainingOptions,
    *,
    widths: Sequence[float],
    curves: Sequence[str] = ("bezier",),
    num_points: int = 61,
    num_train: int | None = None,
) -> tuple[Step, ...]:
    """Runs `two_networks` for several values of the builder's option `width` (figure 7).

    Args:
        network: `Network`; sets its option `width`.
        widths: tuple of numbers.
        training, curve_training, curves, num_points, num_train: see `two_networks`.

    Returns:
        Tuple of steps.
    """
    steps, folders = [], [f"width-{width:g}" for width in widths]
    evaluated = {"curves": curves, "num_points": num_points, "num_train": num_train}
    for width, folder in zip(widths, folders):
        wide = dataclasses.replace(network, options={**network.options, "width": width})
        steps += two_networks(wide, training, curve_training, folder=folder, **evaluated)
    of = {_capital(c): tuple(f"{folder}/{c}" for folder in folders) for c in curves}
    return (*steps, Figure("widths", "widths", of, {"widths": tuple(widths)}))


def _capital(label):
    return label[0].upper() + label[1:]
