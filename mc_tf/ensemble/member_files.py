"""The members of an ensemble in files, of which one is in memory at a time."""

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
    """What `evaluate_members` and `fit_temperature` need of an ensemble, read member by member.

    An `Ensemble` holds the weights of all members: right for serving, too much where dozens of
    large networks are only scored. Each file is read once at the beginning, so that one that does
    not fit is refused before any work, and once when its turn comes.

    Args:
        model: a built Keras model with one output: the code that runs. It is never changed.
        files: paths of the members, as for `Ensemble`.
        output: as for `Ensemble`.

    Attributes:
        model, output_spec, output_kind, num_members: as of `Ensemble`.
        temperatures: what the members' logits are divided by; ones at first.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if there is none, or one does not fit, naming it and the first difference.
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
        """All numbers of one member, as `Ensemble.member_numbers(m)` returns them.

        Args:
            m: which member, from 0.

        Returns:
            List of tensors: the weights `(P,)`, then the state.
        """
        snapshot, ours = self._read(m), self._code.member_numbers(0)
        values = [snapshot.weights, *snapshot.state]
        return [ops.convert_to_tensor(new, own.dtype) for new, own in zip(values, ours)]

    def run_member(self, numbers: Sequence[Tensor], inputs: Any) -> Tensor:
        """The network's outputs with one member's numbers: see `Ensemble.run_member`."""
        return self._code.run_member(numbers, inputs)
