"""Corrupted images of five strengths, made when they are needed."""

import re
from typing import Any

import numpy as np
import tensorflow as tf

from mc_tf.arguments import check_counts, check_seed
from mc_tf.typing import ArrayLike

__all__ = ["CORRUPTIONS", "corrupt", "read_corruption"]

_DEGREES = (15, 30, 45, 60, 75)
_NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)  # of the range of values
_BLUR = (0.02, 0.04, 0.06, 0.08, 0.1)  # of the shorter side
_CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)


def corrupt(
    images: ArrayLike | tf.data.Dataset,
    kind: str,
    strength: int = 3,
    seed: int = 0,
    value_range: tuple[float, float] | None = None,
    first: int = 0,
) -> Any:
    """Corrupts images, to test networks on data unlike their training data.

    | kind | strengths 1 to 5 | after |
    | --- | --- | --- |
    | `"rotation"` | by 15, 30, 45, 60, 75 degrees, counterclockwise; the corners get the smallest \
value | Ovadia et al. 2019 (arXiv 1906.02530) |
    | `"noise"` | normal noise of deviation .08, .12, .18, .26, .38 of the range | ImageNet-C |
    | `"blur"` | Gaussian of deviation 2, 4, 6, 8, 10 % of the shorter side | ImageNet-C |
    | `"contrast"` | differences from the mean of each channel times .4, .3, .2, .1, .05 | \
ImageNet-C |

    ImageNet-C is of Hendrycks and Dietterich 2019 (arXiv 1903.12261). The noise of an image depends
    only on the seed and its number in the data set, so batches of any size are corrupted equally.
    Values stay in their range; integers are rounded.

    Args:
        images: array `(N, height, width, channels)`, also a TensorFlow, JAX or PyTorch one. Or a
            `tf.data.Dataset` of batches of images, or of tuples such as `(images, labels)`.
        kind: `"rotation"`, `"noise"`, `"blur"` or `"contrast"`.
        strength: from 1 to 5. Default 3.
        seed: seed of the noise. Default 0.
        value_range: the smallest and the largest possible value. Default: `(0, 255)` for integers,
            `(0, 1)` for floats.
        first: number of the first image, if these are a part of a data set. Default 0.

    Returns:
        numpy array of the shape and dtype of `images`, or `tf.data.Dataset` like `images`.

    Raises:
        ValueError: if an argument is invalid, or a value is out of range.

    Example:
        >>> image = np.array([[0, 0, 0], [0, 200, 0], [0, 0, 100]], "uint8")[None, :, :, None]
        >>> corrupt(image, "contrast", 1)[0, :, :, 0]
        array([[ 20,  20,  20],
               [ 20, 100,  20],
               [ 20,  20,  60]], dtype=uint8)
    """
    check_counts(high=5, strength=strength)
    check_seed(seed=seed)
    if kind not in CORRUPTIONS:
        raise ValueError(
            f"Unknown corruption. Received: kind={kind!r}. Expected one of: "
            f"{', '.join(CORRUPTIONS)}."
        )
    if isinstance(images, tf.data.Dataset):
        return _of_batches(images, (kind, strength, seed, value_range), first)
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype.kind not in "uif":
        raise ValueError(
            "Images must be numbers of shape (N, height, width, channels). Received shape: "
            f"{images.shape}, {images.dtype}."
        )
    whole = images.dtype.kind in "ui"
    low, high = value_range or ((0, 255) if whole else (0, 1))
    if images.size and not (low <= images.min() and images.max() <= high):
        raise ValueError(
            f"Images must have values from {low} to {high}. Received: from {images.min()} to "
            f"{images.max()}. Pass their own value_range=(low, high); corrupt images before they "
            "are normalized."
        )
    scaled = (images.astype("float32") - low) / np.float32(high - low)
    made = np.clip(_FUNCTIONS[kind](scaled, strength - 1, seed, first), 0, 1)
    made = made * np.float32(high - low) + np.float32(low)
    return (np.rint(made) if whole else made).astype(images.dtype)


def _rotate(images, index, seed, first):
    from scipy import ndimage

    options = {"axes": (2, 1), "reshape": False, "order": 1, "mode": "constant"}
    return ndimage.rotate(images, _DEGREES[index], **options)


def _add_noise(images, index, seed, first):
    streams = (
        np.random.Generator(np.random.Philox(key=[seed, first + k])) for k in range(len(images))
    )
    shape = images.shape[1:]
    noise = [stream.standard_normal(shape, "float32") for stream in streams]
    return images + np.float32(_NOISE[index]) * np.reshape(noise, images.shape)


def _blur(images, index, seed, first):
    from scipy import ndimage

    sigma = _BLUR[index] * min(images.shape[1:3])
    return ndimage.gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")


def _lower_contrast(images, index, seed, first):
    mean = images.mean((1, 2), keepdims=True)
    return mean + np.float32(_CONTRAST[index]) * (images - mean)


_FUNCTIONS = {
    "rotation": _rotate,
    "noise": _add_noise,
    "blur": _blur,
    "contrast": _lower_contrast,
}
CORRUPTIONS = tuple(_FUNCTIONS)


def _of_batches(dataset, arguments, first):
    spec = dataset.element_spec
    several = isinstance(spec, tuple)
    images = spec[0] if several else spec
    if not isinstance(images, tf.TensorSpec) or images.shape.rank != 4:
        raise ValueError(
            "The data set must have batches of images (batch, height, width, channels), or tuples "
            f"that begin with them. Received: {images}."
        )

    def made(batch, number):
        return corrupt(batch, *arguments, first=int(number))

    @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
    def step(number, element):
        batch = element[0] if several else element
        corrupted = tf.numpy_function(made, [batch, number], batch.dtype, stateful=False)
        corrupted.set_shape(batch.shape)
        after = number + tf.shape(batch, "int64")[0]
        return after, (corrupted, *element[1:]) if several else corrupted

    return dataset.scan(tf.constant(first, "int64"), step)


def read_corruption(text: str) -> tuple[str, int]:
    """Reads `KIND:STRENGTH`, such as `rotation:3`.

    Args:
        text: str.

    Returns:
        `(kind, strength)`.

    Raises:
        ValueError: if it is anything else.

    Example:
        >>> read_corruption("rotation:3")
        ('rotation', 3)
    """
    kind, _, strength = text.partition(":")
    if kind not in CORRUPTIONS or not re.fullmatch("[1-5]", strength):
        raise ValueError(
            f"A corruption is KIND:STRENGTH with one of {', '.join(CORRUPTIONS)}, and a strength "
            f"from 1 to 5, such as rotation:3. Received: {text!r}."
        )
    return kind, int(strength)
