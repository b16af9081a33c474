"""MNIST, fully connected: Table 1 and weight averaging, small enough for two cores.

No row of the paper; three repetitions with other seeds. Each method has the best of three settings
on the validation part (see RESULTS.md). Expected time: 30 minutes on two cores without an
accelerator.
"""

from mc_tf.experiments import (
    Data,
    Experiment,
    Network,
    equal_budgets,
    fge_training,
    sse_training,
    swa_training,
    weight_averages,
)
from mc_tf.training import TrainingOptions

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=20, learning_rate=0.1, batch_size=125, seed=1, steps_per_execution=40
    ),
    methods=("ind", "sse", "fge", "swa", "sgd"),
    budgets=3,
    repetitions=3,
    sse_cycles=5,
    fge_starts=(10,),
    fge={"epochs": 10, "cycle_epochs": 2, "max_learning_rate": 0.1, "min_learning_rate": 0.0005},
    swa_epochs=(20, 25, 30),
    swa={"learning_rate": 0.1, "start": 10},
):
    """Ensembles and averages of equal budgets."""
    steps = equal_budgets(
        network,
        training,
        methods=methods,
        budgets=budgets,
        repetitions=repetitions,
        sse=sse_training(training, sse_cycles),
        fge=fge_training(training, **fge),
        fge_starts=fge_starts,
    )
    averaging = swa_training(training, max(swa_epochs), **swa)
    steps += weight_averages(
        network,
        training,
        averaging,
        swa_epochs,
        methods=methods,
        trained=steps,
        repetitions=repetitions,
        seeds_apart=budgets,
    )
    return Experiment(steps, title="MNIST, fully connected")


SMOKE = {"budgets": 2, "repetitions": 1}
