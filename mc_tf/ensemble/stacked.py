"""The values of many networks of one architecture, stacked in one Keras model."""

import dataclasses
import numbers
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import keras
import numpy as np
from keras import ops

from mc_tf.backend import ops as backend
from mc_tf.ensemble.members import Member, check_network, read_members
from mc_tf.storage.sealed_models import SealedFiles
from mc_tf.storage.snapshots import Snapshot, take_snapshot
from mc_tf.typing import ArrayLike, Config, Tensor
from mc_tf.weights.compatibility import check_same_architecture
from mc_tf.weights.network_code import clone_network, network_config, revive_parts
from mc_tf.weights.preprocessing import check_saved_whole
from mc_tf.weights.stateless import StatelessLayer

__all__ = ["StackedModel"]

_Model = TypeVar("_Model", bound=keras.Model)
_Result = TypeVar("_Result")


class StackedModel(SealedFiles, keras.Model):
    """A network, and the values of its `M` members in stacked variables.

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
        """The network, used only for its forward pass; its own weights are ignored."""
        return self._code.layer

    def __dir__(self):
        # Keras saves all attributes listed here. The network's own weights are not saved.
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
        """Divisors of the members' logits, float32 `(M,)`; can be assigned."""
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
        """Returns the values of one member.

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
        """Returns one member as an ordinary Keras model with its own weights.

        Args:
            m: which member, from 0; negative numbers count from the end.

        Returns:
            `keras.Model`: a clone of the network.

        Raises:
            ValueError: if Keras cannot copy the network: then use `assign_member`.
        """
        otherwise = "pass a built instance: `ensemble.assign_member(m, into=another_instance)`"
        return self.assign_member(m, clone_network(self.model, otherwise))

    def assign_member(self, m: int, into: _Model) -> _Model:
        """Assigns the values of one member to a model.

        Args:
            m: which member, from 0; negative numbers count from the end.
            into: built Keras model of the same architecture; can be `ensemble.model`.

        Returns:
            `into`.

        Raises:
            ValueError: if `into` does not match; the message names the first difference.
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
        """Returns all values of the members: weights `(M, P)`, then the state `(M, ...)`.

        Args:
            m: index of one member, which drops the first axis. Default: all members.

        Returns:
            List of tensors.
        """
        values = [backend.read(v) for v in (self._members, *self._member_state)]
        return values if m is None else [value[self._index(m)] for value in values]

    def run_code(self, function: Callable[[], _Result], numbers: Sequence[Tensor]) -> _Result:
        """Calls a function while the network uses one member's values.

        Args:
            function: function without arguments that uses `model`.
            numbers: list of tensors, as from `member_numbers(m)`.

        Returns:
            The result of the function. State updates and added losses of the network are dropped.
        """
        weights = self._code.layout.unpack(numbers[0])
        outputs, _, _ = self._code.run(function, weights, numbers[1:])
        return outputs

    def state_of(self, variable: keras.Variable) -> keras.Variable:
        """Returns the stacked variable `(M, ...)` of one of the network's state variables.

        Args:
            variable: a non-trainable variable of `model`, such as a moving mean.

        Returns:
            `keras.Variable`.
        """
        return next(v for own, v in zip(self._code.state, self._member_state) if own is variable)

    # Serialization.

    def get_config(self) -> Config:
        """Returns the constructor arguments without weights, which Keras saves separately."""
        check_saved_whole(self.model)
        again = (
            "create an ensemble with the same number of members (`Ensemble(model, members=M)`) "
            "before `load_weights`"
        )
        network = network_config(self.model, again)
        return {**super().get_config(), "model": network, "members": self.num_members}

    @classmethod
    def from_config(cls, config: Config) -> Self:  # type: ignore[override]
        """Creates an ensemble from its config."""
        return cls(**revive_parts(config, "model", "dtype"))
