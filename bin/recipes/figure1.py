"""Figures 1 and 5, and figures of the blog: planes through optima and curves, without numbers."""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.experiments.papers import MNIST_TRAINING, RESNET164_CURVES, VGG16_CURVES, row
from mc_tf.training import TrainingOptions


def planes(
    network,
    training,
    curve_training,
    grid,
    num_networks=3,
    curves=("bezier", "polychain"),
    num_points=61,
    film=None,
    max_loss=None,
):
    """The planes of three optima and of each curve, and optionally a film of the first curve."""
    names = "abc"[:num_networks]
    steps = [
        ex.Train(name, network, replace(training, seed=training.seed + k), score=True)
        for k, name in enumerate(names)
    ]
    evaluated = {"num_points": num_points, "num_train": grid.num_train}
    for curve in curves:
        filmed = film and curve == curves[0]
        options = replace(curve_training, keep_every=1) if filmed else curve_training
        steps.append(ex.Connect(curve, ex.last("a"), ex.last("b"), curve, options, **evaluated))
    if num_networks == 3:
        steps.append(ex.Surface("surfaces/optima", "plane", tuple(map(ex.last, names)), grid=grid))
    steps += [ex.Surface(f"surfaces/{c}", "curve_plane", curve=c, grid=grid) for c in curves]
    if film:
        steps.append(ex.Film("film", f"surfaces/{curves[0]}", shape=film, maximum=max_loss))
    return (*steps, ex.SurfaceFigures("figures", maximum=max_loss))


figure1_cifar100_resnet164 = ex.Recipe(
    "Figure 1, CIFAR-100: planes of ResNet-164",
    **row(planes, RESNET164_CURVES, "cifar100", "30 hours"),
    grid=ex.Grid(seed=1),
)

figure1_mnist = ex.Recipe(
    "Figure 1 in small, MNIST: planes, fully connected",
    planes,
    ex.Data("mnist"),
    cost="25 minutes on two cores",
    network=ex.Network("fc", weight_decay=2e-05),
    training=MNIST_TRAINING,
    curve_training=replace(MNIST_TRAINING, seed=3),
    grid=ex.Grid(shape=31, num_train=5000, num_test=10000, seed=1),
    num_points=31,
    film=11,
)

figure5_cifar10_vgg16 = ex.Recipe(
    "Figure 5, CIFAR-10: planes of VGG-16",
    **row(planes, VGG16_CURVES, "cifar10", "12 hours"),
    grid=ex.Grid(seed=1),
)

_PLAIN = {"options": {"skip_connections": False}, "weight_decay": 0.0003}

# The blog gives neither rates nor epochs. These are ours, for a pre-activation network.
film_cifar10_resnet20 = ex.Recipe(
    "The blog's film, CIFAR-10: ResNet-20 without skip connections",
    planes,
    ex.Data("cifar10"),
    cost="10 hours on one recent data-center GPU (an estimate)",
    network=ex.Network("preresnet20", **_PLAIN),
    training=TrainingOptions(epochs=150, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=60, learning_rate=0.01, seed=3),
    grid=ex.Grid(shape=61, num_train=10000, seed=1),
    num_networks=2,
    curves=("bezier",),
    film=31,
    max_loss=10.0,
    smoke={"network": ex.Network("preresnet8", **_PLAIN)},
)

_REGRESSION = TrainingOptions(
    epochs=400, learning_rate=0.03, batch_size=12, seed=1, steps_per_execution=5, save_every=100
)

# The data and the network are ours.
regression = ex.Recipe(
    "The blog's regression: a plane, and the functions along a curve",
    planes,
    ex.Data("regression"),
    cost="1 minute on two cores",
    network=ex.Network("fc", options={"units": [50, 50, 50]}),
    training=_REGRESSION,
    curve_training=replace(_REGRESSION, seed=3),
    grid=ex.Grid(shape=41, margin=0.3, seed=1),
    num_networks=2,
    curves=("bezier",),
)
