"""`TextData`: text as one long sequence of words, served in consecutive windows."""

import dataclasses
import functools
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mc_tf.data.dataset import Dataset
from mc_tf.data.validation import check_num_examples, check_positive
from mc_tf.metrics import Perplexity

__all__ = ["TextData", "build_vocabulary", "encode"]


def build_vocabulary(words):
    """Lists the distinct words by decreasing frequency, ties in alphabetical order.

    Args:
        words: List of str.

    Returns:
        List of str.

    Example:
    >>> build_vocabulary("b a b c a b".split())
    ['b', 'a', 'c']
    """
    distinct, counts = np.unique(np.asarray(words), return_counts=True)
    return distinct[np.lexsort((distinct, -counts))].tolist()


def encode(words, vocabulary, part):
    """Converts words to their indices in a vocabulary; unknown words become `<unk>`.

    Args:
        words: List of str.
        vocabulary: List of distinct str.
        part: Name of the text in messages.

    Returns:
        int32 array `(len(words),)`.

    Raises:
        ValueError: If a word is unknown and the vocabulary has no `<unk>`.

    Example:
    >>> encode(["b", "z"], ["a", "b", "<unk>"], "test").tolist()
    [1, 2]
    """
    numbers = {word: number for number, word in enumerate(vocabulary)}
    unknown = numbers.get("<unk>")
    if unknown is None:
        strange = next((word for word in words if word not in numbers), None)
        if strange is not None:
            raise ValueError(
                f"The word {strange!r} of the {part} text is not in the vocabulary of the training "
                "text, which has no <unk>. Give three parts of one text."
            )
    return np.array([numbers.get(word, unknown) for word in words], "int32")


