"""Averaging weights (arXiv 1803.05407) on ImageNet: ResNet-50 from given weights.

Give the weights file of keras.applications' ResNet50 with --initial_weights (without it the
weights are random). It is not the network of the published numbers, whose weights are PyTorch's,
and its own error is another one. Averages after five and ten epochs, which are half a budget and
one budget here. The paper's rates are not known to us: the cycle is fast geometric ensembling's on
ImageNet, in one epoch. Expected time on one recent data-centre GPU: 10 hours (an estimate, not
measured).
"""

from mc_tf.experiments import Data, Experiment, Network, swa_training, weight_averages
from mc_tf.training import TrainingOptions

DATA = Data("imagenet2012", smoke_image_size=32)


def experiment(
    network=Network("imagenet_resnet50", weight_decay=0.0001),
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
    return Experiment(steps, title="ImageNet, ResNet-50", eval_batch_size=200)


TARGETS = {
    "start": {"test_error": {"mean": 23.85}},
    "swa-0.5": {"test_error": {"mean": 23.17}},
    "swa-1": {"test_error": {"mean": 23.03}},
}

SMOKE = {"network": Network("densenet161", options={"blocks": [1, 1]}, weight_decay=0.0001)}
