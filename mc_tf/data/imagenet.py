"""`ImageNetData`: ImageNet streamed from its files, served as `tf.data` batches."""

import dataclasses

import keras
import tensorflow as tf

from mc_tf.data import tfds_reader as prepared
from mc_tf.data.dataset import Dataset
from mc_tf.data.decoding import NORMALIZATIONS, center_crop, normalize, random_crop
from mc_tf.data.shards import find_damage
from mc_tf.data.validation import check_num_examples, check_positive


def load_imagenet(data_dir=None, use_test=False, normalization=None, image_size=224):
    """Opens ImageNet (ILSVRC-2012), prepared by TFDS in `data_dir`.

    Its labeled validation images are the test images here, since published errors refer to them.
    Without `use_test`, the last hundredth of the training images is held out and replaces them.

    Args:
        data_dir: TFDS directory containing `imagenet2012/VERSION`. Defaults to
            `~/tensorflow_datasets`.
        use_test: Whether to train on all training images and test on the validation
            images. Defaults to `False`.
        normalization: `"caffe"`, as expected by the ResNet weights of `keras.applications`, or
            `"torch"`; see `decoding.normalize`. Defaults to `"caffe"`.
        image_size: Height and width of the images served, in pixels. Defaults to 224.

    Returns:
        An `ImageNetData`.

    Raises:
        ValueError: If the normalization is unknown or `image_size` is below 1.
        FileNotFoundError: If ImageNet is not prepared in `data_dir`.
    """
    builder = prepared.prepared_builder("imagenet2012", data_dir)
    normalization = normalization or NORMALIZATIONS[0]
    return ImageNetData(builder, use_test, normalization, image_size)


