"""Li et al. 2018: surfaces in random directions, lines, paths of training, eigenvalues.

We use pre-activation networks; the paper has VGG-9 and ResNets. Its figures have no numbers except
the test errors of two networks.
"""

from dataclasses import replace

import mc_tf.experiments as ex
from mc_tf.experiments.papers import MNIST_FC, MNIST_TRAINING, RESNET56, row
from mc_tf.training import TrainingOptions

_SKIPS = {"skips": {}, "plain": {"skip_connections": False}}


def random_planes(network, training, grid, variants=_SKIPS, lines=False, max_loss=None):
    """The plane (and the line) in random directions around networks that differ in options."""
    steps = []
    for name, options in variants.items():
        one = replace(network, options={**network.options, **options})
        steps.append(ex.Train(name, one, training, score=True))
    for kind, ending in (("random_plane", ""), *[("random_line", "_line")] * lines):
        for name in variants:
            steps.append(ex.Surface(f"surfaces/{name}{ending}", kind, (ex.last(name),), grid=grid))
    return (*steps, ex.SurfaceFigures("figures", maximum=max_loss))


def sharpness(network, training, grid, large_batch):
    """The line from small to large batches, and random lines, with and without weight decay."""
    free = replace(network, weight_decay=0.0)
    large = replace(training, batch_size=large_batch)
    steps = [
        ex.Train("small", network, training, score=True),
        ex.Train("large", network, large, score=True),
        ex.Train("small_free", free, training, score=True),
        ex.Train("large_free", free, large, score=True),
    ]
    for name, ending in (("with_weight_decay", ""), ("without_weight_decay", "_free")):
        ends = {f"{s.capitalize()} batches": ex.last(s + ending) for s in ("small", "large")}
        steps.append(ex.Surface(f"surfaces/{name}", "line", ends, grid=grid))
    for ending, words in (("", " with weight decay"), ("_free", "")):
        for size in ("small", "large"):
            of = {f"{size.capitalize()} batches{words}": ex.last(size + ending)}
            name = f"surfaces/{size}{ending}_line"
            steps.append(ex.Surface(name, "random_line", of, grid=grid))
    return (*steps, ex.SurfaceFigures("figures"))


def paths(network, training, grid, runs):
    """The paths of training runs with different settings, in their principal directions."""
    steps = [ex.Train(n, network, replace(training, **run), score=True) for n, run in runs.items()]
    for name in runs:
        of = (ex.trajectory(name),)
        steps.append(ex.Surface(f"surfaces/{name}", "trajectory", of, grid=grid))
    return (*steps, ex.SurfaceFigures("figures"))


skips_cifar10_resnet56 = ex.Recipe(
    "Li et al. 2018, figure 1, CIFAR-10: ResNet-56, skip connections",
    **row(random_planes, RESNET56, "cifar10", "20 hours"),
    grid=ex.Grid(shape=51, num_train=10000, seed=1),
    lines=True,
    max_loss=10.0,
    targets={"skips": 5.89, "plain": 13.31},
)

skips_cifar10_preresnet20 = ex.Recipe(
    "Li et al. 2018, figure 1 in small, CIFAR-10: PreResNet-20",
    random_planes,
    ex.Data("cifar10"),
    cost="1.5 hours on two cores; 45 minutes with AVX512_BF16 and --auto_bfloat16",
    network=ex.Network("preresnet20", weight_decay=0.0003),
    training=TrainingOptions(epochs=10, learning_rate=0.1, seed=1),
    grid=ex.Grid(num_train=1000, num_test=1000, seed=1),
    max_loss=10.0,
    smoke={"network": ex.Network("preresnet8", weight_decay=0.0003)},
)

# The surface is flatter for wide networks and for networks with skip connections.
width_cifar10_resnet56 = ex.Recipe(
    "Li et al. 2018, figure 6, CIFAR-10: WRN-56-k, skip connections",
    random_planes,
    ex.Data("cifar10"),
    cost="10 days on one recent data-center GPU (an estimate)",
    network=RESNET56["network"],
    training=RESNET56["training"],
    grid=ex.Grid(shape=51, num_train=10000, seed=1),
    variants={
        f"{name}_{width}": {**options, **({"width": width} if width > 1 else {})}
        for name, options in _SKIPS.items()
        for width in (1, 2, 4, 8)
    },
    max_loss=10.0,
    smoke=RESNET56["smoke"] | {"variants": {"skips_1": {}, "skips_2": {"width": 2}}},
)

# Maps of |smallest / largest eigenvalue| of the Hessian. Where it is near 0, the loss is convex.
eigenvalues_cifar10_resnet56 = ex.Recipe(
    "Li et al. 2018, section 6, CIFAR-10: eigenvalues, ResNet-56",
    **row(random_planes, RESNET56, "cifar10", "3 days"),
    grid=ex.Grid(eigenvalues=True, eigenvalue_tolerance=0.02, num_train=5000, seed=1),
)

eigenvalues_mnist = ex.Recipe(
    "Li et al. 2018, section 6 in small, MNIST: eigenvalues",
    random_planes,
    ex.Data("mnist"),
    cost="40 minutes on two cores (18 s a point, two were timed)",
    network=ex.Network("3conv3fc", options={"width": 0.05}, weight_decay=0.0005),
    training=replace(MNIST_TRAINING, epochs=5),
    grid=ex.Grid(
        shape=11, eigenvalues=True, eigenvalue_tolerance=0.02, num_train=500, num_test=1000, seed=1
    ),
    variants={"network": {}},
)

sharpness_cifar10_resnet56 = ex.Recipe(
    "Li et al. 2018, figures 2 and 3, CIFAR-10: ResNet-56",
    **row(sharpness, RESNET56, "cifar10", "40 hours"),
    grid=ex.Grid(margin=0.5, num_train=10000, seed=1),
    large_batch=8192,
)

_TEN_EPOCHS = {"training": TrainingOptions(epochs=10, learning_rate=0.05, batch_size=125, seed=1)}

sharpness_mnist = ex.Recipe(
    "Li et al. 2018, figures 2 and 3 in small, MNIST",
    sharpness,
    cost="3 minutes on two cores",
    **MNIST_FC | _TEN_EPOCHS,
    grid=ex.Grid(margin=0.5, num_train=5000, seed=1),
    large_batch=6000,
)

# One network per epoch.
trajectory_cifar10_resnet56 = ex.Recipe(
    "Li et al. 2018, figure 9, CIFAR-10: paths of ResNet-56",
    **row(paths, RESNET56, "cifar10", "20 hours"),
    grid=ex.Grid(shape=31, margin=0.3, num_train=10000, seed=1),
    runs={"small": {"trajectory_every": 391}, "large": {"batch_size": 8192, "trajectory_every": 7}},
)

trajectory_mnist = ex.Recipe(
    "Li et al. 2018, section 7 in small, MNIST: the path of training",
    paths,
    cost="2 minutes on two cores",
    **MNIST_FC | _TEN_EPOCHS,
    grid=ex.Grid(margin=0.3, num_train=5000, num_test=5000, seed=1),
    runs={"sgd": {"trajectory_every": 240}},
)
