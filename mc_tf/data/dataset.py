"""`Dataset`: the protocol of data sets for training, evaluation and programs."""

import copy
from typing import Any

import keras
import tensorflow as tf

from mc_tf.data.validation import check_num_examples, check_positive
from mc_tf.deprecation import warn_renamed

__all__ = ["Dataset"]

_SHUFFLED_AT_ONCE = 10_000  # examples in the shuffle buffer, if they are not arrays


class Dataset:
    """Base class of all data sets: training and test examples.

    A subclass defines `name`, `num_classes` and `examples(part)`. Everything else follows from
    these and can be overridden: a text, whose batches are consecutive windows, overrides the
    methods that serve batches and has no `examples`. For arrays in memory use `ArrayData`, without
    a subclass. `mc_tf.data.register` makes a data set available to all programs by name.

    A batch is `(x, y)`, as in Keras. A network for the data set maps `x` to `num_classes` logits
    (for a regression: values).

    Attributes:
        name: str, for messages and result files. Different data need different names, or different
            directories for training.
        num_classes: number of outputs of a network, an int.
        test_name: the part that `test_batches` serves: `"test"` (default), or `"validation"` if
            these examples were held out of the training examples, and can be used to make choices.

    Example:
    >>> class Halves(Dataset):
    ...     name, num_classes = "halves", 2
    ...     def examples(self, part):
    ...         x = tf.reshape(tf.linspace(0.0, 1.0, {"train": 10, "test": 4}[part]), (-1, 1))
    ...         return tf.data.Dataset.from_tensor_slices((x, tf.cast(x[:, 0] > 0.5, "int32")))
    >>> data = Halves()
    >>> data.input_shape, data.num_train, data.num_test, data.steps_per_epoch(4)
    ((1,), 10, 4, 3)
    """

    name: str
    num_classes: int
    test_name: str = "test"

    # Data.

    def examples(self, part: str) -> tf.data.Dataset:
        """Returns the examples of one part, unbatched, always in the same order.

        Args:
            part: `"train"` or `"test"`.

        Returns:
            `tf.data.Dataset` of `(x, y)`, not batched, whose `cardinality()` is known.
        """
        raise NotImplementedError(
            f"{type(self).__name__} needs a method `examples(part)` that returns a tf.data.Dataset "
            "of (x, y) for 'train' and for 'test', or its own methods `epoch_batches`, "
            "`train_eval_batches` and `test_batches`; see mc_tf.data.Dataset."
        )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example `x`, a tuple."""
        return tuple(self.examples("test").element_spec[0].shape)

    @property
    def num_train(self) -> int:
        """Number of training examples (for a text: words)."""
        return self._count("train")

    @property
    def num_test(self) -> int:
        """Total number of examples in `test_batches`."""
        return self._count("test")

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that identify the data and their preprocessing: a dict that can be saved.

        Resumed runs and evaluated networks must have been trained with the same settings: add
        everything else that changes the examples.
        """
        return {"data": self.name, "test": self.test_name, "train_examples": self.num_train}

    @property
    def has_validation(self) -> bool:
        """Whether there are validation examples, held out of training."""
        return self.test_name != "test"

    # Losses and metrics.

    def loss(self) -> keras.losses.Loss:
        """Returns the training loss; by default the cross-entropy of logits.

        Returns:
            New Keras loss; `MeanSquaredError` for a regression.
        """
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Returns the metrics, the most important first; by default the accuracy.

        Returns:
            List of new Keras metrics.
        """
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def network_options(self, batch_size: int) -> dict[str, Any]:
        """Returns options for the builder of a network, besides shapes; by default none.

        Args:
            batch_size: examples per batch.

        Returns:
            dict of options of the builder.
        """
        del batch_size
        return {}

    # Batches.

    def steps_per_epoch(self, batch_size: int = 128) -> int:
        """Number of training batches per epoch, including a short last batch.

        Args:
            batch_size: examples per batch. Default 128.

        Returns:
            `ceil(num_train / batch_size)`, an int.
        """
        check_positive("batch_size", batch_size)
        return -(-self.num_train // batch_size)

    def epoch_batches(
        self,
        batch_size: int = 128,
        seed: int = 0,
        epoch: int | tf.Tensor = 0,
        first_step: int | tf.Tensor = 0,
    ) -> tf.data.Dataset:
        """Returns the training batches of one epoch: every example once.

        Their order and augmentation depend only on `(seed, epoch)`, so training can resume at any
        step. A short last batch is kept.

        Args:
            batch_size: examples per batch. Default 128.
            seed: integer. Default 0.
            epoch: number of the epoch, counted from 0: an int or an int64 tensor. Default 0.
            first_step: number of batches to skip: an int or an int64 tensor. Default 0.

        Returns:
            Finite `tf.data.Dataset` of `(x, y)`.
        """
        steps = self.steps_per_epoch(batch_size)
        with tf.init_scope():  # created once, not in each epoch's graph
            stored = self.examples("train")
        buffer = min(self.num_train, _SHUFFLED_AT_ONCE)

        @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
        def shuffled(seeds):
            # Otherwise a shuffle depends on the caller's global seed; this sets the graph's seed.
            tf.compat.v1.set_random_seed(1)
            drawn = tf.random.stateless_uniform((), seeds, 1, 2**62, "int64", alg="philox")
            return stored.shuffle(buffer, drawn, reshuffle_each_iteration=False)

        seeds = tf.stack([tf.cast(seed, "int64"), tf.cast(epoch, "int64")])
        first_step = tf.cast(first_step, "int64")
        batches = tf.data.Dataset.from_tensors(seeds).flat_map(shuffled).batch(batch_size)
        length = tf.data.experimental.assert_cardinality(steps - first_step)
        return batches.skip(first_step).apply(length).prefetch(tf.data.AUTOTUNE)

    def train_eval_batches(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns training examples once, in a fixed order, without augmentation.

        Args:
            batch_size: examples per batch; the last may be shorter. Default 500.
            num_examples: number of examples, from the start. Default: all.

        Returns:
            Finite `tf.data.Dataset` of `(x, y)`.
        """
        return self._served("train", batch_size, num_examples)

    def batch_norm_data(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns training examples once, as seen in training, for batch normalization statistics.

        By default these are the batches of `train_eval_batches`. If training augments, they are
        augmented, too, equally in each pass. Arguments as for `train_eval_batches`.
        """
        return self.train_eval_batches(batch_size, num_examples=num_examples)

    def statistics_batches(self, *args: Any, **kwargs: Any) -> tf.data.Dataset:
        """The old name of `batch_norm_data`."""
        warn_renamed("`statistics_batches`", "`batch_norm_data`")
        return self.batch_norm_data(*args, **kwargs)

    def test_batches(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns test (or validation) batches; arguments as for `train_eval_batches`."""
        return self._served("test", batch_size, num_examples)

    def validation_batches(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns validation examples; arguments as for `train_eval_batches`.

        By default these are the batches of `test_batches`, see `test_name`.
        """
        return self.test_batches(batch_size, num_examples=num_examples)

    # For programs.

    def first(self, num_train: int | None = None, num_test: int | None = None) -> "Dataset":
        """Returns a data set with only the first examples.

        Args:
            num_train, num_test: maximum number of examples of each part. Default: all.

        Returns:
            `Dataset` with adapted `settings`.

        Raises:
            ValueError: if a subclass serves its own batches and does not override this method.
        """
        limits, few = {"train": num_train, "test": num_test}, copy.copy(self)
        vars(few)["examples"] = lambda part: self.examples(part).take(limits[part] or -1)
        for part, number in limits.items():
            if number is not None and getattr(few, f"num_{part}") > number:
                raise ValueError(
                    f"The data set {self.name!r} serves its batches itself, so it needs a "
                    "method `first(num_train, num_test)` to use only some of its examples."
                )
        return few

    def small(self, num_examples: int) -> "Dataset":
        """Returns a few examples, for trying a program; by default the first.

        Args:
            num_examples: number of training and of test examples.

        Returns:
            `Dataset`.
        """
        return self.first(num_examples, num_examples)

    def why_unreadable(self, reason: str) -> str:
        """Explains why TensorFlow could not read the data, for an error message.

        Args:
            reason: message of TensorFlow.

        Returns:
            str that names the data, or the damaged file.
        """
        return f"{reason} ({self.name})"

    def _count(self, part):
        with tf.init_scope():  # a number, even while tracing a graph
            count = int(self.examples(part).cardinality())
        if count < 1:
            raise ValueError(
                f"The {part} examples of {self.name!r} must be counted. Received a tf.data.Dataset "
                f"of cardinality {count}. Set it with "
                "`.apply(tf.data.experimental.assert_cardinality(number))`."
            )
        return count

    def _served(self, part, batch_size, num_examples):
        check_positive("batch_size", batch_size)
        total = check_num_examples(num_examples, self._count(part), "examples")
        return self.examples(part).take(total).batch(batch_size).prefetch(tf.data.AUTOTUNE)
