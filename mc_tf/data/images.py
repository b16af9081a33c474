"""`ImageData`: labeled images in memory, served as `tf.data` batches."""

import dataclasses
import math
from typing import Any, Self

import numpy as np
import tensorflow as tf

from mc_tf.data.arrays import ArrayData
from mc_tf.data.augmentation import crop_and_flip, epoch_plan
from mc_tf.data.corruptions import corrupt
from mc_tf.data.validation import check_channels, check_num_examples


@dataclasses.dataclass(frozen=True, eq=False)
class ImageData(ArrayData):
    """Labeled images in memory, and batches for training and evaluation.

    `mc_tf.data.load` creates it for a named data set; create it directly for your own images. A
    batch is `(x, y)`: `x` float32 `(batch, height, width, channels)`, equal to
    `(raw / scale - mean) / std`; `y` int32 `(batch,)`.

    Args:
        name: Name of the data set, for messages and result files. Different images need different
            names, or different directories for training.
        num_classes: Number of classes; labels are `0 .. num_classes - 1`.
        x_train: Array `(num_train, height, width, channels)`, raw values, usually uint8.
        y_train: Integer array `(num_train,)`.
        x_test: Array `(num_test, height, width, channels)`, like `x_train`.
        y_test: Integer array `(num_test,)`.
        mean: Mean of each channel after division by `scale`. Defaults to `(0.0,)`.
        std: Standard deviation of each channel after division by `scale`. Defaults to `(1.0,)`.
        scale: Largest raw value. Defaults to 255.
        padding: Zero pixels on each side for random crops. Defaults to 0, no crops.
        flip: Whether training images are mirrored at random. Defaults to `False`.
        test_name: `"test"`, or `"validation"` if `x_test` was held out of the training images.
            Defaults to `"test"`.
        usual: Dict of the values of `scale`, `padding` and `flip` implied by the name and omitted
            from `settings`. Defaults to the defaults above.

    Raises:
        ValueError: If the arrays do not match, or a label is out of range.

    Example:
    >>> x, y = np.zeros((10, 8, 8, 1), "uint8"), np.arange(10) % 2
    >>> data = ImageData("mine", 2, x, y, x[:4], y[:4])
    >>> data.image_shape, data.num_train, data.steps_per_epoch(4)
    ((8, 8, 1), 10, 3)
    """

    mean: tuple = (0.0,)
    std: tuple = (1.0,)
    scale: float = 255.0
    padding: int = 0
    flip: bool = False
    usual: dict = dataclasses.field(default_factory=dict, repr=False)
    _rank = 4

    def __post_init__(self):
        """Checks that the fields match."""
        super().__post_init__()
        for name in ("mean", "std"):
            check_channels(name, getattr(self, name), self.image_shape[-1])

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, `(height, width, channels)`."""
        return self.x_train.shape[1:]

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that identify the data and its preprocessing, as a dict."""
        told = {**super().settings, "mean": list(self.mean), "std": list(self.std)}
        usual = {"scale": 255.0, "padding": 0, "flip": False, **self.usual}
        others = {name: getattr(self, name) for name in usual}
        return told | {name: value for name, value in others.items() if value != usual[name]}

    def batch_norm_data(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns training images once in stored order, cropped and flipped as in training.

        Batch normalization statistics must match the augmented images: with statistics of stored
        images, the test error of a PreResNet-20 on CIFAR-10 increased by four percentage points.
        Arguments as for `Dataset.train_eval_batches`; equal in each pass.
        """
        _, *draws = self._plan(0, 0)
        return self._in_order(self._train_tensors, batch_size, num_examples, draws)

    def corrupted(self, kind: str, strength: int = 3, seed: int = 0) -> Self:
        """Returns a data set whose test images are corrupted, see `mc_tf.data.corrupt`.

        Training images stay as they are.

        Args:
            kind: `"rotation"`, `"noise"`, `"blur"` or `"contrast"`.
            strength: From 1 to 5. Defaults to 3.
            seed: Seed of the noise. Defaults to 0.

        Returns:
            `ImageData`, with another name.

        Example:
        >>> x, y = np.zeros((10, 8, 8, 1), "uint8"), np.arange(10) % 2
        >>> ImageData("mine", 2, x, y, x, y).corrupted("blur").name
        'mine, blur 3'
        """
        images = corrupt(self.x_test, kind, strength, seed, (0, self.scale))
        return dataclasses.replace(self, name=f"{self.name}, {kind} {strength}", x_test=images)

    def inputs_from(self, other: "ImageData", num_examples: int | None = None) -> np.ndarray:
        """Returns test images of another data set as inputs of networks for this one.

        They are scaled to these values, converted to grey or color, resized (bilinear, with
        antialiasing), and normalized: data out of distribution, see
        `mc_tf.ensemble.evaluate_out_of_distribution`.

        Args:
            other: `ImageData` with 1 or 3 channels.
            num_examples: Number of images, from the start. Defaults to all.

        Returns:
            float32 array `(n, height, width, channels)`.

        Raises:
            ValueError: If channels cannot be converted, or there are fewer images.

        Example:
        >>> x, y = np.zeros((4, 8, 8, 1), "uint8"), np.arange(4) % 2
        >>> large = np.zeros((4, 32, 32, 3), "uint8")
        >>> data = ImageData("small", 2, x, y, x, y)
        >>> data.inputs_from(ImageData("large", 2, large, y, large, y)).shape
        (4, 8, 8, 1)
        """
        total = check_num_examples(num_examples, other.num_test, f"images of {other.name!r}")
        images = tf.cast(other.x_test[:total], "float32") * (self.scale / other.scale)
        height, width, channels = self.image_shape
        if (other.image_shape[-1], channels) == (3, 1):
            images = tf.image.rgb_to_grayscale(images)
        elif other.image_shape[-1] == 1:
            images = tf.repeat(images, channels, -1)
        elif other.image_shape[-1] != channels:
            raise ValueError(
                f"Images of {other.name!r} have {other.image_shape[-1]} channels and images of "
                f"{self.name!r} {channels}: only grey and color images are converted."
            )
        return self.normalize(tf.image.resize(images, (height, width), antialias=True)).numpy()

    def normalize(self, images: np.ndarray | tf.Tensor) -> tf.Tensor:
        """Normalizes raw images for networks.

        Args:
            images: Tensor `(batch, height, width, channels)` of raw values, `0 .. scale`.

        Returns:
            float32 tensor `(images / scale - mean) / std` of the same shape.
        """
        size = math.prod(self.image_shape)  # One long axis: 3 channels broadcast slowly.
        mean = np.resize(self.mean, size)
        std = np.resize(self.std, size)
        slope = tf.constant(1.0 / (self.scale * std), "float32")
        shift = tf.constant(mean / std, "float32")
        flat = tf.cast(tf.reshape(images, (-1, size)), "float32")
        return tf.reshape(flat * slope - shift, (-1, *self.image_shape))

    def _plan(self, seed, epoch):
        return epoch_plan(self.num_train, seed, epoch, self.padding, self.flip)

    def _seen(self, x, *draws):
        if draws and (self.padding > 0 or self.flip):
            x = crop_and_flip(x, *draws, self.padding)
        return self.normalize(x)