@dataclasses.dataclass(frozen=True, eq=False)
class ImageNetData(Dataset):
    """ImageNet on disk, and batches for training and evaluation.

    `load_imagenet` creates it. It works like `ImageData`, but reads and decodes images on demand. A
    batch is `(x, y)`: `x` float32 `(batch, image_size, image_size, 3)`, normalized; `y` int32
    `(batch,)`.

    Args:
        builder: `tfds.core.DatasetBuilder` of the prepared data set.
        use_test: Whether the test images are the validation split; otherwise they are held out of
            the training images. Defaults to `False`.
        normalization: `"caffe"` or `"torch"`. Defaults to `"caffe"`.
        image_size: Height and width of the images served, in pixels. Defaults to 224.
        limits: Maximum numbers of training and test images; see `first`.

    Raises:
        ValueError: If the normalization is unknown or `image_size` is below 1.
    """

    builder: object = dataclasses.field(repr=False)
    use_test: bool = False
    normalization: str = "caffe"
    image_size: int = 224
    limits: tuple = (None, None)

    def __post_init__(self):
        """Checks the options."""
        check_positive("image_size", self.image_size)
        if self.normalization not in NORMALIZATIONS:
            raise ValueError(
                f"Unknown normalization for {self.name!r}. Received: {self.normalization!r}. "
                f"Expected one of: {', '.join(NORMALIZATIONS)}."
            )

    @property
    def name(self):
        """Name of the data set, `"imagenet2012"`."""
        return self.builder.name

    @property
    def num_classes(self):
        """Number of classes, 1000."""
        return self.builder.info.features["label"].num_classes

    @property
    def input_shape(self):
        """Shape of one image, `(image_size, image_size, 3)`."""
        return (self.image_size, self.image_size, 3)

    @property
    def num_train(self):
        """Number of training images, without those held out."""
        stored = self._num_stored("train") - (0 if self.use_test else self._num_held_out)
        return min(stored, self.limits[0] or stored)

    @property
    def num_test(self):
        """Number of test images: from the validation split, or held out."""
        stored = self._num_stored("validation") if self.use_test else self._num_held_out
        return min(stored, self.limits[1] or stored)

    def first(self, num_train=None, num_test=None):
        """Returns a data set with only the first training and test images."""
        return dataclasses.replace(self, limits=(num_train, num_test))

    @property
    def has_validation(self):
        """Whether there are validation images: the test images were held out of training."""
        return not self.use_test

    @property
    def test_name(self):
        """Kind of the test images: `"validation"` or `"held-out train"`."""
        return "validation" if self.use_test else "held-out train"

    @property
    def settings(self):
        """Settings that identify the data, a dict of str and int."""
        served = {"normalization": self.normalization, "image_size": self.image_size}
        return {**super().settings, **served}

    def metrics(self):
        """Returns the metrics `accuracy` and `top_5_accuracy`."""
        return [
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseTopKCategoricalAccuracy(k=5, name="top_5_accuracy"),
        ]

    def why_unreadable(self, reason):
        """Names the damaged file, or the directory, see `Dataset.why_unreadable`."""
        return find_damage(self.builder) or f"{reason} ({self.builder.data_dir})"

    def epoch_batches(self, batch_size=128, seed=0, epoch=0, first_step=0, part=(0, 1)):
        """Returns the training batches of one epoch: every image once, with a short last batch.

        The order of the images, their crops and flips (see `random_crop`) depend only on
        `(seed, epoch)`.

        Args:
            batch_size: Images per batch. Defaults to 128.
            seed: Integer. Defaults to 0.
            epoch: Number of the epoch, counted from 0: an int or an int64 tensor.
            first_step: Number of batches to skip, which are read but not decoded: an int or a
                tensor. Defaults to 0.
            part: `(i, n)`: only the `i`-th of `n` equal parts of each batch, `i` from 0, for one of
                several processes, which decodes no other images; `n` divides `batch_size`. Defaults
                to whole batches.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`.
        """
        steps = self.steps_per_epoch(batch_size)
        seeds = tf.stack([tf.constant(seed, "int64"), tf.cast(epoch, "int64")])
        order, draws = tf.unstack(tf.random.split(seeds, 2, alg="philox"))

        def example(place, record):
            own = tf.random.fold_in(draws, place, alg="philox")
            return random_crop(record[0], own, self.image_size), record[1]

        first_step = tf.cast(first_step, "int64")
        records = prepared.encoded_examples(self.builder, self._train_split, order)
        records = records.enumerate().skip(first_step * batch_size)
        length = tf.data.experimental.assert_cardinality(steps - first_step)
        index, count = part
        batches = self._batches(records.shard(count, index), example, batch_size // count)
        if self.num_train - (steps - 1) * batch_size <= index:  # none of the last batch
            nothing = tf.zeros((0, *self.input_shape)), tf.zeros((0,), "int32")
            batches = batches.concatenate(tf.data.Dataset.from_tensors(nothing))
        return batches.apply(length).prefetch(tf.data.AUTOTUNE)

    def train_eval_batches(self, batch_size=500, num_examples=None):
        """Returns training images like `test_batches` for test images, with the same arguments."""
        return self._fixed_batches(self._train_split, self.num_train, batch_size, num_examples)

    def batch_norm_data(self, batch_size=500, num_examples=None):
        """Returns training images once in stored order, with crops and flips as in training.

        Args:
            batch_size: Images per batch; the last may be shorter. Defaults to 500.
            num_examples: Number of images, from the start. Defaults to all.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`, equal in each pass.
        """
        total = self._check_fixed(self.num_train, batch_size, num_examples)
        seed = tf.constant([0, 0], "int64")

        def example(place, record):
            own = tf.random.fold_in(seed, place, alg="philox")
            return random_crop(record[0], own, self.image_size), record[1]

        records = prepared.encoded_examples(self.builder, self._train_split).take(total)
        batches = self._batches(records.enumerate(), example, batch_size)
        return batches.prefetch(tf.data.AUTOTUNE)

    def test_batches(self, batch_size=500, num_examples=None):
        """Returns test images once in stored order.

        The shorter side of an image is resized to `256 / 224 * image_size` pixels and the center
        square is cropped.

        Args:
            batch_size: Images per batch; the last may be shorter. Defaults to 500.
            num_examples: Number of images, from the start. Defaults to all.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`.
        """
        split = "validation" if self.use_test else f"train[-{self._num_held_out}:]"
        return self._fixed_batches(split, self.num_test, batch_size, num_examples)

    @property
    def _num_held_out(self):
        return max(1, self._num_stored("train") // 100)

    @property
    def _train_split(self):
        return f"train[:{self.num_train}]"

    def _num_stored(self, split):
        return self.builder.info.splits[split].num_examples

    def _fixed_batches(self, split, available, batch_size, num_examples):
        total = self._check_fixed(available, batch_size, num_examples)
        records = prepared.encoded_examples(self.builder, split).take(total)

        def example(image, label):
            return center_crop(image, self.image_size), label

        return self._batches(records, example, batch_size).prefetch(tf.data.AUTOTUNE)

    def _check_fixed(self, available, batch_size, num_examples):
        check_positive("batch_size", batch_size)
        return check_num_examples(num_examples, available, "images")

    def _batches(self, records, example, batch_size):
        """Returns batches of normalized examples; `example` converts one record."""

        @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
        def normalized(*record):
            image, label = example(*record)
            return normalize(image, self.normalization), label

        examples = records.map(normalized, tf.data.AUTOTUNE, deterministic=True)
        return examples.batch(batch_size)
