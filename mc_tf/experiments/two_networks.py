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

__all__ = ["two_networks", "two_networks_of_widths"]


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

    def named(name):
        return f"{folder}/{name}" if folder else name

    prefix = f"{folder.replace('-', ' ')} " if folder else ""
    second = dataclasses.replace(training, seed=training.seed + 1)
    steps = [
        Train(named("start"), network, training),
        Train(named("end"), network, second),
    ]
    found, shown, trained, more = {}, {}, {}, []
    for family in curves:
        trainable = make_curve(family, num_bends).trainable
        seeds = curve_seeds if trainable else curve_seeds[:1]
        for seed in seeds:
            label = family if len(seeds) == 1 else f"{family}-{seed}"
            found[label] = named(label)
            shown[label] = _capital(family) + (f", seed {seed}" if len(seeds) > 1 else "")
            steps.append(
                Connect(
                    named(label),
                    Saved(named("start")),
                    Saved(named("end")),
                    family,
                    dataclasses.replace(curve_training, seed=seed),
                    num_bends,
                    num_points=num_points,
                    num_train=num_train,
                    label=prefix + label,
                    ends_label=None if len(found) > 1 else prefix + "single",
                )
            )
            if not trainable:
                continue
            trained.setdefault(family, []).append(label)
            if ensemble_points:
                of_ends = None if more else prefix + "single ensemble"
                name = named(f"{label}/ensemble")
                more.append(
                    CurveEnsembles(name, named(label), ensemble_points, prefix + label, of_ends)
                )
    steps += more
    figures = {shown[label]: name for label, name in found.items()}
    steps.append(Figure(named("curves"), "curves", figures))
    if more:
        joined = {shown[label]: named(label) for label in sum(trained.values(), [])}
        steps.append(Figure(named("ensembles"), "curve_ensembles", joined))
    if pair_points:
        pairs = {
            label: Pairs(f"{name}/pairs", name, pair_points) for label, name in figures.items()
        }
        last = list(found.values())[-1]
        pairs["Random segment"] = Pairs(
            named("random-segment/pairs"), last, pair_points, training.seed
        )
        of = {label: step.name for label, step in pairs.items()}
        steps += [*pairs.values(), Figure(named("pairs"), "pairs", of)]
    if trained:
        of = {family: tuple(map(named, labels)) for family, labels in trained.items()}
        steps.append(Distances(named("distances"), of, prefix))
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
    steps, of = [], {_capital(curve): [] for curve in curves}
    evaluated = {"curves": curves, "num_points": num_points, "num_train": num_train}
    for width in widths:
        folder = f"width-{width:g}"
        wide = dataclasses.replace(network, options={**network.options, "width": width})
        steps += two_networks(wide, training, curve_training, folder=folder, **evaluated)
        for curve in curves:
            of[_capital(curve)].append(f"{folder}/{curve}")
    of = {label: tuple(names) for label, names in of.items()}
    return (*steps, Figure("widths", "widths", of, {"widths": tuple(widths)}))


def _capital(label):
    return label[0].upper() + label[1:]
