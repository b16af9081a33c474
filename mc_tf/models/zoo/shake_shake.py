"""Residual networks with shake-shake regularization, of any depth and width."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mc_tf.models.zoo.blocks import batch_norm, conv, conv3x3, image_input, logits
from mc_tf.models.zoo.registry import register
from mc_tf.models.zoo.residual import blocks_in_stage
from mc_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable("mc_tf")
class ShakeMix(keras.layers.Layer):
    """Mixes two tensors at random in training, and averages them otherwise.

    In training the output is `alpha * a + (1 - alpha) * b`, while the gradients with respect to `a`
    and `b` use `beta * a + (1 - beta) * b`. Both `alpha` and `beta` are drawn uniformly from [0, 1]
    for each image.

    Args:
        seed: Integer seed of the draws. Defaults to Keras' random seed.
        **kwargs: Arguments of `keras.layers.Layer`.

    Example:
    >>> mixed = ShakeMix()([keras.ops.zeros((2, 1, 1, 1)), keras.ops.ones((2, 1, 1, 1))])
    >>> [float(value) for value in keras.ops.reshape(mixed, -1)]
    [0.5, 0.5]
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, branches: Sequence[Tensor], training: bool = False) -> Tensor:
        """Mixes a list of two tensors of one shape `(batch, ...)`."""
        a, b = branches
        if not training:
            return (a + b) / 2
        forward, backward = self._mix(a, b), self._mix(a, b)
        return ops.stop_gradient(forward - backward) + backward

    def _mix(self, a, b):
        shape = (ops.shape(a)[0],) + (1,) * (len(a.shape) - 1)
        share = keras.random.uniform(shape, dtype=self.compute_dtype, seed=self.seed_generator)
        return share * a + (1 - share) * b

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Returns the shape of the output, equal to the shape of each input."""
        return input_shape[0]

    def get_config(self) -> Config:
        """Returns the constructor arguments of the layer."""
        return {**super().get_config(), "seed": self.seed}


@register("shakeshake<depth>x<width>", examples=("shakeshake26x64",))
def shake_shake(
    num_classes: int,
    input_shape: Sequence[int],
    weight_decay: float = 0.0,
    depth: int = 26,
    width: int = 64,
) -> keras.Model:
    """Shake-shake network (Gastaldi 2017); depth 26, width 64 is his "26 2x64d".

    A 3 × 3 convolution of 16 channels and BN, three stages of `n` blocks with `width`, `2 * width`
    and `4 * width` channels (stride 2 at the start of the second and third), ReLU, global average
    pooling, logits. A block adds to its input two branches mixed by `ShakeMix`, each twice ReLU, a
    3 × 3 convolution and BN. Where the channels change, the shortcut is ReLU, two 1 × 1
    convolutions to half of the channels each, the second on the image shifted by one pixel so that
    with a stride it sees other pixels, and BN. Convolutions have no biases. The bias of the logits
    is initialized to zero.

    Args:
        num_classes: Number of logits.
        input_shape: `(height, width, channels)`, at least 4 × 4 pixels.
        weight_decay: Factor `wd` of `wd / 2 * sum(w ** 2)`. Defaults to 0.
        depth: Number of weighted layers in one branch without BN, `6 n + 2`. Defaults to 26.
        width: Channels of the first stage, an even number. Defaults to 64.

    Returns:
        A `keras.Model`; for ten / a hundred classes at `(32, 32, 3)`, depth 26 and width
        64 have 11,653,978 / 11,677,108 trainable weights.

    Raises:
        ValueError: If no such network has the depth, the width is odd or less than 2, or
            the images are too small.

    Example:
    >>> shake_shake(10, (32, 32, 3), depth=8, width=4).output_shape
    (None, 10)
    """
    blocks = blocks_in_stage(depth, 6, 2, "shakeshake")
    if width < 2 or width % 2:
        raise ValueError(f"shakeshake expects an even width, 2 or more. Received: width={width}.")
    inputs = image_input(input_shape, "shakeshake", smallest=4)
    x = conv3x3(inputs, 16, weight_decay, use_bias=False)
    x = batch_norm(weight_decay)(x)
    for stage, filters in enumerate((width, 2 * width, 4 * width)):
        for index in range(blocks):
            strides = 2 if stage > 0 and index == 0 else 1
            x = _block(x, filters, strides, weight_decay)
    x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = logits(x, num_classes, weight_decay, zero_bias=True)
    return keras.Model(inputs, outputs, name=f"shakeshake{depth}x{width}")


def _block(x, filters, strides, weight_decay):
    branches = [_branch(x, filters, strides, weight_decay) for _ in range(2)]
    if x.shape[-1] != filters:
        x = _shortcut(x, filters, strides, weight_decay)
    return keras.layers.add([x, ShakeMix()(branches)])


def _branch(x, filters, strides, weight_decay):
    for step in (strides, 1):
        x = keras.layers.ReLU()(x)
        x = conv3x3(x, filters, weight_decay, step, use_bias=False)
        x = batch_norm(weight_decay)(x)
    return x


def _shortcut(x, filters, strides, weight_decay):
    x = keras.layers.ReLU()(x)
    shifted = keras.layers.Cropping2D(((0, 1), (0, 1)))(x)
    shifted = keras.layers.ZeroPadding2D(((1, 0), (1, 0)))(shifted)
    halves = [
        conv(filters // 2, 1, weight_decay, strides, padding="valid", use_bias=False)(image)
        for image in (x, shifted)
    ]
    return batch_norm(weight_decay)(keras.layers.concatenate(halves))
