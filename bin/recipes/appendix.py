"""Sections 4 and A.6 to A.8: ensembles on curves, widths, curves that are not unique or trivial."""

from dataclasses import replace

from mc_tf.experiments import Network, Recipe, two_networks, two_networks_of_widths
from mc_tf.experiments.papers import (
    CONV3FC3_CURVES,
    MNIST_FC,
    MNIST_FC_CURVES,
    MNIST_TRAINING,
    RESNET164_CURVES,
    VGG16_CURVES,
    row,
)

# Curves are not unique: the bends of two polygonal chains with different seeds are 29.6 apart, the
# endpoints 50.
sec4_two_chains_cifar10_vgg16 = Recipe(
    "Section 4, CIFAR-10: two chains between the same VGG-16",
    **row(two_networks, VGG16_CURVES, "cifar10", "5 hours"),
    curves=("polychain",),
    curve_seeds=(3, 4),
    num_points=121,
    targets={"endpoints": {"distance": 50.0}, "bends of polychain": {"distance": 29.6}},
)

mnist_two_chains = Recipe(
    "Section 4 in small, MNIST: two chains, fully connected",
    two_networks,
    cost="8 minutes on two cores",
    **MNIST_FC_CURVES,
    curves=("polychain",),
    curve_seeds=(3, 4),
    num_points=31,
    num_train=20000,
)

_CONVNET = {"smoke": {"network": Network("convnet", weight_decay=0.0003)}}

# The ensemble of 50 networks along the chain, with equal weights and with temperatures that grow
# with the train loss, and the ensemble of the two endpoints. (Three independent networks of this
# section have 21.01 %. The networks of Table 1, 18.59 %, are trained differently.) Also figure 2
# (right): ensembles of the start of the chain with one other network, which is on the segment, on
# the chain or on a segment in a random direction.
a6_ensemble_cifar100_resnet164 = Recipe(
    "Section A.6, CIFAR-100: ensembles on a chain, ResNet-164",
    **row(two_networks, RESNET164_CURVES | _CONVNET, "cifar100", "9 hours"),
    curves=("segment", "polychain"),
    num_points=50,
    ensemble_points=50,
    pair_points=21,
    targets={
        "single ensemble": 22.0,
        "polychain ensemble": 21.03,
        "polychain scaled ensemble": 20.7,
    },
)

a6_ensemble_mnist = Recipe(
    "Section A.6 in small, MNIST: ensembles on curves, fully connected",
    two_networks,
    cost="6 minutes on two cores",
    **MNIST_FC,
    curve_training=MNIST_TRAINING,
    num_points=50,
    num_train=10000,
    ensemble_points=50,
    pair_points=21,
)

_NARROW = {"smoke": {"widths": (0.02, 0.04)}}

# Figure 7, without numbers. As K grows, the worst train loss on a Bezier curve approaches the loss
# of the endpoints, and the length ratio falls. Rates and epochs are the same as for VGG-16.
a7_width_sweep_cifar10 = Recipe(
    "Section A.7, CIFAR-10: 3conv3fc with layers of 1000 K units",
    **row(two_networks_of_widths, CONV3FC3_CURVES | _NARROW, "cifar10", "8 hours"),
    widths=(0.3, 0.5, 0.8, 1.0),
    num_points=121,
)

_EPOCHS = {
    name: replace(MNIST_FC_CURVES[name], epochs=15) for name in ("training", "curve_training")
}

mnist_width_sweep = Recipe(
    "Section A.7 in small, MNIST: hidden layers of 500 K units",
    two_networks_of_widths,
    cost="34 minutes on two cores",
    **MNIST_FC_CURVES | _EPOCHS,
    widths=(0.01, 0.02, 0.05, 0.1, 0.4, 1.0),
    curves=("segment", "bezier"),
    num_points=31,
    num_train=20000,
    smoke={"widths": (0.02, 0.04)},
)

# The paper gives no numbers. The labels stay the same except at the origin, and the train loss
# rises. Any network of ReLU layers without normalization will do; this one is the smallest network
# of Table 2 on CIFAR-10.
a8_trivial_curve_cifar10 = Recipe(
    "Section A.8, CIFAR-10: the trivial curve through zero, 3conv3fc",
    **row(two_networks, CONV3FC3_CURVES, "cifar10", "2 hours"),
    curves=("segment", "trivial", "bezier"),
    num_points=121,
)

mnist_trivial_curve = Recipe(
    "Section A.8 in small, MNIST: the trivial curve, fully connected",
    two_networks,
    cost="12 minutes on two cores",
    **MNIST_FC_CURVES,
    curves=("segment", "trivial", "bezier"),
)
