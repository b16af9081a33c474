"""The members of an ensemble in files, with one in memory at a time."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mc_tf.ensemble.members import read_member
from mc_tf.ensemble.model import Ensemble
from mc_tf.ensemble.outputs import OutputSpec
from mc_tf.typing import PathLike, Tensor

__all__ = ["MemberFiles"]


class MemberFiles:
    """Members in files, read one by one, for `evaluate_members` and `fit_temperature`.

    An `Ensemble` keeps the weights of all members in memory, which is too much for scoring dozens
    of large networks. Each file is read twice: at the start, so that an unsuitable file fails
    early, and for its evaluation.

    Args:
        model: a built Keras model with one output, used only for its forward pass. It is never
            changed.
        files: paths of the members, as for `Ensemble`.
        output: as for `Ensemble`.

    Attributes:
        model, output_spec, output_kind, num_members: as in `Ensemble`.
        temperatures: divisors of the members' logits; initially ones.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if `files` is empty, or a file does not match; the message names the first
            difference.
    """

    def __init__(
        self, model: keras.Model, files: Iterable[PathLike], output: str | OutputSpec | None = None
    ) -> None:
        self._code = Ensemble(model, 1, output)
        self.files = [os.fspath(file) for file in files]
        if not self.files:
            raise ValueError("`files` is empty: an ensemble needs at least one member.")
        self.model, self.output_spec = model, self._code.output_spec
        self.output_kind = self.output_spec.kind
        self.num_members = len(self.files)
        self.temperatures = np.ones(self.num_members, "float32")
        for m in range(self.num_members):
            self._read(m)

    def _read(self, m):
        return read_member(self.model, self.files[m], m)

    def member_numbers(self, m: int) -> list[Tensor]:
        """Returns all values of one member, like `Ensemble.member_numbers(m)`.

        Args:
            m: index of the member, from 0.

        Returns:
            List of tensors: the weights `(P,)`, then the state.
        """
        snapshot, ours = self._read(m), self._code.member_numbers(0)
        values = [snapshot.weights, *snapshot.state]
        return [ops.convert_to_tensor(new, own.dtype) for new, own in zip(values, ours)]

    def run_member(self, numbers: Sequence[Tensor], inputs: Any) -> Tensor:
        """Runs the network with one member's values: see `Ensemble.run_member`."""
        return self._code.run_member(numbers, inputs)
