"""Lines, curves and simplexes of networks, learned in one training (arXiv 2102.10472)."""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.experiments.papers import MNIST_FC, MNIST_TRAINING
from mc_tf.training import TrainingOptions

SUBSPACES = {
    "line": {},
    "line by layer": {"position_per": "layer"},
    "curve": {"curve": "bezier"},
    "simplex": {"curve": "simplex"},
}


def learned_subspaces(
    network, training, subspaces=SUBSPACES, repetitions=3, num_points=21, num_samples=6
):
    """Each subspace and a standard training, of equally many epochs, with several seeds."""
    steps, drawn = [], {}
    for repetition in range(repetitions):
        folder, options = (
            f"repetition-{repetition}",
            replace(training, seed=training.seed + repetition),
        )
        plain = ex.Train(f"{folder}/standard", network, options)
        steps += [plain, ex.Score(f"{folder}/score", ex.last(plain.name), "standard")]
        for label, more in subspaces.items():
            name = f"{folder}/{label.replace(' ', '-')}"
            more = {"num_samples": num_samples, "label": label, **more}
            steps.append(ex.LearnSubspace(name, options, network, **more))
            if more.get("curve") != "simplex" and not repetition:
                along = ex.Along(f"{name}-along", curve=name, num_points=num_points, label=label)
                steps.append(along)
                drawn[label.capitalize()] = along.name
    steps.append(ex.Figure("curves", "curves", drawn))
    return tuple(steps)


subspaces_digits = ex.Recipe(
    "Digits: subspaces learned in one training",
    learned_subspaces,
    ex.Data("digits"),
    cost="15 minutes on two cores",
    network=ex.Network("convnet", weight_decay=0.0005),
    training=TrainingOptions(epochs=60, learning_rate=0.05, batch_size=64, seed=1),
    smoke={"repetitions": 2, "network": ex.Network("fc", {"units": [16]}, weight_decay=0.0005)},
)

subspaces_mnist = ex.Recipe(
    "MNIST: subspaces learned in one training",
    learned_subspaces,
    cost="40 minutes on two cores",
    **MNIST_FC | {"training": replace(MNIST_TRAINING, epochs=15)},
    smoke={"repetitions": 1, "network": ex.Network("fc", {"units": [16]}, weight_decay=0.0005)},
)

# The paper does not give its numbers for this network in a table: its figures show a middle that is
# better than standard training.
subspaces_cifar10_resnet20 = ex.Recipe(
    "CIFAR-10, ResNet-20: subspaces learned in one training",
    learned_subspaces,
    ex.Data("cifar10"),
    cost="4 hours on one recent data-center GPU (an estimate)",
    network=ex.Network("preresnet20", weight_decay=0.0001),
    training=TrainingOptions(epochs=160, learning_rate=0.1, seed=1),
    smoke={"repetitions": 1, "network": ex.Network("preresnet8", weight_decay=0.0001)},
)
