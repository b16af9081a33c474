"""Section A.10 in small, MNIST: the polygonal chain through the members of an FGE ensemble.

No figure of the paper. Expected time: 7 minutes on two cores without an accelerator.
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

DATA = Data("mnist")


def experiment(
    network=Network("fc", weight_decay=0.0005),
    training=TrainingOptions(
        epochs=20, learning_rate=0.05, batch_size=125, seed=1, steps_per_execution=40
    ),
    grid=Grid(num_train=10000, seed=1),
    num_points=41,
):
    """Networks, and surfaces in which they lie."""
    steps = (
        Train("sgd", network, training, score=True),
        Train(
            "fge",
            checkpoint("sgd", 10),
            replace(
                training,
                epochs=10,
                schedule="triangular_cycle",
                cycle_epochs=2,
                learning_rate=0.1,
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
    return Experiment(steps, title="MNIST, fully connected")
