"""Section A.10, CIFAR-100: ResNet-164, the polygonal chain through the members of an FGE ensemble.

Between the members the train loss is lower than at them (a figure without numbers). Expected time
on one recent data-centre GPU: 5 hours (an estimate, not measured).
"""

from dataclasses import replace

from mc_tf.experiments import (
    Chain,
    Data,
    Experiment,
    Grid,
    Network,
    Surface,
    SurfaceFigures,
    Train,
    checkpoint,
    member,
    members,
)
from mc_tf.training import TrainingOptions

DATA = Data("cifar100")


def experiment(
    network=Network("preresnet164", weight_decay=0.0003),
    training=TrainingOptions(epochs=150, learning_rate=0.1, seed=1),
    grid=Grid(seed=1),
    num_points=61,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("sgd", network, training, score=True),
        Train(
            "fge",
            checkpoint("sgd", 125),
            replace(
                training,
                epochs=22,
                schedule="triangular_cycle",
                cycle_epochs=4,
                learning_rate=0.05,
                min_learning_rate=0.0005,
                snapshots=True,
            ),
            score=True,
        ),
        Chain("chain", (members("fge"),), num_points=num_points, num_train=grid.num_train),
        Surface(
            "surfaces/members",
            "plane",
            {
                "member 1": member("fge", 1),
                "member 3": member("fge", 3),
                "member 5": member("fge", 5),
            },
            mark_mean=True,
            grid=grid,
        ),
        SurfaceFigures("figures"),
    )
    return Experiment(steps, title="CIFAR-100, ResNet-164")


SMOKE = {"network": Network("preresnet8", weight_decay=0.0003)}
