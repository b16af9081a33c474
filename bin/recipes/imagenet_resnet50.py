"""ImageNet: ResNet-50, a Bezier curve between two networks that start from given weights.

No row of the paper, whose ImageNet experiment is FGE. Give --initial_weights a file of weights of
keras.applications.ResNet50, or none to train from scratch (then with --epochs=90 and
--learning_rate=0.1). Expected time on one recent data-centre GPU: 30 hours (an estimate, not
measured).
"""

from mc_tf.experiments import Data, Experiment, Network, two_networks
from mc_tf.training import TrainingOptions

DATA = Data("imagenet2012", smoke_image_size=32)


def experiment(
    network=Network("imagenet_resnet50", weight_decay=0.0001),
    training=TrainingOptions(
        epochs=10, learning_rate=0.01, batch_size=256, seed=1, precision="mixed_bfloat16"
    ),
    curve_training=TrainingOptions(
        epochs=10, learning_rate=0.01, batch_size=256, precision="mixed_bfloat16"
    ),
    curves=("segment", "bezier"),
    curve_seeds=(3,),
    num_points=21,
    num_train=50000,
):
    """Two networks and the curves between them."""
    steps = two_networks(
        network,
        training,
        curve_training,
        curves=curves,
        curve_seeds=curve_seeds,
        num_points=num_points,
        num_train=num_train,
    )
    return Experiment(steps, title="ImageNet, ResNet-50", eval_batch_size=250)


SMOKE = {"network": Network("densenet161", options={"blocks": [1, 1]}, weight_decay=0.0001)}
