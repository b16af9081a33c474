"""Fast geometric ensembling on ImageNet: ResNet-50 from given weights.

Give the weights file of keras.applications' ResNet50 with --initial_weights (without it the
weights are random). It is not the network of the published numbers, whose weights are PyTorch's,
and its own error is another one. Five epochs; the given network is a member. Expected time on one
recent data-centre GPU: 6 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, equal_budgets, fge_training
from mc_tf.training import TrainingOptions

DATA = Data("imagenet2012", smoke_image_size=32)


def experiment(
    network=Network("imagenet_resnet50", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=30, learning_rate=0.05, batch_size=256, seed=1, precision="mixed_bfloat16"
    ),
    methods=("fge",),
    budgets=1,
    fge_starts=(0,),
    fge={"epochs": 5, "cycle_epochs": 2, "max_learning_rate": 0.001, "min_learning_rate": 1e-05},
):
    """Ensembles and averages of equal budgets."""
    steps = equal_budgets(
        network,
        training,
        methods=methods,
        budgets=budgets,
        fge=fge_training(training, **fge),
        fge_starts=fge_starts,
        include_start=True,
    )
    return Experiment(steps, title="ImageNet, ResNet-50", eval_batch_size=200)


TARGETS = {"start": {"test_error": {"mean": 23.87}}, "fge-1": {"test_error": {"mean": 23.31}}}

SMOKE = {"network": Network("densenet161", options={"blocks": [1, 1]}, weight_decay=0.0001)}
