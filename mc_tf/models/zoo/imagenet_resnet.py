"""Keras' ResNet-50, 101 and 152 for ImageNet, with L2."""

from collections.abc import Sequence

import keras

from mc_tf.models.zoo.blocks import image_input, logits
from mc_tf.models.zoo.registry import register
from mc_tf.models.zoo.weight_decay import with_weight_decay

_MODELS = {
    50: keras.applications.ResNet50,
    101: keras.applications.ResNet101,
    152: keras.applications.ResNet152,
}


@register(
    "imagenet_resnet<depth>",
    examples=("imagenet_resnet50", "imagenet_resnet152"),
)
def imagenet_resnet(
    num_classes: int, input_shape: Sequence[int], weight_decay: float = 0.0, depth: int = 50
) -> keras.Model:
    """ResNet of `keras.applications` with logits, L2 and BN momentum 0.9.

    `load_weights` reads the published files of the same network that have a classifier, such as
    `resnet50_weights_tf_dim_ordering_tf_kernels.h5`.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 32 × 32 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: 50, 101 or 152. Defaults to 50.

    Returns:
        A `keras.Model`; for a thousand classes and three channels, the depths 50, 101
        and 152 have 25,583,592, 44,601,832 and 60,268,520 trainable weights.

    Raises:
        ValueError: If the depth is not supported, or the images are too small.
    """
    if depth not in _MODELS:
        raise ValueError(
            f"imagenet_resnet expects a depth of 50, 101 or 152. Received: depth={depth}."
        )
    name = f"imagenet_resnet{depth}"
    inputs = image_input(input_shape, name, smallest=32)
    features = _MODELS[depth](
        include_top=False, weights=None, input_tensor=inputs, pooling="avg"
    ).output
    outputs = logits(features, num_classes, as_reference=False)
    model = keras.Model(inputs, outputs, name=name)
    return with_weight_decay(model, weight_decay, momentum=0.9)
