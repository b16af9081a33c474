"""`ArrayData`: labeled examples in memory, and the base class of such data sets."""

import dataclasses
import functools
from typing import Self

import numpy as np
import tensorflow as tf

from mc_tf.data.dataset import Dataset
from mc_tf.data.parts import bounds_of
from mc_tf.data.validation import check_examples, check_num_examples, check_positive

__all__ = ["ArrayData", "InMemoryData"]


class InMemoryData(Dataset):
    """Base class of data sets with arrays `x_train, y_train, x_test, y_test`."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.x_train.shape[1:]

    @property
    def num_train(self) -> int:
        """Number of training examples."""
        return len(self.x_train)

    @property
    def num_test(self) -> int:
        """Number of test (or validation) examples."""
        return len(self.x_test)

    def first(self, num_train: int | None = None, num_test: int | None = None) -> Self:
        """Returns a data set with only the first examples.

        Args:
            num_train: Maximum number of training examples. Defaults to all.
            num_test: Maximum number of test examples. Defaults to all.

        Returns:
            A data set of the same class.
        """
        return dataclasses.replace(
            self,
            x_train=self.x_train[:num_train],
            y_train=self.y_train[:num_train],
            x_test=self.x_test[:num_test],
            y_test=self.y_test[:num_test],
        )

    def held_out(self, num_examples: int) -> Self:
        """Returns a data set whose test examples are replaced by its last training examples.

        Use it to make choices on examples used in neither training nor the final test.

        Args:
            num_examples: Number of examples to hold out.

        Returns:
            A data set of the same class, whose `test_name` is `"validation"`.

        Example:
        >>> x, y = np.zeros((10, 2), "float32"), np.arange(10) % 2
        >>> held_out = ArrayData("mine", 2, x, y, x[:4], y[:4]).held_out(3)
        >>> held_out.num_train, held_out.num_test, held_out.test_name
        (7, 3, 'validation')
        """
        kept = self.num_train - num_examples
        if not 0 < kept < self.num_train:
            raise ValueError(
                f"held_out expects a number from 1 to {self.num_train - 1}, fewer than the "
                f"training examples. Received: num_examples={num_examples}."
            )
        return dataclasses.replace(
            self,
            x_train=self.x_train[:kept],
            y_train=self.y_train[:kept],
            x_test=self.x_train[kept:],
            y_test=self.y_train[kept:],
            test_name="validation",
        )

    def epoch_batches(
        self,
        batch_size: int = 128,
        seed: int = 0,
        epoch: int | tf.Tensor = 0,
        first_step: int | tf.Tensor = 0,
        part: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """Returns the training batches of one epoch, see `Dataset.epoch_batches`.

        Args:
            batch_size, seed, epoch, first_step: see `Dataset.epoch_batches`.
            part: `(i, n)`: only the `i`-th of `n` equal parts of each batch, `i` from 0, for one of
                several processes. Defaults to whole batches.
        """
        steps = self.steps_per_epoch(batch_size)
        x, y = self._train_tensors
        plan = self._plan(seed, epoch)

        @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
        def examples(step):
            end = tf.minimum((step + 1) * batch_size, self.num_train)
            own = slice(*bounds_of(part, step * batch_size, end))
            indices, *draws = (drawn[own] for drawn in plan)
            return self._seen(tf.gather(x, indices), *draws), tf.gather(y, indices)

        batches = tf.data.Dataset.range(first_step, steps)
        batches = batches.map(examples, tf.data.AUTOTUNE, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    def train_eval_batches(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Training examples in their stored order, see `Dataset.train_eval_batches`."""
        return self._in_order(self._train_tensors, batch_size, num_examples)

    def test_batches(
        self, batch_size: int = 500, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Test (or validation) examples in their stored order, see `Dataset.test_batches`."""
        return self._in_order(self._test_tensors, batch_size, num_examples)

    @functools.cached_property
    def _train_tensors(self):
        return _host_tensors(self.x_train, self.y_train)

    @functools.cached_property
    def _test_tensors(self):
        return _host_tensors(self.x_test, self.y_test)

    def _plan(self, seed, epoch):
        """Tensors `(num_train, ...)` in epoch order: indices, and arguments of `_seen`."""
        seeds = tf.stack([tf.cast(seed, "int64"), tf.cast(epoch, "int64")])
        return (tf.random.experimental.stateless_shuffle(tf.range(self.num_train), seeds),)

    def _seen(self, x, *draws):
        """Preprocesses stored examples, with or without the draws of the plan."""
        return x

    def _in_order(self, tensors, batch_size, num_examples, draws=()):
        check_positive("batch_size", batch_size)
        x, y = tensors
        total = check_num_examples(num_examples, len(x), "examples")

        @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
        def examples(start):
            part = slice(start, tf.minimum(start + batch_size, total))
            return self._seen(x[part], *(drawn[part] for drawn in draws)), y[part]

        starts = tf.data.Dataset.range(0, total, batch_size)
        batches = starts.map(examples, tf.data.AUTOTUNE, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayData(InMemoryData):
    """Examples of any shape in memory, with one label each, without preprocessing.

    For images use `ImageData`, which scales and augments them; for real targets `RegressionData`.

    Args:
        name: Name of the data set, for messages and result files.
        num_classes: Number of classes; labels are `0 .. num_classes - 1`.
        x_train: Array `(num_train, ...)`, inputs of a network.
        y_train: Integer array `(num_train,)`.
        x_test: Array `(num_test, ...)`.
        y_test: Integer array `(num_test,)`.
        test_name: `"test"`, or `"validation"` if `x_test` was held out of the training examples,
            see `held_out`. Defaults to `"test"`.

    Raises:
        ValueError: If the arrays do not match, or a label is out of range.
    """

    name: str
    num_classes: int
    x_train: np.ndarray = dataclasses.field(repr=False)
    y_train: np.ndarray = dataclasses.field(repr=False)
    x_test: np.ndarray = dataclasses.field(repr=False)
    y_test: np.ndarray = dataclasses.field(repr=False)
    test_name: str = dataclasses.field(default="test", kw_only=True)
    _rank = None  # required rank of x_train; here any

    def __post_init__(self):
        """Checks that the fields match."""
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            check_examples(part, x, y, self.num_classes, self._rank)
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise ValueError(
                "x_train and x_test must have examples of one shape. Received: "
                f"{self.x_train.shape[1:]} and {self.x_test.shape[1:]}."
            )


def _host_tensors(x, y):
    """Eager tensors in host memory, captured by functions without copies in graphs."""
    labels = "int32" if np.issubdtype(np.asarray(y).dtype, np.integer) else None
    with tf.init_scope(), tf.device("CPU:0"):
        return tf.constant(x), tf.constant(y, labels)