@dataclasses.dataclass(frozen=True, eq=False)
class TextData(Dataset):
    """Three parts of a text as sequences of word indices, for a language model.

    Each part is cut into `batch_size` streams of equal length, and a batch is a window of
    `num_steps` words of each stream: `x` int32 `(batch_size, num_steps)`, and `y` the words that
    follow, of the same shape. Batches are consecutive in the text, so that a stateful recurrent
    network carries its state over to the next batch (as in the TensorFlow tutorial on Penn
    Treebank).

    Args:
        name: Name of the text, for messages and result files.
        vocabulary: List of the distinct words; word `vocabulary[i]` has index `i`.
        train, validation, test: Integer arrays `(words,)`.
        num_steps: Words per window, the number of steps for backpropagation. Defaults to 20.
        test_name: The part that `test_batches` serves, `"test"` (default) or `"validation"`.

    Raises:
        ValueError: If a part is empty, or an index is outside the vocabulary.

    Example:
    >>> words = np.arange(100) % 7
    >>> data = TextData("mine", list("abcdefg"), words, words, words, num_steps=5)
    >>> data.num_classes, data.steps_per_epoch(batch_size=4)
    (7, 4)
    """

    name: str
    vocabulary: list = dataclasses.field(repr=False)
    train: np.ndarray = dataclasses.field(repr=False)
    validation: np.ndarray = dataclasses.field(repr=False)
    test: np.ndarray = dataclasses.field(repr=False)
    num_steps: int = 20
    test_name: str = "test"
    has_validation = True  # a separate part, whatever `test_batches` serves

    def __post_init__(self):
        """Checks the fields."""
        check_positive("num_steps", self.num_steps)
        if self.test_name not in ("test", "validation"):
            raise ValueError(
                f"test_name must be 'test' or 'validation'. Received: {self.test_name!r}."
            )
        for part in ("train", "validation", "test"):
            words = getattr(self, part)
            if words.ndim != 1 or not len(words):
                raise ValueError(
                    f"{part} must be one sequence of word indices, an array (words,) with at least "
                    f"one. Received shape: {words.shape}."
                )
            if words.min() < 0 or words.max() >= self.num_classes:
                raise ValueError(
                    f"{part} must have word indices 0 .. {self.num_classes - 1}. Received values "
                    f"{words.min()} .. {words.max()}."
                )

    @property
    def num_classes(self) -> int:  # type: ignore[override]
        """Number of words in the vocabulary."""
        return len(self.vocabulary)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one stream's window, `(num_steps,)`."""
        return (self.num_steps,)

    @property
    def num_train(self) -> int:
        """Number of words in the training part."""
        return len(self.train)

    @property
    def num_test(self) -> int:
        """Number of words in the part that `test_batches` serves."""
        return len(getattr(self, self.test_name))

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that identify the data and its preprocessing, as a dict."""
        return {**super().settings, "num_steps": self.num_steps}

    def metrics(self) -> list[keras.metrics.Metric]:
        """Returns the metrics of a language model.

        Returns:
            List of new Keras metrics.
        """
        return [Perplexity()]

    def network_options(self, batch_size: int) -> dict[str, Any]:
        """Returns options for the builder of a network, besides shapes.

        Args:
            batch_size: Streams per batch, fixed by the recurrent state.

        Returns:
            dict.
        """
        return {"batch_size": batch_size}

    def first(self, num_train: int | None = None, num_test: int | None = None) -> Self:
        """Returns a text with only the first words of each part.

        Args:
            num_train: Maximum number of training words. Defaults to all.
            num_test: Maximum number of words in each of the other two parts. Defaults to all.

        Returns:
            A `TextData`.
        """
        return dataclasses.replace(
            self,
            train=self.train[:num_train],
            validation=self.validation[:num_test],
            test=self.test[:num_test],
        )

    def small(self, num_examples: int) -> Self:
        """Returns the first words of each part, 30 per example, see `Dataset.small`."""
        return self.first(30 * num_examples, 30 * num_examples)

    def steps_per_epoch(self, batch_size: int = 20) -> int:
        """Number of whole windows in the training text.

        Args:
            batch_size: Streams per batch. Defaults to 20.

        Returns:
            Int; words after the last whole window are not used in training.
        """
        steps = (self._stream_length("train", batch_size) - 1) // self.num_steps
        if steps < 1:
            raise ValueError(
                f"The training text of {self.name!r} has {self.num_train} words, too few for one "
                f"window of {self.num_steps} in each of {batch_size} streams. Use a smaller "
                "num_steps or batch_size."
            )
        return steps

    def epoch_batches(
        self,
        batch_size: int = 20,
        seed: int = 0,
        epoch: int | tf.Tensor = 0,
        first_step: int | tf.Tensor = 0,
    ) -> tf.data.Dataset:
        """Returns the training batches of one epoch, in the order of the text.

        Args:
            batch_size: Streams per batch. Defaults to 20.
            seed, epoch: Ignored: the order of a text is fixed.
            first_step: Number of batches to skip: an int or an int64 tensor. Defaults to 0.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`.
        """
        del seed, epoch
        steps = self.steps_per_epoch(batch_size)
        words = self.num_steps * steps + 1
        return self._windows("train", batch_size, words, first_step)

    def train_eval_batches(
        self, batch_size: int = 20, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns the training text once, for evaluation.

        Args:
            batch_size: Streams per batch. Defaults to 20.
            num_examples: Number of words to serve, equally from the start of each stream. Defaults
                to all.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`; the last window may be shorter.
        """
        return self._part("train", batch_size, num_examples)

    def batch_norm_data(
        self, batch_size: int = 20, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns the training text once; training does not augment it. Arguments as above."""
        return self.train_eval_batches(batch_size, num_examples)

    def validation_batches(
        self, batch_size: int = 20, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns the validation text once; arguments as for `train_eval_batches`."""
        return self._part("validation", batch_size, num_examples)

    def test_batches(
        self, batch_size: int = 20, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns the test (or validation) text once; arguments as for `train_eval_batches`."""
        return self._part(self.test_name, batch_size, num_examples)

    def _stream_length(self, part, batch_size, num_words=None):
        check_positive("batch_size", batch_size)
        total = len(getattr(self, part))
        num_words = check_num_examples(num_words, total, "words")
        return num_words // batch_size

    def _part(self, part, batch_size, num_words):
        length = self._stream_length(part, batch_size, num_words)
        if length < 2:
            raise ValueError(
                f"Too few words of the {part} text for {batch_size} streams: each needs at least "
                f"two. Received: {num_words or len(getattr(self, part))} words."
            )
        return self._windows(part, batch_size, length)

    def _windows(self, part, batch_size, length, first_step=0):
        """Returns windows of the first `length` words of each stream."""
        full = self._stream_length(part, batch_size)
        with tf.init_scope(), tf.device("CPU:0"):
            words = self._tensors[part][: full * batch_size]
            streams = tf.reshape(words, (batch_size, full))[:, :length]
        last = length - 1

        @tf.autograph.experimental.do_not_convert  # conversion is unnecessary and takes time
        def window(start):
            end = tf.minimum(start + self.num_steps, last)
            return streams[:, start:end], streams[:, start + 1 : end + 1]

        starts = tf.data.Dataset.range(first_step * self.num_steps, last, self.num_steps)
        return starts.map(window, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)

    @functools.cached_property
    def _tensors(self):
        with tf.init_scope(), tf.device("CPU:0"):
            return {
                part: tf.constant(getattr(self, part), "int32")
                for part in ("train", "validation", "test")
            }
