"""`Dataset`: what training, evaluation and the programs ask of a data set."""

import copy
from typing import Any

import keras
import tensorflow as tf

from mc_tf.data.validation import check_num_examples, check_positive
from mc_tf.deprecation import warn_renamed

__all__ = ["Dataset"]

_SHUFFLED_AT_ONCE = 10_000  # examples in memory, where they are no arrays


class Dataset:
    """Base class of all data sets: examples for training and others for testing.

    A subclass gives `name`, `num_classes` and `examples(part)`. All else follows from these, and
    may be given otherwise: a text, whose batches are windows that follow each other, overrides
    the methods that serve batches, and has no `examples`. For arrays in memory there is
    `ArrayData`, which needs no subclass. `mc_tf.data.register` gives a data set a name that
    every program knows.

    A batch is `(x, y)`, as Keras takes it. A network for the data set maps `x` to `num_classes`
    logits (of a regression: values).

    Attributes:
        name: str, for messages and result files. Other data need another name, or another
            directory for what is trained on them.
        num_classes: number of outputs of a network, an int.
        test_name: what `test_batches` serves: `"test"` (default), or `"validation"` if these
            examples were held out of the training examples, so that choices may be made by them.

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

    # What the data are.

    def examples(self, part: str) -> tf.data.Dataset:
        """The examples of one part, one by one, always in the same order.

        Args:
            part: `"train"` or `"test"`.

        Returns:
            `tf.data.Dataset` of `(x, y)`, not batched, whose `cardinality()` is known.
        """
        raise NotImplementedError(
            f"{type(self).__name__} needs a method `examples(part)` that returns a tf.data.Dataset "
            "of (x, y) for 'train' and for 'test', or methods `epoch_batches`, "
            "`train_eval_batches` and `test_batches` of its own; see mc_tf.data.Dataset."
        )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example `x`, a tuple."""
        return tuple(self.examples("test").element_spec[0].shape)

    @property
    def num_train(self) -> int:
        """Number of training examples (of a text: words)."""
        return self._count("train")

    @property
    def num_test(self) -> int:
        """Number of examples that `test_batches` serves in all."""
        return self._count("test")

    @property
    def settings(self) -> dict[str, Any]:
        """What identifies the data and how they are served: a dict that files can hold.

        A run that resumes, and a network that is evaluated, must have been trained with these:
        add what else changes the examples.
        """
        return {"data": self.name, "test": self.test_name, "train_examples": self.num_train}

    @property
    def has_validation(self) -> bool:
        """Whether there are examples to choose by, which were held out of training."""
        return self.test_name != "test"

    # What a network is trained with and judged by.

    def loss(self) -> keras.losses.Loss:
        """What a network is trained with: by default the cross-entropy of its logits.

        Returns:
            New Keras loss; `MeanSquaredError` for a regression.
        """
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[keras.metrics.Metric]:
        """What a network is judged by, the most important first: by default the accuracy.

        Returns:
            List of new Keras metrics.
        """
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def network_options(self, batch_size: int) -> dict[str, Any]:
        """What a registered builder must know of the data besides its shapes: by default nothing.

        Args:
            batch_size: examples a batch.

        Returns:
            dict from the name of a builder's option to its value.
        """
        del batch_size
        return {}

    # Batches.

    def steps_per_epoch(self, batch_size: int = 128) -> int:
        """Number of training batches an epoch, the short last one included.

        Args:
            batch_size: examples a batch. Default 128.

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
        """The training batches of one epoch: every example once, the short last batch kept.

        Their order, and all that is drawn for them, depend on `(seed, epoch)` alone, so that
        training resumes at any step.

        Args:
            batch_size: examples a batch. Default 128.
            seed: integer. Default 0.
            epoch: number of the epoch, counted from 0: an int or an int64 tensor. Default 0.
            first_step: batches to leave out at the beginning: an int or an int64 tensor. Default 0.

        Returns:
            Finite `tf.data.Dataset` of `(x, y)`.
        """
        steps = self.steps_per_epoch(batch_size)
        with tf.init_scope():  # made once, not anew in each epoch's graph
            stored = self.examples("train")
        buffer = min(self.num_train, _SHUFFLED_AT_ONCE)

        @tf.autograph.experimental.do_not_convert  # there is nothing to convert, which takes time
        def shuffled(seeds):
            # Else a shuffle mixes the caller's global seed in; this sets the graph's own.
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
        """Training examples once, in an order that is always the same, without augmentation.

        Args:
            batch_size: examples a batch; the last may be shorter. Default 500.
            num_examples: serve only the first of them. Default: all.

        Returns:
            Finite `tf.data.Dataset` of `(x, y)`.
        """
        return self._served("train", batch_size, num_examples)

    def batch_norm_data(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Training examples once, as training sees them, for statistics of batch normalization.

        By default those of `train_eval_batches`; with augmentation in training these are
        augmented, too, the same at each pass. Arguments as of `train_eval_batches`.
        """
        return self.train_eval_batches(batch_size, num_examples=num_examples)

    def statistics_batches(self, *args: Any, **kwargs: Any) -> tf.data.Dataset:
        """The old name of `batch_norm_data`."""
        warn_renamed("`statistics_batches`", "`batch_norm_data`")
        return self.batch_norm_data(*args, **kwargs)

    def test_batches(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Test (or validation, see `test_name`) examples; arguments as of `train_eval_batches`."""
        return self._served("test", batch_size, num_examples)

    def validation_batches(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Examples to choose by; arguments as of `train_eval_batches`.

        By default those of `test_batches`, which say by `test_name` what they are.
        """
        return self.test_batches(batch_size, num_examples=num_examples)

    # For programs.

    def first(self, num_train: int | None = None, num_test: int | None = None) -> "Dataset":
        """The same data set with its first examples only.

        Args:
            num_train, num_test: how many of each part, at most. Default: all.

        Returns:
            `Dataset`, whose `settings` say so.

        Raises:
            ValueError: of a class that serves its batches itself and has no such method.
        """
        limits, few = {"train": num_train, "test": num_test}, copy.copy(self)
        vars(few)["examples"] = lambda part: self.examples(part).take(limits[part] or -1)
        for part, number in limits.items():
            if number is not None and getattr(few, f"num_{part}") > number:
                raise ValueError(
                    f"The data set {self.name!r} serves its batches itself, so it needs a method "
                    "`first(num_train, num_test)` of its own to use some of its examples only."
                )
        return few

    def small(self, num_examples: int) -> "Dataset":
        """A few of the examples, with which a program can be tried: by default the first.

        Args:
            num_examples: how many for training, and for testing.

        Returns:
            `Dataset`.
        """
        return self.first(num_examples, num_examples)

    def why_unreadable(self, reason: str) -> str:
        """Why TensorFlow could not read the data, for an error message.

        Args:
            reason: what TensorFlow says.

        Returns:
            str that names the data, or the damaged file.
        """
        return f"{reason} ({self.name})"

    def _count(self, part):
        with tf.init_scope():  # a number, where a graph is traced, too
            count = int(self.examples(part).cardinality())
        if count < 1:
            raise ValueError(
                f"The {part} examples of {self.name!r} must be counted. Received a tf.data.Dataset "
                f"of cardinality {count}. Give it one with "
                "`.apply(tf.data.experimental.assert_cardinality(number))`."
            )
        return count

    def _served(self, part, batch_size, num_examples):
        check_positive("batch_size", batch_size)
        total = check_num_examples(num_examples, self._count(part), "examples")
        return self.examples(part).take(total).batch(batch_size).prefetch(tf.data.AUTOTUNE)
