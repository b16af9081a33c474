"""Ensembles and averages at equal budgets (Table 1; tables of arXiv 1803.05407)."""

import dataclasses

from mc_tf.arguments import check_counts
from mc_tf.experiments.steps.ensembles import Ensembles, Part, Trajectory
from mc_tf.experiments.steps.figures import Figure
from mc_tf.experiments.steps.step import Saved, average, checkpoint, members, trajectory
from mc_tf.experiments.steps.train import Score, Train

__all__ = [
    "budgets_of",
    "equal_budgets",
    "weight_averages",
]


_METHODS = ("ind", "sse", "fge", "swa", "sgd")


def equal_budgets(
    network,
    training,
    *,
    budgets=3,
    repetitions=1,
    sse=None,
    fge=None,
    fge_starts=(),
    include_start=False,
    methods=("ind", "sse", "fge"),
):
    """Independent networks, snapshot ensembles and fast geometric ensembles of equal cost.

    A budget is what one network takes: `training.epochs`. For `k` budgets each method runs `k`
    times from random weights, and the ensemble is of all networks of those runs.

    Args:
        network: `Network`.
        training: `TrainingOptions` of independent networks; seeds follow each other.
        budgets: up to how many budgets, default 3.
        repetitions: how often everything is repeated with other seeds, default 1.
        sse: `TrainingOptions` of snapshot ensembles: as many epochs, in cosine cycles.
        fge: `TrainingOptions` of the cycles of FGE; with `trajectory_every` the networks of the
            first run are evaluated too (figure 3, left).
        fge_starts: increasing numbers of epochs of an independent training after which the cycles
            begin, one run of them for each; 0 for the initial weights.
        include_start: whether the network from which FGE starts is a member.
        methods: of `"ind"`, independent networks, `"sse"` and `"fge"`; what else it holds is for
            `weight_averages`.

    Returns:
        Tuple of steps.

    Raises:
        ValueError: if a method is unknown or lacks its settings, or the starts are not increasing
            numbers of epochs of an independent training.
    """
    check_counts(high=1000, budgets=budgets, repetitions=repetitions)
    _check_methods(methods, sse=sse, fge=fge)
    sse, fge = "sse" in methods and sse, "fge" in methods and fge
    fge_starts = fge_starts if fge else ()
    _check_starts(training, fge, fge_starts)
    steps, drawn = [], {}
    for repetition in range(repetitions):
        folder = f"repetition-{repetition}"
        seeds = [training.seed + repetition * budgets + k for k in range(budgets)]
        trains, parts = [], {"ind": [], "sse": [], "fge": []}
        for k, seed in enumerate(seeds):
            before, ind = k * training.epochs, f"{folder}/ind-{k}"
            if "ind" in methods or any(fge_starts):
                trains.append(Train(ind, network, _with(training, seed)))
            if "ind" in methods:
                parts["ind"].append((Part(Saved(ind), before),))
            if sse:
                name = f"{folder}/sse-{k}"
                trains.append(Train(name, network, _with(sse, seed)))
                parts["sse"].append((Part(members(name), before),))
            of_budget = []
            for index, start in enumerate(fge_starts):
                name = f"{folder}/fge-{k}-{start}"
                begin = checkpoint(ind, start) if start else network
                trains.append(Train(name, begin, _with(fge, seed)))
                done = before + start + fge.epochs * index  # the earlier starts' epochs, too
                of_budget.append(Part(members(name), done))
            parts["fge"] += [tuple(of_budget)] if of_budget else []
        steps += trains
        for method, of_method in parts.items():
            if of_method:
                name, start = f"{folder}/{method}", include_start and method == "fge"
                steps.append(Ensembles(name, tuple(of_method), method, start))
                drawn.setdefault(method.upper(), []).append(name)
    if fge and fge.trajectory_every:
        first = f"repetition-0/fge-0-{fge_starts[0]}"
        name = f"{first}/trajectory-evaluation"
        steps.append(Trajectory(name, trajectory(first)))
        steps.append(Figure("trajectory", "trajectory", {"": name}))
    if drawn:
        by_members = {label: names[0] for label, names in drawn.items()}
        steps.append(Figure("curves", "ensembles", by_members))
        by_epochs = {label: tuple(names) for label, names in drawn.items()}
        steps.append(Figure("budgets", "budgets", by_epochs))
    return tuple(steps)


