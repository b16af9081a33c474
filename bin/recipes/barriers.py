"""Alignment: barriers before and after, of widths, of a common beginning, repaired; and curves."""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.training import TrainingOptions


def _pair(network, training, folder=""):
    """Two trainings with consecutive seeds, and what they save."""
    names = [f"{folder}{name}" for name in ("first", "second")]
    steps = [
        ex.Train(name, network, replace(training, seed=training.seed + k))
        for k, name in enumerate(names)
    ]
    return steps, [ex.last(name) for name in names]


def barriers(
    network,
    training,
    align="weights",
    repair=False,
    layers=None,
    num_points=25,
    num_train=None,
):
    """Two networks and the segments between them; also one layer at a time, with other numbers."""
    steps, ends = _pair(network, training)
    passes = {"align": align, "num_points": num_points, "num_train": num_train}
    steps.append(ex.Barriers("barrier", *ends, repair=repair, **passes))
    steps.append(ex.Figure("segments", "barrier", {"": "barrier"}))
    if layers:
        passes |= {"layers": True, "prefix": "by layer: ", **layers}
        steps.append(ex.Barriers("by-layer/barrier", *ends, **passes))
        steps.append(ex.Figure("layers", "layers", {"": "by-layer/barrier"}))
    return tuple(steps)


def barriers_of_widths(network, training, factors, align="weights", num_points=25, num_train=None):
    """The barriers for several values of the builder's option `width`."""
    steps, names = [], []
    passes = {"align": align, "num_points": num_points, "num_train": num_train}
    for factor in factors:
        wide = replace(network, options={**network.options, "width": factor})
        more, ends = _pair(wide, training, f"width-{factor:g}/")
        names.append(f"width-{factor:g}/barrier")
        prefix = f"width {factor:g} "
        more.append(ex.Barriers(names[-1], *ends, **passes, prefix=prefix))
        more.append(ex.Figure(f"width-{factor:g}/segments", "barrier", {"": names[-1]}))
        steps += more
    options = {"positions": tuple(factors), "label": "width of the hidden layers"}
    return (*steps, ex.Figure("widths", "barriers", {"": tuple(names)}, options))


def instability(network, training, starts, num_points=25, num_train=None):
    """Trains to each of `starts`, epochs, then twice to the end, with other orders of the data.

    The two continue with new moments of the optimizer.
    """
    if training.schedule != "constant":
        raise ValueError(
            "The two trainings of instability analysis continue from an epoch of the first, which "
            f"needs schedule='constant'. Received: schedule={training.schedule!r}."
        )
    if not starts or not 0 <= min(starts) <= max(starts) <= training.epochs:
        raise ValueError(
            f"starts must be epochs from 0 to {training.epochs}. Received: {list(starts)}."
        )
    initial = ex.Train("initial", network, replace(training, epochs=0))
    steps = [initial, ex.Train("trunk", network, replace(training, epochs=max(starts)))]
    passes, names = {"num_points": num_points, "num_train": num_train}, []
    for start in starts:
        begin = ex.checkpoint("trunk", start) if start else ex.last("initial")
        ends = []
        for k in (1, 2):
            options = {"epochs": training.epochs - start, "seed": training.seed + k}
            ends.append(f"from-{start}/{k}")
            steps.append(ex.Train(ends[-1], begin, replace(training, **options)))
        names.append(f"from-{start}/barrier")
        ends = map(ex.last, ends)
        steps.append(ex.Barriers(names[-1], *ends, **passes, prefix=f"from {start} "))
    options = {"positions": tuple(starts), "label": "epochs in common"}
    return (*steps, ex.Figure("instability", "barriers", {"": tuple(names)}, options))


