"""Embedded digits: Table 1 and weight averaging in miniature, on any machine.

No row of the paper. Expected time: 2 minutes on two cores without an accelerator.
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

DATA = Data("digits", use_test=False)


def experiment(
    network=Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=40, learning_rate=0.05, seed=1),
    methods=("ind", "sse", "fge", "swa", "sgd"),
    budgets=3,
    sse_cycles=4,
    fge_starts=(32,),
    fge={
        "epochs": 8,
        "cycle_epochs": 2,
        "max_learning_rate": 0.05,
        "min_learning_rate": 0.0005,
        "trajectory_every": 4,
    },
    swa_epochs=(40, 50, 60),
    swa={"learning_rate": 0.02, "start": 32},
):
    """Ensembles and averages of equal budgets."""
    steps = equal_budgets(
        network,
        training,
        methods=methods,
        budgets=budgets,
        sse=sse_training(training, sse_cycles),
        fge=fge_training(training, **fge),
        fge_starts=fge_starts,
    )
    averaging = swa_training(training, max(swa_epochs), **swa)
    steps += weight_averages(
        network, training, averaging, swa_epochs, methods=methods, trained=steps
    )
    return Experiment(steps, title="Digits, convolutional network")


SMOKE = {"budgets": 2, "network": Network("fc", weight_decay=0.0005)}