def weight_averages(
    network,
    training,
    swa,
    epochs,
    *,
    pretraining=None,
    repetitions=1,
    seeds_apart=1,
    methods=("swa",),
    trained=(),
):
    """Averages of weights after several numbers of epochs, beside the networks they are made of.

    Args:
        network: `Network`.
        training: `TrainingOptions` of one network: a budget.
        swa: `TrainingOptions` of the averaging; `None` without `"swa"`.
        epochs: numbers of epochs after which averages are compared, such as 1, 1.25 and 1.5
            budgets.
        pretraining: number of epochs of an independent training after which averaging begins; its
            own epochs are counted from there. 0 for the initial weights. Default: no other
            training, it begins in the epoch `swa.swa_start` of its own.
        repetitions: how often everything is repeated with other seeds, default 1.
        seeds_apart: of one repetition and the next, default 1.
        methods: of `"swa"` and `"sgd"`, plain trainings of as many epochs; what else it holds is
            for `equal_budgets`.
        trained: steps that train the independent networks already.

    Returns:
        Tuple of steps: `swa-1.25` is the average after 1.25 budgets, `last-1.25` the network of
        that moment, `sgd-1.25` a plain training that ends there, and `start` where it began.

    Raises:
        ValueError: if an average is asked for at an epoch that the averaging does not reach.
    """
    check_counts(high=1000, repetitions=repetitions)
    for number in epochs:
        check_counts(swa_epochs=number)
    _check_methods(methods, swa=swa)
    swa = "swa" in methods and swa
    if swa and swa.epochs != max(epochs, default=0):
        raise ValueError(
            f"Weight averaging ends after {swa.epochs} epochs, which must be the largest of the "
            f"numbers that are compared. Received: {list(epochs)}."
        )
    if not 0 <= (pretraining or 0) <= training.epochs:
        raise ValueError(
            f"Weight averaging must begin in the {training.epochs} epochs of an independent "
            f"network, or at 0, with the initial weights. Received: pretraining={pretraining}."
        )
    there, steps = {step.name for step in trained}, []

    def train(name, begin, options):
        if name not in there:
            steps.append(Train(name, begin, options))
            there.add(name)
        return name

    for repetition in range(repetitions):
        folder, seed = f"repetition-{repetition}", training.seed + repetition * seeds_apart
        one, scores = _with(training, seed), {}
        if swa:
            begin = network
            if pretraining:
                begin = checkpoint(train(f"{folder}/ind-0", network, one), pretraining)
                scores["start"] = begin
            elif pretraining == 0:
                untrained = dataclasses.replace(one, epochs=0)
                scores["start"] = Saved(train(f"{folder}/start", network, untrained))
            run = train(f"{folder}/swa", begin, _with(swa, seed))
            for number in epochs:
                budget = budgets_of(number, epochs, training.epochs, pretraining)
                scores[f"swa-{budget}"] = average(run, number)
                scores[f"last-{budget}"] = checkpoint(run, number)
        for number in epochs if "sgd" in methods else ():
            budget = budgets_of(number, epochs, training.epochs, pretraining)
            name = "ind-0" if number == training.epochs else f"sgd-{number}"
            longer = dataclasses.replace(one, epochs=number)
            scores[f"sgd-{budget}"] = Saved(train(f"{folder}/{name}", network, longer))
        steps += [Score(f"{folder}/score-{label}", saved, label) for label, saved in scores.items()]
    return tuple(steps)


def budgets_of(number, epochs, budget, pretraining=None):
    """Budgets that averages after so many epochs have taken, as text.

    Args:
        number: one of `epochs`.
        epochs: the numbers of epochs that are compared.
        budget: epochs of one network.
        pretraining: epochs before them.

    Returns:
        str, such as `"1.25"`: two digits after the point, or as many as tell all apart.

    Example:
        >>> budgets_of(188, (150, 188, 225), 150)
        '1.25'
    """
    begun = pretraining or 0
    shares = {(begun + n) / budget for n in epochs}
    digits = next(d for d in range(2, 17) if len({round(s, d) for s in shares}) == len(shares))
    return f"{round((begun + number) / budget, digits):g}"


def _with(options, seed):
    return dataclasses.replace(options, seed=seed)


def _check_methods(methods, **settings):
    unknown = set(methods) - set(_METHODS)
    if unknown or not methods:
        raise ValueError(
            f"Methods must be of {', '.join(_METHODS)}. Received: {', '.join(methods) or 'none'}."
        )
    for name, given in settings.items():
        if name in methods and not given:
            raise ValueError(f"The method '{name}' needs its training options.")


def _check_starts(training, fge, starts):
    if training.epochs < 1:
        raise ValueError(f"A budget must have at least 1 epoch. Received: {training.epochs}.")
    given = starts or (-1,)
    increasing = sorted(set(given)) == list(given)
    if fge and not (increasing and 0 <= given[0] and given[-1] <= training.epochs):
        raise ValueError(
            f"FGE must start in the {training.epochs} epochs of an independent network, or at 0, "
            "with the initial weights, at different epochs in their order. Received: "
            f"{list(starts)}."
        )
