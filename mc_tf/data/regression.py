"""A regression with one input, on which the functions along a curve can be drawn."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from mc_tf.data.arrays import ArrayData
from mc_tf.data.validation import check_num_examples, check_positive

__all__ = ["RegressionData", "load_regression"]

_GAPS = ((-1.0, -0.6), (-0.15, 0.25), (0.6, 1.0))  # where the inputs lie; networks differ between


def load_regression(use_test=False):
    """Noisy values of a smooth function at inputs in three groups, made with a fixed seed.

    `y = sin(4 x) + 0.4 cos(13 x)` with noise of standard deviation 0.1, in the manner of the
    one-input regressions with which mode connectivity is illustrated. Nothing is downloaded.

    Args:
        use_test: Whether to test on 60 inputs of their own, rather than on the last fifth of the 60
            training inputs.

    Returns:
        `RegressionData`.
    """
    generator = np.random.default_rng(0)
    parts = {}
    for part in ("train", "test"):
        x = np.concatenate([generator.uniform(low, high, 20) for low, high in _GAPS])
        x = generator.permutation(x)[:, None].astype("float32")
        noise = 0.1 * generator.standard_normal(x.shape)
        y = (np.sin(4 * x) + 0.4 * np.cos(13 * x) + noise).astype("float32")
        parts[part] = (x, y)
    if not use_test:
        x, y = parts["train"]
        parts = {"train": (x[:48], y[:48]), "test": (x[48:], y[48:])}
    return RegressionData(*parts["train"], *parts["test"], "test" if use_test else "validation")


@dataclasses.dataclass(frozen=True, eq=False)
class RegressionData(ArrayData):
    """Inputs and real targets in memory, with the batches that training and evaluation read.

    Args:
        x_train, x_test: float32 arrays `(n, inputs)`.
        y_train, y_test: float32 arrays `(n, outputs)`.
        test_name: `"test"`, or `"validation"` for held-out training examples.
        name: For messages and result files.

    Example:
    >>> data = load_regression(use_test=True)
    >>> data.input_shape, data.num_train, data.num_test
    ((1,), 60, 60)
    """

    x_train: np.ndarray = dataclasses.field(repr=False)
    y_train: np.ndarray = dataclasses.field(repr=False)
    x_test: np.ndarray = dataclasses.field(repr=False)
    y_test: np.ndarray = dataclasses.field(repr=False)
    test_name: str = "test"
    name: str = "regression"

    @property
    def num_classes(self):
        """Number of outputs of a network."""
        return self.y_train.shape[1]

    @property
    def input_shape(self):
        """Shape of one example."""
        return self.x_train.shape[1:]

    @property
    def settings(self):
        """What identifies the data and how it is served, as a dict."""
        return {"data": self.name, "test": self.test_name, "train_examples": self.num_train}

    def loss(self):
        """What a network is trained with: the mean squared error."""
        return keras.losses.MeanSquaredError()

    def metrics(self):
        """What a network is judged by, a list of new Keras metrics."""
        return [keras.metrics.RootMeanSquaredError(name="root_mean_squared_error")]

    def epoch_batches(self, batch_size=16, seed=0, epoch=0, first_step=0):
        """The training batches of one epoch, in an order that depends on `(seed, epoch)` alone.

        Args:
            batch_size: Examples a batch. Defaults to 16.
            seed: Integer. Defaults to 0.
            epoch: Number of the epoch, counted from 0: an int or an int64 tensor.
            first_step: Batches to leave out at the beginning: an int or an int64 tensor.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`.
        """
        check_positive("batch_size", batch_size)
        seeds = tf.stack([tf.cast(seed, "int64"), tf.cast(epoch, "int64")])
        order = tf.random.experimental.stateless_shuffle(tf.range(self.num_train), seeds)
        x, y = tf.gather(self.x_train, order), tf.gather(self.y_train, order)
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size).skip(first_step)

    def train_eval_batches(self, batch_size=500, num_examples=None):
        """Training examples in their stored order, once.

        Args:
            batch_size: Examples a batch. Defaults to 500.
            num_examples: Serve only the first so many. Defaults to all.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`.
        """
        return _batches(self.x_train, self.y_train, batch_size, num_examples)

    def test_batches(self, batch_size=500, num_examples=None):
        """Test (or validation) examples in their stored order, once.

        Args:
            batch_size: Examples a batch. Defaults to 500.
            num_examples: Serve only the first so many. Defaults to all.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`.
        """
        return _batches(self.x_test, self.y_test, batch_size, num_examples)


def _batches(x, y, batch_size, num_examples):
    check_positive("batch_size", batch_size)
    total = check_num_examples(num_examples, len(x), "examples")
    return tf.data.Dataset.from_tensor_slices((x[:total], y[:total])).batch(batch_size)
