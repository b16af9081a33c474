"""Merging networks: one network is fine-tuned several times, and the results are merged."""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.training import TrainingOptions


def fine_tunings(
    network,
    pretraining,
    fine_tuning,
    num_pretraining,
    num_train,
    learning_rates,
    merging={
        "uniform": {},
        "greedy": {},
        "task_arithmetic": {"scale": (0.2, 0.3, 0.4, 0.6)},
        "ties": {"density": (0.2, 0.5), "scale": (0.5, 1.0, 1.5, 2.0)},
        "dare": {"drop": 0.5, "scale": (0.1, 0.2, 0.3)},
    },
):
    """One network from few examples, fine-tuned on more with other rates and orders of examples.

    The training examples after the first `num_train` are the validation: they choose the networks
    of the greedy soup and, of several options of a method, the best.
    """
    base, tuned = ex.Train("base", network, pretraining, num_train=num_pretraining), []
    for k, rate in enumerate(learning_rates, start=1):
        options = replace(fine_tuning, learning_rate=rate, seed=fine_tuning.seed + k)
        tuned.append(ex.Train(f"tuned-{k}", ex.last("base"), options, num_train=num_train))
    networks = tuple(ex.last(step.name) for step in tuned)
    return (base, *tuned, ex.Merge("merged", networks, ex.last("base"), merging, num_train))


merging_digits = ex.Recipe(
    "Merging: a network fine-tuned five times on the digits",
    fine_tunings,
    ex.Data("digits"),
    cost="2 minutes on two cores",
    network=ex.Network("convnet", weight_decay=0.0005),
    pretraining=TrainingOptions(epochs=30, learning_rate=0.05, batch_size=32, seed=1),
    fine_tuning=TrainingOptions(epochs=15, learning_rate=0.05, batch_size=32, seed=1),
    num_pretraining=100,
    num_train=400,
    learning_rates=(0.02, 0.05, 0.1, 0.2, 0.5),
    smoke={"learning_rates": (0.02, 0.1)},
)

merging_mnist = ex.Recipe(
    "Merging: a network fine-tuned five times on MNIST",
    fine_tunings,
    ex.Data("mnist"),
    cost="8 minutes on two cores (an estimate)",
    network=ex.Network("fc", weight_decay=0.0005),
    pretraining=TrainingOptions(epochs=10, learning_rate=0.05, seed=1),
    fine_tuning=TrainingOptions(epochs=5, learning_rate=0.05, seed=1),
    num_pretraining=5_000,
    num_train=55_000,
    learning_rates=(0.01, 0.02, 0.05, 0.1, 0.2),
    smoke={"learning_rates": (0.02, 0.1)},
)
