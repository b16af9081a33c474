"""What networks and ensembles of equal cost know of their own errors."""

import dataclasses
from typing import Any

from mc_tf.arguments import check_counts
from mc_tf.experiments.steps.connect import Connect
from mc_tf.experiments.steps.figures import Figure
from mc_tf.experiments.steps.step import (
    Network,
    Step,
    average,
    checkpoint,
    last,
    members,
    posterior,
)
from mc_tf.experiments.steps.train import Train
from mc_tf.experiments.steps.uncertainty import CurveUncertainty, Uncertainty, UncertaintyTable
from mc_tf.experiments.steps.weight_posteriors import SubspaceUncertainty, SWAGUncertainty
from mc_tf.experiments.trainings import espro_steps, fge_training, sse_training, swa_training
from mc_tf.training import TrainingOptions

_RANK = 20  # deviations of SWAG, as in its paper


def uncertainty_at_equal_cost(
    network: Network,
    training: TrainingOptions,
    *,
    sse_cycles: int,
    fge_start: int,
    fge: dict[str, Any],
    swa: dict[str, Any],
    espro: dict[str, Any],
    curve_points: int,
    num_samples: int = 30,
    subspace: dict[str, Any] | None = None,
    budgets: int = 3,
    repetitions: int = 1,
    outside: str | None = None,
    num_corrupted: int | None = None,
    num_outside: int | None = None,
) -> tuple[Step, ...]:
    """Compares methods that cost the same training: calibration, corrupted and other data.

    A budget is `training.epochs`. Each method has `budgets` of them: a single network and SWA train
    once for all budgets; SSE, FGE, simplexes and independent networks train once for each budget,
    from different seeds; the curve has two endpoints and is trained for the other budgets. SWAG
    and the posterior in the subspace of its principal directions sample networks from the run of
    SWA, which keeps 20 deviations, too.

    The table has a row for each entry of `rows` in this function: a name, and an evaluation that
    refers to trainings before it.

    Args:
        network: `Network`.
        training: `TrainingOptions` of a network, one budget.
        sse_cycles: cycles of a snapshot ensemble in one budget.
        fge_start: number of epochs of an independent training after which FGE starts.
        fge: dict of arguments of `fge_training`; a run must end with its budget.
        swa: dict of arguments of `swa_training`; `start` is counted in all budgets.
        espro: dict of settings of a simplex and of the network that it grows from, see
            `espro_steps`.
        curve_points: number of networks on the curve in its ensemble.
        num_samples: number of networks sampled by SWAG, and in the subspace. Default 30.
        subspace: dict of other arguments of `SubspaceUncertainty`, such as `temperature`.
        budgets: number of budgets, at least 3. Default 3.
        repetitions: number of repetitions with different seeds.
        outside: name of a data set of images, out of distribution. Default: none.
        num_corrupted, num_outside: numbers of images, see `Uncertainty`.

    Returns:
        Tuple of steps.

    Raises:
        ValueError: if FGE or a simplex does not end with its budget, or a number is too small.
    """
    check_counts(low=3, high=1000, budgets=budgets)
    check_counts(high=1000, repetitions=repetitions)
    fge_options = fge_training(training, **fge)
    if fge_start + fge_options.epochs != training.epochs:
        raise ValueError(
            f"FGE must end with its budget of {training.epochs} epochs. Received: "
            f"fge_start={fge_start} and {fge_options.epochs} epochs of cycles."
        )
    long = training.epochs * budgets
    options = {
        "long": dataclasses.replace(training, epochs=long),
        "swa": dataclasses.replace(swa_training(training, long, **swa), swag_rank=_RANK),
        "sse": sse_training(training, sse_cycles),
    }
    on_curve = dataclasses.replace(training, epochs=training.epochs * (budgets - 2))
    evaluated = {"outside": outside, "num_corrupted": num_corrupted, "num_outside": num_outside}
    steps, table = [], {}
    for repetition in range(repetitions):
        folder, seed = f"repetition-{repetition}", training.seed + repetition * budgets
        every = range(budgets)

        def train(name, begin, options, seed):
            step = Train(f"{folder}/{name}", begin, dataclasses.replace(options, seed=seed))  # noqa: B023
            steps.append(step)
            return step.name

        single, swa_run = (train(name, network, options[name], seed) for name in ("long", "swa"))
        ind = [train(f"ind-{k}", network, training, seed + k) for k in every]
        sse = [train(f"sse-{k}", network, options["sse"], seed + k) for k in every]
        begin = [checkpoint(name, fge_start) for name in ind]
        fge_runs = [train(f"fge-{k}", begin[k], fge_options, seed + k) for k in every]
        simplexes = []
        for k in every:
            seeded = dataclasses.replace(training, seed=seed + k)
            steps.extend(espro_steps(f"{folder}/espro-{k}", network, seeded, espro))
            simplexes.append(steps[-1].name)
        curve_options = dataclasses.replace(on_curve, seed=seed)
        ends = last(ind[0]), last(ind[1])
        points = {"num_points": curve_points, "label": "curve"}
        sampled = {"saved": posterior(swa_run), "num_samples": num_samples, "seed": seed}
        curve = Connect(f"{folder}/curve", *ends, "bezier", curve_options, **points)
        steps.append(curve)
        rows = {
            "single": ("Single network", Uncertainty, {"saved": (last(single),)}),
            "swa-network": ("SWA", Uncertainty, {"saved": (average(swa_run),)}),
            "swag": ("SWAG", SWAGUncertainty, sampled),
            "subspace": ("Subspace", SubspaceUncertainty, {**sampled, **(subspace or {})}),
            "sse": ("SSE", Uncertainty, {"saved": tuple(map(members, sse))}),
            "fge": ("FGE", Uncertainty, {"saved": tuple(map(members, fge_runs))}),
            "ind": ("Independent networks", Uncertainty, {"saved": tuple(map(last, ind))}),
            "curve-ensemble": (
                "Curve",
                CurveUncertainty,
                {"curve": curve.name, "num_points": curve_points},
            ),
            "simplex": ("Simplexes", Uncertainty, {"saved": tuple(map(members, simplexes))}),
        }
        for name, (label, kind, of) in rows.items():
            step = kind(f"{folder}/uncertainty/{name}", label, **of, **evaluated)
            steps.append(step)
            table.setdefault(label, []).append(step.name)
    table = {label: tuple(names) for label, names in table.items()}
    first = {label: names[0] for label, names in table.items()}
    steps.append(Figure("reliability", "reliability", first))
    steps.append(Figure("risk-coverage", "risk_coverage", first))
    steps.append(Figure("corruptions", "corruptions", table))
    steps.append(UncertaintyTable("table", table))
    return tuple(steps)
