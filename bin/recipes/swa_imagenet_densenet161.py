"""Averaging weights (arXiv 1803.05407) on ImageNet: DenseNet-161 from given weights.

Give a file of weights with --initial_weights (without it the weights are random);
keras.applications has none for this network, the published numbers began with PyTorch's. Averages
after five and ten epochs, which are half a budget and one budget here. The paper's rates are not
known to us: the cycle is fast geometric ensembling's on ImageNet, in one epoch. Expected time on
one recent data-centre GPU: 24 hours (an estimate, not measured).
"""

from mc_tf.experiments import Data, Experiment, Network, swa_training, weight_averages
from mc_tf.training import TrainingOptions

DATA = Data("imagenet2012", normalization="torch", smoke_image_size=32)


def experiment(
    network=Network("densenet161", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=10, learning_rate=0.05, batch_size=256, seed=1, precision="mixed_bfloat16"
    ),
    methods=("swa",),
    swa_epochs=(5, 10),
    swa={"learning_rate": 0.001, "cycle_epochs": 1, "min_learning_rate": 1e-05},
    pretraining=0,
):
    """Ensembles and averages of equal budgets."""
    averaging = swa_training(training, max(swa_epochs), **swa)
    steps = weight_averages(
        network, training, averaging, swa_epochs, pretraining=pretraining, methods=methods
    )
    return Experiment(steps, title="ImageNet, DenseNet-161", eval_batch_size=200)


TARGETS = {
    "start": {"test_error": {"mean": 22.35}},
    "swa-0.5": {"test_error": {"mean": 21.74}},
    "swa-1": {"test_error": {"mean": 21.56}},
}

SMOKE = {"network": Network("densenet161", options={"blocks": [1, 1]}, weight_decay=0.0001)}
