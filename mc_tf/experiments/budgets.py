"""Ensembles and averages at equal budgets (Table 1; tables of arXiv 1803.05407)."""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

from mc_tf.arguments import check_counts
from mc_tf.experiments.steps.ensembles import Ensembles, Part, Trajectory
from mc_tf.experiments.steps.figures import Figure
from mc_tf.experiments.steps.step import (
    Network,
    Saved,
    Step,
    average,
    checkpoint,
    members,
    trajectory,
)
from mc_tf.experiments.steps.train import Score, Train
from mc_tf.experiments.trainings import espro_steps, fge_training, sse_training, swa_training
from mc_tf.training import TrainingOptions


def equal_budgets(
    network: Network,
    training: TrainingOptions,
    *,
    methods: Collection[str] = ("ind", "sse", "fge"),
    budgets: int = 3,
    repetitions: int = 1,
    sse_cycles: int | None = None,
    fge_starts: Sequence[int] = (),
    fge: dict[str, Any] | None = None,
    espro: dict[str, Any] | None = None,
    include_start: bool = False,
    swa_epochs: Sequence[int] = (),
    swa: dict[str, Any] | None = None,
    pretraining: int | None = None,
) -> tuple[Step, ...]:
    """Compares independent networks, ensembles from one training, and averages at equal cost.

    A budget is the cost of one network: `training.epochs`. For `k` budgets an ensemble method runs
    `k` times from random weights, and the ensemble contains all networks of these runs. Rows of
    averages are named by their budgets: `swa-1.25` is the average, `last-1.25` the last network at
    that time, `sgd-1.25` a separate plain training of that length, and `start` the network at the
    start of averaging.

    Args:
        network: `Network`.
        training: `TrainingOptions` of independent networks, with consecutive seeds.
        methods: a subset of `"ind"`, independent networks, `"sse"`, snapshot ensembles, `"fge"`,
            `"espro"`, samples of simplexes, `"swa"`, and `"sgd"`, plain trainings of the length of
            the averages.
        budgets: maximum number of budgets of ensembles.
        repetitions: number of repetitions with different seeds.
        sse_cycles: cycles of a snapshot ensemble in one budget.
        fge_starts: increasing numbers of epochs of an independent training after which FGE starts,
            one run per start; 0 for the initial weights.
        fge: dict of arguments of `fge_training`; with `trajectory_every` the networks of the first
            run are also evaluated (figure 3, left).
        espro: dict of settings of a simplex and of the network that it grows from, see
            `espro_steps`. It must end with its budget.
        include_start: whether the initial network of FGE is a member.
        swa_epochs: numbers of epochs at which averages are compared, such as 1, 1.25 and 1.5
            budgets. Averaging ends after the largest.
        swa: dict of arguments of `swa_training`.
        pretraining: number of epochs of an independent training after which the training with
            averaging starts, with its own epoch count. 0 for the initial weights. Default: no
            pretraining; averaging starts at epoch `swa["start"]` of a single training.

    Returns:
        Tuple of steps.

    Raises:
        ValueError: if a method is unknown or lacks its settings, FGE or averaging would start
            outside of an independent training, or a simplex does not end with its budget.
    """
    check_counts(high=1000, budgets=budgets, repetitions=repetitions)
    needed = {
        "sse": sse_cycles,
        "fge": fge,
        "espro": espro,
        "swa": swa and swa_epochs,
        "sgd": swa_epochs,
    }
    _check_methods(methods, {"ind": True, **needed})
    sse = "sse" in methods and sse_training(training, sse_cycles)
    fge = "fge" in methods and fge_training(training, **fge)
    swa = "swa" in methods and swa_training(training, max(swa_epochs), **swa)
    fge_starts = fge_starts if fge else ()
    _check_starts(training, fge, fge_starts, swa_epochs, pretraining)
    steps, drawn = {}, {}

    def add(step):
        steps.setdefault(step.name, step)
        return step.name

    for repetition in range(repetitions):
        folder, first = f"repetition-{repetition}", training.seed + repetition * budgets

        def train(name, begin, options, seed=first, folder=folder):
            return add(Train(f"{folder}/{name}", begin, dataclasses.replace(options, seed=seed)))

        parts = {"ind": [], "sse": [], "fge": [], "espro": []}
        for k in range(budgets):
            seed, before = first + k, k * training.epochs
            if "ind" in methods or any(fge_starts):
                ind = train(f"ind-{k}", network, training, seed)
            if "ind" in methods:
                parts["ind"].append((Part(Saved(ind), before),))
            if sse:
                run = train(f"sse-{k}", network, sse, seed)
                parts["sse"].append((Part(members(run), before),))
            if "espro" in methods:
                seeded = dataclasses.replace(training, seed=seed)
                grown = espro_steps(f"{folder}/espro-{k}", network, seeded, espro)
                run = [add(step) for step in grown][-1]
                parts["espro"].append((Part(members(run), before + espro["epochs"]),))
            of_budget = []
            for index, start in enumerate(fge_starts):
                begin = checkpoint(ind, start) if start else network
                run = train(f"fge-{k}-{start}", begin, fge, seed)
                done = before + start + fge.epochs * index  # including epochs of earlier starts
                of_budget.append(Part(members(run), done))
            parts["fge"] += [tuple(of_budget)] if of_budget else []
        for method, several in parts.items():
            if several:
                start = include_start and method == "fge"
                name = add(Ensembles(f"{folder}/{method}", tuple(several), method, start))
                drawn.setdefault(method.upper(), []).append(name)

        scores = {}
        if swa:
            begin = network
            if pretraining:
                begin = scores["start"] = checkpoint(train("ind-0", network, training), pretraining)
            elif pretraining == 0:
                untrained = dataclasses.replace(training, epochs=0)
                scores["start"] = Saved(train("start", network, untrained))
            run = train("swa", begin, swa)
        for number in swa_epochs:
            budget = budgets_of(number, swa_epochs, training.epochs, pretraining)
            if swa:
                scores[f"swa-{budget}"] = average(run, number)
                scores[f"last-{budget}"] = checkpoint(run, number)
            if "sgd" in methods:
                name = "ind-0" if number == training.epochs else f"sgd-{number}"
                longer = dataclasses.replace(training, epochs=number)
                scores[f"sgd-{budget}"] = Saved(train(name, network, longer))
        for label, saved in scores.items():
            add(Score(f"{folder}/score-{label}", saved, label))

    if fge and fge.trajectory_every:
        first = f"repetition-0/fge-0-{fge_starts[0]}"
        name = add(Trajectory(f"{first}/trajectory-evaluation", trajectory(first)))
        add(Figure("trajectory", "trajectory", {"": name}))
    if drawn:
        add(Figure("curves", "ensembles", {label: names[0] for label, names in drawn.items()}))
        every = {label: tuple(names) for label, names in drawn.items()}
        add(Figure("budgets", "budgets", every))
    return tuple(steps.values())


