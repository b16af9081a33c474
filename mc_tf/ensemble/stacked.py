"""The numbers of many networks of one architecture, held by one Keras model."""

import dataclasses
import numbers
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from mc_tf.backend import ops as backend
from mc_tf.ensemble.members import Member, check_network, read_members
from mc_tf.storage.sealed_models import SealedFiles
from mc_tf.storage.snapshots import Snapshot, take_snapshot
from mc_tf.typing import Config, Tensor
from mc_tf.weights.compatibility import check_same_architecture
from mc_tf.weights.network_code import clone_network, network_config, revive_parts
from mc_tf.weights.preprocessing import check_saved_whole
from mc_tf.weights.stateless import StatelessLayer

__all__ = ["StackedModel"]

_Model = TypeVar("_Model", bound=keras.Model)
_Result = TypeVar("_Result")


class StackedModel(SealedFiles, keras.Model):
    """A network as code, and the numbers of its `M` members in stacked variables.

    Args:
        model, members, temperatures, **kwargs: see `Ensemble`.
    """

    _one_network = "`ensemble.member(m)`"

    def __init__(
        self,
        model: keras.Model,
        members: int | Member | Sequence[Member],
        temperatures: ArrayLike | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        kwargs["autocast"] = False
        super().__init__(**kwargs)
        check_network(model)
        self._code = StatelessLayer(model)
        self.supports_jit = self._code.supports_jit
        self._code.bind()
        snapshots = read_members(model, members)
        dtype = self._code.layout.dtype
        rows = np.stack([s.weights.astype(dtype) for s in snapshots])
        self._members = self._new_variable("members", rows, dtype)
        self._member_state = [
            self._new_variable(v.path.replace("/", "_"), np.stack(values), v.dtype)
            for v, *values in zip(self._code.state, *(s.state for s in snapshots))
        ]
        self._temperatures = self._new_variable("temperatures", np.ones(len(snapshots)), "float32")
        if temperatures is not None:
            self.temperatures = temperatures
        self.built = True

    def _new_variable(self, name, value, dtype):
        # Through numpy: on JAX a shared buffer would be donated and deleted.
        return self.add_weight(
            name=name,
            shape=value.shape,
            dtype=dtype,
            initializer=lambda shape, dtype: ops.convert_to_tensor(np.array(value), dtype=dtype),
            trainable=False,
            autocast=False,
        )

    @property
    def model(self) -> keras.Model:
        """The network: code only, its weights take no part."""
        return self._code.layer

    def __dir__(self):
        # Keras saves what it finds here: the network's own weights are not ours to save.
        return [name for name in super().__dir__() if name not in ("model", "members")]

    @property
    def num_members(self) -> int:
        """`M`, the number of members."""
        return self._members.shape[0]

    @property
    def members(self) -> np.ndarray:
        """The weights of all members, a numpy array of shape `(M, P)`."""
        return np.array(ops.convert_to_numpy(self._members))

    @property
    def temperatures(self) -> np.ndarray:
        """What the members' logits are divided by, float32 `(M,)`; assign it to change them."""
        return np.array(ops.convert_to_numpy(self._temperatures))

    @temperatures.setter
    def temperatures(self, value: ArrayLike) -> None:
        value = np.asarray(value, "float32")
        if value.shape != (self.num_members,) or not (np.isfinite(value) & (value > 0)).all():
            raise ValueError(
                f"`temperatures` must be {self.num_members} positive numbers, one for each "
                f"member. Received: {np.array2string(value, threshold=10)}"
            )
        self._temperatures.assign(value)

    def snapshot(self, m: int) -> Snapshot:
        """The numbers of one member.

        Args:
            m: which member, from 0; negative numbers count from the end.

        Returns:
            `Snapshot`.
        """
        m = self._index(m)
        return dataclasses.replace(
            take_snapshot(self.model),
            weights=np.array(ops.convert_to_numpy(self._members[m])),
            state=[np.array(ops.convert_to_numpy(v[m])) for v in self._member_state],
            record={"member": m},
        )

    def member(self, m: int) -> keras.Model:
        """One member as an ordinary Keras model with weights of its own.

        Args:
            m: which member, from 0; negative numbers count from the end.

        Returns:
            `keras.Model`: a clone of the network.

        Raises:
            ValueError: if Keras cannot copy the network: then use `assign_member`.
        """
        otherwise = "give a built instance: `ensemble.assign_member(m, into=another_instance)`"
        return self.assign_member(m, clone_network(self.model, otherwise))

    def assign_member(self, m: int, into: _Model) -> _Model:
        """Gives a model the numbers of one member.

        Args:
            m: which member, from 0; negative numbers count from the end.
            into: built Keras model of the same architecture; `ensemble.model` if you want it.

        Returns:
            `into`.

        Raises:
            ValueError: if `into` does not match, naming the first difference.
        """
        check_same_architecture(self.model, into, ("ensemble", "into"))
        self.snapshot(m).assign_to(into)
        return into

    def _index(self, m):
        if not isinstance(m, numbers.Integral) or not -self.num_members <= m < self.num_members:
            raise ValueError(
                f"This ensemble has members 0 to {self.num_members - 1}. Received: {m!r}"
            )
        return int(m) % self.num_members

    def member_numbers(self, m: int | None = None) -> list[Tensor]:
        """All numbers of the members as tensors: weights `(M, P)`, then the state's `(M, ...)`.

        Args:
            m: one member, without the first axis. Default: all.

        Returns:
            List of tensors.
        """
        values = [backend.read(v) for v in (self._members, *self._member_state)]
        return values if m is None else [value[self._index(m)] for value in values]

    def run_code(self, function: Callable[[], _Result], numbers: Sequence[Tensor]) -> _Result:
        """Calls a function while the network reads one member's numbers.

        Args:
            function: function without arguments that uses `model`.
            numbers: list of tensors, as from `member_numbers(m)`.

        Returns:
            What the function returned; what the network updates or adds as a loss is left out.
        """
        weights = self._code.layout.unpack(numbers[0])
        outputs, _, _ = self._code.run(function, weights, numbers[1:])
        return outputs

    def state_of(self, variable: keras.Variable) -> keras.Variable:
        """The stacked variable `(M, ...)` that stands for one of the network's state variables.

        Args:
            variable: a non-trainable variable of `model`, such as a moving mean.

        Returns:
            `keras.Variable`.
        """
        return next(v for own, v in zip(self._code.state, self._member_state) if own is variable)

    # As any Keras model.

    def get_config(self) -> Config:
        """Arguments that make an equal model, numbers excepted: Keras saves them apart."""
        check_saved_whole(self.model)
        again = (
            "make an ensemble of as many members again (`Ensemble(model, members=M)`) before "
            "`load_weights`"
        )
        network = network_config(self.model, again)
        return {**super().get_config(), "model": network, "members": self.num_members}

    @classmethod
    def from_config(cls, config: Config) -> Self:  # type: ignore[override]
        """Makes the model that `get_config` described."""
        return cls(**revive_parts(config, "model", "dtype"))
