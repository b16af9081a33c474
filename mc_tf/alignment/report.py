"""What an alignment did."""

import dataclasses
from collections.abc import Callable
from functools import cached_property

import keras
import numpy as np

from mc_tf.arguments import check_network
from mc_tf.weights.compatibility import check_same_architecture
from mc_tf.weights.flat import FlatLayout
from mc_tf.weights.network_code import clone_network
from mc_tf.weights.preprocessing import refresh

__all__ = ["Alignment", "UnitGroup"]


@dataclasses.dataclass(frozen=True)
class UnitGroup:
    """Units that are permuted together.

    Attributes:
        weights: paths of the weights that have an axis with these units.
        size: number of units.
        order: integer array `(size,)`: unit `i` of the aligned network is unit `order[i]` of the
            second. `(k, size)` for units within each of `k` others, such as heads.
    """

    weights: list[str]
    size: int
    order: np.ndarray

    @property
    def moved(self) -> int:
        """Number of units that are elsewhere now."""
        return int((self.order != np.arange(self.size)).sum())


class Alignment:
    """A network with its units in the order of another's, as `mc_tf.align` returns it.

    Attributes:
        groups: list of `UnitGroup`.
        fixed: dict from a reason to the axes that stay for it, such as `"dense/kernel, axis 0"`.
            Axes of the network's inputs and outputs, and positions, are left out.
        share: share of the trainable weights that lie along units which may be permuted.
        distance_before, distance_after: Euclidean distance of the trainable weights.
    """

    groups: list[UnitGroup]
    fixed: dict[str, list[str]]
    share: float
    distance_before: float
    distance_after: float

    def __init__(
        self,
        network: keras.Model,
        variables: Callable[[keras.Model], list[keras.Variable]],
        values: list[np.ndarray],
        groups: list[UnitGroup],
        fixed: dict[str, list[str]],
        share: float,
        distances: tuple[float, float],
    ) -> None:
        self._network, self._variables, self._values = network, variables, values
        self.groups, self.fixed, self.share = groups, fixed, share
        self.distance_before, self.distance_after = distances

    @property
    def moved(self) -> int:
        """Number of units that are elsewhere now, of all groups."""
        return sum(group.moved for group in self.groups)

    @cached_property
    def model(self) -> keras.Model:
        """The aligned network: a copy of the second, with equal outputs.

        Raises:
            ValueError: if Keras cannot copy the network; use `write_to` then.
        """
        otherwise = "pass a built instance: `alignment.write_to(another_instance)`"
        return self.write_to(clone_network(self._network, otherwise))

    def write_to(self, model: keras.Model) -> keras.Model:
        """Writes the aligned weights to a model of the same architecture.

        Args:
            model: built Keras model.

        Returns:
            The model.

        Raises:
            ValueError: if it is not built or of another architecture.
        """
        check_network("model", model)
        check_same_architecture(self._network, model, ("second", "model"))
        for variable, value in zip(self._variables(model), self._values, strict=True):
            variable.assign(value)
        refresh(model)
        return model

    def flat_weights(self) -> np.ndarray:
        """The aligned trainable weights as a vector `(P,)`, in the order of the model's."""
        trainable = self._values[: len(self._network.trainable_variables)]
        return FlatLayout(self._network.trainable_variables).pack(trainable)

    def __repr__(self):
        units = sum(int(np.size(group.order)) for group in self.groups)
        held = f", {sum(map(len, self.fixed.values()))} axes fixed" if self.fixed else ""
        return (
            f"<Alignment: {self.moved} of {units} units in {len(self.groups)} groups moved, "
            f"distance {self.distance_before:.4g} -> {self.distance_after:.4g}, "
            f"{self.share:.0%} of the weights can be permuted{held}>"
        )