def budgets_of(number, epochs, budget, pretraining=None):
    """Formats the cost of an average in budgets: two decimals, or more to distinguish all `epochs`.

    Example:
        >>> budgets_of(188, (150, 188, 225), 150)
        '1.25'
    """
    begun = pretraining or 0
    shares = {(begun + n) / budget for n in epochs}
    digits = next(d for d in range(2, 17) if len({round(s, d) for s in shares}) == len(shares))
    return f"{round((begun + number) / budget, digits):g}"


def _check_methods(methods, needed):
    if not methods or set(methods) - needed.keys():
        raise ValueError(
            f"Methods must be of {', '.join(needed)}. Received: {', '.join(methods) or 'none'}."
        )
    for name in methods:
        if not needed[name]:
            raise ValueError(
                f"The method '{name}' needs its settings: sse_cycles; fge; espro; swa and "
                "swa_epochs."
            )


def _check_starts(training, fge, starts, swa_epochs, pretraining):
    if training.epochs < 1:
        raise ValueError(f"A budget must have at least 1 epoch. Received: {training.epochs}.")
    for number in swa_epochs:
        check_counts(swa_epochs=number)
    inside = starts and 0 <= starts[0] and starts[-1] <= training.epochs
    if fge and not (inside and sorted(set(starts)) == list(starts)):
        raise ValueError(
            f"FGE must start in the {training.epochs} epochs of an independent network, or at 0, "
            "with the initial weights, at different epochs in their order. Received: "
            f"{list(starts)}."
        )
    if not 0 <= (pretraining or 0) <= training.epochs:
        raise ValueError(
            f"Weight averaging must start in the {training.epochs} epochs of an independent "
            f"network, or at 0, with the initial weights. Received: pretraining={pretraining}."
        )
