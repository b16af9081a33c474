"""Preprocessing of photographs: decoding, cropping to a square, normalization."""

import numpy as np
import tensorflow as tf

_SHORTER_SIDE = 256 / 224  # in evaluation, relative to the crop
_BGR_MEAN = (103.939, 116.779, 123.68)
_RGB_MEAN, _RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZATIONS = ("caffe", "torch")


def random_crop(encoded, seed, size):
    """Randomly crops, resizes and mirrors one image.

    The crop covers 8 % to 100 % of the area with an aspect ratio of 3/4 to 4/3, and
    the image is mirrored with probability 1/2: the usual augmentation for ImageNet.

    Args:
        encoded: Scalar string tensor: a JPEG, PNG, GIF or BMP file.
        seed: Integer tensor `(2,)` that determines the crop and the mirroring.
        size: Height and width of the result, in pixels.

    Returns:
        float32 tensor `(size, size, 3)`: RGB values `0 .. 255`.
    """
    crop_seed, flip_seed = tf.unstack(tf.random.split(seed, 2, alg="philox"))

    def window(shape):
        begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
            image_size=shape,
            bounding_boxes=tf.zeros((1, 0, 4)),
            seed=crop_seed,
            min_object_covered=0.0,  # The object is the whole image: 0.1 would require 10 %.
            aspect_ratio_range=(3 / 4, 4 / 3),
            area_range=(0.08, 1.0),
            use_image_if_no_bounding_boxes=True,
        )
        return begin, extent

    def from_jpeg():
        begin, extent = window(tf.image.extract_jpeg_shape(encoded))
        box = tf.concat([begin[:2], extent[:2]], 0)
        return tf.image.decode_and_crop_jpeg(encoded, box, channels=3)

    def from_other():  # ImageNet names a PNG .JPEG; only JPEGs can be decoded in part.
        image = _decode(encoded)
        return tf.slice(image, *window(tf.shape(image)))

    image = tf.cond(tf.io.is_jpeg(encoded), from_jpeg, from_other)
    image = tf.image.resize(image, (size, size))
    mirrored = tf.random.stateless_uniform((), flip_seed, alg="philox") < 0.5
    image = tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
    return tf.ensure_shape(image, (size, size, 3))


def center_crop(encoded, size):
    """Resizes one image by its shorter side and crops the center square.

    Args:
        encoded: Scalar string tensor: a JPEG, PNG, GIF or BMP file.
        size: Height and width of the result, in pixels. The shorter side is resized
            to `256 / 224` of it.

    Returns:
        float32 tensor `(size, size, 3)`: RGB values `0 .. 255`.
    """
    image = _decode(encoded)
    shape = tf.cast(tf.shape(image)[:2], "float32")
    shorter = round(size * _SHORTER_SIDE)
    resized = tf.cast(tf.round(shape * (shorter / tf.reduce_min(shape))), "int32")
    row, column = tf.unstack((resized - size) // 2)
    image = tf.image.resize(image, resized)
    return tf.ensure_shape(image[row : row + size, column : column + size], (size, size, 3))


def normalize(images, normalization):
    """Normalizes RGB images for a network.

    Args:
        images: float32 tensor `(..., 3)`: RGB values `0 .. 255`.
        normalization: `"caffe"`: BGR minus 103.939 116.779 123.68; or `"torch"`: RGB /
            255, mean .485 .456 .406, deviation .229 .224 .225.

    Returns:
        float32 tensor of the same shape.

    Example:
    >>> normalize(tf.constant([[0.0, 0.0, 255.0]]), "caffe").numpy().astype(int).tolist()
    [[151, -116, -123]]
    """
    if normalization == "caffe":
        slopes, shift = np.eye(3)[::-1], -np.array(_BGR_MEAN)
    else:
        slopes = np.diag(1 / (255 * np.array(_RGB_STD)))
        shift = -np.array(_RGB_MEAN) / _RGB_STD
    # A matrix product takes a sixth of the time of reversing and broadcasting 3 channels.
    flat = tf.matmul(tf.reshape(images, (-1, 3)), tf.constant(slopes, "float32"))
    flat = tf.nn.bias_add(flat, tf.constant(shift, "float32"))
    return tf.reshape(flat, tf.shape(images))


def _decode(encoded):
    return tf.io.decode_image(encoded, channels=3, expand_animations=False)
