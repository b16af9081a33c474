"""Figures 1 and 5, and figures of the blog: planes through optima and curves, without numbers."""

from dataclasses import replace

from mc_tf.experiments import (
    Connect,
    Data,
    Film,
    Grid,
    Network,
    Recipe,
    Surface,
    SurfaceFigures,
    Train,
    last,
)
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
        Train(name, network, replace(training, seed=training.seed + k), score=True)
        for k, name in enumerate(names)
    ]
    evaluated = {"num_points": num_points, "num_train": grid.num_train}
    for curve in curves:
        filmed = film and curve == curves[0]
        options = replace(curve_training, keep_every=1) if filmed else curve_training
        steps.append(Connect(curve, last("a"), last("b"), curve, options, **evaluated))
    if num_networks == 3:
        steps.append(Surface("surfaces/optima", "plane", tuple(map(last, names)), grid=grid))
    steps += [Surface(f"surfaces/{c}", "curve_plane", curve=c, grid=grid) for c in curves]
    if film:
        steps.append(Film("film", f"surfaces/{curves[0]}", shape=film, maximum=max_loss))
    return (*steps, SurfaceFigures("figures", maximum=max_loss))


figure1_cifar100_resnet164 = Recipe(
    "Figure 1, CIFAR-100: planes of ResNet-164",
    planes,
    Data("cifar100"),
    cost="30 hours on one recent data-center GPU (an estimate)",
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    curve_training=TrainingOptions(epochs=200, learning_rate=0.03, seed=3),
    grid=Grid(seed=1),
    smoke={"network": Network("preresnet8", weight_decay=0.0003)},
)

figure1_mnist = Recipe(
    "Figure 1 in small, MNIST: planes, fully connected",
    planes,
    Data("mnist"),
    cost="25 minutes on two cores",
    network=Network("fc", weight_decay=2e-05),
    training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    curve_training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=3, steps_per_execution=40
    ),
    grid=Grid(shape=31, num_train=5000, num_test=10000, seed=1),
    num_points=31,
    film=11,
)

figure5_cifar10_vgg16 = Recipe(
    "Figure 5, CIFAR-10: planes of VGG-16",
    planes,
    Data("cifar10", normalization="vgg"),
    cost="12 hours on one recent data-center GPU (an estimate)",
    network=Network("vgg16", weight_decay=0.0005),
    training=TrainingOptions(epochs=200, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=600, learning_rate=0.015, seed=3),
    grid=Grid(seed=1),
    smoke={"network": Network("3conv3fc", options={"width": 0.01}, weight_decay=0.0005)},
)

# The blog gives neither rates nor epochs. These are ours, for a pre-activation network.
film_cifar10_resnet20 = Recipe(
    "The blog's film, CIFAR-10: ResNet-20 without skip connections",
    planes,
    Data("cifar10"),
    cost="10 hours on one recent data-center GPU (an estimate)",
    network=Network("preresnet20", options={"skip_connections": False}, weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.05, seed=1),
    curve_training=TrainingOptions(epochs=60, learning_rate=0.01, seed=3),
    grid=Grid(shape=61, num_train=10000, seed=1),
    num_networks=2,
    curves=("bezier",),
    film=31,
    max_loss=10.0,
    smoke={
        "network": Network("preresnet8", options={"skip_connections": False}, weight_decay=0.0003)
    },
)

# The data and the network are ours.
regression = Recipe(
    "The blog's regression: a plane, and the functions along a curve",
    planes,
    Data("regression"),
    cost="1 minute on two cores",
    network=Network("fc", options={"units": [50, 50, 50]}),
    training=TrainingOptions(
        epochs=400, learning_rate=0.03, batch_size=12, seed=1, steps_per_execution=5, save_every=100
    ),
    curve_training=TrainingOptions(
        epochs=400, learning_rate=0.03, batch_size=12, seed=3, steps_per_execution=5, save_every=100
    ),
    grid=Grid(shape=41, margin=0.3, seed=1),
    num_networks=2,
    curves=("bezier",),
)
