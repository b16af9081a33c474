"""Trainings for comparisons at equal budgets: SSE, FGE, ESPRO and weight averaging."""

import dataclasses
from typing import Any

from mc_tf.arguments import check_counts
from mc_tf.experiments.steps.simplexes import AddVertices
from mc_tf.experiments.steps.step import Network, last
from mc_tf.experiments.steps.train import Train
from mc_tf.training import TrainingOptions


def sse_training(
    training: TrainingOptions, cycles: int, learning_rate: float | None = None
) -> TrainingOptions:
    """Returns settings of snapshot ensembles at the cost of one budget.

    Args:
        training: `TrainingOptions` of one network.
        cycles: number of cosine cycles of whole epochs, and of members.
        learning_rate: rate at the start of a cycle. Default: the rate of `training`.

    Returns:
        `TrainingOptions`.

    Raises:
        ValueError: if there are more cycles than epochs.
    """
    check_counts(sse_cycles=cycles)
    cycle_epochs = training.epochs // cycles
    if not cycle_epochs:
        raise ValueError(f"epochs={training.epochs} is less than the number of cycles, {cycles}.")
    return dataclasses.replace(
        training,
        epochs=cycle_epochs * cycles,
        learning_rate=learning_rate or training.learning_rate,
        schedule="cosine_cycle",
        cycle_epochs=cycle_epochs,
        snapshots=True,
    )


def fge_training(
    training: TrainingOptions,
    epochs: int = 22,
    cycle_epochs: int = 4,
    max_learning_rate: float = 5e-2,
    min_learning_rate: float = 5e-4,
    trajectory_every: int | None = None,
) -> TrainingOptions:
    """Returns settings of the cycles of fast geometric ensembling (section 5).

    Args:
        training: `TrainingOptions` of one network.
        epochs: total epochs of the cycles from one start.
        cycle_epochs: epochs of one cycle.
        max_learning_rate, min_learning_rate: rates at the ends of a cycle, and in its middle.
        trajectory_every: also save the network every N steps.

    Returns:
        `TrainingOptions`.
    """
    return dataclasses.replace(
        training,
        epochs=epochs,
        learning_rate=max_learning_rate,
        min_learning_rate=min_learning_rate,
        schedule="triangular_cycle",
        cycle_epochs=cycle_epochs,
        snapshots=True,
        trajectory_every=trajectory_every,
    )


def espro_steps(
    name: str, network: Network, training: TrainingOptions, espro: dict[str, Any]
) -> tuple[Train, AddVertices]:
    """Returns the steps of a simplex that grows from one network in one budget (arXiv 2102.13042).

    Args:
        name: name of the second step; the first is `NAME-first`.
        network: `Network`.
        training: `TrainingOptions` of one network, one budget; both steps have its seed.
        espro: dict: `epochs`, the length of the training of the network; `training`, the
            `TrainingOptions` of a vertex; and arguments of `AddVertices`, such as `num_vertices`.

    Returns:
        `(Train, AddVertices)`.

    Raises:
        ValueError: if they do not end with the budget.
    """
    arguments = dict(espro)
    epochs, vertex = arguments.pop("epochs"), arguments.pop("training")
    together = epochs + arguments["num_vertices"] * vertex.epochs
    if not 0 < epochs < together == training.epochs:
        raise ValueError(
            f"A network and its vertices must take the {training.epochs} epochs of a budget. "
            f"Received: epochs={epochs}, and {together} with the vertices."
        )
    first = Train(f"{name}-first", network, dataclasses.replace(training, epochs=epochs))
    vertex = dataclasses.replace(vertex, seed=training.seed)
    return first, AddVertices(name, vertex, (last(first.name),), **arguments)


def swa_training(
    training: TrainingOptions,
    epochs: int,
    learning_rate: float,
    start: int | None = None,
    cycle_epochs: int | None = None,
    min_learning_rate: float = 0.0,
    every: int = 1,
) -> TrainingOptions:
    """Returns settings of weight averaging.

    Args:
        training: `TrainingOptions` of one network.
        epochs: epochs of the training with averaging.
        learning_rate: rate while weights are averaged; at the start of a cycle.
        start: epoch at which averaging starts; until then, the rate decreases from the rate of
            `training`. Default: averaging starts immediately, after pretraining.
        cycle_epochs: epochs per cycle, after pretraining. Default: a constant rate.
        min_learning_rate: rate at the end of a cycle.
        every: epochs between averaged networks, without cycles.

    Returns:
        `TrainingOptions`.
    """
    options = {"epochs": epochs, "swa_start": start or 0, "swa_every": every}
    if start is not None:
        options |= {"schedule": "swa", "final_ratio": learning_rate / training.learning_rate}
    else:
        options |= {"schedule": "constant", "learning_rate": learning_rate}
    if cycle_epochs:
        options |= {"schedule": "linear_cycle", "cycle_epochs": cycle_epochs}
        options["min_learning_rate"] = min_learning_rate
    return dataclasses.replace(training, **options)
