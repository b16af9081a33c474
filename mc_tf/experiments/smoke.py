"""Experiments made small, to try recipes in less than a minute."""

import dataclasses

from mc_tf.experiments.ensemble_experiment import EnsembleExperiment
from mc_tf.experiments.landscape_plan import LandscapeExperiment
from mc_tf.experiments.references import parse_reference

__all__ = ["made_small"]


def made_small(plan, batch_size):
    """An experiment made small: short trainings, few positions, grids of few points.

    The headings of its figures say so.

    Args:
        plan: `Experiment` (curves), `EnsembleExperiment` or `LandscapeExperiment`.
        batch_size: of all trainings; `None` for the one that it has, as texts need.

    Returns:
        An experiment of the same kind.
    """
    batch_size = batch_size or plan.training.batch_size
    title = "Smoke run, no result" + (f": {plan.title}" if plan.title else "")
    plan = dataclasses.replace(plan, title=title)
    if isinstance(plan, EnsembleExperiment):
        return _small_ensembles(plan, batch_size)
    if isinstance(plan, LandscapeExperiment):
        return _small_landscape(plan, batch_size)
    return _small_curves(plan, batch_size)


def _small_curves(plan, batch_size):
    """One epoch each, few positions."""
    few = {"epochs": 1, "batch_size": batch_size}
    return dataclasses.replace(
        plan,
        training=dataclasses.replace(plan.training, **few),
        curve_training=dataclasses.replace(plan.curve_training, **few),
        widths=(0.02, 0.04)[: len(plan.widths)],
        num_points=3,
        num_train=None,
        ensemble_points=plan.ensemble_points and min(plan.ensemble_points, 4),
        pair_points=plan.pair_points and 3,
    )


def _small_ensembles(plan, batch_size):
    """Trainings of two to four epochs, one repetition."""
    few = {"batch_size": batch_size}
    small = dataclasses.replace(plan.training, epochs=2, **few)
    if small.cycle_epochs:
        small = dataclasses.replace(small, cycle_epochs=2)
    changes = {"training": small, "budgets": min(plan.budgets, 2), "repetitions": 1}
    if plan.sse:
        changes["sse"] = dataclasses.replace(plan.sse, epochs=2, cycle_epochs=1, **few)
    if plan.fge:
        every = plan.fge.trajectory_every and 1
        changes["fge"] = dataclasses.replace(
            plan.fge, epochs=2, cycle_epochs=2, trajectory_every=every, **few
        )
        starts = [min(start, 1 + k, small.epochs) for k, start in enumerate(plan.fge_starts)]
        changes["fge_starts"] = tuple(dict.fromkeys(starts))
    changes["swa_epochs"] = tuple(2 + k for k in range(min(len(plan.swa_epochs), 3)))
    if plan.swa:
        last = changes["swa_epochs"][-1]
        few |= {"swa_start": 1} if plan.swa.swa_start else {}
        few |= {"cycle_epochs": 1} if plan.swa.cycle_epochs else {}
        changes["swa"] = dataclasses.replace(plan.swa, epochs=last, **few)
        changes["swa_pretraining"] = plan.swa_pretraining and small.epochs
    return dataclasses.replace(plan, **changes)


def _small_landscape(plan, batch_size):
    """Two epochs each, or as many cycles of one epoch as there are cycles; five surfaces."""
    plan = _first_surfaces(plan, 5)
    trainings = tuple(
        dataclasses.replace(training, changes=_few_epochs(plan, training, batch_size))
        for training in plan.trainings
    )
    joins = tuple(
        dataclasses.replace(join, networks=tuple(map(_first_epoch, join.networks)))
        for join in plan.joins
    )
    surfaces = tuple(
        dataclasses.replace(
            surface,
            networks=tuple(map(_first_epoch, surface.networks)),
            marks=tuple(map(_first_epoch, surface.marks)),
            labels={_first_epoch(network): name for network, name in surface.labels.items()},
        )
        for surface in plan.surfaces
    )
    few = {"epochs": 2, "batch_size": batch_size}
    return dataclasses.replace(
        plan,
        curve_training=dataclasses.replace(plan.curve_training, **few),
        trainings=trainings,
        joins=joins,
        surfaces=surfaces,
        shape=3,
        film_shape=2,
        line_points=3,
        num_points=3,
        num_rays=2,
        num_train=None,
        num_test=None,
    )


def _first_surfaces(plan, number):
    """Only so many surfaces, with the film's, and the networks of these and of curves."""
    surfaces = [s for k, s in enumerate(plan.surfaces) if k < number or s.name == plan.film]
    used = [name for join in plan.joins for name in join.networks]
    used += [name for s in surfaces for name in (*s.networks, *s.marks)]
    names, trainings = {parse_reference(name)[0] for name in used}, []
    for one in reversed(plan.trainings):  # each begins at those before it
        if one.name in names:
            names.add(parse_reference(one.changes.get("start", ""))[0])
            trainings.insert(0, one)
    return dataclasses.replace(plan, trainings=tuple(trainings), surfaces=tuple(surfaces))


def _few_epochs(plan, training, batch_size):
    """Changes that leave a training as many cycles as it has, of one epoch; else two epochs."""
    options = plan.options(training)
    if options.batch_size > plan.training.batch_size:  # that is what such an experiment compares
        batch_size = 2 * batch_size
    changes = {**training.changes, "batch_size": batch_size, "epochs": 2}
    if options.cycle_epochs:
        changes |= {"cycle_epochs": 1, "epochs": options.epochs // options.cycle_epochs}
    if options.swa_start is not None:
        changes["swa_start"] = min(options.swa_start, 1)
    if options.trajectory_every:
        changes["trajectory_every"] = 1
    if "start" in changes:
        changes["start"] = _first_epoch(changes["start"])
    return changes


def _first_epoch(reference):
    name, mark, _ = parse_reference(reference)
    return f"{name}@1" if mark == "@" else reference
