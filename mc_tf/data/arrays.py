"""What data sets that are held in memory have in common."""

import dataclasses

from mc_tf.data.validation import check_positive

__all__ = ["ArrayData"]


class ArrayData:
    """Base of data sets that are dataclasses of arrays `x_train, y_train, x_test, y_test`."""

    def network_options(self, batch_size):
        """What a builder in the registry must know of the data besides its shapes: nothing.

        Args:
            batch_size: Examples a batch.

        Returns:
            An empty dict.
        """
        del batch_size
        return {}

    def statistics_batches(self, batch_size=500, num_examples=None):
        """Training examples once, as training sees them, for statistics of batch normalisation.

        Args:
            batch_size: Examples a batch; the last may be shorter. Defaults to 500.
            num_examples: Serve only the first so many. Defaults to all.

        Returns:
            A finite `tf.data.Dataset` of `(x, y)`.
        """
        return self.train_eval_batches(batch_size, num_examples)

    @property
    def has_validation(self):
        """Whether there are examples to choose by: the test examples were held out of training."""
        return self.test_name != "test"

    @property
    def num_train(self):
        """Number of training examples."""
        return len(self.x_train)

    @property
    def num_test(self):
        """Number of test (or validation) examples."""
        return len(self.x_test)

    def first(self, num_train, num_test):
        """The same data set with its first examples only.

        Args:
            num_train: Number of training examples, at most.
            num_test: Number of test examples, at most.

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

    def steps_per_epoch(self, batch_size=128):
        """Number of training batches an epoch, the short last one included.

        Args:
            batch_size: Examples a batch. Defaults to 128.

        Returns:
            `ceil(num_train / batch_size)`, an int.
        """
        check_positive("batch_size", batch_size)
        return -(-self.num_train // batch_size)