def aligned_curves(network, training, curve_training, pairs=1, num_points=25, num_train=None):
    """Bezier curves to the second network as trained and aligned, for pairs of networks."""
    steps, passes = [], {"num_points": num_points, "num_train": num_train}
    for pair in range(pairs):
        folder = f"pair-{pair}"
        seeded = replace(training, seed=training.seed + 2 * pair)
        more, ends = _pair(network, seeded, f"{folder}/")
        steps += more
        for label, align in (("bezier", False), ("aligned bezier", True)):
            name = f"{folder}/{label.replace(' ', '-')}"
            more = {"align": align, "label": label, **passes}
            steps.append(ex.Connect(name, *ends, "bezier", curve_training, **more))
        steps.append(ex.Barriers(f"{folder}/barrier", *ends, align="weights", **passes))
    of = {"As trained": "pair-0/bezier", "Aligned": "pair-0/aligned-bezier"}
    curves = ex.Figure("curves", "curves", of, {"names": ("train_loss", "test_error")})
    return (*steps, curves, ex.Figure("segments", "barrier", {"": "pair-0/barrier"}))


_ADAM = TrainingOptions(
    epochs=75,
    learning_rate=0.001,
    batch_size=500,
    seed=1,
    schedule="constant",
    optimizer="adam",
    steps_per_execution=40,
    save_every=25,
)
_FC = ex.Network("fc", options={"units": [512, 512, 512]})

# Figure 2 of Git Re-Basin (Ainsworth, Hayase and Srinivasa 2023): no barrier on MNIST.
barrier_mnist = ex.Recipe(
    "Git Re-Basin, MNIST: the barrier of 784-512-512-512-10",
    barriers,
    ex.Data("mnist"),
    cost="20 minutes on two cores (an estimate)",
    network=_FC,
    training=_ADAM,
    layers={"num_points": 9, "num_train": 10000},
    targets={"aligned": {"train_loss": {"barrier": 0.0}, "test_loss": {"barrier": 0.0}}},
)

barrier_width_mnist = ex.Recipe(
    "Git Re-Basin, MNIST: barriers of networks of 512 K units",
    barriers_of_widths,
    ex.Data("mnist"),
    cost="20 minutes on two cores (an estimate)",
    network=_FC,
    training=replace(_ADAM, epochs=15),
    factors=(0.0625, 0.125, 0.25, 0.5, 1.0),
    num_points=11,
    num_train=10000,
    smoke={"factors": (0.02, 0.04)},
)

# Frankle et al. (2020), "Linear Mode Connectivity and the Lottery Ticket Hypothesis".
instability_mnist = ex.Recipe(
    "Instability analysis, MNIST: the barrier by epochs in common",
    instability,
    ex.Data("mnist"),
    cost="20 minutes on two cores (an estimate)",
    network=ex.Network("fc"),
    training=replace(_ADAM, epochs=8),
    starts=(0, 1, 2, 4),
    num_points=11,
    num_train=10000,
)

# REPAIR (Jordan et al. 2023). Without normalization, so that statistics are repaired by rescaling.
repair_digits = ex.Recipe(
    "REPAIR, digits: a convolutional network without normalization",
    barriers,
    ex.Data("digits"),
    cost="2 minutes on two cores (an estimate)",
    network=ex.Network("convnet", options={"batch_norm": False}),
    training=TrainingOptions(epochs=60, learning_rate=0.001, batch_size=64, optimizer="adam"),
    repair=True,
    smoke={"network": ex.Network("convnet", options={"batch_norm": False, "width": 0.1})},
)

# Tatro et al. (2020), "Optimizing Mode Connectivity via Neuron Alignment", here by weights.
aligned_curves_cifar10 = ex.Recipe(
    "Neuron alignment, CIFAR-10: curves between PreResNet-20, aligned and not",
    aligned_curves,
    ex.Data("cifar10"),
    cost="2.5 hours on two cores for each pair (an estimate)",
    network=ex.Network("preresnet20", weight_decay=0.0003),
    training=TrainingOptions(epochs=24, learning_rate=0.1, seed=1),
    curve_training=TrainingOptions(epochs=16, learning_rate=0.1, seed=3),
    num_train=5000,
    smoke={"network": ex.Network("preresnet8", weight_decay=0.0003)},
)
