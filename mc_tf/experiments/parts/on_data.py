"""A data set to evaluate networks on: what all evaluations share."""

import dataclasses
from typing import Any

from mc_tf.models import CurveModel
from mc_tf.training.networks import announcement, check_fits, compile_for, fixed_batch_size


@dataclasses.dataclass(frozen=True)
class OnData:
    """A data set, how many of its first examples to use (default: all), and how to pass over it.

    With `verbose=1` each evaluation has a description and a progress bar.
    """

    data: Any
    batch_size: int = 500
    num_train: int | None = None
    num_test: int | None = None
    verbose: int = 1

    @property
    def about(self):
        """Settings of the data, with the number of training examples in use."""
        return {**self.data.settings, "train_examples": self.num_train or self.data.num_train}

    def train(self):
        """Training examples in a fixed order."""
        return self.data.train_eval_batches(self.batch_size, num_examples=self.num_train)

    def test(self):
        """Test (or held-out) examples."""
        return self.data.test_batches(self.batch_size, num_examples=self.num_test)

    def batch_norm_data(self):
        """Training examples for batch normalization statistics."""
        return self.data.batch_norm_data(self.batch_size, num_examples=self.num_train)

    def check(self, network):
        """Rejects a network or curve that does not fit the data."""
        check_fits(network.network if isinstance(network, CurveModel) else network, self.data)

    def announce(self, network, path):
        """Describes an evaluation that writes `PATH.npz`, after `check`."""
        self.check(network)
        if self.verbose:
            print(announcement(network, self.data, path and f"{path}.npz"), flush=True)

    def compiled(self, network):
        """Compiles a network or curve; returns its own fixed batch size instead of this one."""
        self.check(network)
        compile_for(network, self.data)
        size = fixed_batch_size(network) or self.batch_size
        return dataclasses.replace(self, batch_size=size)

    def arguments(self, network, path, **description):
        """Returns arguments of `evaluate_curve` and `evaluate_grid`, from a compiled network."""
        tested = {"test_examples": self.num_test or self.data.num_test}
        return {
            "train": self.train(),
            "test": self.test(),
            "batch_norm_data": self.batch_norm_data(),
            "path": path,
            "description": {**self.about, **description, **tested},
            "verbose": self.verbose and announcement(network, self.data, f"{path}.npz"),
        }
